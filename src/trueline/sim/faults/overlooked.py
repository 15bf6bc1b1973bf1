"""What a model overlooks of its request: the schema, and whether tools are to be called (faults.md section 12)."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import Planter
from trueline.sim.options import SimOptions

__all__ = ["PLANTERS"]

Json = dict[str, Any]


def _no_schema(request: Json, options: SimOptions) -> Json:
    """It answers with JSON of its own."""
    asked = request.get("response_format")
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return request
    return {**request, "response_format": {"type": "json_object"}}


def _calls_all_the_same(request: Json, options: SimOptions) -> Json:
    if request.get("tool_choice") != "none":
        return request
    return {name: value for name, value in request.items() if name != "tool_choice"}


def _talks(request: Json, options: SimOptions) -> Json:
    return {**request, "tool_choice": "none"} if request.get("tool_choice") == "required" else request


def _calls_another(request: Json, options: SimOptions) -> Json:
    """It calls another tool than the one that was named, or none."""
    choice = request.get("tool_choice")
    named = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(named, dict):
        return request
    tools = [tool for tool in request.get("tools") or () if isinstance(tool, dict)]
    others = [tool for tool in tools if (tool.get("function") or {}).get("name") not in (None, named.get("name"))]
    if not others or options.variant % 2:
        return {**request, "tool_choice": "none"}
    other = {"type": "function", "function": {"name": others[0]["function"]["name"]}}
    return {**request, "tool_choice": other}


PLANTERS: dict[str, Planter] = {
    "json-schema-not-kept": Planter(asked=_no_schema, needs=("schema",)),
    "tool_choice-none-ignored": Planter(asked=_calls_all_the_same, needs=("no_call",)),
    "tool_choice-required-ignored": Planter(asked=_talks, needs=("some_call",)),
    "tool_choice-named-ignored": Planter(asked=_calls_another, needs=("one_call",)),
}
