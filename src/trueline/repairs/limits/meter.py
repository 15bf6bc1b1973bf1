"""How much of a text that comes in pieces a limit of tokens covers.

Nothing is counted before it may matter: a token has at least one byte, so a text of fewer bytes than tokens are left
is within the limit.  What is counted then is the beginning, some hundred words at a time, until the rest is within the
limit in any case; of the last word, which may still grow and be cut into other tokens, as much leaves as is within the
limit whatever follows.
"""

from __future__ import annotations

from ...tokens.pieces import PieceTokenizer, well_formed
from .trim import size_of

__all__ = ["AT_ONCE", "Meter"]

AT_ONCE = 16 * 1024
"""Characters that are counted at once, with a vocabulary that is there: in about a millisecond."""

_GROWS = 16
"""An unfinished word is looked at again when it has grown by this part of it."""
_SHORT = 8
"""A room for no more than this part of what was not counted is soon used up."""
_FIRST, _BLOCK, _PART = 256, 512, 4
"""Characters that are counted the first time, for the text may soon be over, and at a time from then on; or this part
of what was not counted, or half as much more as there is too little room, where that is more.
"""

_SAMPLE, _LONG = 128, 5
"""Bytes of which the tokens tell how long those of the rest are, and bytes of a token that are as many as are likely;
an estimate of the fewest tokens has a third of them.
"""
_LIKELY, _SLACK = 4, 64
"""By this part, and so many bytes, tokens may be longer than those that were counted."""


