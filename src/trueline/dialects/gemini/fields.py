"""Names as Google's JSON has them: camelCase, though snake_case is read as well."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

__all__ = ["camel", "camel_name", "merged"]

Fields: TypeAlias = dict[str, Any]

_LOOSE: Final = frozenset(
    ("args", "response", "labels", "metadata", "properties", "$defs", "responseJsonSchema", "parametersJsonSchema")
)
"""Fields whose keys are the user's own."""


def camel_name(name: str) -> str:
    """`safety_settings` as `safetySettings`."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def camel(value: Any) -> Any:
    """An object that may be spelled either way, as Google's JSON spells it."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {(named := camel_name(name)): one if named in _LOOSE else camel(one) for name, one in value.items()}


def merged(into: Fields, more: Fields) -> Fields:
    """`into` with the fields of `more`, objects joined; `more` wins."""
    for name, value in more.items():
        held = into.get(name)
        into[name] = merged(dict(held), value) if isinstance(held, dict) and isinstance(value, dict) else value
    return into
