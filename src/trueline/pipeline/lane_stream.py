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
from msgspec import UNSET

from ..context import ReplyContext
from ..dialects.constant import note_changes
from ..dialects.openai_chat import ChunkReader, StreamWriter
from ..dialects.openai_chat.fields import REASONING_NAMES
from ..events import Event, Extras, ReasoningDelta, TextDelta, ToolFragment
from ..wire import jsonio
from .base import Bound, Chain
from .dialect import Reader, Writer
from .skeleton import NAME, NUMBER, TEXT, Path, Skeleton, Slot, find, get, is_sound, put, text_of

__all__ = ["StreamLane", "lane_for"]

MAX_SHAPES = 4
"""Shapes that one stream keeps."""
MAX_TRIES = 12
"""Chunks of one stream from which a shape is made, used or not."""
MAX_PATTERNS = 256
"""Compiled patterns that a process keeps; one is made when its skeleton is seen for the second time."""
MAX_LITERAL = 4 * 1024
"""Bytes of a chunk beside its slots."""
MAX_RECENT = 8
MAX_APART = 16 * 1024
"""Bytes of an event up to which those that arrived together are taken one by one."""

_DELTA: Path = ("choices", 0, "delta")
_ENVELOPE = (Slot(("id",), NAME), Slot(("created",), NUMBER), Slot(("obfuscation",), NAME))
_PADDING = "obfuscation"

Make: TypeAlias = Callable[[int, str, Any, Extras | None], Any]
Around: TypeAlias = tuple[bytes, bytes]
Notes: TypeAlias = tuple[str, ...]
Rules: TypeAlias = list[Bound]
_Same: TypeAlias = tuple[bytes, bytes, Notes, bytes, bytes]
_NONE_YET: _Same = (b"", b"", (), b"", b"")


class _Owner(Protocol):
    """What a lane asks of its pipeline."""

    done: bool
    _written: bool

    def _write(self, mended: list[Event]) -> bytes: ...


class _Known(NamedTuple):
    """The pattern of a skeleton that was proved."""

    match: Callable[[bytes, int], re.Match[bytes] | None]
    slots: tuple[Slot, ...]
    around: Around
    text: int
    """The group of the text; those of id and time are the same where there is none."""
    identity: int
    created: int
    padding: int | None


class _Shape(NamedTuple):
    """What a known chunk says in one stream."""

    known: _Known
    kind: type
    make: Make
    logprobs: Any
    extras: Extras | None
    notes: list[Notes | None]
    """The faults of such a chunk, where its id and time are those of the first one, its time is not, its id, both."""
    noted: Notes
    """Those of them that have nothing to do with that."""
    payload: Any


