"""From bytes to JSON values, noting everything about framing and JSON that OpenAI does otherwise.

The reading is as lenient as the proxy's (`wire`), so that one fault does not hide the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import UpstreamReplyTooLargeError
from ..wire import jsonio
from ..wire.sse import Frame, SSEReader, looks_like_sse
from .findings import Docket, Level
from .schema import ABSENT

__all__ = ["Event", "Stream", "judge_content_type", "looks_like_html", "read_object", "read_stream"]

HUGE = 64 * 1024
"""Bytes of one event that no chat chunk of OpenAI comes near."""

_HTML = re.compile(rb"\s*<(!doctype|html|head|body|\?xml)", re.I)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)
_DONE = re.compile(rb'\s*"?\[?DONE\]?"?\s*')
_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7]|[dD][89a-fA-F])[0-9a-fA-F]{4}")


class Event(NamedTuple):
    """One JSON value of a stream."""

    number: int
    value: Any
    payload: bytes
    name: str | None
    alone: bool = True
    """It is all of the payload."""

    @property
    def where(self) -> str:
        return f"chunk {self.number}"


class Stream(NamedTuple):
    """A stream that was read."""

    events: list[Event]
    done: int
    """How many times it said that it was done."""
    broken: bool = False
    """Its last event is cut off."""


def judge_content_type(docket: Docket, content_type: str | None, wanted: str) -> None:
    """Note a content-type that is not `wanted`: "" is a missing header, None one that is not known."""
    if content_type is None:
        return
    kind, _, parameters = content_type.partition(";")
    rule = "H2" if wanted == "text/event-stream" else "H1"
    if kind.strip().lower() != wanted:
        docket.note("ctype-missing", "header content-type", content_type, rule=rule)
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if charset and charset not in ("utf-8", "utf8"):
        docket.note("ctype-charset", "header content-type", content_type, rule=rule)


def looks_like_html(body: bytes) -> bool:
    """Whether a web page came instead of JSON."""
    return _HTML.match(body) is not None


def read_object(docket: Docket, body: bytes) -> Any:
    """The JSON value of a whole reply; ABSENT where there is none, which is noted then."""
    if not body.strip():
        docket.note("empty-stream")
    elif looks_like_html(body):
        docket.note("err-html", "", body)
    elif looks_like_sse(body):
        docket.note("sse-for-nonstream", "", body)
    else:
        return _read_json(docket, body)
    return ABSENT


def _read_json(docket: Docket, body: bytes) -> Any:
    if body.removeprefix(b"\xef\xbb\xbf")[:1] in (b"\n", b"\r"):
        docket.note("leading-blank-lines", "", body[:20])
    glued = {"two-json-per-line": "done-glued-on-json"}
    try:
        return jsonio.decode(body, lambda fault: docket.note(glued.get(fault, fault), "", _around(body)))
    except jsonio.JSONError:
        docket.note("eof-truncated" if _is_cut(body) else "not-json", "", body[-60:] if _is_cut(body) else body)
        return ABSENT


def _around(body: bytes) -> bytes:
    return b"\xe2\x80\xa6" + body.strip()[-40:]


def _is_cut(body: bytes) -> bool:
    """Whether text begins as JSON and just stops."""
    rest = _STRING.sub(b"", body.strip())
    opened = sum(rest.count(bracket) for bracket in (b"{", b"["))
    closed = sum(rest.count(bracket) for bracket in (b"}", b"]"))
    return rest[:1] in (b"{", b"[") and (opened > closed or b'"' in rest)


def read_stream(docket: Docket, body: bytes, named: bool = False) -> Stream | Any:
    """The events of a stream; or the one JSON value that came instead of one (ABSENT where there is nothing at all).

    `named`: its events have names, as those of images do.
    """
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        docket.note("empty-stream")
        return ABSENT
    if looks_like_html(body):
        docket.note("err-html", "", body)
        return ABSENT
    if start[:1] in (b"{", b"[") and not start.startswith(b"[DONE]"):
        value = _only_value(start)
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            docket.note("json-array-stream", "", body)
            return Stream([Event(number, item, jsonio.encode(item), None) for number, item in enumerate(value)], 0)
        if value is not ABSENT:
            return value
    return _Reading(docket, named).read(body)


def _only_value(body: bytes) -> Any:
    """The JSON value that is all of a body; ABSENT where it is not one, or several."""
    notes: list[str] = []
    try:
        values = jsonio.decode_all(body, notes.append)
    except jsonio.JSONError:
        return ABSENT
    return values[0] if len(values) == 1 and "done-glued-on-json" not in notes else ABSENT


class _Reading:
    """One pass over an event stream, line by line, so that notes know where they are."""

    def __init__(self, docket: Docket, named: bool) -> None:
        self._docket = docket
        self._named = named
        self._line = 0
        self._noted: set[str] = set()  # by the reader, on this line
        self._events: list[Event] = []
        self._done = 0
        self._broken = False
        self._reader = SSEReader(self._note)

    def read(self, body: bytes) -> Stream:
        try:
            for line in body.splitlines(keepends=True):
                self._line += 1
                self._noted = set()
                self._take(self._reader.feed(line))
            self._noted = set()
            self._take(self._reader.close(), last=True)
            self._judge_last_line(body)
        except UpstreamReplyTooLargeError:
            self._docket.note("huge-line", f"line {self._line}", level="must")
        return Stream(self._events, self._done, self._broken)

    def _note(self, fault: str) -> None:
        self._noted.add(fault)
        if self._named and fault == "sse-event-line":
            return
        if fault == "sse-no-space" and not self._docket.has(fault):
            self._noted.add("first-no-space")
        if fault != "done-no-blank-line":
            self._docket.note(fault, f"line {self._line}")

    def _judge_last_line(self, body: bytes) -> None:
        """The last event must be followed by a blank line: to lose `[DONE]` does no harm, to lose a chunk does."""
        tail = body[-4:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not tail.endswith(b"\n\n") and not self._docket.has("sse-single-newline", "ndjson-stream"):
            level: Level = "exact" if self._done else "must"
            self._docket.note("done-no-blank-line", f"line {self._line}", body[-40:], level=level)

    def _take(self, frames: Iterable[Frame], last: bool = False) -> None:
        for frame in frames:
            name = None if frame.event is None else frame.event.decode("utf-8", "replace")
            if name != "text":  # which is the reader's name for a line that is no field; it has noted it
                self._payload(frame.data, name, last)

    def _payload(self, data: bytes, name: str | None, last: bool) -> None:
        where = f"line {self._line}"
        if data[:5] == b"data:":
            self._docket.note("sse-double-prefix", where, data)
            data = data[5:].removeprefix(b" ")
        if _DONE.fullmatch(data):
            self._end(data, name, where)
        elif data.strip() in (b"", b'""'):
            self._docket.note("sse-empty-data", where, data)
        elif data[:1] == b":":
            self._docket.note("sse-comment-as-data", where, data)
        else:
            self._json(data, name, last)

    def _end(self, data: bytes, name: str | None, where: str) -> None:
        odd_name = name is not None and name.lower() not in ("message", "completion", "chunk")
        only_no_space = "first-no-space" in self._noted
        if data != b"[DONE]" or odd_name or only_no_space:
            self._docket.note("done-variants", where, data)
        if self._done:
            self._docket.note("done-duplicated", where)
        self._done += 1

    def _json(self, data: bytes, name: str | None, last: bool) -> None:
        where = f"line {self._line}"
        if self._done:
            self._docket.note("data-after-done", where, data)
        try:
            values = jsonio.decode_all(data, lambda fault: self._docket.note(fault, where, data))
        except jsonio.JSONError:
            if last and _is_cut(data):
                self._broken = True
            elif not self._done:
                self._docket.note("sse-non-json-data", where, data)
            return
        if self._done:
            return
        self._judge_bytes(data, where)
        for value in values:
            self._events.append(Event(len(self._events), value, data, name, len(values) == 1))

    def _judge_bytes(self, data: bytes, where: str) -> None:
        if len(data) > HUGE and not self._named:
            self._docket.note("huge-line", where, f"{len(data)} bytes")
        bare = _STRING.sub(b"", data)
        if not self._named and b" " in bare and b"\n" not in bare:
            self._docket.note("json-not-compact", where, data)
        if b"\\u" in data and _ESCAPED.search(data):
            self._docket.note("json-escaped", where, data)
