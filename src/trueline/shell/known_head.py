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
_starts: dict[int, tuple[tuple[bytes, bytes], int]] = {}
"""How many bytes a chunk takes -> how it begins, in digits of either case, and where its data does."""
_MOST_STARTS = 4096
_MOST_DIGITS = 6
"""Of the size of a chunk that is taken without the parser."""


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
    """The data of a chunk (RFC 9112 section 7.1), if `data` is that chunk and nothing else; the last one has none.

    There is only one size that a chunk of so many bytes can have.
    """
    starts = _starts.get(len(data)) or _start_of(len(data))
    if starts is None or not data.startswith(starts[0]) or data[-2:] != b"\r\n":
        return None
    return data[starts[1] : -2]


def _start_of(taken: int) -> tuple[tuple[bytes, bytes], int] | None:
    """How a chunk begins that takes so many bytes, and where its data does; None where none can."""
    for digits in range(1, _MOST_DIGITS + 1):
        size = taken - digits - 4
        if size > 0 and len(f"{size:x}") == digits:
            if len(_starts) >= _MOST_STARTS:
                _starts.clear()
            starts = _starts[taken] = (b"%x\r\n" % size, b"%X\r\n" % size), digits + 2
            return starts
    return None
