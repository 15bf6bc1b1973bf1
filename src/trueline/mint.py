"""What the engine may not make itself: the time and fresh ids.  Tests hand in a counting one."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Mint"]


class Mint(Protocol):
    """A source of time and of letters for ids."""

    def now(self) -> int:
        """Unix time in whole seconds."""
        ...

    def token(self, length: int) -> str:
        """`length` characters of `[A-Za-z0-9]`, never the same twice."""
        ...
