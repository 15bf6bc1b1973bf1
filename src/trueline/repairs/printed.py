"""The forms in which models print tool calls, and how each is read: the text has to be nothing but calls.

JSON in tags (Hermes, Mistral, Llama), and the templates of DeepSeek, Kimi, Qwen and gpt-oss.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ..wire import jsonio

__all__ = ["MARKS", "Calls", "read_calls"]

Calls: TypeAlias = list[tuple[str, str]]
Schemas: TypeAlias = dict[str, Any]
"""Name of a tool -> its parameters, as JSON schema."""

MARKS: Final = (
    "<tool_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<function=",
    "<｜DSML｜function_calls>",
    "<｜DSML｜invoke",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<|tool_calls_section_begin|>",
    "<|tool_call_begin|>",
    "<|channel|>commentary to=",
    "<|start|>assistant<|channel|>commentary to=",
)
"""What a printed call begins with."""

_LISTED = re.compile(r"\s*\[TOOL_CALLS\]\s*(\[.*\]|\{.*\})\s*\Z", re.S)
_PYTHON = re.compile(r"\s*<\|python_tag\|>\s*(\{.*\})\s*(?:<\|eom_id\|>|<\|eot_id\|>)?\s*\Z", re.S)
_AROUND = re.compile(
    r"\s*(?:</?｜DSML｜function_calls>|<｜tool▁calls▁(?:begin|end)｜>|<｜end▁of▁sentence｜>"
    r"|<\|tool_calls_section_(?:begin|end)\|>)\s*"
)
"""What stands around the calls of a list, and says nothing else."""

_TAGGED = re.compile(r"\s*<tool_call>\s*(\{.*?\})\s*</tool_call>\s*", re.S)
_NAMED = re.compile(r"\s*\[TOOL_CALLS\]\s*([\w.-]+)\s*(?:\[ARGS\])?\s*(\{.*?\})\s*(?=\[TOOL_CALLS\]|\Z)", re.S)
_DEEPSEEK = re.compile(
    r"\s*<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?([\w.:-]+)(?:<｜tool▁sep｜>|\s*```json\s)\s*(\{.*?\})\s*(?:```\s*)?"
    r"<｜tool▁call▁end｜>\s*",
    re.S,
)
_KIMI = re.compile(
    r"\s*<\|tool_call_begin\|>\s*(?:functions\.)?([\w.-]+):[0-9]+\s*<\|tool_call_argument_begin\|>\s*(\{.*?\})\s*"
    r"<\|tool_call_end\|>\s*",
    re.S,
)
_HARMONY = re.compile(
    r"\s*(?:<\|start\|>assistant)?<\|channel\|>commentary to=(?:functions\.)?([\w.-]+)\s*(?:<\|constrain\|>)?(?:json)?"
    r"\s*<\|message\|>\s*(\{.*?\})\s*(?:<\|call\|>|\Z)\s*",
    re.S,
)
_FUNCTION = re.compile(r"\s*(<tool_call>\s*)?<function=([\w.:-]+)>(.*?)</function>\s*", re.S)
_FUNCTION_END = re.compile(r"</tool_call>\s*")
_INVOKE = re.compile(r"\s*<｜DSML｜invoke name=\"([\w.:-]+)\">(.*?)</｜DSML｜invoke>\s*", re.S)
_PARAMETER = re.compile(r"\s*<parameter=([^>]+)>()(.*?)</parameter>\s*", re.S)
_TYPED = re.compile(
    r"\s*<｜DSML｜parameter name=\"([^\"]+)\"(?: string=\"(true|false)\")?>(.*?)</｜DSML｜parameter>\s*", re.S
)


def read_calls(text: str, schemas: Schemas) -> Calls:
    """The calls of a text, name and arguments; none where a part of it is anything else."""
    for pattern in (_LISTED, _PYTHON):
        whole = pattern.match(text)
        if whole is not None:
            value = _json(whole[1])
            return _of_objects(value if isinstance(value, list) else [value])
    calls: Calls = []
    at = 0
    while at < len(text):
        around = _AROUND.match(text, at)
        if around is not None:
            at = around.end()
            continue
        found, at = next((read for form in _FORMS if (read := form(text, at, schemas)) is not None), ([], at))
        if not found:
            return []
        calls += found
    return calls


_Read: TypeAlias = tuple[Calls, int] | None


def _tagged(text: str, at: int, schemas: Schemas) -> _Read:
    match = _TAGGED.match(text, at)
    return None if match is None else (_of_objects([_json(match[1])]), match.end())


def _with_json(pattern: re.Pattern[str]) -> Callable[[str, int, Schemas], _Read]:
    """A form of a name and a JSON object."""

    def read(text: str, at: int, schemas: Schemas) -> _Read:
        match = pattern.match(text, at)
        if match is None:
            return None
        return ([(match[1], match[2])] if isinstance(_json(match[2]), dict) else [], match.end())

    return read


def _function(text: str, at: int, schemas: Schemas) -> _Read:
    match = _FUNCTION.match(text, at)
    if match is None:
        return None
    end = match.end()
    if match[1] is not None:
        closing = _FUNCTION_END.match(text, end)
        if closing is None:
            return [], end
        end = closing.end()
    inside = match[3].strip()
    if inside.startswith("{"):
        return ([(match[2], inside)] if isinstance(_json(inside), dict) else [], end)
    return _of_parameters(match[2], match[3], _PARAMETER, schemas), end


def _invoke(text: str, at: int, schemas: Schemas) -> _Read:
    match = _INVOKE.match(text, at)
    return None if match is None else (_of_parameters(match[1], match[2], _TYPED, schemas), match.end())


_FORMS = (_tagged, _function, _invoke, *map(_with_json, (_NAMED, _DEEPSEEK, _KIMI, _HARMONY)))


def _of_parameters(name: str, inside: str, pattern: re.Pattern[str], schemas: Schemas) -> Calls:
    """A call whose arguments stand in a tag each."""
    schema = schemas.get(name)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    arguments: dict[str, Any] = {}
    inside = inside.strip()
    at = 0
    while at < len(inside):
        match = pattern.match(inside, at)
        if match is None or match[1] in arguments:
            return []
        wanted = properties.get(match[1]) if isinstance(properties, dict) else None
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        text = match[3].removeprefix("\n").removesuffix("\n")
        is_text = match[2] == "true" or (match[2] != "false" and kind == "string")
        value = None if is_text else _json(text)
        arguments[match[1]] = text if is_text or (value is None and text.strip() != "null") else value
        at = match.end()
    return [(name, jsonio.encode(arguments).decode())]


def _of_objects(values: list[Any]) -> Calls:
    calls: Calls = []
    for value in values:
        fields = value.get("function", value) if isinstance(value, dict) else None
        if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
            return []
        given = fields.get("arguments", fields.get("parameters", {}))
        arguments = given if isinstance(given, str) else jsonio.encode(given).decode()
        if not isinstance(_json(arguments), dict):
            return []
        calls.append((fields["name"], arguments))
    return calls


def _json(text: str) -> Any:
    try:
        return jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return None
