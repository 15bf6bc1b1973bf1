"""Tool calls in the history of a prompt: how OpenAI shows them to its models (rule T4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .families import Family

__all__ = ["Call", "Calls", "calls_of", "calls_tokens", "compact"]


class Call(NamedTuple):
    """One call of a function, or of a custom tool."""

    id: str
    name: str
    arguments: str


Calls = list[Call]


def calls_of(message: dict[str, Any]) -> Calls:
    """The calls of an assistant's message, by `tool_calls` or by `function_call`."""
    found = message.get("tool_calls")
    calls = [_call(each, each.get("id")) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        calls.append(_call({"function": legacy}, ""))
    return calls


def _call(call: dict[str, Any], call_id: Any) -> Call:
    inner = call.get("function")
    if not isinstance(inner, dict):
        inner = call.get("custom")
    inner = inner if isinstance(inner, dict) else {}
    texts = (call_id, inner.get("name"), inner.get("arguments", inner.get("input")))
    return Call(*(each if isinstance(each, str) else "" for each in texts))


def calls_tokens(calls: Calls, family: Family, count: Callable[[str], int]) -> int:
    """The messages by which the model made the calls: each is sent to a recipient, which is the function."""
    return sum(family.call + count(f"functions.{call.name}") + count(compact(call.arguments)) for call in calls)


def compact(arguments: str) -> str:
    """Arguments without the white space between their parts, as the model wrote them; others as they are."""
    if ": " not in arguments and ", " not in arguments and "\n" not in arguments:
        return arguments
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments
