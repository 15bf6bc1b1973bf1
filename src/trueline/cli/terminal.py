"""Colour and width: what a verb must know about the terminal it writes to."""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import TextIO

__all__ = ["fit", "has_colour", "paint", "width", "wrap"]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def has_colour(stream: TextIO) -> bool:
    """On a terminal only, and not where NO_COLOR (https://no-color.org) is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, colour: bool) -> str:
    """`text` in one of the styles; as it is, without `colour`."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if colour and text else text


def width(stream: TextIO) -> int | None:
    """Columns of a terminal, or of COLUMNS where it is set; None for a file or a pipe, which have no edge."""
    if stream.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def fit(text: str, columns: int | None) -> str:
    """`text` cut to a width, with an ellipsis where something is lost."""
    if columns is None or len(text) <= columns:
        return text
    return text[: max(columns - 1, 0)] + "…"


def wrap(text: str, columns: int | None, indent: str) -> str:
    """`text` in lines of a width, the later ones indented; a width of None is 100."""
    return textwrap.fill(text, columns or 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
