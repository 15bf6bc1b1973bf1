"""The fewest tokens that a text may have, whatever its tokenizer is: what only an estimate is known of is held to that.

Tokenizers differ most in what repeats: one token may be a ruler, an indent or a row of newlines.  So signs and blanks
beside each other count once, and a character that is repeated counts once; letters count a fraction
of what they are estimated at.
"""

from __future__ import annotations

import re

from .estimate import Estimate, weights
from .pieces import well_formed

__all__ = ["LEAST", "Least"]

_TIMES = 4
"""So many times its lower bound is what is estimated for the letters of a script."""
_LETTER, _DIGIT, _SIGN, _BLANK = 6, 12, 6, 1
"""Units of what is in ASCII."""
_SIGNS = "[\x00-/:-@\\[-`{-\xbf\u2000-\u2bff\u3000-\u303f\ufe00-\ufe0f]"
_AGAIN = re.compile(rf"(?<={_SIGNS}){_SIGNS}+|(?s:(?<=(.))\1+)")


def _least() -> bytes:
    table = [units // _TIMES for units in weights()]
    for byte in range(0x80):
        kind = chr(byte)
        table[byte] = _LETTER if kind.isalpha() else _DIGIT if kind.isdigit() else _BLANK if kind.isspace() else _SIGN
    return bytes(table)


_WEIGHTS = _least()


class Least(Estimate):
    """See the module."""

    name = "least"

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer: with the character before the piece, which it may repeat."""
        if start == end:
            return 0
        before = max(start - 1, 0)
        units = self._units(text[before:end])
        return units - self._units(text[before:start]) if start else units

    @staticmethod
    def _units(text: str) -> int:
        return sum(_AGAIN.sub("", well_formed(text)).encode().translate(_WEIGHTS))


LEAST = Least()
