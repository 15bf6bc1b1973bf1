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
from .clients import broken_by
from .mend import Mended, mend
from .model import Check, Exchange, Issue, Level, Probe
from .refusals import Standing, expected, honest_failure, standing

__all__ = ["CUT_SHORT", "examine", "issues_of"]

_CUT = "abrupt-reset"
CUT_SHORT = frozenset(
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
"""What a reply cannot help that ends in an honest error, or in a broken connection."""
_TRUNCATED = "eof-truncated"
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
        # Clients act on the status of an error, not on the word for it.
        "err-type",
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


def examine(probe: Probe, exchange: Exchange, mint: Mint) -> tuple[Standing, list[Issue]]:
    """How an exchange of a probe stands, and everything that is wrong with it."""
    if probe.expect is not None:
        stands = expected(exchange, probe.expect, probe.feature)
    else:
        stands = standing(exchange, probe.feature)
    issues, _ = issues_of(exchange, probe.checks if probe.expect is None else (), mint)
    names = {issue.name for issue in issues}
    return stands, [*issues, *(issue for issue in stands.issues if issue.name not in names)]


def issues_of(exchange: Exchange, checks: Iterable[Check], mint: Mint) -> tuple[list[Issue], Mended]:
    """Everything that is wrong with a reply, each kind once; and what Trueline makes of it."""
    mended = mend(exchange, mint)
    if exchange.failure == "dropped":
        return [], mended
    failed = exchange.failure in ("cut", "timeout")
    excused = CUT_SHORT if honest_failure(exchange) else CUT_SHORT - {_TRUNCATED} if failed else frozenset()
    found: dict[str, Issue] = {}
    meaning = () if excused else _meaning(exchange, checks)
    for issue in (*_forms(exchange), *_transport(exchange), *meaning, *_noted(mended)):
        if issue.name not in found and issue.name not in excused:
            found[issue.name] = _levelled(issue)
    return list(found.values()), mended


def _levelled(issue: Issue) -> Issue:
    known = FAULTS.get(issue.name)
    if issue.name in _REMARKS or (known is not None and known.severity == "legal"):
        return replace(issue, level="legal")
    if issue.level == "exact" and known is not None and known.severity == "must" and broken_by(issue.name):
        return replace(issue, level="must")  # no official client breaks on it, but others are known to
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


_THE_JUDGES = frozenset({"content-null-first-delta", "img-url-private"})
"""What the engine notes before it knows how the reply goes on, or without knowing who asked: the judge says whether it
is a fault."""


def _noted(mended: Mended) -> Iterator[Issue]:
    """What the engine noted while it mended the reply."""
    for fault, count in mended.faults.items():
        if fault not in _THE_JUDGES:
            yield _by_name(fault, count)


def _by_name(fault: str, count: int) -> Issue:
    known, row = FAULTS.get(fault), ROWS.get(fault)
    level: Level = row.level if row else known.severity if known else "exact"
    text = row.what if row else known.line if known else fault
    return Issue(level, fault, text, row.openai if row else "", row.rule if row else "", count=count)
