"""The parameters of a chat request beside its messages, in one form, and what becomes of those that an API lacks."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from ..errors import NotFoundError, RequestError
from .conversation import Tool, read_tools
from .lost import name_lost
from .provider import Asked

__all__ = [
    "Schema",
    "ToolChoice",
    "check_supported",
    "functions_of",
    "in_path",
    "leave_out",
    "max_tokens",
    "read_schema",
    "read_stop",
    "read_tool_choice",
    "unsupported",
]

Fields: TypeAlias = dict[str, Any]

_PRINTABLE: Final = re.compile(r"[!-~]+")
_PLAIN: Final = frozenset(("model", "messages", "stream", "stream_options"))
_HARMLESS: Final[dict[str, tuple[Any, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "parallel_tool_calls": (True,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "metadata": ({},),
    "tools": ([],),
    "functions": ([],),
    "modalities": (["text"],),
    "verbosity": ("medium",),
}
"""Values that ask for what every API does anyway."""
_HINTS: Final = frozenset(
    (
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "store",
        "metadata",
        "service_tier",
        "prediction",
    )
)
"""Parameters that change nothing in an answer: an API that lacks them is asked without, and that is noted."""


def in_path(model: str, safe: str = "/") -> str:
    """A model's name as part of a path; `safe`: what stays as it is.  Raises NotFoundError for what leads elsewhere."""
    parts = model.strip("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not _PRINTABLE.fullmatch(model):
        raise NotFoundError(
            f"The model `{ascii(model)[1:-1][:100]}` does not exist.", param="model", code="model_not_found"
        )
    return quote("/".join(parts), safe=safe + ".-_~")


def unsupported(name: str, why: str = "", param: str | None = None) -> RequestError:
    """The refusal of a parameter that the upstream's API cannot express."""
    return RequestError(
        f"Unsupported parameter: '{name}' is not supported with this model.{' ' + why if why else ''}",
        param=param or name,
        code="unsupported_parameter",
    )


def leave_out(asked: Asked, name: str, why: str = "", param: str | None = None) -> None:
    """A parameter that the API cannot express: raises RequestError or notes that it is dropped, as `asked` says."""
    if asked.on_unsupported == "error" and name not in _HINTS:
        raise unsupported(name, why, param)
    asked.note(f"{param or name} dropped")


def check_supported(body: Fields, supported: Collection[str], asked: Asked, keeps: Collection[str] = ()) -> None:
    """Refuse or drop what the API does not know: every parameter that is set and not among `supported`.

    What messages and tools have beside that is named where it is not among `keeps` (`lost.name_lost`).  Raises
    RequestError as well for what OpenAI itself refuses, whatever API it is for.
    """
    _check_stop(body.get("stop"))
    _check_effort(body.get("reasoning_effort"))
    _check_tool_choice(body)
    name_lost(body if "tools" in supported else {**body, "tools": None}, keeps, asked)
    for name, value in body.items():
        if name in _PLAIN or name in supported or value is None or value in _HARMLESS.get(name, ()):
            continue
        leave_out(asked, name)


_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_KINDS: Final[dict[type, str]] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
}


def _check_stop(stop: Any) -> None:
    for position, text in enumerate(stop if isinstance(stop, list) else ()):
        if text is not None and not isinstance(text, str):
            raise _wrong_type(f"stop[{position}]", text)


def _check_effort(effort: Any) -> None:
    if effort is None or effort in _EFFORTS:
        return
    if not isinstance(effort, str):
        raise _wrong_type("reasoning_effort", effort)
    words = [f"'{word}'" for word in _EFFORTS]
    raise RequestError(
        f"Invalid value: '{effort[:50]}'. Supported values are: {', '.join(words[:-1])}, and {words[-1]}.",
        param="reasoning_effort",
        code="invalid_value",
    )


def _wrong_type(where: str, found: Any) -> RequestError:
    return RequestError(
        f"Invalid type for '{where}': expected a string, but got {_KINDS.get(type(found), 'something else')} instead.",
        param=where,
        code="invalid_type",
    )


