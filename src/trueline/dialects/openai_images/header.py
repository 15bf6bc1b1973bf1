"""What the first bytes of a picture say of it: its format and its size."""

from __future__ import annotations

from base64 import b64decode

__all__ = ["format_of", "size_of"]

_LOOKED_AT = 65536 * 4 // 3
"""Characters of base64: the size of a JPEG stands behind its tables and its colour profile."""
_FORMATS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def format_of(encoded: str) -> str | None:
    """OpenAI's word for the format of a picture in base64, or None for one that is not known."""
    return _format(_decoded(encoded[:64]))


def size_of(encoded: str) -> str | None:
    """`WIDTHxHEIGHT` of a picture in base64, or None where its first bytes do not tell."""
    data = _decoded(encoded[:_LOOKED_AT])
    size = _SIZES.get(_format(data) or "", _of_nothing)(data)
    return f"{size[0]}x{size[1]}" if size is not None and all(size) else None


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return b""


def _format(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((word for start, word in _FORMATS if data.startswith(start)), None)


def _of_nothing(data: bytes) -> tuple[int, int] | None:
    return None


def _of_png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _of_gif(data: bytes) -> tuple[int, int] | None:
    return (int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")) if len(data) >= 10 else None


def _of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind in _FRAMES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if kind == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _of_webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if len(data) < 30:
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


_SIZES = {"png": _of_png, "gif": _of_gif, "jpeg": _of_jpeg, "webp": _of_webp}
