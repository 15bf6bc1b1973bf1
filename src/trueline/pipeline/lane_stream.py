"""Chunks of a stream that differ from an earlier one in their text alone, read from their bytes.

A content chunk that went the general way leaves its skeleton: what stands around its text, id, time and padding, and
what the reader made of it.  A chunk that matches is the same event with another text; it goes through the repairs and
the writer like any other, except past the rules that say that they are settled.  See `docs/adr/` ("lanes").
"""

from __future__ import annotations

import re
from typing import Any, Protocol, TypeAlias

import msgspec

from ..context import ReplyContext
from ..dialects.openai_chat import StreamWriter
from ..events import Event
from ..repairs.base import Holder, Passing
from ..repairs.limits.trim import size_of
from ..wire import jsonio
from .base import Chain
from .dialect import Reader, Writer
from .lane_ahead import Ahead, ahead_of
from .lane_patterns import behind_blanks
from .lane_shapes import Learner, Notes, Shape, padded_extras
from .lane_source import Source, source_of
from .lane_steady import Steady
from .skeleton import text_of

__all__ = ["StreamLane", "lane_for"]

MAX_SHAPES = 4
"""Shapes that one stream keeps."""
SEVERAL = 4 * 1024
"""Bytes of a read that is worth taking on credit."""
CREDIT = 8 * 1024
"""Bytes of text that are taken so."""
ENDING = 1024
"""Bytes between the last text and the upstream's report of a reply that are looked at: its finish."""
MAX_APART = 16 * 1024
"""Bytes of an event up to which those that arrived together are taken one by one."""

_Same: TypeAlias = tuple[bytes, bytes, Notes, bytes | None, bytes | None]
_NONE_YET: _Same = (b"", b"", (), b"", b"")


class _Owner(Protocol):
    """What a lane asks of its pipeline."""

    done: bool
    _written: bool

    @property
    def owed(self) -> object: ...

    def _write(self, mended: list[Event]) -> bytes: ...


