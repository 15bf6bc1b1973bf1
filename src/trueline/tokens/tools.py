"""The tools of a request as OpenAI shows them to its models: a TypeScript namespace of functions (rules T3)."""

from __future__ import annotations

import re
from typing import NamedTuple

from .typescript import Budget, Schema, comment_lines, literal, typescript_of

__all__ = ["Functions", "Namespace", "functions_of", "named_choice", "namespace_of"]

Functions = list[Schema]

_NOT_SHOWN = re.compile(
    r'(?:, )?"(?:required": \[[^\]]*\]|additionalProperties": (?:true|false))'
    r'|"(?:type|properties|items|description|title|default|enum|anyOf)": |"object"(?:, )?|"'
)
"""What a schema as JSON has and the same as TypeScript has not: what remains is about as long."""


class Namespace(NamedTuple):
    """The declarations of functions."""

    text: str
    settled: bool
    """There is evidence for the form of all of it."""
    left_out: str
    """About what has too many members or levels to be shown; its size says what it costs."""


def functions_of(body: Schema) -> tuple[Functions, bool]:
    """The functions that a request offers, by `tools` or by `functions`; False: there are tools of other kinds, too."""
    tools, functions = body.get("tools"), body.get("functions")
    found = [tool for tool in functions if isinstance(tool, dict)] if isinstance(functions, list) else []
    known = True
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        custom = tool.get("custom") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            found.append(function)
            continue
        known = False
        if isinstance(custom, dict):
            found.append(_freeform(custom))
    return found, known


def _freeform(custom: Schema) -> Schema:
    """A custom tool as a function of one text, with its grammar in the comment: how it is shown is not known."""
    form = custom.get("format")
    grammar = form.get("grammar") if isinstance(form, dict) else None
    grammar = grammar if isinstance(grammar, dict) else form if isinstance(form, dict) else {}
    texts = (custom.get("description"), grammar.get("syntax"), grammar.get("definition"))
    return {"name": custom.get("name"), "description": "\n".join(each for each in texts if isinstance(each, str))}


def namespace_of(functions: Functions, bounds: bool = True) -> Namespace:
    """The namespace that declares the functions."""
    lines = ["namespace functions {", ""]
    known, budget, left_out = True, Budget(), ""
    for function in functions:
        description, parameters = function.get("description"), function.get("parameters")
        if isinstance(description, str) and description:
            lines += comment_lines(description)
        of = "()"
        if isinstance(parameters, dict) and parameters.get("properties"):
            text, settled = typescript_of(parameters, bounds, budget)
            of, known = f"(_: {text})", known and settled
            if budget.cut:
                left_out += _NOT_SHOWN.sub("", literal(parameters))[len(text) :]
                budget.cut = False
        lines += [f"type {function.get('name')} = {of} => any;", ""]
    lines.append("} // namespace functions")
    return Namespace("\n".join(lines), known, left_out)


def named_choice(body: Schema) -> str | None:
    """The function that `tool_choice` or `function_call` names."""
    choice = body.get("tool_choice") or body.get("function_call")
    if not isinstance(choice, dict):
        return None
    inner = choice.get("function")
    name = (inner if isinstance(inner, dict) else choice).get("name")
    return name if isinstance(name, str) else None
