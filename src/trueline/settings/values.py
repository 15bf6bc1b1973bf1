"""Values as they were read, from wherever, each with where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import Origin
from .kinds import Kind

__all__ = ["Value", "Values", "read_kind"]


@dataclass(frozen=True, slots=True)
class Value:
    value: Any
    """The value of a row; None for a section, whose entry says that it exists and where."""
    origin: Origin


Values = dict[tuple[str, ...], Value]


def read_kind(kind: Kind, found: str | None) -> Any:
    """The value of a text; ValueError with a whole sentence where it is refused."""
    try:
        return kind.read(found)
    except ValueError as refused:
        if refused.args:
            raise
        shown = "nothing" if not found else "a value that is kept secret" if kind.secret else f'"{found[:200]}"'
        raise ValueError(f"found {shown}; allowed: {kind.allowed}") from None
