"""What a stream's lane learns: the shape of a plain chunk, once its skeleton is proved to be read as it looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..context import ReplyContext
from ..events import Event, Extras
from .lane_patterns import MAX_PATTERNS, Around, Known, around_of, framing_of, known_of, patterns, recall, use
from .lane_source import PADDING, Make, Plain, Source, retold
from .skeleton import NUMBER, Skeleton, Slot, find, is_sound, put

__all__ = ["Learner", "Notes", "Shape", "padded_extras"]

MAX_TRIES = 12
"""Chunks of one stream from which a shape is made, used or not."""
MAX_LITERAL = 4 * 1024
"""Bytes of a chunk beside its slots."""

_PLAIN_LINES, _NAMED_LINES = 2, 3
"""Newlines of an event that a lane may learn from: those behind its only line, and that behind its name."""

Notes: TypeAlias = tuple[str, ...]


class Shape(NamedTuple):
    """What a known chunk says in one stream."""

    known: Known
    kind: type
    make: Make
    logprobs: Any
    extras: Extras | None
    notes: list[Notes | None]
    """The faults of such a chunk, where its id and time are those of the first one, its time is not, its id, both."""
    noted: Notes
    """Those of them that have nothing to do with that."""
    payload: Any
    holds: Callable[[], bool] | None
    """See Plain."""


class Learner:
    """Makes shapes of chunks that went the general way."""

    __slots__ = ("_faults", "_source", "_tries", "_usual")

    def __init__(self, source: Source, context: ReplyContext) -> None:
        self._source = source
        self._faults = context.faults
        self._usual = context.usual
        self._tries = MAX_TRIES

    def bears(self, piece: bytes) -> bool:
        """Whether the bytes of an event may be learned from: framing over more lines is noted while it is read."""
        lines = piece.count(b"\n")
        return lines <= _PLAIN_LINES or (self._source.named and lines == _NAMED_LINES)

    def reads(self, name: bytes | None) -> bool:
        """Whether events of such a name are looked at."""
        return self._tries > 0 and (name is None or self._source.named)

    def shape(self, raw: bytes, data: bytes, payload: Any, events: list[Event], before: dict[str, int]) -> Shape | None:
        """The shape of a chunk, if it is a plain one: the bytes that it came in, its data, their value, what the
        reader made of it, and the faults before it did.
        """
        event = events[0] if len(events) == 1 else None
        plain = self._source.plain(event, payload)
        if plain is None or data[:1] != b"{" or data[-1:] != b"}" or b"\n" in data:
            return None  # what came over several lines is noted each time
        around = around_of(raw, data, self._source.named)
        if around is None:
            return None
        self._tries -= 1
        known = recall(raw, data, plain.slot, around) or self._prove(data, payload, event, plain.slot, around)
        return self._shape(known, payload, event, plain, before) if known is not None else None

    def _prove(self, data: bytes, payload: Any, event: Any, slot: Slot, around: Around) -> Known | None:
        """The pattern of a skeleton that was seen before, if it is sound and read for what it looks like."""
        skeleton = find(data, payload, (*self._source.envelope, slot))
        if skeleton is None or slot not in skeleton.slots or sum(map(len, skeleton.pieces)) > MAX_LITERAL:
            return None
        if self._source.blanks:
            last = skeleton.pieces[-1]
            skeleton = Skeleton((*skeleton.pieces[:-1], last[:-1].rstrip(b" ") + last[-1:]), skeleton.slots)
        key = (skeleton, around)
        known = patterns.get(key)
        again = known is None and key in patterns
        if again and is_sound(skeleton, payload) and self._reads(skeleton, payload, event):
            known = known_of(skeleton, around, self._source.blanks)
        if known is not None:
            use(known)
        if len(patterns) >= MAX_PATTERNS:
            patterns.clear()
        patterns[key] = known
        return known

    def _reads(self, skeleton: Skeleton, payload: Any, event: Any) -> bool:
        """Whether the reader makes the same event of the skeleton with another text, id and time."""
        for slot in skeleton.slots:
            if slot.path != (PADDING,):
                payload = put(payload, slot.path, 1 if slot.pattern is NUMBER else "~")
        faults = dict(self._faults)
        events = self._source.probe(payload)
        self._faults.clear()
        self._faults.update(faults)
        return events == [retold(event, "~")]

    def _shape(self, known: Known, payload: Any, event: Any, plain: Plain, before: dict[str, int]) -> Shape | None:
        noted = [name for name, count in self._faults.items() for _ in range(count - before.get(name, 0))]
        for fault in self._source.changes(payload):
            if fault not in noted:
                return None
            noted.remove(fault)
        noted += [fault for fault in framing_of(known.around) if fault not in self._usual]
        extras = None if event.extras is None else padded_extras(event.extras, b"")
        make, told = plain.make, tuple(noted)
        return Shape(known, type(event), make, event.logprobs, extras, [None] * 4, told, payload, plain.holds)

    def notes(self, shape: Shape, differs: int) -> Notes:
        """The faults of a chunk of this shape, by what differs from the first one (see `Shape.notes`)."""
        other_id, other_time = divmod(differs, 2)
        sample, first = dict(shape.payload), self._source.first
        known = shape.known
        if known.identity != known.text:
            sample["id"] = f"{first[0]}~" if other_id else first[0]
        if known.created != known.text:
            sample["created"] = (1 if first[1] != 1 else 2) if other_time else first[1]  # a slot holds no 0
        notes = shape.notes[differs] = (*shape.noted, *self._source.changes(sample))
        return notes


def padded_extras(extras: Extras, padding: bytes) -> Extras:
    """A copy, with the padding of a chunk."""
    reply = extras.reply
    if padding:
        reply = {**(reply or {}), PADDING: padding[1:-1].decode()}
    return Extras(reply, extras.choice, extras.message)
