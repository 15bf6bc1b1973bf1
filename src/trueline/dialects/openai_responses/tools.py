"""Tools and their choice: those of the client, and those that the provider runs, which go on as they are."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ..conversation import Tool, read_tools
from ..parameters import read_tool_choice
from ..provider import Asked

__all__ = ["write_tools"]

Fields: TypeAlias = dict[str, Any]

_OF_A_TOOL: Final = ("defer_loading", "allowed_callers", "output_schema")
_OURS: Final = ("function", "custom")


def write_tools(body: Fields, asked: Asked, out: Fields) -> None:
    """Put `tools` and `tool_choice` into `out`.  Raises RequestError."""
    given = [*(body.get("tools") or []), *(body.get("functions") or [])]
    tools = [_tool(tool, one, asked) for tool, one in zip(read_tools(body), given, strict=True)]
    if isinstance(body.get("web_search_options"), dict):
        tools.append(_search(body["web_search_options"]))
    choice = _choice(body)
    if tools:
        out["tools"] = tools
    if choice is not None and (tools or choice not in ("auto", "none")):
        out["tool_choice"] = choice


def _tool(tool: Tool, given: Fields, asked: Asked) -> Fields:
    if tool.kind not in _OURS:
        return tool.extras
    kept = {name: tool.extras[name] for name in _OF_A_TOOL if tool.extras.get(name) is not None}
    made: Fields = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        made["description"] = tool.description
    if tool.kind == "custom":
        form = given["custom"].get("format")
        return {**made, **({"format": _format(form)} if isinstance(form, dict) else {}), **kept}
    made["parameters"] = tool.parameters if tool.parameters else {"type": "object", "properties": {}}
    made["strict"] = tool.strict is True  # what is not said is strict here
    return {**made, **kept}


def _format(given: Fields) -> Fields:
    """The grammar of a custom tool, in one object."""
    inner = given.get("grammar")
    return {"type": "grammar", **inner} if given.get("type") == "grammar" and isinstance(inner, dict) else given


def _search(options: Fields) -> Fields:
    """The search of the web that a chat model does by itself, as a tool."""
    tool: Fields = {"type": "web_search"}
    if options.get("search_context_size") is not None:
        tool["search_context_size"] = options["search_context_size"]
    place = options.get("user_location")
    near = place.get("approximate") if isinstance(place, dict) else None
    if isinstance(near, dict):
        tool["user_location"] = {"type": "approximate", **near}
    return tool


def _choice(body: Fields) -> Any:
    given = body.get("tool_choice", body.get("function_call"))
    if not isinstance(given, dict):
        read = read_tool_choice(body)
        return None if read is None else read.mode
    kind = given.get("type", "function")
    if kind not in (*_OURS, "allowed_tools"):
        return given  # one that the provider runs
    read = read_tool_choice(body)
    if read is None:
        return None
    if read.mode == "named":
        return {"type": kind, "name": read.names[0]}
    allowed = given["allowed_tools"].get("tools")
    named = [_named(one) for one in allowed if isinstance(one, dict)] if isinstance(allowed, list) else []
    return {"type": "allowed_tools", "mode": read.mode, "tools": named}


def _named(given: Fields) -> Fields:
    """A tool as a choice names it: `{"type": …, "name": …}`; one of the provider's by its type."""
    kind = given.get("type")
    inner = given.get(kind) if isinstance(kind, str) else None
    return {"type": kind, "name": inner.get("name")} if isinstance(inner, dict) else given
