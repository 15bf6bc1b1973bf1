"""What every framing has in common: bytes in, frames out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from .sse import Frame

__all__ = ["FrameReader", "Note", "Wire"]

Note: TypeAlias = Callable[[str], None]


class FrameReader(Protocol):
    """One stream, cut into payloads.  Raises UpstreamReplyTooLargeError beyond the size of one event."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with these bytes."""

    def close(self) -> list[Frame]:
        """What the end of the stream completes."""

    @property
    def idle(self) -> bool:
        """Whether a frame begins with the next byte."""


Wire: TypeAlias = Callable[[Note], FrameReader]
"""Makes the reader of one stream; faults of framing are noted by their id."""
