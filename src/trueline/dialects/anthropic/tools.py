"""Tools, their choice, and answers in JSON: by a schema where the model keeps one, else as the input of a tool."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ...messages import ChatRequest
from ..conversation import Tool, read_tools
from ..parameters import Schema, ToolChoice, leave_out, read_schema, read_tool_choice
from ..provider import Asked
from ..shapes import object_answer, object_input
from .meaning import JSON_TOOL
from .models import Model
from .schema import kept_schema

__all__ = ["write_tools"]

Fields: TypeAlias = dict[str, Any]

_MODES: Final = {"auto": "auto", "none": "none", "required": "any"}
_OF_A_TOOL: Final = (
    "cache_control",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
)
_SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}


def write_tools(request: ChatRequest, known: Model, asked: Asked, out: Fields) -> None:
    """Put `tools`, `tool_choice` and `output_config.format` into `out`."""
    body = request.body
    choice = read_tool_choice(body)
    tools = [made for tool in read_tools(body) if (made := _tool(tool, known, asked)) is not None]
    if choice is not None and choice.mode != "named" and choice.names:
        tools = [tool for tool in tools if tool.get("name") in choice.names]
    if isinstance(body.get("web_search_options"), dict):
        tools.append(_search(body["web_search_options"], asked))
    told = _choice(choice)
    schema = read_schema(body)
    if isinstance(body.get("output_format"), dict):
        out["output_config"] = {"format": {"type": "json_schema", **body["output_format"]}}
    elif schema is not None:
        told = _answer(schema, known, tools, told, body, out)
    if not tools:
        return
    out["tools"] = tools
    if body.get("parallel_tool_calls") is False and (told or {}).get("type") != "none":
        told = {**(told or {"type": "auto"}), "disable_parallel_tool_use": True}
    if told is not None:
        out["tool_choice"] = told


def _tool(tool: Tool, known: Model, asked: Asked) -> Fields | None:
    if tool.kind == "custom":
        leave_out(asked, "tools", "Tools with free text as their input are not known.", tool.where)
        return None
    if tool.kind != "function":
        return tool.extras  # one that the provider runs
    schema = object_input(tool)
    made: Fields = {"name": tool.name}
    if tool.description:
        made["description"] = tool.description
    made["input_schema"] = (
        {"type": "object", **schema} if schema.get("properties") is not None else _with_properties(schema)
    )
    if tool.strict and known.keeps_schemas:
        made["strict"] = True
    elif tool.strict:
        asked.note(f"{tool.where}.function.strict dropped")
    return {**made, **{name: tool.extras[name] for name in _OF_A_TOOL if tool.extras.get(name) is not None}}


def _with_properties(schema: Fields) -> Fields:
    return {"type": "object", "properties": {}, **{name: value for name, value in schema.items() if value is not None}}


def _choice(choice: ToolChoice | None) -> Fields | None:
    if choice is None:
        return None
    if choice.mode == "named":
        return {"type": "tool", "name": choice.names[0]}
    return {"type": _MODES[choice.mode]}


def _search(options: Fields, asked: Asked) -> Fields:
    """OpenAI's search of the web as Anthropic's."""
    tool: Fields = dict(_SEARCH)
    place = options.get("user_location")
    near = place.get("approximate") if isinstance(place, dict) else None
    if isinstance(near, dict):
        tool["user_location"] = {"type": "approximate", **{k: v for k, v in near.items() if isinstance(v, str)}}
    size = options.get("search_context_size")
    if size not in (None, "medium"):
        asked.note(f"web_search_options.search_context_size {size} dropped")
    return tool


def _answer(
    schema: Schema, known: Model, tools: list[Fields], told: Fields | None, body: Fields, out: Fields
) -> Fields | None:
    """Have the answer be JSON; returns the choice of tools that this takes."""
    root = object_answer(schema)
    form = kept_schema(schema, known)
    if form is not None:
        out["output_config"] = {"format": {"type": "json_schema", "schema": form}}
        return told
    tools.append(
        {
            "name": JSON_TOOL,
            "description": schema.description or "Gives the answer, which has to be a JSON object, to the user.",
            "input_schema": {"type": "object", **root},
        }
    )
    if told is not None and told["type"] in ("any", "tool"):
        return told
    if told is not None and told["type"] == "none":
        del tools[:-1]
    thinking = body.get("thinking")
    if body.get("reasoning_effort") not in (None, "none") or (
        isinstance(thinking, dict) and thinking.get("type") != "disabled"
    ):
        # what thinks cannot be forced
        return {"type": "auto"} if len(tools) > 1 else {"type": "auto", "disable_parallel_tool_use": True}
    return {"type": "any"} if len(tools) > 1 else {"type": "tool", "name": JSON_TOOL}
