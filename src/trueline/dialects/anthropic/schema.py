"""JSON schemas as structured outputs take them.

Objects are closed, and there is no recursion; limits of numbers, lengths and lists are not known, and go into the
description, as Anthropic's own SDK does it.  A schema that means something else without them stays as it is for a tool.
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations (seen 2026-11)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ...wire import jsonio
from ..parameters import Schema
from .models import Model

__all__ = ["closed", "kept_schema"]

Fields: TypeAlias = dict[str, Any]

_KEPT: Final = frozenset(("type", "enum", "const", "title", "description", "required", "default"))
_FORMATS: Final = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)
_DEPTH: Final = 60


def kept_schema(asked: Schema, known: Model) -> Fields | None:
    """The schema of an answer that the model keeps to; None where a call has to be the answer."""
    return closed(asked.schema) if asked.schema and known.keeps_schemas else None


class _OpenError(Exception):
    """The schema says something that structured outputs cannot."""


def closed(schema: Fields) -> Fields | None:
    """The schema for `output_config.format`; None where it cannot be said there."""
    try:
        made = _closed(schema, 0)
    except _OpenError:
        return None
    if made.get("type") != "object" and "$ref" not in made:
        return None
    definitions = schema.get("$defs", schema.get("definitions"))
    if isinstance(definitions, dict) and _recurs(definitions):
        return None
    return made


def _closed(schema: Any, depth: int) -> Fields:
    if not isinstance(schema, dict) or depth > _DEPTH:
        raise _OpenError
    made: Fields = {}
    told: Fields = {}
    for name, value in schema.items():
        if name in _KEPT:
            made[name] = value
        elif name in ("$defs", "definitions", "properties") and isinstance(value, dict):
            made[name] = {key: _closed(inner, depth + 1) for key, inner in value.items()}
        elif name in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            made["anyOf" if name == "oneOf" else name] = [_closed(inner, depth + 1) for inner in value]
        elif name == "items":
            made[name] = _closed(value, depth + 1)
        elif name == "$ref":
            if not str(value).startswith("#/"):
                raise _OpenError
            made[name] = value
        elif (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1)):
            made[name] = value
        elif name == "additionalProperties":
            if value is not False:
                raise _OpenError
        elif name in ("patternProperties", "not", "if", "prefixItems", "dependentSchemas"):
            raise _OpenError
        elif name != "$schema":
            told[name] = value
    kind = made.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind):
        if "properties" not in made:
            raise _OpenError  # it may hold anything
        made["additionalProperties"] = False
    if told:
        said = "{" + ", ".join(f"{key}: {_text(value)}" for key, value in told.items()) + "}"
        made["description"] = f"{made['description']}\n\n{said}" if made.get("description") else said
    return made


def _text(value: Any) -> str:
    return value if isinstance(value, str) else jsonio.encode(value).decode()


def _recurs(definitions: Fields) -> bool:
    """Whether a definition leads back to itself."""
    edges = {name: set(_refs(body)) for name, body in definitions.items()}
    for start in edges:
        seen: set[str] = set()
        waiting = list(edges[start])
        while waiting:
            name = waiting.pop()
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                waiting += edges.get(name, ())
    return False


def _refs(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for one in value for name in _refs(one)]
    if not isinstance(value, dict):
        return []
    own = [str(value["$ref"]).rpartition("/")[2]] if "$ref" in value else []
    return own + [name for one in value.values() for name in _refs(one)]
