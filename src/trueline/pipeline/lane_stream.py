"""Chunks of a stream that differ from an earlier one in their text alone, read from their bytes.

A content chunk that went the general way leaves its skeleton: what stands around its text, id, time and padding, and
what the reader made of it.  A chunk that matches is the same event with another text; it goes through the repairs and
the writer like any other, except past the rules that say that they are settled.  See `docs/adr/` ("lanes").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from ..context import ReplyContext
from ..dialects.openai_chat import StreamWriter
from ..events import Event, Extras
from ..repairs.base import Holder
from ..wire import jsonio
from .base import Chain
from .dialect import Reader, Writer
from .lane_ahead import Ahead, ahead_of
from .lane_patterns import (
    MAX_PATTERNS,
    Around,
    Known,
    around_of,
    behind_blanks,
    framing_of,
    known_of,
    patterns,
    recall,
    use,
)
from .lane_source import PADDING, Make, Plain, Source, retold, source_of
from .lane_steady import Steady
from .skeleton import NUMBER, Skeleton, Slot, find, is_sound, put, text_of

__all__ = ["StreamLane", "lane_for"]

MAX_SHAPES = 4
"""Shapes that one stream keeps."""
MAX_TRIES = 12
"""Chunks of one stream from which a shape is made, used or not."""
MAX_LITERAL = 4 * 1024
"""Bytes of a chunk beside its slots."""
MAX_APART = 16 * 1024
"""Bytes of an event up to which those that arrived together are taken one by one."""

_PLAIN_LINES, _NAMED_LINES = 2, 3
"""Newlines of an event that a lane may learn from: those behind its only line, and that behind its name."""

Notes: TypeAlias = tuple[str, ...]
_Same: TypeAlias = tuple[bytes, bytes, Notes, bytes | None, bytes | None]
_NONE_YET: _Same = (b"", b"", (), b"", b"")


class _Owner(Protocol):
    """What a lane asks of its pipeline."""

    done: bool
    _written: bool

    @property
    def owed(self) -> object: ...

    def _write(self, mended: list[Event]) -> bytes: ...


class _Shape(NamedTuple):
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


class StreamLane:
    """`learn` from chunks that went the general way, `run` over those that need not."""

    __slots__ = (
        "_ahead", "_came", "_chain", "_created", "_faults", "_identity", "_left", "_owner", "_room", "_same", "_shapes",
        "_source", "_steady", "_tries", "_usual", "_writer", "open", "taken",
    )  # fmt: skip

    def __init__(
        self, owner: _Owner, source: Source, chain: Chain, writer: StreamWriter, context: ReplyContext
    ) -> None:
        self._owner = owner
        self._source = source
        self._chain = chain
        self._writer = writer
        self._faults = context.faults
        self._usual = context.usual
        self._shapes: list[_Shape] = []
        self._tries = MAX_TRIES
        self._identity: bytes | None = None
        self._created: bytes | None = None
        self._ahead: Ahead | None = None
        self._room = -1
        """What is left of the room ahead."""
        self._came: list[str] = []
        """The texts that passed and that the rules do not have yet."""
        self._left: list[str] = []
        """What left of them, where there is a holder: all of it, but for what that holds."""
        self._same: _Same = _NONE_YET
        self._steady: Steady | None = None
        self.taken = 0
        """Events that took the lane."""
        self.open = False
        """Whether `run` may be called: something was learned, no event is pending and no work is owed."""

    # -- learning -----------------------------------------------------------------------------------------------------

    def bears(self, piece: bytes) -> bool:
        """Whether the bytes of an event may be learned from: framing over more lines is noted while it is read."""
        lines = piece.count(b"\n")
        return lines <= _PLAIN_LINES or (self._source.named and lines == _NAMED_LINES)

    def reads(self, name: bytes | None) -> bool:
        """Whether events of such a name are looked at."""
        return self._tries > 0 and (name is None or self._source.named)

    def learn(self, raw: bytes, data: bytes, payload: Any, events: list[Event], before: dict[str, int]) -> None:
        """Take the shape of a chunk, if it is a plain one: the bytes that it came in, its data, their value, what the
        reader made of it, and the faults before it did.
        """
        event = events[0] if len(events) == 1 else None
        plain = self._source.plain(event, payload)
        if plain is None or data[:1] != b"{" or data[-1:] != b"}" or b"\n" in data:
            return  # what came over several lines is noted each time
        around = around_of(raw, data, self._source.named)
        if around is None:
            return
        self._tries -= 1
        known = recall(raw, data, plain.slot, around) or self._prove(data, payload, event, plain.slot, around)
        if known is None:
            return
        shape = self._shape(known, payload, event, plain, before)
        if shape is None:
            return
        self._shapes.insert(0, shape)
        self._same = _NONE_YET
        del self._shapes[MAX_SHAPES:]
        first = self._source.first
        self._identity = jsonio.encode(first[0]) if isinstance(first[0], str) else None
        self._created = b"%d" % first[1] if type(first[1]) is int else None

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

    def _shape(self, known: Known, payload: Any, event: Any, plain: Plain, before: dict[str, int]) -> _Shape | None:
        noted = [name for name, count in self._faults.items() for _ in range(count - before.get(name, 0))]
        for fault in self._source.changes(payload):
            if fault not in noted:
                return None
            noted.remove(fault)
        noted += [fault for fault in framing_of(known.around) if fault not in self._usual]
        extras = None if event.extras is None else _copied(event.extras, b"")
        make, told = plain.make, tuple(noted)
        return _Shape(known, type(event), make, event.logprobs, extras, [None] * 4, told, payload, plain.holds)

    def _notes(self, shape: _Shape, differs: int) -> Notes:
        """The faults of a chunk of this shape, by what differs from the first one (see `_Shape.notes`)."""
        other_id, other_time = divmod(differs, 2)
        sample, first = dict(shape.payload), self._source.first
        known = shape.known
        if known.identity != known.text:
            sample["id"] = f"{first[0]}~" if other_id else first[0]
        if known.created != known.text:
            sample["created"] = (1 if first[1] != 1 else 2) if other_time else first[1]  # a slot holds no 0
        notes = shape.notes[differs] = (*shape.noted, *self._source.changes(sample))
        return notes

    # -- running steadily ---------------------------------------------------------------------------------------------

    def steady(self) -> Steady | None:
        """What takes the events that follow, as long as they are like the last one; None: that is not known."""
        ahead, same = self._ahead, self._same
        if not self.open or ahead is None or ahead.frame is None or self._room < 0 or same is _NONE_YET:
            return None
        shape = self._shapes[0]
        known, first, last = shape.known, (self._identity, self._created), same[3:]
        self.give()
        noted = same[2] if known.bare is not None else shape.notes[(last[0] != first[0]) * 2 + (last[1] != first[1])]
        if known.padding is not None or noted is None:
            return None
        groups = known.identity, known.created, known.text
        self._steady = Steady(known.whole, groups, first, last, noted, ahead, ahead.frame, self._room)
        return self._steady

    def settle(self, ends: bool = False) -> None:
        """Let what was taken steadily leave what each event would have left; `ends`: something else comes."""
        steady = self._steady
        if steady is not None:
            self._room = steady.room
            self._note(steady.noted, steady.hand_over())
            if ends:
                self._steady = None
        elif not ends:
            self.give()

    def give(self) -> None:
        """Let the rules have the texts that passed: before they see, or are asked, anything."""
        if self._came and self._ahead is not None:
            self._ahead.kept(self._came, self._left)
            self._came.clear()
            self._left.clear()

    # -- running ------------------------------------------------------------------------------------------------------

    def end_of_event(self, data: bytes, at: int) -> int:
        """Where the event that begins at `at` ends, or all of `data` if it is a long one."""
        for newlines in (b"\n\n", b"\r\n\r\n"):
            end = data.find(newlines, at, at + MAX_APART)
            if end >= 0:
                return end + len(newlines)
        return len(data)

    def reopen(self, idle: bool) -> None:
        """Something went the general way; `idle`: and all of it, so that an event begins with the next byte."""
        shapes = self._shapes
        if any(shape.holds is not None and not shape.holds() for shape in shapes):
            shapes[:] = [shape for shape in shapes if shape.holds is None or shape.holds()]
            self._same = _NONE_YET
        self.open = idle and bool(shapes) and not (self._owner.done or self._owner.owed)
        self._ahead = None

    def run(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Append what is written for the events from `at` on that are known; returns where another one begins."""
        shapes = self._shapes
        if self._ahead is not None:
            end = self._pass(data, at, shapes[0], out)
            if end > at:
                return end
        for shape in shapes:
            if shape.known.match(data, at):
                if shape is not shapes[0]:
                    shapes.remove(shape)
                    shapes.insert(0, shape)
                    self.give()
                    self._ahead, self._same = None, _NONE_YET
                return self._pass(data, at, shape, out)
        return at

    def _pass(self, data: bytes, at: int, shape: _Shape, out: list[bytes]) -> int:
        """Write the events from `at` on that have this shape; returns where the first other one begins.

        Most servers send the same bytes around another text: to look for those is half the cost of the pattern.
        """
        known, size, came, gone = shape.known, len(data), self._came, self._left
        ahead = self._ahead or self._look_ahead(shape)
        _, frame, _, _, longest, _, _, _, holder, first, second, _ = ahead
        head, tail, usual, _, _ = self._same
        room, bare, behind, counted, count, padded = self._room, known.bare, len(head), usual, 0, b""
        while at < size:
            end = data.find(b'"', at + behind) if behind and data.startswith(head, at) else -1
            past = end + len(tail) if end > 0 and data.startswith(tail, end) else 0
            if past and bare is not None:
                past = behind_blanks(data, past, bare[2])
            if past:
                found, token, noted, end = None, data[at + behind - 1 : end + 1], usual, past
            else:
                found = known.match(data, at)
                if found is None:
                    break
                token, end = found[known.text], found.end()
                noted, padded = self._differing(shape, found)
                head, tail, usual, _, _ = self._same
                behind = len(head)
            try:
                said = text_of(token)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                said = ""
            if not said:
                if found is not None:
                    break
                behind = 0  # a quote that was escaped: look again, at all of it
                continue
            if noted is not counted:
                self._note(counted, count)
                counted, count = noted, 0
            count, at = count + 1, end
            long = len(token) - 2  # escaped, it is no shorter than its text
            room -= long
            if room < 0 and long <= longest:
                room = self._more(ahead, long)
            if room < 0 or long > longest:
                left = None
            elif holder is None or not (holder.waits or first in said or second in said):
                came.append(said)
                if holder is not None:
                    gone.append(said)
                left = token if b"\\" not in token else jsonio.encode(said)
            else:
                left = self._held(holder, said) if frame is not None else None
            if left is None:
                self._room = room
                ahead = self._see(shape, said, padded, room < 0 or long > longest, out)
                _, frame, _, _, longest, _, _, _, holder, first, second, _ = ahead
                room, size = self._room, size if self.open else at
            elif frame is None:
                out.append(self._writer.write(self._event(shape, said, padded)))
            elif left:
                out.append(frame[0] + left + frame[1])
        self._room = room
        self._note(counted, count)
        self._owner._written = self._owner._written or any(out)
        return at

    def _more(self, ahead: Ahead, size: int) -> int:
        """The room behind a text of so many bytes, where it was used up."""
        self.give()
        return ahead.more(size) - size

    def _held(self, holder: Holder, said: str) -> bytes | None:
        """Have the holder take a text: what leaves of it, as JSON; None: it has to be seen."""
        leaves = holder.take(said)
        if leaves is None:
            return None
        self._came.append(said)
        if not leaves:
            return b""
        self._left.append(leaves)
        return jsonio.encode(leaves)

    def _event(self, shape: _Shape, said: str, padded: bytes) -> Any:
        """The event of a chunk of this shape."""
        extras = None if shape.extras is None else _copied(shape.extras, padded)
        return shape.make(0, said, shape.logprobs, extras)

    def _see(self, shape: _Shape, said: str, padded: bytes, renew: bool, out: list[bytes]) -> Ahead:
        """Have the rules see an event, and `renew` what is ahead; returns what is ahead now."""
        self.give()
        ahead = self._ahead or self._look_ahead(shape)
        event = self._event(shape, said, padded)
        for position, see, _ in ahead.rules:
            result = see(event)
            if result is not event:
                if result is not None:  # else nothing leaves, and nothing else has seen it
                    self._detour(result, position, out)
                self.open = not (self._owner.done or self._owner.owed)
                return self._look_ahead(shape)
        out.append(self._writer.write(event))
        if event.text is not said:  # something is held
            return self._look_ahead(shape)
        if renew and ahead.renews:
            ahead = self._ahead = ahead.renewed(shape.kind)
            self._room = ahead.room
        return ahead

    def _differing(self, shape: _Shape, found: re.Match[bytes]) -> tuple[Notes, bytes]:
        """The faults of an event that the pattern matched, and its padding; what is around its text is remembered."""
        known = shape.known
        if known.bare is not None:
            return self._same[2], b""
        name, time = found.group(known.identity, known.created)
        differs = (name != self._identity) * 2 + (time != self._created)
        notes = shape.notes[differs]
        noted = notes if notes is not None else self._notes(shape, differs)
        if known.padding is not None:
            return noted, found[known.padding]
        head, tail, usual, last_name, last_time = self._same
        if name == last_name and time == last_time:
            text, end = known.text, found.end()
            head, tail = found.string[found.start() : found.start(text) + 1], found.string[found.end(text) - 1 : end]
            usual = noted
        self._same = head, tail, usual, name, time
        return noted, b""

    def _note(self, notes: Notes, count: int) -> None:
        self.taken += count
        if count and notes:
            faults = self._faults
            for fault in notes:
                faults[fault] = faults.get(fault, 0) + count

    def _look_ahead(self, shape: _Shape) -> Ahead:
        """The rules that an event of this shape meets, and what stands around its text; until something else comes."""
        bare = shape.known.bare
        if bare is not None and self._same is _NONE_YET:
            self._same = *bare[:2], self._notes(shape, 0), None, None
        frame = self._writer.frame(shape.kind, shape.logprobs) if shape.extras is None else None
        told = self._source.told(shape.make) if frame is not None else None
        self._ahead = ahead_of(shape.kind, self._chain.unsettled(shape.kind), frame, told)
        self._room = self._ahead.room
        return self._ahead

    def _detour(self, result: Event | list[Event], position: int, out: list[bytes]) -> None:
        """A rule made something else of an event: that goes on as it would have anywhere."""
        mended: list[Event] = []
        self._chain.go_on(result, mended, position)
        owner = self._owner
        owner._written = owner._written or any(out)
        out.append(owner._write(mended))


def _copied(extras: Extras, padding: bytes) -> Extras:
    reply = extras.reply
    if padding:
        reply = {**(reply or {}), PADDING: padding[1:-1].decode()}
    return Extras(reply, extras.choice, extras.message)


def lane_for(owner: _Owner, reader: Reader, chain: Chain, writer: Writer, context: ReplyContext) -> StreamLane | None:
    """The lane of a stream of server-sent events: for chats of one choice that nobody traces."""
    if type(writer) is not StreamWriter or type(chain) is not Chain or context.request.n != 1:
        return None
    source = source_of(reader)
    return StreamLane(owner, source, chain, writer, context) if source is not None else None
