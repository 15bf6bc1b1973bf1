"""What the header of a picture says of it: its format and its size.  The picture itself is never decoded."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

__all__ = ["dimensions", "format_of", "size_of"]

_SEGMENTS = 1000
"""Segments of a JPEG that are passed on the way to its size: its EXIF data and its colour profile are some of them."""
_FORMATS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that begin a frame: baseline, progressive, and the rare ones."""
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_HEAD = 30
_WRAPPED = 65536

Reader = Callable[[int, int], bytes]


def format_of(encoded: str) -> str | None:
    """OpenAI's word for the format of a picture in base64, or None for one that is not known."""
    return _format(_reader(encoded)(0, _HEAD))


def size_of(encoded: str) -> str | None:
    """`WIDTHxHEIGHT` of a picture in base64, or None where its header does not tell."""
    size = dimensions(encoded)
    return f"{size[0]}x{size[1]}" if size is not None else None


def dimensions(encoded: str) -> tuple[int, int] | None:
    """Width and height in pixels of a picture in base64, or None where its header does not tell."""
    read = _reader(encoded)
    head = read(0, _HEAD)
    size = _SIZES.get(_format(head) or "", _of_nothing)(head, read)
    return size if size is not None and all(size) else None


def _reader(encoded: str) -> Reader:
    """Any bytes of the picture; only the base64 of these is decoded."""
    if len(encoded[:256].split()) > 1:
        encoded = "".join(encoded[:_WRAPPED].split())

    def read(start: int, length: int) -> bytes:
        first, skipped = start // 3 * 4, start % 3
        text = encoded[first : first + (skipped + length + 2) // 3 * 4]
        try:
            return b64decode(text[: len(text) // 4 * 4])[skipped : skipped + length]
        except ValueError:
            return b""

    return read


def _format(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((word for start, word in _FORMATS if head.startswith(start)), None)


def _of_nothing(head: bytes, read: Reader) -> tuple[int, int] | None:
    return None


def _of_png(head: bytes, read: Reader) -> tuple[int, int] | None:
    if head[12:16] != b"IHDR" or len(head) < 24:
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _of_gif(head: bytes, read: Reader) -> tuple[int, int] | None:
    return (int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")) if len(head) >= 10 else None


def _of_jpeg(head: bytes, read: Reader) -> tuple[int, int] | None:
    at = 2
    for _ in range(_SEGMENTS):
        segment = read(at, 9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        kind = segment[1]
        if kind in _FRAMES:
            return int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big")
        if kind == 0xFF:
            at += 1
        else:
            at += 2 if kind in _WITHOUT_LENGTH else 2 + int.from_bytes(segment[2:4], "big")
    return None


def _of_webp(head: bytes, read: Reader) -> tuple[int, int] | None:
    kind = head[12:16]
    if len(head) < _HEAD:
        return None
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


_SIZES = {"png": _of_png, "gif": _of_gif, "jpeg": _of_jpeg, "webp": _of_webp}
