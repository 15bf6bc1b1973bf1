"""Stop strings in a text that comes in pieces."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Stops", "Taken", "stops_for"]


_FEW = 32
"""Beginnings of stop strings up to which each is looked for by itself."""


class Taken(NamedTuple):
    """What becomes of a piece, behind what was held of the text before it."""

    out: int
    """So many characters of both leave; the others are held, or follow a stop string."""
    rest: int | None
    """Characters that follow a stop string; None: none was found."""


class Stops:
    """Looks for the stop string that is complete first; of two that end at the same place, the longer one.

    So it makes no difference how the text came in.  The text that is held is the longest end that may begin one.
    """

    __slots__ = ("_beginnings", "_firsts", "_longest", "_sorted", "lasts", "marks", "words")

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.words = stops
        self._sorted = sorted(stops)
        self._firsts = frozenset(stop[0] for stop in stops)
        self.lasts = frozenset(character for stop in stops for character in stop[:-1])
        """No beginning of a stop string ends with another character."""
        one, *others = self._firsts
        self.marks = (one, others[0] if others else one) if len(others) <= 1 else ("", "")
        """A text with neither of these holds no stop string, nor a beginning of one."""
        self._longest = max(map(len, stops))
        few = sum(map(len, stops)) <= _FEW + len(stops)
        beginnings = {stop[:at] for stop in stops for at in range(1, len(stop))} if few else ()
        self._beginnings = sorted(beginnings, key=len, reverse=True)
        """Where they are few, the longest ones first."""

    def passes(self, text: str) -> bool:
        """Whether no stop string stands in this text, nor begins at its end."""
        return text[-1:] not in self.lasts and self.find(text) is None

    def take(self, text: str) -> Taken:
        """Look at what was held of a text, with the next piece."""
        found = self.find(text)
        if found is not None:
            start, end = found
            return Taken(start, len(text) - end)
        return Taken(self.held(text), None)

    def held(self, text: str) -> int:
        """How much of a text, in which there is no stop string, leaves as it does not begin one."""
        size = len(text)
        if text[-1:] not in self.lasts:
            return size
        if self._beginnings:
            for beginning in self._beginnings:
                if text.endswith(beginning):
                    return size - len(beginning)
            return size
        firsts = self._firsts
        for at in range(max(0, size - self._longest + 1), size):
            if text[at] in firsts and self._begins(text[at:]):
                return at
        return size

    def _begins(self, text: str) -> bool:
        at = bisect_left(self._sorted, text)
        return at < len(self._sorted) and self._sorted[at].startswith(text)

    def find(self, text: str) -> tuple[int, int] | None:
        """Where the first stop string stands."""
        first: tuple[int, int] | None = None  # (end, start)
        for stop in self.words:
            at = text.find(stop)
            if at >= 0 and (first is None or (at + len(stop), at) < first):
                first = (at + len(stop), at)
        return None if first is None else (first[1], first[0])


@lru_cache(maxsize=64)
def stops_for(stops: tuple[str, ...]) -> Stops:
    """What looks for these: nothing of a text is kept in it, and requests mostly ask for the same."""
    return Stops(stops)
