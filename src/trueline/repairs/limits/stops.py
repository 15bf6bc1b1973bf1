"""Stop strings in a text that comes in pieces."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Stops", "Taken"]


_FEW = 512
"""Characters of all stop strings up to which their beginnings are kept."""


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

    __slots__ = ("_beginnings", "_longest", "_stops", "begins", "firsts")

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self.firsts = frozenset(stop[0] for stop in stops)
        """No stop string begins in a text that has none of these characters."""
        one, *more = sorted(self.firsts)
        self.begins = one, more[0] if more else one, frozenset(more[1:])
        """The same, as two of them and the others: a text is looked through faster for one character than for a set."""
        self._longest = max(map(len, stops))
        few = sum(map(len, stops)) <= _FEW
        self._beginnings = frozenset(stop[:at] for stop in stops for at in range(1, len(stop))) if few else None

    def passes(self, text: str) -> bool:
        """Whether no stop string begins in this text."""
        return self.firsts.isdisjoint(text)

    def take(self, text: str) -> Taken:
        """Look at what was held of a text, with the next piece."""
        found = self.find(text)
        if found is not None:
            start, end = found
            return Taken(start, len(text) - end)
        for at in range(max(0, len(text) - self._longest + 1), len(text)):
            if text[at] in self.firsts and self._begins(text[at:]):
                return Taken(at, None)
        return Taken(len(text), None)

    def _begins(self, text: str) -> bool:
        if self._beginnings is not None:
            return text in self._beginnings
        return any(stop.startswith(text) for stop in self._stops)

    def find(self, text: str) -> tuple[int, int] | None:
        """Where the first stop string stands."""
        first: tuple[int, int] | None = None  # (end, start)
        for stop in self._stops:
            at = text.find(stop)
            if at >= 0 and (first is None or (at + len(stop), at) < first):
                first = (at + len(stop), at)
        return None if first is None else (first[1], first[0])
