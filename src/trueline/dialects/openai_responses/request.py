"""OpenAI's chat request as a request of the Responses API.

What the API has beyond a chat's is taken under its own name (`previous_response_id`, `include`, `reasoning` …).
A setting that counts: `api_version`, for Azure's older paths.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias
from urllib.parse import quote

from ...messages import ChatRequest
from ...wire import jsonio
from ..parameters import Schema, check_supported, max_tokens, read_schema
from ..provider import Asked, ProviderRequest
from .history import write_input
from .models import thinks
from .tools import write_tools

__all__ = ["LEAST", "write_request"]

Fields: TypeAlias = dict[str, Any]

LEAST: Final = 16
"""The smallest `max_output_tokens` that the API takes."""

_PASSED: Final = (
    *("temperature", "top_p", "metadata", "parallel_tool_calls", "service_tier", "user", "safety_identifier"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "previous_response_id", "conversation"),
    *("prompt", "truncation", "max_tool_calls", "context_management", "instructions", "moderation"),
)
"""Members that mean the same here, and members of the API alone, as they are."""
_READ: Final = frozenset(
    (
        *("max_tokens", "max_completion_tokens", "tools", "tool_choice", "functions", "function_call"),
        *(
            "response_format",
            "reasoning_effort",
            "reasoning_summary",
            "reasoning",
            "verbosity",
            "text",
            "logprobs",
            "top_logprobs",
        ),
        *("store", "include", "web_search_options"),
        *_PASSED,
    )
)
_SEALED: Final = "reasoning.encrypted_content"
_PROBABILITIES: Final = "message.output_text.logprobs"
_KEPT_MEMBERS: Final = frozenset(
    (
        "detail",
        "phase",
        "images",
        "prompt_cache_breakpoint",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "openai_responses",
        "namespace",
        "caller",
        "tool.defer_loading",
        "tool.allowed_callers",
        "tool.output_schema",
        "strict",
    )
)
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect."""
    body = request.body
    check_supported(body, _READ, asked, _KEPT_MEMBERS)
    out: Fields = {"model": asked.model, "input": write_input(body, asked), "store": body.get("store") is True}
    for name in _PASSED:
        if body.get(name) is not None:
            out[name] = body[name]
    _limit(body, asked, out)
    _text(body, out)
    _reasoning(body, out)
    write_tools(body, asked, out)
    _include(body, asked, out)
    if request.stream:
        out["stream"] = True
        options = body.get("stream_options")
        if isinstance(options, dict) and isinstance(options.get("include_obfuscation"), bool):
            out["stream_options"] = {"include_obfuscation": options["include_obfuscation"]}
    return ProviderRequest(_path(asked), jsonio.encode(out))


def _path(asked: Asked) -> str:
    """Where the API is; at Azure an `api_version` without `/v1` in the base URL is that of its older paths."""
    version = asked.settings.get("api_version")
    if not version:
        return "/v1/responses"
    start = "/v1" if asked.settings.get("base_path", "").endswith("/v1") else "/openai"
    return f"{start}/responses?api-version={quote(version, safe='')}"


def _limit(body: Fields, asked: Asked, out: Fields) -> None:
    limit = max_tokens(body)
    if limit is None:
        return
    if 0 < limit < LEAST:
        name = "max_completion_tokens" if body.get("max_completion_tokens") else "max_tokens"
        asked.note(f"{name} changed to {LEAST}")
        limit = LEAST
    out["max_output_tokens"] = limit


def _text(body: Fields, out: Fields) -> None:
    """The form of the answer, and how much it says."""
    given = body.get("text")
    text: Fields = dict(given) if isinstance(given, dict) else {}
    schema = read_schema(body)
    if schema is not None:
        text["format"] = {"type": "json_object"} if schema.schema is None else _format(schema)
    if body.get("verbosity") is not None:
        text["verbosity"] = body["verbosity"]
    if text:
        out["text"] = text


def _format(schema: Schema) -> Fields:
    form: Fields = {"type": "json_schema", "name": schema.name, "schema": schema.schema, "strict": schema.strict}
    return form if schema.description is None else {**form, "description": schema.description}


def _reasoning(body: Fields, out: Fields) -> None:
    """How much the model thinks; a summary only where the client said so: not every account may have one."""
    given = body.get("reasoning")
    reasoning: Fields = dict(given) if isinstance(given, dict) else {}
    for name, member in (("reasoning_effort", "effort"), ("reasoning_summary", "summary")):
        if body.get(name) is not None:
            reasoning[member] = body[name]
    if reasoning:
        out["reasoning"] = reasoning


def _include(body: Fields, asked: Asked, out: Fields) -> None:
    """What a reply holds beside its answer: thoughts that can come back, and probabilities."""
    given = body.get("include")
    include = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    effort = out.get("reasoning", {}).get("effort")
    if thinks(asked.model) or effort not in (None, "none"):
        include.append(_SEALED)
    if body.get("logprobs"):
        include.append(_PROBABILITIES)
        if body.get("top_logprobs") is not None:
            out["top_logprobs"] = body["top_logprobs"]
    if include:
        out["include"] = list(dict.fromkeys(include))
