"""What lies ahead of a lane's events until something else comes: the rules that see them, or let their texts pass.

Nearly every text passes: it is short, the rules have room for it and hold nothing.  Then no event is made of it; the
rules keep its text (`Rule.passing`), and it leaves within the bytes that stood around the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from ..events import ReasoningDelta, TextDelta
from ..repairs.base import ENDLESS, Holder, Passing
from .base import Bound

__all__ = ["Ahead", "ahead_of"]

_ROOM: Final = 1536
"""Bytes that are kept here: each piece that is kept apart costs ten times the memory of its text."""

Frame: TypeAlias = tuple[bytes, bytes]
Keep: TypeAlias = Callable[[list[str], str], object]


class Ahead(NamedTuple):
    """Of events of one shape."""

    rules: list[Bound]
    """Those that are not settled."""
    frame: Frame | None
    """What stands around the text of what leaves, where nothing but that may differ."""
    told: Keep | None
    """What wants to know the texts of which no event is made."""
    room: int
    """Bytes that pass before the rules have to have them; less than none where an event has to be seen."""
    longest: int
    """Characters of the longest text that may pass."""
    renews: bool
    """Whether asking them again may give more room."""
    before: tuple[Keep, ...]
    """What is called with the texts that pass, or that the holder takes."""
    behind: tuple[Keep, ...]
    """What is called with what leaves it."""
    holder: Holder | None
    first: str
    second: str
    """Its marks."""
    limited: Passing | None
    """How texts pass the only rule with a limit: what renews the room, and what tells of a text that has none."""

    def more(self, wanted: int) -> int:
        """The room, renewed for a text of so many bytes: too little of it where an event has to be seen."""
        limited = self.limited
        if limited is None:
            return _ROOM
        return min(limited.more(wanted), _ROOM) if limited.more is not None else -1

    def kept(self, came: list[str], left: list[str] | None, text: str = "") -> None:
        """Let the rules have texts that passed, and what left of them; None: all of it.  `text`: all that passed."""
        text = text or "".join(came)
        for keep in self.before:
            keep(came, text)
        if self.behind:
            if left is None:
                left = came
            else:
                text = "".join(left)
            for keep in self.behind:
                keep(left, text)

    def believed(self) -> Ahead:
        """After the rule with a limit believed a report."""
        return self._replace(room=_ROOM, limited=None)

    def renewed(self, kind: type) -> Ahead:
        """After an event was seen for want of room."""
        return ahead_of(kind, self.rules, self.frame, self.told) if self.renews else self


_PASS: Final = frozenset((TextDelta, ReasoningDelta))
_NOT_AT_ALL: Final = (-1, 0, False, (), (), None, "", "", None)


def ahead_of(kind: type, rules: list[Bound], frame: Frame | None, told: Keep | None) -> Ahead:
    """Ask the rules how plain events of this type pass; `told`: called with the texts of which no event is made."""
    if kind not in _PASS:
        return Ahead._make((rules, frame, told, *_NOT_AT_ALL))
    room, longest = _ROOM, ENDLESS
    before: list[Keep] = [told] if told is not None else []
    behind: list[Keep] = []
    limited: Passing | None = None
    holder: Holder | None = None
    for _, _, rule in rules:
        passing = rule.passing(kind)
        if passing is None or (passing.holder is not None and holder is not None):
            return Ahead._make((rules, frame, told, *_NOT_AT_ALL))
        room, longest = min(room, passing.room), min(longest, passing.longest)
        if passing.room < ENDLESS:
            if limited is not None or holder is not None:  # what is counted is all that passed
                return Ahead._make((rules, frame, told, *_NOT_AT_ALL))
            limited = passing
        if passing.keep is not None:
            (before if holder is None else behind).append(passing.keep)
        holder = holder or passing.holder
    first, second = holder.marks if holder is not None else ("", "")
    return Ahead(
        rules,
        frame,
        told,
        room,
        longest,
        True,
        tuple(before),
        tuple(behind),
        holder,
        first,
        second,
        limited,
    )
