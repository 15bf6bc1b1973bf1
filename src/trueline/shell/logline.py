"""The line that the log holds for each request: fields that people and machines can read alike.

As text it is `key=value`, one space between two; a value with a space in it, or with anything that cannot be printed,
is in quotes.  A formatter that wants the fields themselves finds them in `LogLine.fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LogLine"]

_LONGEST = 200


class LogLine:
    """The fields of one line; `str()` is the text."""

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def __str__(self) -> str:
        return " ".join(f"{name}={_word(value)}" for name, value in self.fields.items())


def _word(value: Any) -> str:
    """A value that cannot break the line, whoever chose it; `-` where there is none."""
    if value is None or value == "" or value == {}:
        return "-"
    text = ",".join(f"{name}:{count}" for name, count in value.items()) if isinstance(value, dict) else str(value)
    if isinstance(value, dict):
        return text  # ids of faults, from our own table
    plain = text.isprintable() and not any(c in text for c in " \"'=")
    return text if plain and len(text) <= _LONGEST else ascii(text[:_LONGEST])
