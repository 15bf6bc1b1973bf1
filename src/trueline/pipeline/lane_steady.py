"""The events of a stream that runs on steadily: each is like the one before, and all that is new is its text.

Hundreds of streams take turns, and what one of them needs has left the processor's caches when its next event comes:
an event costs what the objects cost that it touches.  So all that it needs is in one object here, and what it leaves
behind, texts for the rules and faults to count, stays there until somebody looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from ..repairs.base import Holder
from ..wire import jsonio
from .lane_ahead import Ahead, Frame
from .skeleton import text_of

__all__ = ["Match", "Steady"]

Match: TypeAlias = Callable[[bytes], re.Match[bytes] | None]
"""A pattern, for all of some bytes."""
Groups: TypeAlias = tuple[int, int, int]
"""Those of id, time and text; the first two are that of the text where there are none."""
Envelope: TypeAlias = tuple[bytes | None, bytes | None]
"""Id and time."""


class Steady:
    """`take` events, of which each has the faults of the one before."""

    __slots__ = (
        "_ahead", "_behind", "_created", "_created_at", "_first", "_front", "_holder", "_identity", "_identity_at",
        "_left", "_longest", "_match", "_other_id", "_other_time", "_second", "_taken", "_text_at", "noted", "room",
        "texts",
    )  # fmt: skip

    def __init__(
        self, match: Match, groups: Groups, first: Envelope, last: Envelope, noted: tuple[str, ...], ahead: Ahead,
        frame: Frame, room: int,
    ) -> None:  # fmt: skip
        self._match = match
        self._identity_at, self._created_at, self._text_at = groups
        self._identity, self._created = first
        self._other_id, self._other_time = last[0] != first[0], last[1] != first[1]
        """Whether they are others than the first chunk's: if that changes, so do the faults."""
        self._front, self._behind = frame
        self._ahead = ahead
        self._longest, self._holder = ahead.longest, ahead.holder
        self._first, self._second = ahead.first, ahead.second
        self.noted = noted
        self.room = room
        """What is left of the room ahead."""
        self.texts: list[str] = []
        """Those that were taken and that the rules do not have yet."""
        self._left: list[str] | None = None
        """What left of them, where that is not all of it."""
        self._taken = 0
        """How many they have since `hand_over`."""

    def take(self, data: bytes) -> bytes | None:
        """What is written for `data`, if that is one such event and nothing else: nothing, where all of its text is
        held.  None: it was not looked at.
        """
        found = self._match(data)
        if found is None:
            return None
        name, time, token = found.group(self._identity_at, self._created_at, self._text_at)
        room = self.room - len(token) + 2
        if len(token) - 2 > self._longest:
            return None
        if (name != self._identity) is not self._other_id or (time != self._created) is not self._other_time:
            return None
        try:
            said = text_of(token)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not said:
            return None
        if room < 0:
            room = self._more(len(token) - 2)
            if room < 0:
                return None
        holder = self._holder
        if holder is not None:
            if holder.waits or self._first in said or self._second in said:
                return self._hold(holder, said, room)
            if self._left is not None:
                self._left.append(said)
        self.room = room
        self.texts.append(said)
        return self._front + (token if b"\\" not in token else jsonio.encode(said)) + self._behind

    def _hold(self, holder: Holder, said: str, room: int) -> bytes | None:
        """Have the holder take a text, behind which there is so much room."""
        leaves = holder.take(said)
        if leaves is None:
            return None
        self.room = room
        if self._left is None:
            self._left = self.texts.copy()
        self.texts.append(said)
        if not leaves:
            return b""
        self._left.append(leaves)
        return self._front + jsonio.encode(leaves) + self._behind

    def _more(self, size: int) -> int:
        """The room behind a text of so many bytes, where it was used up."""
        self._give()
        self.room = room = self._ahead.more(size)
        return room - size

    def hand_over(self) -> int:
        """Give the texts to the rules; how many were taken."""
        self._give()
        taken, self._taken = self._taken, 0
        return taken

    def _give(self) -> None:
        texts = self.texts
        self._ahead.kept(texts, self._left)
        self._left = None
        self._taken += len(texts)
        texts.clear()
