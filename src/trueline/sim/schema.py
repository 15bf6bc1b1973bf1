"""Example values for a JSON schema: arguments of tool calls, and answers in a given format."""

from __future__ import annotations

from typing import Any

__all__ = ["example"]

_DEPTH = 12
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Any, name: str = "value", root: Any = None, depth: int = 0) -> Any:
    """The simplest value that the schema allows; a string is named after its property.

    Knows $ref within the schema, const, enum, default, anyOf, oneOf, allOf, type, format, length, range and items.
    """
    if not isinstance(schema, dict) or depth > _DEPTH:
        return name
    root = schema if root is None else root
    if isinstance(schema.get("$ref"), str):
        return example(_resolve(schema["$ref"], root), name, root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return example(schema[key][0], name, root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            part = _resolve(part["$ref"], root) if isinstance(part, dict) and "$ref" in part else part
            merged["properties"] |= part.get("properties", {})
            merged["required"] += part.get("required", [])
        return example(merged, name, root, depth + 1)
    return _of_type(schema, name, root, depth)


def _of_type(schema: dict[str, Any], name: str, root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind == "object":
        wanted = schema.get("required") or list(schema.get("properties", {}))
        properties = schema.get("properties", {})
        return {key: example(properties.get(key, {}), key, root, depth + 1) for key in wanted}
    if kind == "array":
        length = max(int(schema.get("minItems", 1)), 1)
        return [example(schema.get("items", {}), name, root, depth + 1) for _ in range(length)]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = _FORMATS.get(schema.get("format", ""), name)
    return text.ljust(int(schema.get("minLength", 0)), "x")[: schema.get("maxLength")]


def _resolve(reference: str, root: Any) -> Any:
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step and isinstance(found, dict):
            found = found.get(step, {})
    return found