def _check_tool_choice(body: Fields) -> None:
    """A call that is demanded has to be one of a tool that is there; tools that a provider runs have any name."""
    given = body.get("tool_choice", body.get("function_call"))
    if isinstance(given, dict) and given.get("type", "function") not in ("function", "custom", "allowed_tools", "tool"):
        return  # one that the provider runs
    choice = read_tool_choice(body)
    if choice is None or (choice.mode in ("auto", "none") and not choice.names):
        return
    tools = [*(body.get("tools") or ()), *(body.get("functions") or ())]
    if not tools and not body.get("web_search_options"):
        raise RequestError(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            param="tool_choice",
        )
    names = [_name_in(tool) for tool in tools]
    missing = [name for name in choice.names if name not in names]
    if missing and None not in names and not body.get("web_search_options"):
        raise RequestError(
            f"Invalid value for 'tool_choice': Tool choice '{missing[0][:64]}' not found in 'tools' parameter.",
            param="tool_choice",
        )


def functions_of(body: Fields, asked: Asked, api: str) -> list[Tool]:
    """The tools of a request to an API that has functions alone: others are refused or dropped, as `asked` says."""
    tools = read_tools(body)
    for tool in tools:
        if tool.kind != "function":
            leave_out(asked, "tools", f"{api} has no tools of the type '{tool.kind}'.", tool.where)
    return [tool for tool in tools if tool.kind == "function"]


def max_tokens(body: Fields) -> int | None:
    """The limit of the answer, by either name."""
    value = body.get("max_completion_tokens") or body.get("max_tokens")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_stop(body: Fields) -> list[str]:
    """The stop sequences, as a list; empty ones are none."""
    stop = body.get("stop")
    given = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return [text for text in given if isinstance(text, str) and text]


class ToolChoice(Struct):
    """`mode` is auto, none, required or named; `names` are those of the tool that must be called, or may be."""

    mode: str
    names: list[str] = []


def read_tool_choice(body: Fields) -> ToolChoice | None:
    """What is said of the use of tools; None where nothing is.  Raises RequestError."""
    choice = body.get("tool_choice", body.get("function_call"))
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required", "any"):
            raise RequestError(
                f"Invalid value: '{choice[:50]}'. Supported values are: 'none', 'auto', and 'required'.",
                param="tool_choice",
                code="invalid_value",
            )
        return ToolChoice("required" if choice == "any" else choice)
    if isinstance(choice, dict):
        allowed = choice.get("allowed_tools")
        if choice.get("type") == "allowed_tools" and isinstance(allowed, dict):
            names = [name for tool in allowed.get("tools") or [] if (name := _name_in(tool))]
            return ToolChoice("required" if allowed.get("mode") == "required" else "auto", names)
        name = _name_in(choice)
        if name:
            return ToolChoice("named", [name])
    raise RequestError(
        "Missing required parameter: 'tool_choice.function.name'.",
        param="tool_choice.function.name",
        code="missing_required_parameter",
    )


def _name_in(choice: Any) -> str | None:
    if not isinstance(choice, dict):
        return None
    inner = choice.get("function") or choice.get("custom") or choice
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) and name else None


class Schema(Struct):
    """A JSON answer that is asked for; `schema` is None for `json_object`."""

    name: str = "response"
    schema: Fields | None = None
    strict: bool = False
    description: str | None = None


def read_schema(body: Fields) -> Schema | None:
    """What `response_format` asks for; None for text.  Raises RequestError."""
    given = body.get("response_format")
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind == "text":
        return None
    if kind == "json_object":
        return Schema()
    inner = given.get("json_schema")
    if kind != "json_schema" or not isinstance(inner, dict):
        if kind == "json_schema":
            raise RequestError(
                "Missing required parameter: 'response_format.json_schema'.",
                param="response_format.json_schema",
                code="missing_required_parameter",
            )
        raise RequestError(
            f"Invalid value: '{str(kind)[:50]}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            param="response_format.type",
            code="invalid_value",
        )
    schema = inner.get("schema")
    return Schema(
        str(inner.get("name") or "response"),
        schema if isinstance(schema, dict) else {},
        bool(inner.get("strict")),
        inner.get("description") if isinstance(inner.get("description"), str) else None,
    )
