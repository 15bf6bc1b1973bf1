"""Whole chat replies: wire, dialect, repairs, dialect, wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import ReplyContext
from ..errors import InvalidAnswerError, TruelineError, UpstreamCutError, UpstreamError, UpstreamReplyTooLargeError
from ..events import Event, Failure, ReplyEnd, Usage, fold
from ..faults import LEFT_ALONE
from ..wire import jsonio, sse
from . import lane_whole
from .base import MAX_REPLY, not_json
from .chat import Chat
from .dialect import OPENAI_CHAT, Dialect
from .lines import is_lines

__all__ = ["WholeChat"]


class WholeChat(Chat):
    """A chat reply for a client that asked for one JSON object."""

    content_type = b"application/json"

    def __init__(self, context: ReplyContext, dialect: Dialect = OPENAI_CHAT, lanes: bool = True) -> None:
        self.facts = self._context = context
        self._dialect = dialect
        self._lanes = lanes
        self._body: list[bytes] = []
        self._size = 0
        self._left: Iterator[Event] | None = None
        """Events of the reply that have not met the rules."""
        self._mended: list[Event] = []
        self._came: tuple[bytes, Any, lane_whole.WholeLane | None] = b"", None, None

    def feed(self, data: bytes) -> bytes:
        if self.done:
            return b""
        self._body.append(data)
        self._size += len(data)
        if self._size > MAX_REPLY:
            self._fail(UpstreamReplyTooLargeError(f"The upstream's reply is larger than {MAX_REPLY} bytes."))
        return b""

    def close(self, cut: TruelineError | None = None) -> bytes:
        if self.done:  # or work is owed, and `settle` gives the reply
            return b""
        self.done = True
        if cut is not None:
            if isinstance(cut, UpstreamCutError):
                self._context.note("abrupt-reset")
            self._fail(cut)
            return b""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        lane = lane_whole.lane_for(self._context) if self._lanes else None
        known = lane.apply(body, self._context) if lane is not None else None
        if known is not None:
            return known
        payload: Any = None
        if sse.looks_like_sse(body[:256]) or is_lines(body):
            self._context.note("sse-for-nonstream")
            events = self._read_stream(body)
        else:
            events, payload = self._read_json(body)
        self._left, self._mended, self._came = iter(events), [], (body, payload, lane)
        return self._write_whole()

    def _go_on(self) -> bytes:
        if self._left is None or self.error is not None:
            return b""
        before = len(self._mended)
        self._chain.resume(self._mended)
        return b"" if self._failed(before) else self._write_whole()

    def _write_whole(self) -> bytes:
        """The reply, or nothing where it fails or work is owed (`_go_on`)."""
        mended, owing = self._mended, self._context
        assert self._left is not None
        if owing.owes():
            return b""
        for event in self._left:
            before = len(mended)
            self._chain.push(event, mended)
            if self._failed(before) or owing.owes():
                return b""
        self._left = None
        body, payload, lane = self._came
        reply = self._dialect.write_whole(fold(mended), self._context)
        if self.faults.keys() <= LEFT_ALONE and jsonio.same(reply, payload, len(body)):
            out = body  # exact as it came: not even its white space changes
        else:
            out = jsonio.encode(reply)
        if lane is not None and payload is not None and self.usage_source in ("reported", "mended"):
            lane.learn(body, payload, self._context, _play)
        return out

    def _failed(self, before: int) -> bool:
        failure = next((e for e in self._mended[before:] if type(e) is Failure), None)
        if failure is not None:
            self._fail(failure.error)
            if isinstance(failure.error, InvalidAnswerError):
                self._use_up()
        return failure is not None

    def _use_up(self) -> None:
        """The answer is of no use, but was given: what it used is known behind it."""
        for event in self._left or ():
            if type(event) is Usage:
                self._chain.push(event, [])

    def _read_json(self, body: bytes) -> tuple[list[Event], Any]:
        note = self._context.note
        text = body.strip()
        if not text:
            return [Failure(UpstreamCutError("The upstream's reply is empty.", code="upstream_empty_reply"))], None
        if body[:1] in (b"\n", b"\r", b" "):
            note("leading-blank-lines")
        try:
            values = jsonio.decode_all(text, note)
        except jsonio.JSONError:
            return [Failure(not_json(text[:20000]))], None
        events = self._read_chunks(values, self._dialect.reader(self._context))
        return (self._dialect.read_whole(values[0], self._context), values[0]) if events is None else (events, None)

    def _read_stream(self, body: bytes) -> list[Event]:
        note = self._context.note
        frames_reader = self._dialect.wire(note)
        reader = self._dialect.reader(self._context)
        events: list[Event] = []
        try:
            frames = [*frames_reader.feed(body), *frames_reader.close()]
        except UpstreamError as error:
            return [Failure(error)]
        for frame in frames:
            payloads = self._payloads(frame)
            if payloads is None:
                return [*events, ReplyEnd(True)]
            for payload in payloads:
                events.extend([payload] if isinstance(payload, Failure) else reader.read(payload, frame.event))
        if not events and self._text:
            return [Failure(not_json(self._text.encode()))]
        return [*events, ReplyEnd(False)]


def _play(context: ReplyContext, body: bytes) -> WholeChat:
    """A whole reply the general way, but for `close`."""
    pipeline = WholeChat(context, lanes=False)
    pipeline.feed(body)
    return pipeline
