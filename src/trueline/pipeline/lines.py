"""JSON on lines of its own, where an event stream or one value was to come."""

from __future__ import annotations

from ..wire import jsonio

__all__ = ["begins_ndjson", "is_lines"]


def begins_ndjson(start: bytes) -> bool:
    """Whether the first line is a chunk by itself (`ndjson-stream`)."""
    line, newline, _ = start.partition(b"\n")
    if not newline or (b'"delta"' not in line and b'"done"' not in line):
        return False
    try:
        return isinstance(jsonio.decode_strict(line), dict)
    except jsonio.JSONError:
        return False


def is_lines(body: bytes) -> bool:
    """Whether the first line is a JSON object by itself, and another one follows."""
    plain = body.replace(b"\r", b"\n") if b"\r" in body else body
    line = plain.lstrip().partition(b"\n")[0].rstrip()
    if line[:1] != b"{" or line[-1:] != b"}" or b"\n{" not in plain.strip():
        return False
    try:
        jsonio.decode_strict(line)
    except jsonio.JSONError:
        return False
    return True
