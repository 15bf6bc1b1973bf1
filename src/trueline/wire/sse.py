"""Server-sent events: the whole grammar leniently in, one canonical form out.

In: LF, CRLF and CR; events that are separated by a single newline; no space after the colon; comments; `event:`,
`id:` and `retry:` lines; data over several lines; a BOM; lines without `data:` that are JSON; a last event without a
blank line; cuts at any byte.  Out: `data: <payload>` LF LF, nothing else (rules.md F1).

A line is never scanned twice: what is not a complete line yet waits as pieces that are joined once.
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..errors import UpstreamReplyTooLargeError
from . import jsonio

__all__ = ["DONE", "MAX_EVENT", "Frame", "SSEReader", "looks_like_sse", "write"]

DONE = b"data: [DONE]\n\n"
MAX_EVENT = 64 * 1024 * 1024
"""Bytes of one event; image models send tens of megabytes in one line (`huge-line`)."""

MAX_LOOKS = 32
"""An event over many lines is joined at most so often before its blank line comes: more would be quadratic."""

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry")
_NOTED = {b"id": "sse-id-retry", b"retry": "sse-id-retry"}


class Frame(NamedTuple):
    """One event: its data, and its name where an `event:` line gave one."""

    data: bytes
    event: bytes | None = None


def write(payload: bytes) -> bytes:
    """One event in the only form that OpenAI sends (rules.md F1)."""
    return b"data: " + payload + b"\n\n"


def looks_like_sse(start: bytes) -> bool:
    """Whether the first bytes of a body (BOM and blanks allowed) begin an event stream."""
    line = start.removeprefix(_BOM).lstrip().split(b"\n", 1)[0]
    return line.startswith((b":", b"[DONE]")) or line.split(b":", 1)[0].strip() in _FIELDS


class SSEReader:
    """`feed(bytes) -> frames`, `close() -> frames`.  Raises UpstreamReplyTooLargeError beyond `max_event` bytes."""

    def __init__(self, note: Callable[[str], None], max_event: int = MAX_EVENT) -> None:
        self._note = note
        self._max_event = max_event
        self._tail: list[bytes] = []  # pieces of the line that has not ended yet
        self._size = 0  # bytes held in _tail and _lines
        self._lines: list[bytes] = []  # data lines of the event that has not ended yet
        self._lines_size = 0
        self._looks = 0  # how often the lines were joined to see whether they are the whole event
        self._event: bytes | None = None
        self._crlf = False  # noted once: how often it shows depends on the cuts
        self._skip_lf = False  # the last read ended in CR: a LF that begins the next one belongs to it
        self._early = False  # the last event was complete before its blank line came
        self._blank = False  # there was a blank line: events are parted by them
        self._at_start = True

    def feed(self, data: bytes) -> list[Frame]:
        if self._at_start:
            data = self._strip_bom(data)
        if self._skip_lf or b"\r" in data:
            data = self._plain_newlines(data)
        if b"\n" not in data:
            self._hold(data)
            return []
        if self._tail:
            self._tail.append(data)
            data = b"".join(self._tail)
            self._tail.clear()
        self._size = 0
        frames: list[Frame] = []
        if not self._lines and self._event is None and not self._early:
            *blocks, data = data.split(b"\n\n")
            self._blank = self._blank or bool(blocks)
            for block in blocks:
                if block[:6] == b"data: " and b"\n" not in block:
                    frames.append(Frame(block[6:]))
                else:
                    self._block(block, frames)
            if b"\n" not in data:
                self._hold(data)
                return frames
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line(line, frames)
        self._size = self._lines_size
        self._hold(rest)
        return frames

    @property
    def idle(self) -> bool:
        """Whether nothing is pending: what comes next begins an event."""
        return not (
            self._tail or self._lines or self._early or self._skip_lf or self._at_start or self._event is not None
        )

    def close(self) -> list[Frame]:
        """The upstream ended: whatever is left is an event, with or without its blank line."""
        frames: list[Frame] = []
        if self._tail:
            line = b"".join(self._tail)
            self._tail.clear()
            self._note("done-no-blank-line")
            self._line(line, frames)
        elif self._lines or (self._early and self._blank):
            self._note("done-no-blank-line")
        self._early = False
        self._dispatch(frames)
        return frames

    def _strip_bom(self, data: bytes) -> bytes:
        data = b"".join(self._tail) + data
        self._tail.clear()
        if len(data) < 3 and _BOM.startswith(data):
            self._hold(data)
            return b""
        self._at_start = False
        if data.startswith(_BOM):
            self._note("bom")
            return data[3:]
        return data

    def _plain_newlines(self, data: bytes) -> bytes:
        if self._skip_lf and data[:1] == b"\n":
            data = data[1:]
            self._skip_lf = False
        if data:
            self._skip_lf = data.endswith(b"\r")
        if b"\r" in data:
            if not self._crlf:
                self._crlf = True
                self._note("sse-crlf")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _hold(self, data: bytes) -> None:
        if data:
            self._tail.append(data)
        self._size += len(data)
        if self._size > self._max_event:
            raise UpstreamReplyTooLargeError(
                f"The upstream sent an event of more than {self._max_event} bytes.", faults=("huge-line",)
            )

    def _block(self, block: bytes, frames: list[Frame]) -> None:
        """An event that is followed by a blank line."""
        lines = block.split(b"\n")
        if len(lines) == 1 and block[:5] == b"data:":
            if block[5:]:
                self._note("sse-no-space")
            frames.append(Frame(block[5:]))
            return
        if len(lines) == 2 and lines[0][:6] == b"event:" and lines[1][:6] == b"data: ":
            self._note("sse-event-line")
            frames.append(Frame(lines[1][6:], lines[0][6:].strip()))
            return
        for line in lines:
            self._line(line, frames)
        self._line(b"", frames)

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            self._early = False
            self._blank = True
            self._dispatch(frames)
            return
        if line[:1] == b":":
            self._note("sse-comment")
            return
        name, colon, value = line.partition(b":")
        name = name.strip()
        if self._early:
            self._early = False
            if name in _FIELDS:
                self._note("sse-single-newline")
        if name not in _FIELDS or (not colon and name != b"data"):
            self._bare(line, frames)
        elif name == b"data":
            if value[:1] == b" ":
                value = value[1:]
            elif value:
                self._note("sse-no-space")
            self._data(value, frames)
        elif name == b"event":
            self._note("sse-event-line")
            if self._lines:
                self._dispatch(frames)
            self._event = value.strip()
        else:
            self._note(_NOTED[name])

    def _bare(self, line: bytes, frames: list[Frame]) -> None:
        """A line that is no SSE field: JSON without a prefix, or text."""
        stripped = line.strip()
        if self._lines or stripped[:1] in (b"{", b"["):
            self._note("done-variants" if stripped[:6] == b"[DONE]" else "ndjson-stream")
            self._data(line, frames)
            self._early = False  # such lines are parted by nothing else
        elif stripped:
            self._note("sse-non-json-data")
            frames.append(Frame(stripped, b"text"))

    def _data(self, value: bytes, frames: list[Frame]) -> None:
        """Take a data line; the event leaves at once if it is complete, blank line or not."""
        self._lines.append(value)
        self._lines_size += len(value)
        if len(self._lines) == 1:
            complete = _is_complete(value)
        elif complete := value[:1] in (b"}", b"]") and self._looks < MAX_LOOKS:
            # Pretty-printed JSON ends in a line that begins with its closing bracket: one look is enough.
            self._looks += 1
            complete = _is_complete(b"\n".join(self._lines))
        if complete:
            self._dispatch(frames)
            self._early = True

    def _dispatch(self, frames: list[Frame]) -> None:
        lines, event = self._lines, self._event
        self._lines, self._lines_size, self._looks, self._event = [], 0, 0, None
        if not lines:
            if event is not None:
                self._note("sse-event-only-frame")
            return
        if len(lines) == 1:
            frames.append(Frame(lines[0], event))
            return
        joined = b"\n".join(lines)
        if _is_json(joined):
            self._note("sse-multiline-data")
            frames.append(Frame(joined, event))
            return
        self._note("sse-single-newline")
        frames.extend(Frame(line, event) for line in lines)


def _is_complete(payload: bytes) -> bool:
    payload = payload.strip()
    return payload[-1:] in (b"}", b"]") and (payload == b"[DONE]" or _is_json(payload))


def _is_json(payload: bytes) -> bool:
    try:
        jsonio.decode(payload)
    except jsonio.JSONError:
        return False
    return True
