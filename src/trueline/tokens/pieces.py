"""Text in pieces that can be counted one by one: what bounds the time, and what makes counting incremental.

A pre-tokenizer cuts text into words before any merge, so no token reaches over the end of a word.  Between some pairs
of characters every known pre-tokenizer cuts, whatever stands around them: those are *safe*.  A run of `WINDOW`
characters without a safe place is cut all the same, always at the same places, so that no single run costs more than
its share and a count does not depend on how the text came in.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator

__all__ = ["WINDOW", "PieceTokenizer", "well_formed"]

WINDOW = 4096
"""Characters of the longest piece."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate; as many characters as before."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


class PieceTokenizer(ABC):
    """A tokenizer that counts piece by piece, in its own units (tokens, or parts of a token)."""

    name: str
    """Of the encoding, the file, or `estimate`."""
    exact: bool
    """It counts; False: it estimates by size."""
    loaded: bool
    """Counting needs no `load` first."""
    last_safe: re.Pattern[str] | None = None
    """Matches from the start of a piece up to the last safe place; None: every place is safe."""
    window = WINDOW
    fixed = 0
    """Tokens that a text may have besides those of its bytes."""

    @abstractmethod
    def weigh(self, text: str, start: int, end: int) -> int:
        """Units of the piece `text[start:end]`, whose ends are those that `piece_end` gives, or those of the text."""

    @abstractmethod
    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """Where in a piece its first `units` units end, between characters; at least that many are in it."""

    @abstractmethod
    def load(self) -> None:
        """Read the vocabulary, once; it takes part of a second: not on an event loop.  Raises TokenizerError."""

    def most(self, size: int) -> int:
        """The most tokens that text of `size` bytes can have: each has at least one."""
        return size

    def fitting(self, units: int) -> int:
        """The bytes of a text that has no more than so many units, whatever it is: see `most`."""
        return units

    def in_tokens(self, units: int) -> int:
        """Whole tokens."""
        return units

    def in_units(self, tokens: int) -> int:
        """The most units that are no more than `tokens` tokens."""
        return tokens

    def piece_end(self, text: str, start: int, about: int = WINDOW) -> int:
        """Where the piece that begins at `start` ends, whatever follows the text; `start` while that is not known.

        `about`: a piece of no more characters will do, where there is one.
        """
        if self.last_safe is None:
            return min(len(text), start + about) if about < self.window else len(text)
        most = start + self.window
        found = self.last_safe.match(text, start, start + about + 1) if about < self.window else None
        found = found or self.last_safe.match(text, start, most + 1)
        if found is not None:
            return found.end()
        return most if len(text) > most else start

    def pieces(self, text: str) -> Iterator[tuple[int, int]]:
        """The pieces of a whole text."""
        start = 0
        while len(text) - start > self.window:
            end = self.piece_end(text, start)
            yield start, end
            start = end
        if start < len(text):
            yield start, len(text)

    def count(self, text: str) -> int:
        """Tokens of a text; a lone surrogate counts as U+FFFD.  Never raises."""
        if len(text) <= self.window:
            return self.in_tokens(self.weigh(text, 0, len(text))) if text else 0
        return self.in_tokens(sum(self.weigh(text, start, end) for start, end in self.pieces(text)))

    def seamless(self, text: str) -> bool:
        """No run without a safe place was so long that it had to be cut: the count is that of the whole text."""
        safe, start = self.last_safe, 0
        while safe is not None and len(text) - start > self.window:
            found = safe.match(text, start, start + self.window + 1)
            if found is None:
                return False
            start = found.end()
        return True

    def cut(self, text: str, tokens: int) -> int:
        """How many characters the first `tokens` tokens cover: whole ones only, and all of them where all fit.

        What is before the cut never counts more than `tokens` tokens by itself.
        """
        if tokens <= 0:
            return 0
        left = self.in_units(tokens)
        for start, end in self.pieces(text):
            units = self.weigh(text, start, end)
            if units > left:
                return self.cover(text, start, end, left)
            left -= units
        return len(text)
