"""The patterns of chunks that differ in their text alone, of skeletons that were proved; all streams share them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from .lane_source import PADDING
from .lane_steady import Match
from .skeleton import TEXT, Skeleton, Slot

__all__ = [
    "MAX_PATTERNS",
    "Around",
    "Known",
    "around_of",
    "behind_blanks",
    "framing_of",
    "known_of",
    "patterns",
    "recall",
    "use",
]

MAX_PATTERNS = 256
"""Compiled patterns that a process keeps; one is made when its skeleton is seen for the second time."""
MAX_RECENT = 8

_NAMED = re.compile(rb"event: [!-~]+\ndata: ?")

Around: TypeAlias = tuple[bytes, bytes]


class Known(NamedTuple):
    """The pattern of a skeleton that was proved."""

    match: Callable[[bytes, int], re.Match[bytes] | None]
    whole: Match
    slots: tuple[Slot, ...]
    around: Around
    text: int
    """The group of the text; those of id and time are the same where there is none."""
    identity: int
    created: int
    padding: int | None
    bare: tuple[bytes, bytes, bytes] | None
    """Where only the text may differ: the bytes up to it, those behind it, and those behind the blanks after them."""


patterns: dict[tuple[Skeleton, Around], Known | None] = {}
"""None: its skeleton was seen once.  Compiling costs as much as a hundred chunks."""
_recent: list[Known] = []


def behind_blanks(data: bytes, at: int, close: bytes) -> int:
    """Where `close` ends that stands at `at` or behind blanks; 0 where it does not."""
    if data.startswith(close, at):
        return at + len(close)
    stop = data.find(close, at)
    return stop + len(close) if stop > 0 and not data[at:stop].strip(b" ") else 0


def framing_of(around: Around) -> list[str]:
    """The faults of framing that every event of this form has."""
    noted = ["sse-event-line"] if around[0].startswith(b"event") else []
    return [*noted, "sse-no-space"] if around[0].endswith(b":") else noted


def around_of(raw: bytes, data: bytes, named: bool) -> Around | None:
    """What stands before and behind the data of an event that came in one piece and in the usual way."""
    at = raw.find(data)
    if at < 5:
        return None
    before = b"data: " if raw[max(at - 6, 0) : at] == b"data: " else b"data:" if raw[at - 5 : at] == b"data:" else None
    if named and before and at > len(before):
        before = raw[:at] if _NAMED.fullmatch(raw[:at]) else None
    end = at + len(data)
    behind = b"\n\n" if raw.startswith(b"\n\n", end) else b"\r\n\r\n" if raw.startswith(b"\r\n\r\n", end) else None
    return (before, behind) if before and behind else None


def known_of(skeleton: Skeleton, around: Around, blanks: bool) -> Known:
    """Compile it; `blanks`: such as may stand before its last brace."""
    groups = {slot.path[-1]: number for number, slot in enumerate(skeleton.slots, 1)}
    text = next(number for number, slot in enumerate(skeleton.slots, 1) if slot.pattern is TEXT)
    bare = None
    if blanks:
        first, last = skeleton.pieces
        bare = around[0] + first + b'"', b'"' + last[:-1], last[-1:] + around[1]
        pattern = re.compile(re.escape(bare[0][:-1]) + TEXT + re.escape(bare[1][1:]) + b" *+" + re.escape(bare[2]))
    else:
        pattern = skeleton.compile(*around)
    identity, created = groups.get("id", text), groups.get("created", text)
    return Known(
        pattern.match, pattern.fullmatch, skeleton.slots, around, text, identity, created, groups.get(PADDING), bare
    )


def recall(raw: bytes, data: bytes, slot: Slot, around: Around) -> Known | None:
    """The pattern that this chunk matches, if it is one of those that were used last."""
    at = raw.find(data) - len(around[0])
    for known in tuple(_recent):
        if slot in known.slots and known.match(raw, at):
            use(known)
            return known
    return None


def use(known: Known) -> None:
    """Look for it first; in one step, for threads may share the list."""
    if not _recent or _recent[0] is not known:
        _recent[:] = [known, *(other for other in _recent if other is not known)][:MAX_RECENT]
