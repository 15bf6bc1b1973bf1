"""JSON that comes in pieces: whether its brackets are closed.  No character is looked at twice."""

from __future__ import annotations

import re

__all__ = ["ObjectBrackets"]

_IN_STRING = re.compile(r'["\\]')
_IN_OBJECT = re.compile(r'["{}\[\]]')
_AROUND = re.compile(r"\S")


class ObjectBrackets:
    """`feed(text)`, and `closed`: what came so far may be one JSON object, by its brackets and strings alone."""

    __slots__ = ("_begun", "_depth", "_escaped", "_more", "_quoted")

    def __init__(self) -> None:
        self._depth = 0
        self._begun = False
        self._quoted = False  # within a string
        self._escaped = False  # behind a backslash in it
        self._more = False  # something stands before or behind the object

    @property
    def closed(self) -> bool:
        """An object has begun and ended, and nothing else is there."""
        return self._begun and not self._depth and not self._more

    def feed(self, text: str) -> None:
        """The next piece."""
        at = 0
        while at < len(text) and not self._more:
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_IN_STRING if self._quoted else _IN_OBJECT if self._depth else _AROUND).search(text, at)
            if match is None:
                return
            at = match.end()
            self._take(match[0])

    def _take(self, mark: str) -> None:
        if self._quoted:
            self._quoted = mark == "\\"
            self._escaped = self._quoted
        elif not self._depth:
            self._more = self._begun or mark != "{"
            self._begun = True
            self._depth = 1
        elif mark == '"':
            self._quoted = True
        else:
            self._depth += 1 if mark in "{[" else -1