class StreamLane:
    """`learn` from chunks that went the general way, `run` over those that need not."""

    __slots__ = (
        "_ahead",
        "_chain",
        "_created",
        "_faults",
        "_identity",
        "_owner",
        "_reader",
        "_same",
        "_shapes",
        "_tries",
        "_writer",
        "open",
        "taken",
    )

    def __init__(
        self, owner: _Owner, reader: ChunkReader, chain: Chain, writer: StreamWriter, faults: dict[str, int]
    ) -> None:
        self._owner = owner
        self._reader = reader
        self._chain = chain
        self._writer = writer
        self._faults = faults
        self._shapes: list[_Shape] = []
        self._tries = MAX_TRIES
        self._identity: bytes | None = None
        self._created: bytes | None = None
        self._ahead: tuple[Rules, tuple[bytes, bytes] | None] | None = None
        self._same: _Same = _NONE_YET
        self.taken = 0
        """Events that took the lane."""
        self.open = False
        """Whether `run` may be called: something was learned, and no event is pending."""

    # -- learning -----------------------------------------------------------------------------------------------------

    @property
    def learns(self) -> bool:
        """Whether chunks are still looked at."""
        return self._tries > 0

    def learn(self, raw: bytes, data: bytes, payload: Any, events: list[Event], before: dict[str, int]) -> None:
        """Take the shape of a chunk, if it is a plain one: the bytes that it came in, its data, their value, what the
        reader made of it, and the faults before it did.
        """
        event = events[0] if len(events) == 1 else None
        slot = _text_slot(event, payload)
        if slot is None or data[:1] != b"{" or data[-1:] != b"}" or b"\n" in data:
            return  # what came over several lines is noted each time
        around = _around(raw, data)
        if around is None or not (self._reader.knows_model or "logprobs" in payload["choices"][0]):
            return
        self._tries -= 1
        known = _recall(raw, data, slot, around) or self._prove(data, payload, event, slot, around)
        if known is None:
            return
        shape = self._shape(known, payload, event, before)
        if shape is None:
            return
        self._shapes.insert(0, shape)
        self._same = _NONE_YET
        del self._shapes[MAX_SHAPES:]
        first = self._reader.first
        self._identity = jsonio.encode(first[0]) if isinstance(first[0], str) else None
        self._created = b"%d" % first[1] if type(first[1]) is int else None

    def _prove(self, data: bytes, payload: Any, event: Any, slot: Slot, around: Around) -> _Known | None:
        """The pattern of a skeleton that was seen before, if it is sound and read for what it looks like."""
        skeleton = find(data, payload, (*_ENVELOPE, slot))
        if skeleton is None or slot not in skeleton.slots or sum(map(len, skeleton.pieces)) > MAX_LITERAL:
            return None
        key = (skeleton, around)
        known = _patterns.get(key)
        again = known is None and key in _patterns
        if again and is_sound(skeleton, payload) and self._reads(skeleton, payload, event):
            known = _known(skeleton, around)
        if known is not None:
            _use(known)
        if len(_patterns) >= MAX_PATTERNS:
            _patterns.clear()
        _patterns[key] = known
        return known

    def _reads(self, skeleton: Skeleton, payload: Any, event: Any) -> bool:
        """Whether the reader makes the same event of the skeleton with another text, id and time."""
        for slot in skeleton.slots:
            if slot.path != (_PADDING,):
                payload = put(payload, slot.path, 1 if slot.pattern is NUMBER else "~")
        faults = dict(self._faults)
        events = self._reader.read(payload)
        self._faults.clear()
        self._faults.update(faults)
        return events == [_maker(event)(0, "~", event.logprobs, event.extras)]

    def _shape(self, known: _Known, payload: Any, event: Any, before: dict[str, int]) -> _Shape | None:
        noted = [name for name, count in self._faults.items() for _ in range(count - before.get(name, 0))]
        for fault in self._changes(payload):
            if fault not in noted:
                return None
            noted.remove(fault)
        if known.around[0] == b"data:":
            noted.append("sse-no-space")
        extras = None if event.extras is None else _copied(event.extras, b"")
        return _Shape(known, type(event), _maker(event), event.logprobs, extras, [None] * 4, tuple(noted), payload)

    def _notes(self, shape: _Shape, differs: int) -> Notes:
        """The faults of a chunk of this shape, by what differs from the first one (see `_Shape.notes`)."""
        other_id, other_time = divmod(differs, 2)
        sample, first = dict(shape.payload), self._reader.first
        known = shape.known
        if known.identity != known.text:
            sample["id"] = f"{first[0]}~" if other_id else first[0]
        if known.created != known.text:
            sample["created"] = (1 if first[1] != 1 else 2) if other_time else first[1]  # a slot holds no 0
        notes = shape.notes[differs] = (*shape.noted, *self._changes(sample))
        return notes

    def _changes(self, payload: Any) -> list[str]:
        noted: list[str] = []
        note_changes(self._reader.first, payload, noted.append)
        return noted

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
        self.open = idle and bool(self._shapes) and not self._owner.done
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
                    self._ahead, self._same = None, _NONE_YET
                return self._pass(data, at, shape, out)
        return at

    def _pass(self, data: bytes, at: int, shape: _Shape, out: list[bytes]) -> int:
        """Write the events from `at` on that have this shape; returns where the first other one begins."""
        match, _, _, text, identity, created, padding = shape.known
        make, logprobs, extras, notes = shape.make, shape.logprobs, shape.extras, shape.notes
        own_id, own_time = self._identity, self._created
        owner, write, size = self._owner, self._writer.write, len(data)
        rules, frame = self._ahead or self._look_ahead(shape)
        head, tail, usual, last_name, last_time = self._same
        behind, counted, count, padded = len(head), usual, 0, b""
        while at < size:
            # The same bytes around another text, as most servers send: half the cost of the pattern.
            end = data.find(b'"', at + behind) if behind and data.startswith(head, at) else -1
            if end > 0 and data.startswith(tail, end):
                found, token, noted = None, data[at + behind - 1 : end + 1], usual
                end += len(tail)
            else:
                found = match(data, at)
                if found is None:
                    break
                token, name, time = found.group(text, identity, created)
                differs = (name != own_id) * 2 + (time != own_time)
                known = notes[differs]
                noted = known if known is not None else self._notes(shape, differs)
                end = found.end()
                if padding is not None:
                    padded = found[padding]
                elif name == last_name and time == last_time:
                    head, tail = data[at : found.start(text) + 1], data[found.end(text) - 1 : end]
                    behind, usual, self._same = len(head), noted, (head, tail, noted, name, time)
                else:
                    last_name, last_time = name, time
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
            count += 1
            at = end
            event = make(0, said, logprobs, None if extras is None else _copied(extras, padded))
            for position, see, _ in rules:
                result = see(event)
                if result is not event:
                    self._detour(result, position, out)
                    rules, frame = self._look_ahead(shape)
                    if owner.done:
                        self.open, size = False, at
                    break
            else:
                # A rule may have put another text or extras into the event.
                same = event.text is said and event.extras is None and b"\\" not in token
                out.append(frame[0] + token + frame[1] if same and frame is not None else write(event))
        self._note(counted, count)
        owner._written = owner._written or any(out)
        return at

    def _note(self, notes: Notes, count: int) -> None:
        self.taken += count
        if count and notes:
            faults = self._faults
            for fault in notes:
                faults[fault] = faults.get(fault, 0) + count

    def _look_ahead(self, shape: _Shape) -> tuple[Rules, tuple[bytes, bytes] | None]:
        """The rules that an event of this shape meets, and what stands around its text; until something else comes."""
        frame = self._writer.frame(shape.kind, shape.logprobs) if shape.extras is None else None
        self._ahead = self._chain.unsettled(shape.kind), frame
        return self._ahead

    def _detour(self, result: Event | list[Event] | None, position: int, out: list[bytes]) -> None:
        """A rule made something else of an event: that goes on as it would have anywhere."""
        mended: list[Event] = []
        if result is not None:
            self._chain.go_on(result, mended, position)
        owner = self._owner
        owner._written = owner._written or any(out)
        out.append(owner._write(mended))


