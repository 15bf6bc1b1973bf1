"""NDJSON and AWS's event stream: whole, cut anywhere, and damaged."""

from __future__ import annotations

import random
import struct
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer

from trueline.errors import UpstreamCutError, UpstreamError, UpstreamFormatError, UpstreamReplyTooLargeError
from trueline.wire.aws_eventstream import EventStreamReader
from trueline.wire.frames import FrameReader
from trueline.wire.ndjson import NDJSONReader
from trueline.wire.sse import Frame


def unnoted(fault: str) -> None:
    raise AssertionError(f"noted {fault}")


def header(name: str, value: str | bytes | int) -> bytes:
    start = bytes([len(name)]) + name.encode()
    if isinstance(value, int):
        return start + b"\x04" + struct.pack(">i", value)
    data = value if isinstance(value, bytes) else value.encode()
    return start + (b"\x06" if isinstance(value, bytes) else b"\x07") + struct.pack(">H", len(data)) + data


def message(payload: bytes, **headers: str | bytes | int) -> bytes:
    """One message; `_` in a header's name stands for `:` at its start and `-` inside."""
    names = {name: ":" + name.replace("_", "-") for name in headers}
    head = b"".join(header(names[name], value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack(">I", crc32(prelude))
    body = prelude + head + payload
    return body + struct.pack(">I", crc32(body))


DELTA = message(b'{"delta":{"text":"Hi"}}', event_type="contentBlockDelta", message_type="event")
ODD = message(b"{}", number=7, raw=b"\x00\x01", event_type="metadata", message_type="event")
THROTTLED = message(b'{"message":"Slow"}', exception_type="throttlingException", message_type="exception")
FAILED = message(b"", error_code="InternalError", error_message="It broke", message_type="error")

AWS: list[tuple[bytes, list[Frame]]] = [
    (b"", []),
    (DELTA, [Frame(b'{"delta":{"text":"Hi"}}', b"contentBlockDelta")]),
    (DELTA + ODD, [Frame(b'{"delta":{"text":"Hi"}}', b"contentBlockDelta"), Frame(b"{}", b"metadata")]),
    (THROTTLED, [Frame(b'{"message":"Slow"}', b"exception:throttlingException")]),
    (FAILED, [Frame(b'{"message":"It broke"}', b"error:InternalError")]),
]

LINES: list[tuple[bytes, list[Frame]]] = [
    (b"", []),
    (b'{"a":1}\n{"b":2}\n', [Frame(b'{"a":1}'), Frame(b'{"b":2}')]),
    (b'\xef\xbb\xbf{"a":1}\r\n\r\n{"b":2}', [Frame(b'{"a":1}'), Frame(b'{"b":2}')]),
    (b'{"a":"\xc3\xa9"}', [Frame(b'{"a":"\xc3\xa9"}')]),
]


def read(reader: FrameReader, pieces: list[bytes]) -> list[Frame]:
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.close()


@pytest.mark.parametrize(
    ("make", "data", "frames"), [(EventStreamReader, *row) for row in AWS] + [(NDJSONReader, *row) for row in LINES]
)
def test_frames_are_the_same_at_every_cut(make: Any, data: bytes, frames: list[Frame]) -> None:
    assert read(make(unnoted), [data]) == frames
    assert read(make(unnoted), [data[i : i + 1] for i in range(len(data))]) == frames
    for at in range(len(data)):
        assert read(make(unnoted), [data[:at], data[at:]]) == frames


def test_messages_are_those_that_aws_itself_reads() -> None:
    dice = random.Random(5)
    messages = [
        message(dice.randbytes(dice.randrange(200)), event_type=f"e{n}", message_type="event", odd=n) for n in range(50)
    ]
    judge = EventStreamBuffer()
    judge.add_data(b"".join(messages))
    expected = [Frame(event.payload, event.headers[":event-type"].encode()) for event in judge]
    assert read(EventStreamReader(unnoted), [b"".join(messages)]) == expected


@pytest.mark.parametrize("at", range(len(DELTA)))
def test_a_damaged_byte_is_never_read_as_an_event(at: int) -> None:
    broken = DELTA[:at] + bytes([DELTA[at] ^ 0x41]) + DELTA[at + 1 :]
    reader = EventStreamReader(unnoted)
    with pytest.raises(UpstreamError):
        read(reader, [broken])


def test_what_came_before_the_damage_is_given_first() -> None:
    reader = EventStreamReader(unnoted)
    assert len(reader.feed(DELTA + DELTA[:-1] + b"\x00")) == 1
    with pytest.raises(UpstreamFormatError, match="CRC of a message"):
        reader.close()


@pytest.mark.parametrize("at", range(1, len(DELTA)))
def test_a_cut_message_is_an_error(at: int) -> None:
    reader = EventStreamReader(unnoted)
    assert reader.feed(DELTA[:at]) == []
    with pytest.raises(UpstreamCutError):
        reader.close()


def test_impossible_lengths_are_refused() -> None:
    for total, headers in ((15, 0), (40, 25)):
        prelude = struct.pack(">II", total, headers)
        with pytest.raises(UpstreamFormatError, match="impossible lengths"):
            EventStreamReader(unnoted).feed(prelude + struct.pack(">I", crc32(prelude)) + bytes(64))


def test_sizes_are_limited() -> None:
    with pytest.raises(UpstreamReplyTooLargeError):
        EventStreamReader(unnoted, max_message=64).feed(message(bytes(100), event_type="e"))
    reader = NDJSONReader(unnoted, max_event=64)
    reader.feed(b"x" * 60)
    with pytest.raises(UpstreamReplyTooLargeError):
        reader.feed(b"x" * 60)
