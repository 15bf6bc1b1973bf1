"""Which checks of a reply an upstream has made superfluous: those of what it is known, or was seen, to keep.

Only the limit of tokens is learned: counting is what costs, and that an upstream cut a reply itself is proof.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ..context import Enforce, FormatOptions
from ..repairs.limits.asked import limit_of

__all__ = ["AGAIN", "PROOFS", "Conduct"]

PROOFS: Final = 20
"""So many replies in a row that reached their limit and kept it make an upstream trusted with the next ones."""
AGAIN: Final = 50
"""One of so many is looked at all the same."""
_MOST = 1000
"""Models, whose names clients choose."""

_ASKED: Final = frozenset(
    ("stop", "max_tokens", "max_completion_tokens", "response_format", "tool_choice", "function_call", "logprobs")
)
_CHECKS: Final = ("max_tokens", "stop", "logprobs", "response_format", "tool_choice")
_TOO_LONG: Final = "max_completion_tokens-ignored"

Key = tuple[str, str | None]


class _Record:
    """What was seen of one model of an upstream."""

    __slots__ = ("proofs", "trusted")

    def __init__(self) -> None:
        self.proofs = 0
        self.trusted = 0
        """Replies that were not looked at since the last one that was."""


class Conduct:
    """By upstream and model: `settled` options for a request, and `learn` from its reply."""

    def __init__(self) -> None:
        self._records: dict[Key, _Record] = {}
        self.trusts = False
        """Some upstream has been seen to keep its limits for long."""
        self._settled: dict[tuple[FormatOptions, frozenset[str]], FormatOptions] = {}

    def settled(
        self, options: FormatOptions, body: dict[str, Any], keeps: frozenset[str], upstream: str, model: str | None
    ) -> FormatOptions:
        """The options for a request: `auto` becomes `off` for what the upstream keeps."""
        if _ASKED.isdisjoint(body):
            return options
        if self._trusts((upstream, model)):
            keeps |= {"max_tokens"}
        if not keeps:
            return options
        key = (options, keeps)
        found = self._settled.get(key)
        if found is None:
            if len(self._settled) >= _MOST:
                self._settled.clear()
            found = self._settled[key] = _without(options, keeps)
        return found

    def _trusts(self, key: Key) -> bool:
        record = self._records.get(key)
        if record is None or record.proofs < PROOFS:
            return False
        record.trusted = (record.trusted + 1) % AGAIN
        return record.trusted != 0

    def learn(self, upstream: str | None, model: str | None, kept: bool, faults: dict[str, int]) -> None:
        """A reply has ended: its limit was kept where it was reached (`kept`), or not."""
        if upstream is None or not (kept or _TOO_LONG in faults):
            return
        key = (upstream, model)
        record = self._records.get(key)
        if record is None:
            if len(self._records) >= _MOST:
                del self._records[next(iter(self._records))]
            record = self._records[key] = _Record()
        record.proofs = 0 if _TOO_LONG in faults else min(record.proofs + 1, PROOFS)
        self.trusts = self.trusts or record.proofs >= PROOFS

    def hear(self, upstream: str | None, model: str | None, completion: int, request: Any) -> None:
        """A reply has ended and says how many tokens it has: more than were asked for end the trust at once."""
        record = self._records.get((upstream, model)) if upstream is not None else None
        if record is None or record.proofs < PROOFS or request is None:
            return
        limit = limit_of(request.body)
        if limit is not None and completion > limit * request.n:
            record.proofs = 0


def _without(options: FormatOptions, keeps: frozenset[str]) -> FormatOptions:
    enforce: Enforce = options.enforce
    kept = {name: "off" for name in _CHECKS if name in keeps and getattr(enforce, name) == "auto"}
    if not kept:
        return options
    return msgspec.structs.replace(options, enforce=msgspec.structs.replace(enforce, **kept))
