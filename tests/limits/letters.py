"""A tokenizer whose vocabulary is not there yet: two letters are a token."""

from __future__ import annotations

import threading

from trueline.tokens.pieces import WINDOW, PieceTokenizer

__all__ = ["SECONDS", "Letters"]

SECONDS = 30


class Letters(PieceTokenizer):
    """Loads when it may: `go`."""

    name = "letters"

    def __init__(self) -> None:
        self.exact = True
        self.loaded = False
        self.begun = threading.Event()
        self.go = threading.Event()
        self.threads: set[int] = set()

    def load(self) -> None:
        """See PieceTokenizer."""
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.go.wait(SECONDS)
        self.loaded = True

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer."""
        assert self.loaded, "nothing is counted without a vocabulary"
        return (end - start + 1) // 2

    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """See PieceTokenizer."""
        return min(start + 2 * units, end)

    def piece_end(self, text: str, start: int, about: int = WINDOW) -> int:
        """See PieceTokenizer: two letters, once both are there."""
        return len(text) - (len(text) - start) % 2
