"""The size and format of a picture, from its first bytes."""

from __future__ import annotations

import json
from base64 import b64encode, encodebytes
from struct import pack
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kit import dumps, image, play
from trueline.context import FormatOptions
from trueline.pictures import dimensions, format_of, size_of

PNG = b"\x89PNG\r\n\x1a\n" + pack(">I4sII", 13, b"IHDR", 640, 480) + bytes(9)
JPEG = b"\xff\xd8\xff\xe0" + pack(">H", 16) + bytes(14) + b"\xff\xc2" + pack(">HBHH", 17, 8, 480, 640) + bytes(9)
GIF = b"GIF89a" + pack("<HH", 640, 480) + bytes(9)
_RIFF = b"RIFF" + bytes(4) + b"WEBP"
PICTURES = {
    "png": PNG,
    "jpeg": JPEG,
    "gif": GIF,
    "webp": _RIFF + b"VP8X" + bytes(8) + pack("<I", 639)[:3] + pack("<I", 479)[:3],
    "webp lossy": _RIFF + b"VP8 " + bytes(7) + b"\x9d\x01\x2a" + pack("<HH", 640, 480),
    "webp lossless": _RIFF + b"VP8L" + bytes(4) + b"\x2f" + pack("<I", 639 | 479 << 14) + bytes(9),
}


@pytest.mark.parametrize("name", PICTURES)
def test_first_bytes(name: str) -> None:
    encoded = b64encode(PICTURES[name]).decode()

    assert format_of(encoded) == name.partition(" ")[0]
    assert size_of(encoded) == "640x480"


@given(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(sorted(PICTURES)).flatmap(
            lambda name: st.integers(0, 48).map(lambda cut: b64encode(PICTURES[name][:cut]).decode())
        ),
    )
)
def test_anything(text: str) -> None:
    assert size_of(text) in (None, "640x480")


def segment(kind: int, size: int) -> bytes:
    return b"\xff" + bytes([kind]) + pack(">H", size + 2) + bytes(size)


_FRAME = b"\xff\xc0" + pack(">HBHH", 17, 8, 480, 640) + bytes(9)
PHOTOS = {
    "a large profile": b"\xff\xd8" + segment(0xE1, 60_000) + segment(0xE2, 65_000) * 8 + _FRAME,
    "fill bytes": b"\xff\xd8\xff" + segment(0xE0, 14) + b"\xff" * 5 + _FRAME,
    "thumbnail in its EXIF": b"\xff\xd8\xff\xe1" + pack(">H", 2 + len(JPEG)) + JPEG + _FRAME,
    "a marker alone": b"\xff\xd8\xff\xd0" + _FRAME,
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo(name: str) -> None:
    assert dimensions(b64encode(PHOTOS[name]).decode()) == (640, 480)


@pytest.mark.parametrize("name", PICTURES)
def test_lines_of_base64(name: str) -> None:
    assert size_of(encodebytes(PICTURES[name] + bytes(100)).decode()) == "640x480"


@pytest.mark.parametrize("data", [b"\xff\xd8" + segment(0xE0, 0) * 5000 + _FRAME, b"\xff\xd8" + b"\xff" * 100_000])
def test_no_end_of_segments(data: bytes) -> None:
    assert size_of(b64encode(data).decode()) is None


@pytest.mark.parametrize("extras", ["keep", "drop"])
def test_nothing_is_made_up_of_a_picture(extras: Literal["keep", "drop"]) -> None:
    body = {"created": 1, "data": [{"b64_json": b64encode(JPEG).decode()}]}

    played = play(dumps(body), image(stream=True), FormatOptions(extras=extras))

    event = json.loads(played.out.partition(b"data: ")[2])
    assert (event["size"], event["output_format"], event["quality"]) == ("640x480", "jpeg", "auto")
    assert event["usage"].get("x_trueline") == ("unknown" if extras == "keep" else None)
    assert "usage-missing-stream" in played.faults


def test_a_size_that_nobody_knows() -> None:
    body = {"created": 1, "data": [{"b64_json": b64encode(PNG[:16]).decode()}]}

    first = play(dumps(body), image(stream=True))
    asked = play(dumps(body), image(stream=True, size="256x256"))

    assert [json.loads(p.out.partition(b"data: ")[2])["size"] for p in (first, asked)] == ["auto", "256x256"]
