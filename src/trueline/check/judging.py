"""Judges one exchange: the judge of forms, the faults that the engine notes, and the checks of the probe, as one list.

The same deviation is often seen by all three.  The judge comes first, since it knows the place; then the checks; what
the engine alone has noted is added by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .. import judge
from ..faults import FAULTS
from ..judge.rows import ROWS
from ..mint import Mint
from .checks import false_length
from .mend import Mended, mend
from .model import Check, Exchange, Issue, Level
from .refusals import honest_failure

__all__ = ["issues_of"]

_CUT = "abrupt-reset"
_CUT_SHORT = frozenset(
    {
        "completions-finish",
        "done-missing",
        "eof-truncated",
        "err-mid-stream",
        "finish-missing",
        "json-mode-broken",
        "n-finish-shared",
        "n-ignored",
        "tool-args-empty",
        "tool-args-invalid-json",
        "tool-name-never",
        "usage-missing-stream",
    }
)
"""What a stream that ends in an honest error cannot help."""
_OF_HEADERS = frozenset({"ctype-missing", "ctype-charset", "headers-lost"})
"""What cannot be said of a recording without headers."""
_REMARKS = frozenset(
    {
        # OpenAI does it, and its schema asks nobody for it.
        "annotations-key-missing",
        "completions-id",
        "first-refusal-missing",
        "id-prefix-wrong",
        "img-fields-missing",
        "obfuscation-length",
        "obfuscation-missing",
        "service-tier-missing",
        "tool-id-format",
        "usage-details-missing",
        # A server says more than OpenAI, or says it in larger or smaller pieces.
        "content-filter-results",
        "huge-line",
        "one-char-chunks",
        "whitespace-around",
        # It is not supported, and the report says so elsewhere.
        "img-response-format-rejected",
        "models-endpoint-404",
        "usage-flag-rejected",
    }
)


def issues_of(exchange: Exchange, checks: Iterable[Check], mint: Mint) -> tuple[list[Issue], Mended]:
    """Everything that is wrong with a reply, each kind once; and what Trueline makes of it."""
    mended = mend(exchange, mint)
    if exchange.failure == "dropped":
        return [], mended
    honest = bool(honest_failure(exchange))
    found: dict[str, Issue] = {}
    meaning = () if honest else _meaning(exchange, checks)
    for issue in (*_forms(exchange), *_transport(exchange), *meaning, *_noted(mended)):
        if issue.name not in found and not (honest and issue.name in _CUT_SHORT):
            found[issue.name] = _levelled(issue)
    return list(found.values()), mended


def _levelled(issue: Issue) -> Issue:
    known = FAULTS.get(issue.name)
    if issue.name in _REMARKS or (known is not None and known.severity == "legal"):
        return replace(issue, level="legal")
    return issue


def _forms(exchange: Exchange) -> Iterator[Issue]:
    """What the judge says of the body and its headers."""
    for finding in _findings(exchange):
        if finding.key == "img-url-private" and f"//{exchange.origin.rpartition(':')[0]}:" in finding.excerpt:
            continue  # it is the server itself that is private, and whoever asks it reaches it
        yield Issue(
            finding.level,
            finding.fault or finding.key,
            finding.what,
            finding.openai,
            finding.rule,
            finding.where,
            finding.excerpt,
            finding.count,
        )


def _findings(exchange: Exchange) -> list[judge.Finding]:
    if not exchange.answered and exchange.status < 400:
        return []
    found = judge.judge_exchange(
        exchange.path, exchange.request, exchange.status, exchange.headers, exchange.body, extras="allow"
    )
    return found if exchange.headers else [finding for finding in found if finding.key not in _OF_HEADERS]


def _transport(exchange: Exchange) -> Iterator[Issue]:
    """What HTTP itself shows."""
    for fault in exchange.tolerated:
        yield _by_name(fault, 1)
    if exchange.failure == "cut":
        yield Issue.of("must", _CUT, f"the connection breaks in the middle of the reply: {exchange.why}")
    if exchange.failure == "timeout":
        yield Issue.of("must", "stalled", f"the reply began and did not end: {exchange.why}")
    if exchange.body[:1].isspace() and not exchange.heard.streamed:
        yield Issue.of("legal", "leading-blank-lines", "blank lines come before the JSON")


def _meaning(exchange: Exchange, checks: Iterable[Check]) -> Iterator[Issue]:
    if not exchange.answered:
        return
    for check in checks:
        yield from check(exchange)
    if exchange.endpoint == "chat":
        yield from false_length(exchange)


def _noted(mended: Mended) -> Iterator[Issue]:
    """What the engine noted while it mended the reply."""
    for fault, count in mended.faults.items():
        yield _by_name(fault, count)


def _by_name(fault: str, count: int) -> Issue:
    known, row = FAULTS.get(fault), ROWS.get(fault)
    level: Level = row.level if row else known.severity if known else "exact"
    text = row.what if row else known.line if known else fault
    return Issue(level, fault, text, row.openai if row else "", row.rule if row else "", count=count)
