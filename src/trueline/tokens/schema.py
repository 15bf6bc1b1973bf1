"""The schema of a structured output as OpenAI shows it to its models (rule T4).

It stands under a heading, as JSON without white space and without the keywords that only the constrained decoding
needs.  The form is that of the open rendering (openai/harmony); the keywords left out are settled by recorded counts.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["format_text"]

DEPTH = 64
"""Levels of a schema that are shown."""

_LEFT_OUT = frozenset(
    (
        "required", "additionalProperties", "$schema",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
    )
)  # fmt: skip
_BY_NAME = frozenset({"properties", "$defs", "definitions"})
"""Keywords whose keys are names, not keywords."""


def format_text(response_format: Any) -> str:
    """What a `response_format` adds to the prompt; nothing, unless it has a schema."""
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return ""
    asked = response_format.get("json_schema")
    asked = asked if isinstance(asked, dict) else response_format
    name, description = asked.get("name"), asked.get("description")
    lines = ["# Response Formats", "", f"## {name if isinstance(name, str) else ''}", ""]
    if isinstance(description, str) and description:
        lines.append(f"// {description}")
    lines.append(_compact(_shown(asked.get("schema"), False, 0)))
    return "\n".join(lines)


def _shown(schema: Any, by_name: bool, depth: int) -> Any:
    """A schema without what is left out."""
    if depth > DEPTH:
        return None
    if isinstance(schema, list):
        return [_shown(each, False, depth + 1) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if by_name:
        return {name: _shown(each, False, depth + 1) for name, each in schema.items()}
    number = schema.get("type") != "string"
    return {
        key: _shown(each, key in _BY_NAME, depth + 1)
        for key, each in schema.items()
        if key not in _LEFT_OUT and not (number and key == "format")
    }


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return ""
