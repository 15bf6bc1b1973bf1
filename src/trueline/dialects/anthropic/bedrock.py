"""The same messages in the event stream of Bedrock's InvokeModelWithResponseStream.

Each frame holds one event of the Messages API, in base64 under `bytes`; exceptions are frames of their own.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html (seen 2026-11)
"""

from __future__ import annotations

import base64
import binascii

from ...wire import jsonio
from ...wire.aws_eventstream import EventStreamReader
from ...wire.frames import Note
from ...wire.sse import Frame
from ..provider import ProviderDialect
from .errors import read_error
from .reply import read_whole
from .request import write_request
from .stream import MessageReader

__all__ = ["DIALECT", "InvokeReader"]


class InvokeReader:
    """A `FrameReader` over that of AWS."""

    def __init__(self, note: Note) -> None:
        self._frames = EventStreamReader(note)

    @property
    def idle(self) -> bool:
        """See FrameReader."""
        return self._frames.idle

    def feed(self, data: bytes) -> list[Frame]:
        """See FrameReader."""
        return [_opened(frame) for frame in self._frames.feed(data)]

    def close(self) -> list[Frame]:
        """See FrameReader."""
        return [_opened(frame) for frame in self._frames.close()]


def _opened(frame: Frame) -> Frame:
    if frame.event is not None and frame.event.startswith((b"exception:", b"error:")):
        return frame
    try:
        held = jsonio.decode(frame.data)
        inner = held.get("bytes") if isinstance(held, dict) else None
        if isinstance(inner, str):
            return Frame(base64.b64decode(inner, validate=True))
    except (jsonio.JSONError, binascii.Error, ValueError):
        pass
    return Frame(frame.data)


DIALECT = ProviderDialect(
    "anthropic_bedrock",
    lambda request, asked: write_request(request, asked._replace(settings={**asked.settings, "platform": "bedrock"})),
    MessageReader,
    read_whole,
    InvokeReader,
    read_error,
    usual=frozenset(("tool-index-back", "usage-every-chunk-cumulative")),
)
