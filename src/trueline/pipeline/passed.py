"""Replies of paths that are not mended: passed on as they come, and never looking complete where they were cut."""

from __future__ import annotations

from ..errors import TruelineError
from ..wire import jsonio, sse
from .base import OwesNothing

__all__ = ["Passed"]


class Passed(OwesNothing):
    """A reply that is passed on as it comes.

    It must not look complete where it was cut: an event stream ends in an error event, anything else, and a stream
    within an event, in nothing.
    """

    error: TruelineError | None = None
    done = False
    upstream_id: str | None = None

    def __init__(self, content_type: bytes, open_ended: bool, path: str) -> None:
        self.content_type = content_type
        self.secrets: tuple[str, ...] = ()
        self.faults: dict[str, int] = {}
        self._is_stream = open_ended and content_type.lower().startswith(b"text/event-stream")
        self._named = path.endswith("/responses")
        self._tail = b"\n\n"

    def release(self) -> None:
        """See Pipeline."""

    def feed(self, data: bytes) -> bytes:
        """`data` as it is."""
        self._tail = (self._tail + data)[-4:] if len(data) < 4 else data[-4:]
        return data

    def close(self, cut: TruelineError | None = None) -> bytes:
        """The error event to end with, where there can be one."""
        if cut is None or not self._is_stream or not self._tail.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
            return b""
        if not self._named:
            return sse.write(jsonio.encode(cut.body())) + sse.DONE
        # The form of `/responses` (rules.md X): flat, with the nested one that SDKs look for as well.
        fields = cut.body()["error"]
        flat = {name: fields[name] for name in ("code", "message", "param")}
        return b"event: error\n" + sse.write(jsonio.encode({"type": "error", **flat, "error": fields}))
