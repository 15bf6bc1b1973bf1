"""The line that the log holds for each request: fields that people and machines can read alike.

As text it is `key=value`, one space between two; a value with a space in it, or with anything that cannot be printed,
is in quotes.  A formatter that wants the fields themselves finds them in `LogLine.fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
        return " ".join([f"{name}={_word(value)}" for name, value in self.fields.items()])


def _word(value: Any) -> str:
    """A value that cannot break the line, whoever chose it; `-` where there is none."""
    if type(value) is int:
        return str(value)
    if not value:
        return "-"
    if type(value) is dict:  # faults: ids of our own table
        return ",".join([f"{name}:{count}" for name, count in value.items()])
    if _PLAIN.fullmatch(value):
        return str(value)
    plain = value.isprintable() and not any(letter in value for letter in " \"'=")
    return value if plain and len(value) <= _LONGEST else ascii(value[:_LONGEST])
