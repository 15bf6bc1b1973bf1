"""JSON, one value a line, as Ollama streams it.

Blank lines and CR LF are taken as they come; the last line needs no newline.
https://github.com/ollama/ollama/blob/main/docs/api.md (seen 2026-11)
"""

from __future__ import annotations

from ..errors import UpstreamReplyTooLargeError
from .frames import Note
from .sse import MAX_EVENT, Frame

__all__ = ["NDJSONReader"]

_BOM = b"\xef\xbb\xbf"


class NDJSONReader:
    """A `FrameReader`: the lines that are not blank."""

    def __init__(self, note: Note, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._tail: list[bytes] = []  # pieces of the line that has not ended yet
        self._size = 0
        self._at_start = True

    @property
    def idle(self) -> bool:
        """See FrameReader."""
        return not self._tail

    def feed(self, data: bytes) -> list[Frame]:
        """See FrameReader."""
        complete, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._hold(rest)
            return []
        text = b"".join((*self._tail, complete))
        self._tail.clear()
        self._size = 0
        if rest:
            self._hold(rest)
        return self._frames(text)

    def close(self) -> list[Frame]:
        """See FrameReader."""
        text = b"".join(self._tail)
        self._tail.clear()
        return self._frames(text)

    def _hold(self, data: bytes) -> None:
        self._tail.append(data)
        self._size += len(data)
        if self._size > self._max_event:
            raise UpstreamReplyTooLargeError(
                f"One line of the upstream's stream is larger than {self._max_event} bytes."
            )

    def _frames(self, text: bytes) -> list[Frame]:
        if self._at_start and text:
            text = text.removeprefix(_BOM)
            self._at_start = False
        return [Frame(line) for line in map(bytes.strip, text.split(b"\n")) if line]
