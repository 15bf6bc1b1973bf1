"""Arguments that are nearly JSON, read as what they say (`tool-args-invalid-json`).

Single quotes, names without quotes, trailing commas, Python's words, a Markdown fence around it all and missing closing
brackets are mended.  A text that ends inside a string or a word is not: what it would have said is unknown.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["read_loose_object"]

MAX_DEPTH = 64

_FENCE = re.compile(r"\A```[a-zA-Z]*\s*(.*?)\s*```\Z", re.S)
_BLANK = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_$][\w$-]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?(?![\w.])")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class _Unreadable(Exception):
    pass


def read_loose_object(text: str) -> dict[str, Any] | None:
    """The object that `text` means, or None where that is not certain."""
    fence = _FENCE.match(text.strip())
    reader = _Reader(fence[1] if fence else text.strip())
    try:
        value = reader.value(0)
        reader.blanks()
    except _Unreadable:
        return None
    return value if isinstance(value, dict) and reader.at_end else None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def blanks(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _next(self) -> str:
        self.blanks()
        return self._text[self._at : self._at + 1]

    def value(self, depth: int) -> Any:
        start = self._next()
        if depth > MAX_DEPTH or not start:
            raise _Unreadable
        if start == "{":
            return self._object(depth)
        if start == "[":
            return self._array(depth)
        if start in "\"'":
            return self._string(start)
        return self._word()

    def _object(self, depth: int) -> dict[str, Any]:
        self._at += 1
        found: dict[str, Any] = {}
        while True:
            start = self._next()
            if start in ("}", ""):  # "": the bracket is missing
                self._at += 1
                return found
            name = self._string(start) if start in "\"'" else self._name()
            if self._next() != ":":
                raise _Unreadable
            self._at += 1
            found[name] = self.value(depth + 1)
            self._comma("}")

    def _array(self, depth: int) -> list[Any]:
        self._at += 1
        found: list[Any] = []
        while True:
            if self._next() in ("]", ""):
                self._at += 1
                return found
            found.append(self.value(depth + 1))
            self._comma("]")

    def _comma(self, closing: str) -> None:
        following = self._next()
        if following == ",":
            self._at += 1
        elif following not in (closing, ""):
            raise _Unreadable

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise _Unreadable
        self._at = found.end()
        return found[0]

    def _word(self) -> Any:
        number = _NUMBER.match(self._text, self._at)
        if number is not None:
            self._at = number.end()
            return float(number[0]) if number[1] or number[2] else int(number[0])
        word = self._name()
        if word not in _WORDS:
            raise _Unreadable
        return _WORDS[word]

    def _string(self, quote: str) -> str:
        pieces: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == quote:
                return "".join(pieces)
            pieces.append(self._escape() if letter == "\\" else letter)
        raise _Unreadable

    def _escape(self) -> str:
        letter = self._text[self._at : self._at + 1]
        self._at += 1
        if letter != "u":
            return _ESCAPES.get(letter, letter)
        digits = self._text[self._at : self._at + 4]
        if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            raise _Unreadable
        self._at += 4
        return chr(int(digits, 16))
