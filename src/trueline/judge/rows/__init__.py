"""Every kind of finding, by key: the words of the judge, apart from its logic."""

from __future__ import annotations

from typing import Final

from . import content, envelope, errors, framing, others, tools, usage
from .row import Level, Row

__all__ = ["ROWS", "Level", "Row"]

_TABLES = (framing, envelope, content, tools, usage, errors, others)

ROWS: Final[dict[str, Row]] = {row.key: row for table in _TABLES for row in table.ROWS}
"""Key -> row."""
