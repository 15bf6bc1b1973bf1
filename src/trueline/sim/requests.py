"""Read and judge requests as OpenAI does: what is wrong with them, in OpenAI's words (spec/rules.md, section X)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from trueline.sim.errors import SimError

__all__ = ["check_chat", "check_key", "check_taken", "need", "read_body"]

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)."
)
_KEYS_PAGE = "You can find your API key at https://platform.openai.com/account/api-keys."
_ROLES = ("developer", "system", "user", "assistant", "tool", "function")
_ARTICLES = {str: "a string", int: "an integer", bool: "a boolean", float: "a decimal", list: "an array"}

_RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("temperature", "decimal", 0, 2),
    ("top_p", "decimal", 0, 1),
    ("presence_penalty", "decimal", -2, 2),
    ("frequency_penalty", "decimal", -2, 2),
    ("n", "integer", 1, 128),
    ("top_logprobs", "integer", 0, 20),
    ("max_tokens", "integer", 1, 1e9),
    ("max_completion_tokens", "integer", 1, 1e9),
)
REASONING_MODEL = re.compile(r"^(o\d|gpt-5)")


def read_body(body: bytes, content_type: str) -> dict[str, Any]:
    """The request as an object, from JSON or a multipart form.  Raises SimError 400."""
    if "multipart/form-data" in content_type:
        return _form(body, content_type)
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SimError(400, _NOT_JSON) from None
    if not isinstance(request, dict):
        raise SimError(400, _NOT_JSON)
    return request


def _form(body: bytes, content_type: str) -> dict[str, Any]:
    """The plain fields of a form; files are read over."""
    boundary = content_type.partition("boundary=")[2].split(";")[0].strip(' "')
    fields: dict[str, Any] = {}
    for part in body.split(b"--" + boundary.encode("latin-1")):
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is None:
            continue
        if b"filename=" in head:
            fields[name[1].decode()] = "(file)"
            continue
        text = value.removesuffix(b"\r\n").decode("utf-8", "replace")
        fields[name[1].decode()] = {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)
    return fields


def check_key(headers: Mapping[str, str], required: bool) -> None:
    """Refuse as OpenAI does: keys `sk-wrong…` 401, `sk-limited…` 429, `sk-broke…` 429 without quota."""
    key = headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not key and required:
        raise SimError(401, _NO_KEY)
    if key.startswith("sk-wrong"):
        masked = f"{key[:8]}****{key[-4:]}"
        raise SimError(401, f"Incorrect API key provided: {masked}. {_KEYS_PAGE}", code="invalid_api_key")
    if key.startswith("sk-limited"):
        raise SimError(
            429,
            "Rate limit reached for gpt-4o in organization org-sim on requests per min (RPM): Limit 3, Used 3, "
            "Requested 1. Please try again in 20s.",
            "requests",
            code="rate_limit_exceeded",
            headers={"retry-after": "20", "retry-after-ms": "20000"},
        )
    if key.startswith("sk-broke"):
        raise SimError(
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            code="insufficient_quota",
        )


def need(request: dict[str, Any], name: str) -> Any:
    """A parameter that must be there.  Raises SimError 400, or 404 for a model `…does-not-exist…`."""
    value = request.get(name)
    if value is None:
        if name == "model":
            raise SimError(400, "you must provide a model parameter")
        raise SimError(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    if name == "model" and not isinstance(value, str):
        raise _wrong_type("model", "a string", value)
    if name == "model" and "does-not-exist" in value:
        message = f"The model `{value}` does not exist or you do not have access to it."
        raise SimError(404, message, code="model_not_found")
    return value


def _wrong_type(name: str, wanted: str, value: Any) -> SimError:
    got = _ARTICLES.get(type(value), "an object")
    return SimError(
        400, f"Invalid type for '{name}': expected {wanted}, but got {got} instead.", param=name, code="invalid_type"
    )


def check_chat(request: dict[str, Any]) -> None:
    """Raise SimError for the mistakes that OpenAI answers with 400 or 404."""
    model = need(request, "model")
    _check_messages(need(request, "messages"))
    for name, kind, low, high in _RANGES:
        _check_range(request, name, kind, low, high)
    if request.get("stream_options") is not None and not request.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise SimError(400, message, param="stream_options")
    if request.get("top_logprobs") is not None and not request.get("logprobs"):
        message = "Invalid value for 'top_logprobs': it needs 'logprobs' to be true."
        raise SimError(400, message, param="top_logprobs", code="invalid_value")
    if request.get("tool_choice") not in (None, "none") and not request.get("tools"):
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise SimError(400, message, param="tool_choice")
    if REASONING_MODEL.match(model) and request.get("max_tokens") is not None:
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise SimError(400, message, param="max_tokens", code="unsupported_parameter")
    stop = request.get("stop")
    if not (stop is None or isinstance(stop, str) or (isinstance(stop, list) and len(stop) <= 4)):
        raise _wrong_type("stop", "a string or an array of up to four strings", stop)


_UNKNOWN = "Unrecognized request argument supplied: {name}"


def check_taken(request: dict[str, Any], refuses: tuple[str, ...]) -> None:
    """Raise SimError for what this server does not take, in the words of servers that do not."""
    messages = [each for each in request.get("messages") or () if isinstance(each, dict)]
    for name in refuses:
        if name == "n":
            if (request.get("n") or 1) > 1:
                raise SimError(400, "'n' : number must be at most 1 with this model", param="n")
        elif name == "developer":
            if any(message.get("role") == "developer" for message in messages):
                said = "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`"
                raise SimError(422, f"Failed to deserialize the JSON body into the target type: {said}")
        elif name == "parts":
            if any(isinstance(message.get("content"), list) for message in messages):
                raise SimError(400, "messages[0].content: invalid type: sequence, expected a string")
        elif name == "max_tokens" and request.get(name) is not None:
            said = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            raise SimError(400, f"Unsupported parameter: {said}", param=name, code="unsupported_parameter")
        elif request.get(name) is not None:
            raise SimError(400, _UNKNOWN.format(name=name))


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list):
        raise _wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise SimError(
            400,
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise _wrong_type(f"messages[{place}]", "an object", message)
        if message.get("role") not in _ROLES:
            raise SimError(
                400,
                f"Invalid value: '{message.get('role')}'. Supported values are: "
                "'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
                param=f"messages[{place}].role",
                code="invalid_value",
            )


def _check_range(request: dict[str, Any], name: str, kind: str, low: float, high: float) -> None:
    value = request.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else (int, float)):
        raise _wrong_type(name, "an integer" if kind == "integer" else "a decimal", value)
    if low <= value <= high:
        return
    above = value > high
    side, bound = ("above maximum", f"<= {high:g}") if above else ("below minimum", f">= {low:g}")
    raise SimError(
        400,
        f"Invalid '{name}': {kind} {side} value. Expected a value {bound}, but got {value} instead.",
        param=name,
        code=f"{kind}_{'above_max' if above else 'below_min'}_value",
    )
