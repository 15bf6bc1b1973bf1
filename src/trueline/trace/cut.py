"""A recorded event stream, cut into events without changing a byte: what a person would call one event.

The pipeline does not care where its input is cut, so it may be fed these one by one.  An event ends at its blank line;
where lines are not separated by one, at the end of a line whose JSON is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..wire import jsonio, sse

__all__ = ["cut_events", "is_stream"]

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def is_stream(body: bytes) -> bool:
    """Whether a body is to be shown event by event: an event stream, or JSON on lines of their own."""
    if sse.looks_like_sse(body[:1024]):
        return True
    first, _, rest = body.strip().replace(b"\r", b"\n").partition(b"\n")
    return first[:1] == b"{" and rest.lstrip()[:1] == b"{" and _is_json(first)


def cut_events(body: bytes) -> list[bytes]:
    """The events of a stream; joined, they are the body."""
    return list(_events(body))


def _events(body: bytes) -> Iterator[bytes]:
    lines: list[bytes] = []
    complete = blank = False
    for match in _LINE.finditer(body):
        line = match[0]
        if not line.strip():
            blank = True
        elif blank or complete or (lines and line[:1] == b"{" and not lines[-1].startswith(b"data")):
            if any(each.strip() for each in lines):
                yield b"".join(lines)
                lines = []
            blank = complete = False
        lines.append(line)
        if line.strip():
            complete = _is_complete(line)
    if lines:
        yield b"".join(lines)


def _is_complete(line: bytes) -> bool:
    """Whether the line is an event by itself, blank line behind it or not."""
    data = line.strip().removeprefix(b"data:").strip()
    return data[-1:] in (b"}", b"]") and (data == b"[DONE]" or _is_json(data))


def _is_json(text: bytes) -> bool:
    try:
        jsonio.decode(text)
    except jsonio.JSONError:
        return False
    return True
