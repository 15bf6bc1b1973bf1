"""Tokens by size, where no vocabulary is known: a weight for each kind of character.

The weights are fitted to o200k_base on prose, code, JSON and chats in many scripts.  An estimate is never exact.
"""

from __future__ import annotations

from .pieces import PieceTokenizer, well_formed

__all__ = ["Estimate", "weights"]

UNITS = 100
"""Units of a token."""


def weights() -> bytes:
    """Units by byte of UTF-8: the first byte of a character says its script, the others weigh nothing."""
    table = [0] * 256
    for first, last, units in (
        (0x00, 0x1F, 60), (0x20, 0x20, 6), (0x21, 0x2F, 60), (0x30, 0x39, 50), (0x3A, 0x40, 60), (0x41, 0x5A, 34),
        (0x5B, 0x60, 60), (0x61, 0x7A, 21), (0x7B, 0x7F, 60),
        (0xC2, 0xC2, 80), (0xC3, 0xCC, 75), (0xCD, 0xCF, 42), (0xD0, 0xD3, 32), (0xD4, 0xD6, 38), (0xD7, 0xDF, 42),
        (0xE0, 0xE0, 38), (0xE1, 0xE1, 60), (0xE2, 0xE2, 110), (0xE3, 0xE3, 77), (0xE4, 0xE9, 78), (0xEA, 0xEE, 70),
        (0xEF, 0xEF, 90), (0xF0, 0xF7, 160),
    ):  # fmt: skip
        table[first : last + 1] = [units] * (last - first + 1)
    return bytes(table)


_WEIGHTS = weights()


class Estimate(PieceTokenizer):
    """See the module."""

    name = "estimate"
    exact = False
    loaded = True

    def load(self) -> None:
        """There is nothing to load."""

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer."""
        piece = text if end - start == len(text) else text[start:end]
        return sum(well_formed(piece).encode().translate(_WEIGHTS))

    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """See PieceTokenizer: the longest beginning that fits, found by halving."""
        low, high = start, end
        while low < high:
            middle = (low + high + 1) // 2
            if self.weigh(text, start, middle) <= units:
                low = middle
            else:
                high = middle - 1
        return low

    def pieces(self, text: str) -> list[tuple[int, int]]:  # type: ignore[override]  # a list is iterable, too
        """All in one."""
        return [(0, len(text))] if text else []

    def in_tokens(self, units: int) -> int:
        """Rounded up: text is at least one token."""
        return -(-units // UNITS)

    def in_units(self, tokens: int) -> int:
        """See PieceTokenizer."""
        return tokens * UNITS

    def fitting(self, units: int) -> int:
        """See PieceTokenizer."""
        return units // UNITS
