"""AWS's binary event stream: `application/vnd.amazon.eventstream`.

    total length u32 | length of headers u32 | CRC of those 8 bytes u32 | headers | payload | CRC of all before u32

An event is a frame with its payload and its `:event-type`.  An exception or an error is a frame whose event name
begins with `exception:` or `error:`, and whose payload is a JSON object.  A CRC that is wrong, or lengths that cannot
be, end the stream in an error: what follows cannot be trusted.
https://smithy.io/2.0/aws/amazon-eventstream.html (seen 2026-11)
"""

from __future__ import annotations

import struct
from zlib import crc32

from ..errors import UpstreamCutError, UpstreamFormatError, UpstreamReplyTooLargeError
from . import jsonio
from .frames import Note
from .sse import Frame

__all__ = ["EventStreamReader"]

MAX_MESSAGE = 24 * 1024 * 1024
"""Bytes of one message; the protocol allows 16 MiB of payload and 128 KiB of headers."""

_PRELUDE = 12
_SMALLEST = 16
_TEXT = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; types 6 and 7, bytes and text, say their length themselves."""


class EventStreamReader:
    """A `FrameReader`.  Raises UpstreamFormatError for a message that is damaged."""

    def __init__(self, note: Note, max_message: int = MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._held = bytearray()
        self._damage: UpstreamFormatError | None = None

    @property
    def idle(self) -> bool:
        """See FrameReader."""
        return not self._held

    def feed(self, data: bytes) -> list[Frame]:
        """See FrameReader.  Messages before one that is damaged are given first."""
        if self._damage is not None:
            raise self._damage
        held = self._held
        held += data
        frames: list[Frame] = []
        at = 0
        try:
            while len(held) - at >= _PRELUDE:
                total, headers = self._prelude(bytes(held[at : at + _PRELUDE]))
                if len(held) - at < total:
                    break
                frames.append(_message(bytes(held[at : at + total]), headers))
                at += total
        except UpstreamFormatError as damage:
            if not frames:
                raise
            self._damage = damage
        del held[:at]
        return frames

    def close(self) -> list[Frame]:
        """See FrameReader.  Raises UpstreamCutError inside a message."""
        if self._damage is not None:
            raise self._damage
        if self._held:
            raise UpstreamCutError("The upstream's event stream ended inside a message.")
        return []

    def _prelude(self, prelude: bytes) -> tuple[int, int]:
        total, headers, check = struct.unpack(">III", prelude)
        if crc32(prelude[:8]) != check:
            raise UpstreamFormatError("The upstream's event stream is damaged: the CRC of a prelude is wrong.")
        if total < _SMALLEST or headers > total - _SMALLEST:
            raise UpstreamFormatError("The upstream's event stream is damaged: a message has impossible lengths.")
        if total > self._max_message:
            raise UpstreamReplyTooLargeError(
                f"A message of the upstream's stream is larger than {self._max_message} bytes."
            )
        return total, headers


def _message(message: bytes, headers: int) -> Frame:
    (check,) = struct.unpack_from(">I", message, len(message) - 4)
    if crc32(message[:-4]) != check:
        raise UpstreamFormatError("The upstream's event stream is damaged: the CRC of a message is wrong.")
    said = _headers(message[_PRELUDE : _PRELUDE + headers])
    payload = message[_PRELUDE + headers : -4]
    kind = said.get(b":message-type", b"event")
    if kind == b"exception":
        return Frame(payload or b"{}", b"exception:" + said.get(b":exception-type", b"unknown"))
    if kind == b"error":
        text = said.get(b":error-message", b"").decode("utf-8", "replace")
        return Frame(jsonio.encode({"message": text}), b"error:" + said.get(b":error-code", b"unknown"))
    return Frame(payload, said.get(b":event-type"))


def _headers(data: bytes) -> dict[bytes, bytes]:
    """The headers of a message; values that are not text are stepped over."""
    said: dict[bytes, bytes] = {}
    at = 0
    try:
        while at < len(data):
            size = data[at]
            name = data[at + 1 : at + 1 + size]
            at += 1 + size
            kind = data[at]
            at += 1
            if kind in _SIZES:
                at += _SIZES[kind]
                continue
            (length,) = struct.unpack_from(">H", data, at)
            at += 2
            if kind == _TEXT:
                said[name] = data[at : at + length]
            at += length
    except (IndexError, struct.error):
        at = len(data) + 1
    if at != len(data):
        raise UpstreamFormatError("The upstream's event stream is damaged: the headers of a message cannot be read.")
    return said
