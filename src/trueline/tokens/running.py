"""Tokens of a text that grows: only its unfinished end is counted again."""

from __future__ import annotations

from .pieces import PieceTokenizer, well_formed

__all__ = ["Running"]


class Running:
    """The tokens of everything that was added so far.

    `tokens` is what `tokenizer.count` says of the whole text, at a cost that grows with the text and not with its
    square.  Nothing is counted, or loaded, before it is asked for.
    """

    def __init__(self, tokenizer: PieceTokenizer) -> None:
        self._tokenizer = tokenizer
        self._settled = 0
        """Units of the pieces that are complete."""
        self._tail = ""
        """What follows them, with the last character before it."""
        self._start = 0
        """Where in the tail the unfinished piece begins: 0 or 1."""
        self._added: list[str] = []
        self._bytes = 0
        """Bytes of what is not settled."""
        self._counted: int | None = 0
        """Units of the tail, where they were counted since the last addition."""

    def add(self, text: str) -> None:
        """The text goes on."""
        if text:
            self._added.append(text)
            self._bytes += len(text) if text.isascii() else len(well_formed(text).encode())
            self._counted = None

    def sure(self, limit: int) -> bool:
        """No more than `limit` tokens, for sure, as each has at least one byte; False: they need to be counted."""
        return self._tokenizer.in_tokens(self._settled) + self._tokenizer.most(self._bytes) <= limit

    @property
    def tokens(self) -> int:
        """Tokens of the whole text."""
        if self._counted is None:
            self._counted = self._count_tail()
        return self._tokenizer.in_tokens(self._settled + self._counted)

    def _count_tail(self) -> int:
        tokenizer = self._tokenizer
        tail = "".join((self._tail, *self._added))
        self._added.clear()
        start = self._start
        while (end := tokenizer.piece_end(tail, start)) > start:
            self._settled += tokenizer.weigh(tail, start, end)
            start = end
        kept = max(start - 1, 0)
        self._tail, self._start = tail[kept:], start - kept
        rest = self._tail[self._start :]
        self._bytes = len(well_formed(rest).encode())
        return tokenizer.weigh(self._tail, self._start, len(self._tail)) if rest else 0
