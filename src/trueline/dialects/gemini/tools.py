"""Tools and who may call them, as Gemini has them.

https://ai.google.dev/api/caching#Tool (seen 2026-11-22)
https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes (seen 2026-11-22)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ..conversation import Tool, read_tools
from ..parameters import leave_out, read_tool_choice
from ..provider import Asked
from .fields import camel
from .schemas import as_openapi, is_openapi
from .thinking import generation

__all__ = ["write_schema", "write_tool_config", "write_tools"]

Fields: TypeAlias = dict[str, Any]

_OWN: Final = frozenset(
    (
        "googleSearch",
        "googleSearchRetrieval",
        "googleMaps",
        "codeExecution",
        "urlContext",
        "fileSearch",
        "computerUse",
        "enterpriseWebSearch",
        "retrieval",
        "functionDeclarations",
        "parallelAiSearch",
        "exaAiSearch",
        "mcpServers",
    )
)
"""Tools of Google's, each an object under its name."""
_EMPTY: Final = frozenset(
    ("type", "properties", "required", "additionalProperties", "$schema", "title", "description", "strict")
)
_KINDS: Final = {
    "google_search": "googleSearch",
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
    "code_interpreter": "codeExecution",
    "code_execution": "codeExecution",
    "url_context": "urlContext",
    "google_maps": "googleMaps",
}
"""`{"type": …}` of tools that run at the provider."""


def write_tools(body: Fields, asked: Asked) -> list[Fields]:
    """`tools`: Google's own, then one with all functions.  Raises RequestError."""
    own: list[Fields] = []
    others: list[Any] = []
    for tool in body.get("tools") or []:
        named = camel(tool) if isinstance(tool, dict) and tool.get("type") is None else {}
        named = {name: value for name, value in named.items() if value is not None}
        if named and named.keys() <= _OWN:
            own.append(named)
        else:
            others.append(tool)
    if isinstance(body.get("web_search_options"), dict):
        own.append({"googleSearch": {}})
    declarations = []
    for tool in read_tools({"tools": others, "functions": body.get("functions")}):
        if tool.kind == "function":
            declarations.append(_declaration(tool, asked))
        elif tool.kind in _KINDS:
            given = tool.extras.get(tool.kind)
            own.append({_KINDS[tool.kind]: camel(given) if isinstance(given, dict) else {}})
        else:
            leave_out(asked, "tools", f"Tools of the type '{tool.kind}' are not known.", tool.where)
    return [*own, *([{"functionDeclarations": declarations}] if declarations else [])]


def _declaration(tool: Tool, asked: Asked) -> Fields:
    declaration: Fields = {"name": tool.name}
    if tool.description is not None:
        declaration["description"] = tool.description
    schema = tool.parameters
    if schema and not _says_nothing(schema):
        declaration.update(write_schema(schema, asked, tool.where, "parameters", "parametersJsonSchema"))
    return declaration


def _says_nothing(schema: Fields) -> bool:
    """An object without properties, which Gemini refuses and a function without parameters need not have."""
    empty = schema.get("type", "object") == "object" and not schema.get("properties")
    return empty and schema.keys() <= _EMPTY and schema.get("additionalProperties") in (None, False, True, {})


def write_schema(schema: Fields, asked: Asked, where: str, subset: str, full: str) -> Fields:
    """A schema under the name of the place that takes it: `subset`, or `full` for all of JSON Schema."""
    if is_openapi(schema):
        return {subset: schema}
    if generation(asked.model) >= 2.5 and asked.settings.get("schemas") != "openapi":
        return {full: schema}
    return {subset: as_openapi(schema, asked.note, where)}


def write_tool_config(body: Fields, tools: list[Fields], asked: Asked) -> Fields | None:
    """`toolConfig` for `tool_choice`; None where nothing is said.  Raises RequestError."""
    choice = read_tool_choice(body)
    if body.get("parallel_tool_calls") is False:
        leave_out(asked, "parallel_tool_calls")
    if choice is None or not any("functionDeclarations" in tool for tool in tools):
        return None
    config: Fields = {"mode": {"none": "NONE", "auto": "AUTO"}.get(choice.mode, "ANY")}
    if choice.names:
        config["allowedFunctionNames"] = choice.names
        if config["mode"] == "AUTO":
            config["mode"] = "VALIDATED"  # the only mode beside ANY that takes names
    return {"functionCallingConfig": config}
