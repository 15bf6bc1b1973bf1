"""The tools of a request as OpenAI shows them to its models: a TypeScript namespace of functions (rules T3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .typescript import Schema, comment_lines, literal, typescript_of

__all__ = ["Functions", "custom_text", "functions_of", "named_choice", "namespace_of"]

Functions = list[Schema]


def functions_of(body: Schema) -> tuple[Functions, bool]:
    """The functions that a request offers, by `tools` or by `functions`; False: it offers tools of other kinds, too."""
    tools, functions = body.get("tools"), body.get("functions")
    found = [tool for tool in functions if isinstance(tool, dict)] if isinstance(functions, list) else []
    known = True
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            found.append(function)
        else:
            known = False
    return found, known


def namespace_of(functions: Functions, bounds: bool = True) -> str:
    """The namespace that declares the functions."""
    return "\n".join(_lines(functions, bounds))


def _lines(functions: Functions, bounds: bool) -> Iterator[str]:
    yield "namespace functions {"
    yield ""
    for function in functions:
        description, parameters = function.get("description"), function.get("parameters")
        if isinstance(description, str) and description:
            yield from comment_lines(description)
        has_members = isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict)
        if isinstance(parameters, dict) and has_members and parameters["properties"]:
            yield f"type {function.get('name')} = (_: {typescript_of(parameters, bounds)}) => any;"
        else:
            yield f"type {function.get('name')} = () => any;"
        yield ""
    yield "} // namespace functions"


def named_choice(body: Schema) -> str | None:
    """The function that `tool_choice` or `function_call` names."""
    choice = body.get("tool_choice") or body.get("function_call")
    if not isinstance(choice, dict):
        return None
    inner = choice.get("function")
    name = (inner if isinstance(inner, dict) else choice).get("name")
    return name if isinstance(name, str) else None


def custom_text(tools: Any) -> str:
    """What tools that are no functions say of themselves: how they are shown is not known."""
    said = []
    for tool in tools if isinstance(tools, list) else ():
        custom = tool.get("custom") if isinstance(tool, dict) else None
        if isinstance(custom, dict):
            said.append(literal(custom))
    return "\n".join(said)
