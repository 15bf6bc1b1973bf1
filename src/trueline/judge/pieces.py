"""Text that comes in pieces."""

from __future__ import annotations

__all__ = ["Pieces"]


class Pieces:
    """The pieces of a text, put together only where somebody looks at all of it: `str(pieces)`."""

    __slots__ = ("_pieces", "size")

    def __init__(self, text: str = "") -> None:
        self._pieces = [text]
        self.size = len(text)
        """Characters."""

    def add(self, text: str) -> None:
        """The next piece."""
        if text:
            self._pieces.append(text)
            self.size += len(text)

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces[:] = ["".join(self._pieces)]
        return self._pieces[0]
