"""The real time and real randomness, for whoever needs a `Mint`."""

from __future__ import annotations

import time
from random import SystemRandom

__all__ = ["SystemMint"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class SystemMint:
    """A `trueline.mint.Mint` of the system's clock and its secure random numbers."""

    def __init__(self) -> None:
        self._choices = SystemRandom().choices

    def now(self) -> int:
        """Unix time in whole seconds."""
        return int(time.time())

    def token(self, length: int) -> str:
        """`length` random characters of `[A-Za-z0-9]`."""
        return "".join(self._choices(_LETTERS, k=length))
