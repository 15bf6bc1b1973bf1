"""What Trueline makes of the replies that have a fault: each reply goes through it once, and is judged again behind it.

The words come from what happened to these very replies, not from what the catalogue says of the fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from ..faults import FAULTS
from ..mint import Mint
from .judging import CUT_SHORT, examine
from .mend import Mended, mend
from .model import Exchange, Probe
from .refusals import honest_failure

__all__ = ["CURED", "Behind", "Fate", "Trueline", "outcome"]

Fate = Literal["mended", "refused", "ended", "counted", "passed"]
CURED: frozenset[Fate] = frozenset({"mended", "refused", "ended"})
"""The reply that leaves no longer has the fault."""

_ALL: Mapping[Fate, str] = {
    "mended": "mended: the client gets the exact form",
    "refused": "an honest OpenAI error{status} leaves in its place",
    "ended": "what came leaves, and then an honest OpenAI error",
    "counted": "counted, and passed on as it is",
    "passed": "passed on as it is",
}
_SOME: Mapping[Fate, str] = {
    "mended": "mended in {count}",
    "refused": "refused with an honest OpenAI error{status} in {count}",
    "ended": "ended with an honest OpenAI error in {count}",
    "counted": "counted and passed on as it is in {count}",
    "passed": "passed on as it is in {count}",
}
_SETTING = ", unless a setting asks for more"
_OF_ENDS = CUT_SHORT | {"abrupt-reset", "stalled"}
"""What an honest error at the end of a stream answers; what came before it is mended by itself."""


class Behind(NamedTuple):
    """What Trueline makes of a reply."""

    mended: Mended
    headers: dict[str, str]
    cured: frozenset[str]
    """Names of issues that the reply as it leaves no longer has."""
    refused: bool
    """An error's status and body leave in its place."""
    ended: bool
    """A stream leaves that ends in an error, which it did not when it came."""

    def fate(self, name: str) -> Fate:
        """What became of an issue of this reply."""
        if name in self.cured:
            return "refused" if self.refused else "ended" if self.ended and name in _OF_ENDS else "mended"
        return "counted" if name in self.mended.faults else "passed"


class Trueline:
    """Takes replies through Trueline and judges them in the same way behind it, each of them once."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._known: dict[int, Behind] = {}

    def behind(self, exchange: Exchange, probe: Probe) -> Behind:
        """What becomes of a reply."""
        key = id(exchange)
        if key not in self._known:
            self._known[key] = self._take(exchange, probe)
        return self._known[key]

    def _take(self, exchange: Exchange, probe: Probe) -> Behind:
        mended = mend(exchange, self._mint)
        headers = _headers_behind(exchange, mended)
        if not mended.done:
            return Behind(mended, headers, frozenset(), refused=False, ended=False)
        after = replace(exchange, body=mended.body, status=mended.status, headers=headers, failure="", tolerated=())
        _, was = examine(probe, exchange, self._mint)
        _, still = examine(probe, after, self._mint)
        cured = frozenset({each.name for each in was} - {each.name for each in still})
        ended = bool(honest_failure(after)) and not honest_failure(exchange)
        return Behind(mended, headers, cured, mended.status >= 400 and exchange.answered, ended)


def _headers_behind(exchange: Exchange, mended: Mended) -> dict[str, str]:
    """The headers that Trueline would send."""
    stream = exchange.streaming and mended.status < 400
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    return {**exchange.headers, "content-type": kind, "x-request-id": "req_trueline"}


def outcome(name: str, replies: Iterable[Behind]) -> tuple[str, Counter[Fate]]:
    """What became of a fault in all replies that have it, as one clause; and in how many it was what."""
    each = [(behind.fate(name), behind.mended.status) for behind in replies]
    fates = Counter(fate for fate, _ in each)
    statuses = {status for fate, status in each if fate == "refused"}
    status = f" ({statuses.pop()})" if len(statuses) == 1 else ""
    if len(fates) == 1:
        text = _ALL[next(iter(fates))].format(status=status)
    else:
        text = ", ".join(words.format(count=fates[fate], status=status) for fate, words in _SOME.items() if fates[fate])
    known = FAULTS.get(name)
    asks = known is not None and known.action == "option" and not fates.keys() <= CURED
    return text + (_SETTING if asks else ""), fates