class Meter:
    """The tokens of one choice: of several texts, one after the other (`begin`)."""

    __slots__ = (
        "_added",
        "_admitted",
        "_all",
        "_before",
        "_counted",
        "_due",
        "_fits",
        "_left",
        "_more",
        "_out",
        "_start",
        "_tail",
        "_tokenizer",
        "room",
    )

    def __init__(self, tokenizer: PieceTokenizer, limit: int, per_token: float = 1.0) -> None:
        """`per_token`: of a tokenizer that estimates, how many of its tokens are one of the model's."""
        self._tokenizer = tokenizer
        self._left = max(int(tokenizer.in_units(limit) * per_token), 0)
        """Units that are left behind what was counted."""
        self._all = self._left
        self._counted = 0
        """Bytes that were counted of this text and those before."""
        self._before: list[tuple[list[str], int]] = []
        """Texts that are over and were not counted, in pieces: each with where it begins."""
        self._tail = ""
        """What was not counted of this text, with the character before it."""
        self._start = 0
        """Where in the tail that begins: 0 or 1."""
        self._more: list[str] = []
        """What came behind the tail and is held with it; as little of it is not worth another look."""
        self._due = 0
        """Characters that are held so before the next look."""
        self._out = 0
        """How far the tail has left."""
        self._added: list[str] = []
        """What left behind the tail."""
        self._admitted = False
        """The next text to keep is in the tail already."""
        self._fits = self.room = tokenizer.fitting(self._left)
        """Bytes that may come behind what was counted, in any case, and behind what was not; less than none, where
        something is held.
        """

    @property
    def uncounted(self) -> int:
        """Characters that came since something was counted."""
        size = len(self._tail) + sum(map(len, self._added))
        return size + sum(len(piece) for pieces, _ in self._before for piece in pieces) if self._before else size

    def passes(self, text: str) -> bool:
        """Take a piece that is within the limit in any case; False: it was not taken, and `take` has to look."""
        size = size_of(text)
        if size > self.room:
            return False
        self.room -= size
        self._added.append(text)
        return True

    def keep(self, _: list[str], text: str) -> None:
        """Take texts for which there was room."""
        if self._admitted:
            self._admitted = False
        elif text:
            self.room -= len(text) if text.isascii() else size_of(text)
            self._added.append(text)

    @property
    def admits(self) -> bool:
        """Whether `admit` is worth asking: nothing is held, and the vocabulary is there."""
        return self.room >= 0 and self._tokenizer.loaded

    def admit(self, text: str) -> bool:
        """Whether all of a text is within the limit, by counting it; then `keep` has to be called with it."""
        size, uncounted = size_of(text), self._fits - self.room
        if size <= self.room:
            return True
        if self.room < 0 or uncounted + size > AT_ONCE or not self._tokenizer.loaded:
            return False
        if self._before:
            self._count_before()
        before = self._left, self._fits, self.room, self._counted
        self.room -= size
        tail = "".join((self._tail, *self._added, text))
        start, beyond = self._count(tail, 0)
        if beyond or self.room < 0:
            self._left, self._fits, self.room, self._counted = before
            return False
        self._added.clear()
        self._keep(tail, start, len(tail))
        self._admitted = True
        return True

    def likely(self, tokens: int) -> int:
        """How many bytes may well come yet, of a text of so many tokens in all, by what was counted of it; 0: none, or
        nobody can say.
        """
        if self.room < 0 or not self._tokenizer.loaded:
            return 0
        tokenizer, counted = self._tokenizer, -1
        while counted < self._counted < _SAMPLE:
            counted = self._counted
            self.more(self.room + 1)
        units = self._all - self._left
        rest = tokenizer.in_units(tokens) - units
        if self._counted < _SAMPLE or units <= 0 or rest <= 0:
            return 0
        size = min(self._counted, (_LONG if tokenizer.exact else 3 * _LONG) * units // tokenizer.in_units(1))
        size = size * rest // units
        return max(size + size // _LIKELY + _SLACK - (self._fits - self.room), 0)

    def take(self, text: str) -> tuple[str, bool]:
        """Take a piece: what leaves of it and of what was held, and whether the limit cuts the text there."""
        self.room -= size_of(text)
        if len(text) < self._due:
            self._due -= len(text)
            self._more.append(text)
            return "", False
        tail, tokenizer = self._joined() + text, self._tokenizer
        start, beyond = self._count(tail, 0)
        if beyond:
            return tail[self._out : max(self._out, tokenizer.cover(tail, start, beyond, self._left))], True
        if start < len(tail) and self._left < tokenizer.in_units(1):
            return tail[self._out : max(self._out, start)], True
        within = len(tail) if self.room >= 0 else start + _characters(tail, start, self._fits)
        leaves = max(self._out, within)
        out = tail[self._out : leaves]
        self._keep(tail, start, leaves)
        self._due = (len(tail) - start) // _GROWS if self.room < 0 else 0
        return out, False

    def more(self, wanted: int) -> int:
        """The room, behind all that was added; where that is too little for so many bytes, it is counted first."""
        room, uncounted = self.room, self._fits - self.room
        enough = max(wanted, uncounted // _SHORT)
        if room < 0 or room >= enough or uncounted > AT_ONCE or not self._tokenizer.loaded:
            return room
        tail = "".join((self._tail, *self._added))  # while there is room, nothing else is held
        self._added.clear()
        start, _ = self._count(tail, enough)
        kept = start - 1 if start else 0
        self._tail, self._start, self._out = tail[kept:], start - kept, len(tail) - kept
        return self.room

    def _count(self, tail: str, wanted: int) -> tuple[int, int]:
        """Count the beginning of the tail, until its rest and so many bytes more are within the limit: where the rest
        begins, and the end of the piece that is not all within the limit, or 0.
        """
        if self._before:
            self._count_before()
        tokenizer, start, left, fits = self._tokenizer, self._start, self._left, self._fits
        size, ascii_only, rest, beyond = len(tail), tail.isascii(), fits - self.room, 0
        self._counted += rest
        block = max((size - start) // _PART, _BLOCK if start else _FIRST)
        while (short := rest + wanted - fits) > 0:
            end = tokenizer.piece_end(tail, start, max(short + short // 2, block))
            if end <= start:
                break
            units = tokenizer.weigh(tail, start, end)
            if units > left:
                beyond = end
                break
            left -= units
            fits = tokenizer.fitting(left)
            if ascii_only:
                rest -= end - start
            elif size - end < end - start:
                rest = size_of(tail[end:])
            else:
                rest -= size_of(tail[start:end])
            start = end
        self._left, self._fits, self.room = left, fits, fits - rest
        self._counted -= rest
        return start, beyond

    def _keep(self, tail: str, start: int, out: int) -> None:
        """The tail is counted up to `start`, and has left up to `out`."""
        kept = start - 1 if start else 0
        self._tail, self._start, self._out = tail[kept:], start - kept, out - kept

    def spend(self, tokens: int) -> None:
        """So many tokens were counted in another way."""
        rest = self._fits - self.room
        self._left -= self._tokenizer.in_units(tokens)
        self._fits = self._tokenizer.fitting(self._left)
        self.room = self._fits - rest

    def begin(self) -> tuple[str, bool]:
        """The text is over, and nothing will change its last word; as `take`, of what was held.

        What is taken next is another text.
        """
        if self.room >= 0:  # then nothing is held
            if self._added or self._start < len(self._tail):
                self._before.append(([self._tail, *self._added], self._start))
                self.room -= self._tokenizer.fixed
                self._added.clear()
            self._tail, self._start, self._out = "", 0, 0
            return "", False
        tail, start, out = self._joined(), self._start, self._out
        self._tail, self._start, self._out = "", 0, 0
        self._count_before()
        left, tokenizer = self._left, self._tokenizer
        units = tokenizer.weigh(tail, start, len(tail))
        if units > left:
            return tail[out : max(out, tokenizer.cover(tail, start, len(tail), left))], True
        self._left = left - units
        self._counted += size_of(tail[start:])
        self._fits = self.room = tokenizer.fitting(self._left)
        return tail[out:], False

    def _joined(self) -> str:
        """What was not counted of this text, in one piece."""
        if self._added:
            self._tail = "".join((self._tail, *self._added))
            self._out = len(self._tail)
            self._added.clear()
        if self._more:
            self._tail = "".join((self._tail, *self._more))
            self._more.clear()
        self._due = 0
        return self._tail

    def _count_before(self) -> None:
        """Count all texts before this one."""
        tokenizer, rest = self._tokenizer, self._fits - self.room
        for pieces, start in self._before:
            text, at = "".join(pieces), start
            while at < len(text):
                end = max(tokenizer.piece_end(text, at), at)
                end = end if end > at else len(text)
                self._left -= tokenizer.weigh(text, at, end)
                at = end
            size = size_of(text[start:])
            rest -= size + tokenizer.fixed
            self._counted += size
        self._before.clear()
        self._fits = tokenizer.fitting(self._left)
        self.room = self._fits - rest


def _characters(text: str, start: int, size: int) -> int:
    """How many whole characters from `start` on have no more than so many bytes."""
    return len(well_formed(text[start : start + size]).encode()[:size].decode(errors="ignore"))
