"""An answer in JSON beside tools, which models before Gemini 3 do not take together: it is a function to call.

The model has to call one of the tools or this function, whose arguments are then the answer.
https://github.com/googleapis/python-genai/issues/867 (seen 2026-11-22)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ..parameters import Schema, read_schema, read_tool_choice
from .thinking import generation

__all__ = ["ANSWER", "answer_function", "answers_by_call"]

Fields: TypeAlias = dict[str, Any]

ANSWER: Final = "json_answer"
"""The function's name."""
_WHAT: Final = "Give the final answer, once no other function has to be called."


def answers_by_call(body: Fields, model: str) -> Schema | None:
    """The schema of an answer that is asked for as a function; None where it is not.  Raises RequestError."""
    if not body.get("response_format") or not (body.get("tools") or body.get("functions")) or generation(model) >= 3:
        return None
    schema, choice = read_schema(body), read_tool_choice(body)
    if schema is None or not (schema.schema or {}).get("properties"):
        return None
    return schema if choice is None or (choice.mode == "auto" and not choice.names) else None


def answer_function(schema: Schema) -> Fields:
    """The function as a tool of OpenAI's."""
    inner = {"name": ANSWER, "description": schema.description or _WHAT, "parameters": schema.schema}
    return {"type": "function", "function": inner}