class StreamLane:
    """`learn` from chunks that went the general way, `run` over those that need not."""

    __slots__ = (
        "_ahead", "_came", "_chain", "_created", "_credit", "_faults", "_identity", "_left", "_lends", "_owner",
        "_room", "_same", "_shapes", "_short", "_source", "_steady", "_writer", "learner", "open", "taken",
    )  # fmt: skip

    def __init__(
        self, owner: _Owner, source: Source, chain: Chain, writer: StreamWriter, context: ReplyContext
    ) -> None:
        self._owner = owner
        self._source = source
        self._chain = chain
        self._writer = writer
        self._faults = context.faults
        self.learner = Learner(source, context)
        self._shapes: list[Shape] = []
        self._identity: bytes | None = None
        self._created: bytes | None = None
        self._ahead: Ahead | None = None
        self._room = -1
        """What is left of the room ahead."""
        self._lends, self._credit, self._short = True, False, False
        """More may be taken than there is room for; it is taken now; it would be taken now."""
        self._came: list[str] = []
        """The texts that passed and that the rules do not have yet."""
        self._left: list[str] | None = None
        """What left of them, where that is not all of it: a holder held something."""
        self._same: _Same = _NONE_YET
        self._steady: Steady | None = None
        self.taken = 0
        """Events that took the lane."""
        self.open = False
        """Whether `run` may be called: something was learned, no event is pending and no work is owed."""

    # -- learning -----------------------------------------------------------------------------------------------------

    def learn(self, raw: bytes, data: bytes, payload: Any, events: list[Event], before: dict[str, int]) -> None:
        """Take the shape of a chunk, if it is a plain one: see `Learner.shape`."""
        shape = self.learner.shape(raw, data, payload, events, before)
        if shape is None:
            return
        self._shapes.insert(0, shape)
        self._same = _NONE_YET
        del self._shapes[MAX_SHAPES:]
        first = self._source.first
        self._identity = jsonio.encode(first[0]) if isinstance(first[0], str) else None
        self._created = b"%d" % first[1] if type(first[1]) is int else None

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

    def give(self, text: str = "") -> None:
        """Let the rules have the texts that passed, all of them in one, before they see, or are asked, anything."""
        if self._came and self._ahead is not None:
            self._ahead.kept(self._came, self._left, text)
            self._came.clear()
            self._left = None

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

    def _go_on(self, data: bytes, at: int, shape: Shape, out: list[bytes]) -> int:
        """As `_pass`, where the room is used up and more events came with this one."""
        self._short = False
        end, limited = at, (self._ahead or self._look_ahead(shape)).limited
        if limited is not None:
            report = self._source.report(data) if limited.likely is not None else None
            likely = limited.likely(report[1]) if report is not None and limited.likely is not None else 0
            if likely or limited.admit is not None:
                end = self._on_credit(data, at, shape, out, limited, likely, report[0] if report is not None else 0)
        if end <= at or shape.known.match(data, end):
            self._lends = end > at
            end = self._pass(data, max(at, end), shape, out)
            self._lends = True
        return end

    def _on_credit(
        self, data: bytes, at: int, shape: Shape, out: list[bytes], limited: Passing, likely: int, report: int
    ) -> int:
        """Write events that came together, and leave together, before it is known that there is room for them: to look
        at all of them at once costs less than whenever the room is used up.  Where they are all the text before the
        upstream's `report`, and no more than is `likely` by that, it is believed.  -1: there is no room.
        """
        owner, faults, ahead = self._owner, self._faults, self._ahead or self._look_ahead(shape)
        holder = ahead.holder
        waits = holder.waits if holder is not None else ""
        before = self._room, self.taken, len(out), owner._written, dict(faults)
        self._room, self._credit = 3 * likely or CREDIT, True  # escaped, a text is longer
        end = self._pass(data, at, shape, out)
        self._room, self._credit = 0, False
        if end == at:
            self._room = before[0]
            return at
        text = "".join(self._came)
        believe = limited.believe if report - end <= ENDING and 0 < size_of(text) <= likely else None
        if believe is not None and self._source.silent(data[end:report]):
            believe()
            self.give(text)
            self._ahead = ahead = ahead.believed()
            self._room = ahead.room
            return end
        if limited.admit is not None and limited.admit(text):
            self.give(text)
            return end
        self._came.clear()
        self._left = None
        self._room, self.taken, gone, owner._written, noted = before
        del out[gone:]
        faults.clear()
        faults.update(noted)
        if holder is not None:
            holder.waits = waits
        return -1

    def _pass(self, data: bytes, at: int, shape: Shape, out: list[bytes]) -> int:
        """Write the events from `at` on that have this shape; returns where the first other one begins.

        Most servers send the same bytes around another text: to look for those is half the cost of the pattern.
        """
        _, frame, _, _, longest, _, _, _, holder, first, second, _ = ahead = self._ahead or self._look_ahead(shape)
        known, size, came, gone = shape.known, len(data), self._came, self._left
        head, tail, usual, _, _ = self._same
        room, bare, behind, counted, count = self._room, known.bare, len(head), usual, 0
        while at < size:
            end = data.find(b'"', at + behind) if behind and data.startswith(head, at) else -1
            past = end + len(tail) if end > 0 and data.startswith(tail, end) else 0
            if past and (bare is None or (past := behind_blanks(data, past, bare[2]))):
                found, token, noted, padded, end = None, data[at + behind - 1 : end + 1], usual, b"", past
            else:
                if (found := known.match(data, at)) is None:
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
            rest = room - (long := len(token) - 2)  # escaped, it is no shorter than its text
            if rest < 0 and long <= longest and not self._credit:
                rest, gone = self._more(ahead, long, size - end), None
                if self._short:
                    break
            if rest < 0 or long > longest:
                left = None
            elif holder is None or not (holder.waits or first in said or second in said):
                came.append(said)
                if gone is not None:
                    gone.append(said)
                left = token if b"\\" not in token else jsonio.encode(said)
            else:
                left = self._held(holder, said) if frame is not None else None
                gone = self._left
            if left is None:
                if self._credit:
                    break
                self._room = rest
                ahead = self._see(shape, said, padded, rest < 0 or long > longest, out)
                _, frame, _, _, longest, _, _, _, holder, first, second, _ = ahead
                rest, gone, size = self._room, None, size if self.open else end
            elif frame is None:
                out.append(self._writer.write(self._event(shape, said, padded)))
            elif left:
                out.append(frame[0] + left + frame[1])
            room, count, at = rest, count + 1, end
        self._room = room
        self._note(counted, count)
        self._owner._written = self._owner._written or any(out)
        return self._go_on(data, at, shape, out) if self._short else at

    def _more(self, ahead: Ahead, size: int, follow: int) -> int:
        """The room behind a text of so many bytes, where it was used up; with as many behind it that it is worth
        taking them on credit, that is all that is found.  Without a frame the writer knows of each: that stays.
        """
        self.give()
        if ahead.limited is not None and ahead.frame is not None and self._lends and follow >= SEVERAL:
            self._short = True
            return -1
        return ahead.more(size) - size

    def _held(self, holder: Holder, said: str) -> bytes | None:
        """Have the holder take a text: what leaves of it, as JSON; None: it has to be seen."""
        leaves = holder.take(said)
        if leaves is None:
            return None
        if self._left is None:
            self._left = self._came.copy()
        self._came.append(said)
        if not leaves:
            return b""
        self._left.append(leaves)
        return jsonio.encode(leaves)

    def _event(self, shape: Shape, said: str, padded: bytes) -> Any:
        """The event of a chunk of this shape."""
        extras = None if shape.extras is None else padded_extras(shape.extras, padded)
        return shape.make(0, said, shape.logprobs, extras)

    def _see(self, shape: Shape, said: str, padded: bytes, renew: bool, out: list[bytes]) -> Ahead:
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

    def _differing(self, shape: Shape, found: re.Match[bytes]) -> tuple[Notes, bytes]:
        """The faults of an event that the pattern matched, and its padding; what is around its text is remembered."""
        known = shape.known
        if known.bare is not None:
            return self._same[2], b""
        name, time = found.group(known.identity, known.created)
        differs = (name != self._identity) * 2 + (time != self._created)
        notes = shape.notes[differs]
        noted = notes if notes is not None else self.learner.notes(shape, differs)
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

    def _look_ahead(self, shape: Shape) -> Ahead:
        """The rules that an event of this shape meets, and what stands around its text; until something else comes."""
        bare = shape.known.bare
        if bare is not None and self._same is _NONE_YET:
            self._same = *bare[:2], self.learner.notes(shape, 0), None, None
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


def lane_for(owner: _Owner, reader: Reader, chain: Chain, writer: Writer, context: ReplyContext) -> StreamLane | None:
    """The lane of a stream of server-sent events: for chats of one choice that nobody traces."""
    if type(writer) is not StreamWriter or type(chain) is not Chain or context.request.n != 1:
        return None
    source = source_of(reader)
    return StreamLane(owner, source, chain, writer, context) if source is not None else None
