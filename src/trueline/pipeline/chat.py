"""Streamed chat replies, and what whole ones share with them: wire, dialect, repairs, dialect, wire."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..context import ReplyContext
from ..dialects.error_bodies import error_in, without_secrets
from ..dialects.sharper import sharpen
from ..errors import (
    TruelineError,
    UpstreamCutError,
    UpstreamError,
    UpstreamFormatError,
    UpstreamReplyError,
    UpstreamReplyTooLargeError,
)
from ..events import Event, Failure, ReplyEnd, Usage
from ..repairs import Tally, tally
from ..wire import jsonio, sse
from . import lane_stream
from .base import MAX_REPLY, Chain, not_json
from .dialect import OPENAI_CHAT, Dialect, Reader
from .lines import begins_ndjson, is_lines
from .traced import chain_for

__all__ = ["Chat", "ChatStream"]

_BOM = b"\xef\xbb\xbf"
_PREFIXES = re.compile(rb"(?:data:\s*)+")


class Chat:
    """What whole and streamed chats share."""

    def __init__(self, context: ReplyContext, dialect: Dialect) -> None:
        self.facts = self._context = context
        self._dialect = dialect

    # What most exchanges never change stands here: an attribute of the class costs an exchange nothing.
    _said_done = False
    _text = ""
    """What came instead of JSON, for an error message."""
    error: TruelineError | None = None
    done = False
    secrets: tuple[str, ...] = ()
    _waiting: tuple[bytes, ...] = ()
    """What came while work was owed."""
    _closing: tuple[TruelineError | None] | None = None
    """It was closed while work was owed, in this way."""
    _made: Chain | None = None

    @property
    def _chain(self) -> Chain:
        """Made when it is needed, which for most whole replies is never (`lane_whole.py`)."""
        chain = self._made
        if chain is None:
            chain = self._made = chain_for(self._context)
        return chain

    @property
    def faults(self) -> dict[str, int]:
        return self._context.faults

    @property
    def usage_source(self) -> str | None:
        """Who says what was used (`context.UsageSource`), once that is known."""
        return self._context.usage_source

    @property
    def owed(self) -> Callable[[], None] | None:
        """See Pipeline."""
        return self._context.owed

    def defer(self) -> None:
        """See Pipeline."""
        self._context.defers = True

    def settle(self) -> bytes:
        """See Pipeline."""
        owed, self._context.owed = self._context.owed, None
        if owed is not None:
            owed.land()
        if self._context.owes():  # what was found shows that there is more to do
            return b""
        out = self._go_on()
        waiting, self._waiting = self._waiting, ()
        for data in waiting:
            out += self.feed(data)
        if self._closing is not None and not self._context.owes():
            (cut,), self._closing = self._closing, None
            out += self.close(cut)
        return out

    def tally(self) -> Tally | None:
        """See Pipeline."""
        context = self._context
        usage, source = context.usage, context.usage_source
        if usage is None or source is None:
            return tally(context)
        return Tally(usage["prompt_tokens"], usage["completion_tokens"], source, usage)

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError

    def close(self, cut: TruelineError | None = None) -> bytes:
        raise NotImplementedError

    def _go_on(self) -> bytes:
        """Write what waited for work that is done."""
        raise NotImplementedError

    @property
    def upstream_id(self) -> str | None:
        return self._context.upstream_id

    @property
    def left(self) -> bool:
        """See Pipeline."""
        return self._context.left

    @property
    def kept(self) -> bool:
        """The upstream was seen to keep a limit that the reply reached."""
        return self._context.kept

    def steady(self) -> Callable[[bytes], bytes | None] | None:
        """See Pipeline."""
        return None

    def release(self) -> None:
        """See Pipeline."""

    def _read_chunks(self, values: list[Any], reader: Reader) -> list[Event] | None:
        """The events of chunks that came in an array or on lines of their own; None for one value that is a reply."""
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0]
            if len(values) != 1:
                self._context.note("json-array-stream")
        if len(values) == 1:
            return None
        return [*(event for value in values for event in reader.read(value)), ReplyEnd(False)]

    def _mend(self, events: list[Event]) -> list[Event]:
        mended: list[Event] = []
        for event in events:
            self._chain.push(event, mended)
        return mended

    def _fail(self, error: TruelineError) -> None:
        sharpen(error, self._context.options.options)
        for fault in error.faults:
            self._context.note(fault)
        self.error = error
        self.done = True
        self._context.owed = None

    def _payloads(self, frame: sse.Frame) -> list[Any] | None:
        """The JSON values of one event; None for `[DONE]`."""
        note = self._context.note
        data = frame.data.strip()
        again = _PREFIXES.match(data)
        if again is not None:
            for _ in range(again[0].count(b"data:")):
                note("sse-double-prefix")
            data = data[again.end() :]
        if data[:6] == b"[DONE]" or data == b'"[DONE]"' or frame.event == b"done":
            if data != b"[DONE]" or frame.event == b"done":
                note("done-variants")
            if b'"choices"' not in data:
                return None
            self._said_done = True  # the last chunk comes under that name
        if not data or data == b'""':
            note("sse-empty-data")
            return []
        if data[:1] == b":":
            note("sse-comment-as-data")
            return []
        try:
            return jsonio.decode_all(data, note)
        except jsonio.JSONError:
            note("sse-non-json-data")
            if frame.event == b"error":
                note("err-mid-named-event")
            return [Failure(_text_error(data))] if _says_error(data, frame.event) else self._keep_text(data)

    def _keep_text(self, data: bytes) -> list[Any]:
        if len(self._text) < 2000:
            self._text += data[:2000].decode("utf-8", "replace") + "\n"
        return []


class ChatStream(Chat):
    """A chat reply for a client that asked for a stream."""

    content_type = b"text/event-stream; charset=utf-8"

    def __init__(self, context: ReplyContext, dialect: Dialect = OPENAI_CHAT, lanes: bool = True) -> None:
        super().__init__(context, dialect)
        self._wire = dialect.wire(context.note)
        self._reader = dialect.reader(context)
        self._writer = dialect.writer(context)
        sse_lane = lanes and dialect.wire is sse.SSEReader
        self._lane = lane_stream.lane_for(self, self._reader, self._chain, self._writer, context) if sse_lane else None
        # The first bytes, until it is clear that they are an event stream; other framings are taken as they come.
        self._start: bytes | None = b"" if dialect.wire is sse.SSEReader else None
        self._body: list[bytes] | None = None  # a whole body that answers instead of a stream
        self._size = 0
        self._written = False
        self._failed = False
        self._raw = b""  # the read that is under way, for the lane to learn from
        self._frames_left: list[sse.Frame] = []  # what waits where work is owed
        self._events_left: list[Event] = []
        self._cut: TruelineError | None = None

    def release(self) -> None:
        """See Pipeline: the lane and its stream know each other."""
        self._settle_lane()
        self._lane = None

    @property
    def faults(self) -> dict[str, int]:
        """See Pipeline."""
        self._settle_lane()
        return self._context.faults

    def tally(self) -> Tally | None:
        """See Pipeline."""
        self._settle_lane()
        return super().tally()

    def steady(self) -> Callable[[bytes], bytes | None] | None:
        """See Pipeline."""
        if self._lane is None or self._context.owed is not None:
            return None
        steady = self._lane.steady()
        return steady.take if steady is not None else None

    def _settle_lane(self) -> None:
        if self._lane is not None:
            self._lane.settle()

    def feed(self, data: bytes) -> bytes:
        if self._context.owed is not None:
            self._waiting = (*self._waiting, data)
            return b""
        lane = self._lane
        if lane is None:
            return self._feed(data)
        lane.settle(ends=True)
        out: list[bytes] = []
        at = lane.run(data, 0, out) if lane.open else 0
        if at < len(data):
            self._feed_apart(lane, data, at, out)
        return out[0] if len(out) == 1 else b"".join(out)

    def _feed_apart(self, lane: lane_stream.StreamLane, data: bytes, at: int, out: list[bytes]) -> None:
        """Event by event, as long as those that follow one may be like it."""
        size = len(data)
        while at < size:
            if self._context.owed is not None:
                self._waiting = (*self._waiting, data[at:])
                break
            end = lane.end_of_event(data, at)
            piece = data[at:end] if at or end < size else data
            lane.give()
            self._raw = piece if lane.learner.bears(piece) else b""
            out.append(self._feed(piece))
            lane.reopen(self._wire.idle)
            at = lane.run(data, end, out) if lane.open and end < size else end
        self._raw = b""

    def _feed(self, data: bytes) -> bytes:
        if self.done:
            self._drop(data)
            return b""
        try:
            if self._start is not None:
                return self._sniff(data)
            if self._body is not None:
                self._keep(data)
                return b""
            return self._frames(self._wire.feed(data))
        except UpstreamError as error:
            return self._answer(error)

    def close(self, cut: TruelineError | None = None) -> bytes:
        out = b""
        if self.done:
            return out
        self._settle_lane()
        self._closing = (cut,)  # again, once work is done that is owed now or on the way
        if self.owed is None:
            out = self._rest(cut)
        if self.owed is None:
            self._closing = None
            if not self.done:
                out += self._end(cut)
        return out

    def _rest(self, cut: TruelineError | None) -> bytes:
        """Everything that came, where the upstream has ended."""
        out = b""
        if self._start:
            start, self._start = self._start, None
            if start.removeprefix(_BOM).lstrip()[:1] in (b"{", b"["):
                self._body = [start]
            else:
                out = self._frames(self._wire.feed(start))
        if self._body is not None and not self.done:
            body, self._body = b"".join(self._body), None
            if not is_lines(body):
                return out + self._whole(body, cut)
            out += self._frames(self._wire.feed(body))
        if not self.done:
            try:
                out += self._frames(self._wire.close())
            except UpstreamCutError as error:
                cut = cut or error
            except UpstreamError as error:
                return out + self._answer(error)
        if not self.done:
            out += self._end(cut)
        return out

    def _sniff(self, data: bytes) -> bytes:
        """Tell an event stream from one JSON value that answers instead of it (`json-for-stream`)."""
        start = (self._start or b"") + data
        stripped = start.removeprefix(_BOM).lstrip()
        if not stripped or _BOM.startswith(start):
            self._start = start[-8:]
            return b""
        if stripped[:1] not in (b"{", b"["):
            self._start = None
            return self._frames(self._wire.feed(start))
        if stripped[:6] == b"[DONE]" or begins_ndjson(stripped):
            self._start = None
            return self._frames(self._wire.feed(start))
        self._start = start
        if b"\n" in stripped or len(start) > 65536:
            self._start = None
            self._body = []
            self._keep(start)
        return b""

    def _keep(self, data: bytes) -> None:
        if self._body is not None:
            self._body.append(data)
        self._size += len(data)
        if self._size > MAX_REPLY:
            raise UpstreamReplyTooLargeError(f"The upstream's reply is larger than {MAX_REPLY} bytes.")

    def _frames(self, frames: list[sse.Frame]) -> bytes:
        out: list[bytes] = []
        for position, frame in enumerate(frames):
            if position and self.done:
                self._note_late(frames[position:])
                break
            if self._context.owed is not None:
                self._frames_left += frames[position:]
                break
            payloads = self._payloads(frame)
            if payloads is None:
                out.append(self._events([ReplyEnd(not self._context.translated)]))  # other APIs have ends of their own
                continue
            for payload in payloads:
                if isinstance(payload, Failure):
                    out.append(self._events([payload]))
                else:
                    out.append(self._events(self._read(payload, frame)))
                if self.done:
                    break
        return b"".join(out) if len(out) != 1 else out[0]

    def _read(self, payload: Any, frame: sse.Frame) -> list[Event]:
        lane = self._lane
        if lane is None or not self._raw or not lane.learner.reads(frame.event):
            return self._reader.read(payload, frame.event)
        before = dict(self.faults)
        events = self._reader.read(payload, frame.event)
        lane.learn(self._raw, frame.data, payload, events, before)
        return events

    def _drop(self, data: bytes) -> None:
        try:
            self._note_late(self._wire.feed(data))
        except UpstreamError:
            pass  # the client has its answer

    def _note_late(self, frames: list[sse.Frame]) -> None:
        """What comes behind `[DONE]` is counted and dropped; behind an end that was made here it is only dropped."""
        for frame in frames:
            data = frame.data.strip()
            if data and not self._failed and not self._context.left:
                self._context.note("done-duplicated" if data[:6] == b"[DONE]" else "data-after-done")

    def _whole(self, body: bytes, cut: TruelineError | None) -> bytes:
        if cut is not None:
            return self._broken(cut)
        try:
            values = jsonio.decode_all(body.strip(), self._context.note)
        except jsonio.JSONError:
            return self._answer(UpstreamCutError("The upstream's reply is not complete JSON."))
        events = self._read_chunks(values, self._reader)
        if events is None:
            events = self._dialect.read_whole(values[0], self._context)
            if not isinstance(events[0], Failure):
                self._context.note("json-for-stream")
        return self._at_once(events)

    def _end(self, cut: TruelineError | None) -> bytes:
        self._cut = cut
        if not self._written and cut is not None:
            return self._broken(cut)
        if not self._written and self._text:
            return self._answer(not_json(self._text.encode()))
        return self._events([ReplyEnd(self._said_done)], cut)

    def _events(self, events: list[Event], cut: TruelineError | None = None) -> bytes:
        return self._write(self._mend(events), cut)

    def _at_once(self, events: list[Event]) -> bytes:
        """All that there is: where it fails, nothing of it is written."""
        mended = self._mend(events)
        return self._write([e for e in mended if type(e) is Failure] or mended)

    def _write(self, mended: list[Event], cut: TruelineError | None = None) -> bytes:
        out: list[bytes] = []
        for position, event in enumerate(mended):
            kind = type(event)
            if kind is Failure:
                out.append(self._broken(cut) if cut is not None else self._answer(event.error))  # type: ignore[union-attr]
                break
            if kind is Usage and self._context.owed is not None:
                self._events_left, self._cut = mended[position:], cut
                break
            data = self._writer.write(event)
            if data:
                self._written = True
                out.append(data)
            if kind is ReplyEnd:
                self.done = True
        return b"".join(out) if len(out) != 1 else out[0]

    def _go_on(self) -> bytes:
        left, self._events_left = self._events_left, []
        if left:
            out = self._write(left, self._cut)
        else:
            mended: list[Event] = []
            self._chain.resume(mended)
            out = self._write(mended, self._cut)
        frames, self._frames_left = self._frames_left, []
        if frames and self.done:
            self._note_late(frames)
        elif frames:
            out += self._frames(frames)
        return out

    def _broken(self, cut: TruelineError) -> bytes:
        if isinstance(cut, UpstreamCutError):
            self._context.note("abrupt-reset")
        return self._answer(cut)

    def _answer(self, error: TruelineError) -> bytes:
        """A failure: an HTTP status if nothing was written, else an error event; never a finish."""
        self._failed = True
        self._context.owed = None
        sharpen(error, self._context.options.options)
        if not self._written:
            if isinstance(error, UpstreamReplyError):
                self._context.note("err-200-first-event")
            self._fail(error)
            return b""
        if isinstance(error, UpstreamReplyError):
            self._context.note("err-mid-stream")
        for fault in error.faults:
            self._context.note(fault)
        self.done = True
        error.message = without_secrets(error.message, self.secrets)
        return self._writer.failure(error)


def _says_error(data: bytes, event: bytes | None) -> bool:
    return event == b"error" or b"error" in data[:200].lower()


def _text_error(data: bytes) -> TruelineError:
    said = error_in(data[:4000].decode("utf-8", "replace"), b"error")
    return said or UpstreamFormatError("The upstream sent an error that could not be read.")
