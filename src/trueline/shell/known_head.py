"""The head of the last message on a connection, by which the next one is known without being parsed.

Peers that keep a connection say the same again and again: only the length differs, and of responses the date, once a
second.  A read that holds one whole message, whose head is to the byte one that the parser has taken, but for the
digits of its length, means what that one meant.  Anything else goes to the parser.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

__all__ = ["KnownHead", "only_chunk"]

M = TypeVar("M")

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9})\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-fA-F]{1,6}")
_sizes: dict[bytes, int] = {}
_MOST_SIZES = 4096


class KnownHead(Generic[M]):
    """A head that the parser has taken, and what it meant."""

    __slots__ = ("_after", "_before", "_digits", "meaning")

    def __init__(self, before: bytes, after: bytes, meaning: M) -> None:
        self._before = before
        self._after = after
        self._digits = len(before)
        self.meaning = meaning

    @classmethod
    def of(cls, message: bytes, meaning: M) -> KnownHead[M] | None:
        """The head of `message`, if those bytes are one whole message with a length, as the parser took it."""
        end = message.find(b"\r\n\r\n")
        length = _LENGTH.search(message, 0, end + 2) if end > 0 else None
        if length is None or len(message) != end + 4 + int(length[1]):
            return None
        return cls(message[: length.start(1)], message[length.end(1) : end + 4], meaning)

    def body_in(self, message: bytes) -> bytes | None:
        """The body of `message`, if its head is this one but for the length, and all of it is here."""
        if not message.startswith(self._before):
            return None
        start = self._digits
        end = message.find(b"\r", start, start + 10)
        digits = message[start:end]
        if not digits.isdigit() or not message.startswith(self._after, end):
            return None
        body = message[end + len(self._after) :]
        return body if len(body) == int(digits) else None


def only_chunk(data: bytes) -> bytes | None:
    """The data of a chunk (RFC 9112 section 7.1), if `data` is that chunk and nothing else; the last one has none."""
    end = data.find(b"\r\n", 0, 8)
    if end <= 0 or data[-2:] != b"\r\n":
        return None
    said = data[:end]
    size = _sizes.get(said)
    if size is None:
        if not _SIZE.fullmatch(said):
            return None
        if len(_sizes) >= _MOST_SIZES:
            _sizes.clear()
        size = _sizes[said] = int(said, 16)
    return data[end + 2 : -2] if size and len(data) == end + 4 + size else None
