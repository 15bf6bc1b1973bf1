"""What several APIs want of a request and OpenAI's does not: refusals in the words of one that does."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..errors import RequestError
from .conversation import Tool
from .parameters import Schema

__all__ = ["nothing_said", "object_answer", "object_input"]

Fields: TypeAlias = dict[str, Any]


def nothing_said() -> RequestError:
    """The refusal of a conversation of which nothing is left without white space."""
    return RequestError(
        "Invalid 'messages': nothing is said in them. This model takes no text of white space alone.",
        param="messages",
        code="invalid_value",
    )


def object_answer(asked: Schema) -> Fields:
    """The schema of an answer, whose root is an object.  Raises RequestError for another one, as OpenAI does."""
    return _rooted(asked.schema or {}, f"response_format '{asked.name}'", "response_format", None)


def object_input(tool: Tool) -> Fields:
    """The schema of a tool's input, whose root is an object.  Raises RequestError for another one, as OpenAI does."""
    where = f"{tool.where}.parameters" if tool.where.startswith("functions") else f"{tool.where}.function.parameters"
    return _rooted(tool.parameters or {}, f"function '{tool.name}'", where, "invalid_function_parameters")


def _rooted(schema: Fields, what: str, where: str, code: str | None) -> Fields:
    kind = schema.get("type")
    if kind is None or kind == "object":
        return schema
    if isinstance(kind, list) and "object" in kind:
        return {**schema, "type": "object"}
    raise RequestError(
        f"Invalid schema for {what}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.",
        param=where,
        code=code,
    )
