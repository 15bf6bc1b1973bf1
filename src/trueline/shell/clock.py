"""The real time and real randomness, for whoever needs a `Mint`."""

from __future__ import annotations

import os
import time

__all__ = ["SystemMint"]

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_POOL = 4096
_LETTER_OF = bytes(_LETTERS[byte % 62] for byte in range(256))
_UNEVEN = bytes(range(4 * 62, 256))
"""Bytes that would make the first letters likelier than the last ones."""


class SystemMint:
    """A `trueline.mint.Mint` of the system's clock and its secure random numbers, fetched a page at a time."""

    def __init__(self) -> None:
        self._letters = ""
        self._used = 0

    def now(self) -> int:
        """Unix time in whole seconds."""
        return int(time.time())

    def token(self, length: int) -> str:
        """`length` random characters of `[A-Za-z0-9]`."""
        start = self._used
        self._used = end = start + length
        token = self._letters[start:end]
        while len(token) < length:
            self._letters = os.urandom(_POOL).translate(_LETTER_OF, _UNEVEN).decode("ascii")
            self._used = length - len(token)
            token += self._letters[: self._used]
        return token
