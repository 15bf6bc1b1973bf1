"""The line that the log holds for each request: fields that people and machines can read alike.

As text it is `key=value`, one space between two; a value with a space in it, or with anything that cannot be printed,
is in quotes.  A formatter that wants the fields themselves finds them in `LogLine.fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["LogLine"]

_LONGEST = 200
_PLAIN = re.compile(r"[!#-&(-<>-~]{1,200}")
"""ASCII without spaces, quotes and `=`: nearly all values, and told at once."""


class LogLine:
    """The fields of one line; `str()` is the text."""

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def __str__(self) -> str:
        words = []
        for name, value in self.fields.items():
            kind = type(value)
            if kind is int:
                words.append(f"{name}={value}")
            elif not value:
                words.append(f"{name}=-")
            elif kind is str:
                words.append(f"{name}={_word(value)}")
            else:
                words.append(f"{name}=" + ",".join([f"{fault}:{count}" for fault, count in value.items()]))
        return " ".join(words)


@lru_cache(maxsize=4096)
def _word(value: str) -> str:
    """A value that cannot break the line, whoever chose it."""
    if _PLAIN.fullmatch(value):
        return value
    plain = value.isprintable() and not any(letter in value for letter in " \"'=")
    return value if plain and len(value) <= _LONGEST else ascii(value[:_LONGEST])