def _text_slot(event: Any, payload: Any) -> Slot | None:
    """Where the text of a chunk stands that says nothing else."""
    kind = type(event)
    if kind is TextDelta:
        path, said = (*_DELTA, "content"), event.text
    elif kind is ReasoningDelta:
        delta = get(payload, _DELTA)
        names = [name for name in REASONING_NAMES if isinstance(delta, dict) and name in delta]
        if len(names) != 1:
            return None
        path, said = (*_DELTA, names[0]), event.text
    elif kind is ToolFragment:
        path, said = (*_DELTA, "tool_calls", 0, "function", "arguments"), event.arguments
        if event.name is not UNSET or event.id is not UNSET:
            return None  # it may begin a call
    else:
        return None
    plain = event.choice == 0 and not getattr(event, "last", False)
    if not plain or event.logprobs not in (UNSET, None):
        return None
    return Slot(path, TEXT) if said and get(payload, path) == said else None


def _maker(event: Any) -> Make:
    """Makes an event like this one, with another text."""
    if type(event) is not ToolFragment:
        return type(event)
    index, kind, call_extras, function_extras = event.index, event.kind, event.call_extras, event.function_extras

    def make(choice: int, text: str, logprobs: Any, extras: Extras | None) -> Event:
        return ToolFragment(
            choice,
            index,
            kind=kind,
            arguments=text,
            logprobs=logprobs,
            extras=extras,
            call_extras=call_extras,
            function_extras=function_extras,
        )

    return make


def _copied(extras: Extras, padding: bytes) -> Extras:
    reply = extras.reply
    if padding:
        reply = {**(reply or {}), _PADDING: padding[1:-1].decode()}
    return Extras(reply, extras.choice, extras.message)


def _around(raw: bytes, data: bytes) -> Around | None:
    """What stands before and behind the data of an event that came in one piece and in the usual way."""
    at = raw.find(data)
    if at < 5:
        return None
    before = b"data: " if raw[max(at - 6, 0) : at] == b"data: " else b"data:" if raw[at - 5 : at] == b"data:" else None
    end = at + len(data)
    behind = b"\n\n" if raw.startswith(b"\n\n", end) else b"\r\n\r\n" if raw.startswith(b"\r\n\r\n", end) else None
    return (before, behind) if before and behind else None


# -- patterns ---------------------------------------------------------------------------------------------------------

_patterns: dict[tuple[Skeleton, Around], _Known | None] = {}
"""None: its skeleton was seen once.  Compiling costs as much as a hundred chunks."""
_recent: list[_Known] = []


def _known(skeleton: Skeleton, around: Around) -> _Known:
    groups = {slot.path[-1]: number for number, slot in enumerate(skeleton.slots, 1)}
    text = next(number for number, slot in enumerate(skeleton.slots, 1) if slot.pattern is TEXT)
    pattern = skeleton.compile(*around)
    identity, created = groups.get("id", text), groups.get("created", text)
    return _Known(pattern.match, skeleton.slots, around, text, identity, created, groups.get(_PADDING))


def _recall(raw: bytes, data: bytes, slot: Slot, around: Around) -> _Known | None:
    """The pattern that this chunk matches, if it is one of those that were used last."""
    at = raw.find(data) - len(around[0])
    for known in tuple(_recent):
        if slot in known.slots and known.match(raw, at):
            _use(known)
            return known
    return None


def _use(known: _Known) -> None:
    """Look for it first; in one step, for threads may share the list."""
    if not _recent or _recent[0] is not known:
        _recent[:] = [known, *(other for other in _recent if other is not known)][:MAX_RECENT]


def lane_for(owner: _Owner, reader: Reader, chain: Chain, writer: Writer, context: ReplyContext) -> StreamLane | None:
    """The lane of a stream: for chats of one choice that nobody traces."""
    if type(reader) is ChunkReader and type(writer) is StreamWriter and type(chain) is Chain and context.request.n == 1:
        return StreamLane(owner, reader, chain, writer, context.faults)
    return None
