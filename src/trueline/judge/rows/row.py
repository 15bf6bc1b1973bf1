"""What a row of the judge's tables is."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Level", "Row", "odd"]

Level = Literal["must", "exact"]


class Row(NamedTuple):
    """One kind of finding: its key, how bad it is, the rule of `rules.md`, what is wrong, and what OpenAI does."""

    key: str
    level: Level
    rule: str
    what: str
    openai: str
    named: bool = True
    """The key is a fault of the catalogue; else it is a name of the judge's own."""


def odd(key: str, level: Level, rule: str, what: str, openai: str) -> Row:
    """A row for what the catalogue of faults has no name for."""
    return Row(key, level, rule, what, openai, named=False)
