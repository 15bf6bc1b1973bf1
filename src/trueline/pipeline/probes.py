"""Values that stand in for those of a reply while what becomes of it is learned: unlike what servers say."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .skeleton import CHAT_ID, NAME, NUMBER, OTHER_ID, TEXT, Slot

__all__ = ["FIRST", "SECOND", "Probe", "ProbeMint"]

_SIZES: Final = {
    "prompt_tokens": 4,
    "completion_tokens": 3,
    "cached_tokens": 2,
    "prompt_cache_hit_tokens": 2,
    "reasoning_tokens": 1,
}
"""How large one count is against another: no part is larger than its whole."""


class Probe(NamedTuple):
    """One set of values, and the request that they answer."""

    word: str
    unit: int
    messages: list[dict[str, Any]]

    def token(self, number: int, slot: Slot) -> bytes:
        """What stands in this slot, the `number`th."""
        name = str(slot.path[-1])
        if slot.path[0] == "usage" and slot.pattern is NUMBER:
            if name == "total_tokens":
                return b"%d" % (self._count("prompt_tokens") + self._count("completion_tokens"))
            return b"%d" % self._count(name)
        if slot.pattern is TEXT:
            return b'"%s %d says so."' % (self.word.encode(), number)
        if slot.pattern is CHAT_ID:
            return b'"chatcmpl-%s-%d"' % (self.word.encode(), number)
        if slot.pattern is NAME or slot.pattern is OTHER_ID:
            return b'"%s-%d"' % (self.word.encode(), number)
        return b"%d" % (self.unit * 11 + 13 + number * 17)

    def total(self, slots: tuple[Slot, ...]) -> bytes:
        """The sum of the counts, if there are any."""
        counted = any(slot.path == ("usage", "prompt_tokens") for slot in slots)
        return b"%d" % (self._count("prompt_tokens") + self._count("completion_tokens")) if counted else b""

    def _count(self, name: str) -> int:
        return self.unit * _SIZES[name] + len(name)


FIRST: Final = Probe("Xq7Probe", 1299709, [{"role": "user", "content": "Who is it?"}])
SECOND: Final = Probe("Another~one", 104729, [{"role": "user", "content": "And who is it now? " * 40}])


class ProbeMint:
    """Gives ids and times that are known again, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def now(self) -> int:
        """See Mint."""
        self.asked.append(0)
        return 1_987_654_000 + len(self.asked)

    def token(self, n: int) -> str:
        """See Mint."""
        self.asked.append(n)
        return f"{len(self.asked)}m".rjust(n, "Z")
