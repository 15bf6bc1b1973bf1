"""OpenAI's chat request as a request of the Messages API, at Anthropic, on Vertex AI or on Bedrock.

What the API has beyond OpenAI's is taken under its own name (`thinking`, `top_k`, `container` …).  Settings that count:
`platform` (anthropic, vertex, bedrock; told by `host` if not said), `max_tokens` where a request says none,
`anthropic_version`, `anthropic_beta`.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import Turn, read_conversation
from ..parameters import check_supported, in_path, leave_out, max_tokens, read_stop
from ..provider import Asked, ProviderRequest
from ..shapes import nothing_said
from .content import MessageWriter
from .models import Model, model
from .thinking import write_thinking
from .tools import write_tools

__all__ = ["VERSIONS", "write_request"]

Fields: TypeAlias = dict[str, Any]

VERSIONS: Final = {"anthropic": "2023-06-01", "vertex": "vertex-2023-10-16", "bedrock": "bedrock-2023-05-31"}
"""By platform.  2026-10-21 takes no `temperature`, of any model."""
_VERTEX: Final = re.compile(r"/projects/[^/]+/locations/")
_UPLOADS: Final = "files-api-2025-04-14"

_OWN: Final = (
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "speed",
)
"""Members of the API that are passed on as they are."""
_READ: Final = frozenset(
    (
        *("max_tokens", "max_completion_tokens", "stop", "temperature", "top_p", "user", "safety_identifier"),
        *("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "thinking", "output_config", "output_format", "service_tier", "metadata", "betas"),
        *("stop_sequences", "top_k", "web_search_options", "reasoning"),
        *_OWN,
    )
)
_KINDS: Final[dict[type, tuple[str, tuple[str, ...]]]] = {
    str: ("a string", ("reasoning_effort", "service_tier")),
    list: ("an array", ("stop_sequences", "betas")),
    dict: ("an object", ("thinking", "output_config", "output_format", "metadata", "web_search_options")),
}
_TIERS: Final = {"auto": "auto", "priority": "auto", "default": "standard_only", "standard_only": "standard_only"}
_KEPT_MEMBERS: Final = frozenset(
    (
        "cache_control",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thinking_blocks",
        "anthropic",
        "is_error",
        "file.citations",
        "file.context",
        "file.title",
        "tool.defer_loading",
        "tool.eager_input_streaming",
        "tool.input_examples",
        "tool.allowed_callers",
        "strict",
    )
)
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect."""
    platform = _platform(asked)
    body, known = request.body, model(asked.model)
    check_supported(body, _READ, asked, _KEPT_MEMBERS)
    _check_kinds(body)
    conversation = read_conversation(body)
    writer = MessageWriter(asked, platform == "anthropic")
    out: Fields = {"model": asked.model, "max_tokens": _limit(request, known, asked)}
    system, messages = writer.system(conversation), writer.messages(conversation.turns)
    if not messages:  # the API wants a turn of the user's
        system, messages = None, writer.messages([Turn("user", list(conversation.system))])
    if not messages:
        raise nothing_said()
    if system:
        out["system"] = system
    out["messages"] = messages
    write_tools(request, known, asked, out)
    write_thinking(body, known, asked, out)
    _sampling(body, known, asked, out)
    _identity(body, asked, out)
    for name in _OWN:
        if body.get(name) is not None:
            out.setdefault(name, body[name])
    if request.stream:
        out["stream"] = True
    betas = _betas(body, asked, writer.uploads)
    return _addressed(platform, request.stream, out, betas, asked)


def _check_kinds(body: Fields) -> None:
    """Raises RequestError for what cannot be read, and would be left out."""
    for kind, (want, names) in _KINDS.items():
        for name in names:
            if body.get(name) is not None and not isinstance(body[name], kind):
                raise RequestError(f"Invalid type for '{name}': expected {want}.", param=name, code="invalid_type")


def _platform(asked: Asked) -> str:
    """Who serves the model."""
    told = asked.settings.get("platform", "")
    if told in VERSIONS:
        return told
    server, path = (asked.settings.get(name, "") for name in ("host", "base_path"))
    google = server.endswith("aiplatform.googleapis.com") or path.endswith("/publishers/anthropic")
    return "vertex" if google or _VERTEX.search(path) else "anthropic"


def _addressed(platform: str, stream: bool, out: Fields, betas: list[str], asked: Asked) -> ProviderRequest:
    """The request as this platform takes it."""
    version = asked.settings.get("api_version") or VERSIONS[platform]
    headers = ((b"anthropic-beta", ",".join(betas).encode("latin-1", "replace")),) if betas else ()
    if platform == "anthropic":
        return ProviderRequest(
            "/v1/messages", jsonio.encode(out), ((b"anthropic-version", version.encode("latin-1")), *headers)
        )
    name = in_path(out.pop("model"), "@")
    out = {"anthropic_version": version, **out}
    if platform == "vertex":
        verb = "streamRawPredict" if stream else "rawPredict"
        return ProviderRequest(f"/publishers/anthropic/models/{name}:{verb}", jsonio.encode(out), headers)
    out.pop("stream", None)
    if betas:
        out["anthropic_beta"] = betas
    return ProviderRequest(
        f"/model/{name}/{'invoke-with-response-stream' if stream else 'invoke'}",
        jsonio.encode(out),
        ((b"accept", b"application/vnd.amazon.eventstream" if stream else b"application/json"),),
    )


def _betas(body: Fields, asked: Asked, uploads: bool) -> list[str]:
    given = body.get("betas")
    betas = [str(name) for name in given] if isinstance(given, list) else []
    betas += [name.strip() for name in asked.settings.get("anthropic_beta", "").split(",") if name.strip()]
    if uploads:
        betas.append(_UPLOADS)
    return list(dict.fromkeys(betas))


def _limit(request: ChatRequest, known: Model, asked: Asked) -> int:
    """The API wants a limit: the client's, that of the settings, or the most that the model takes."""
    given = max_tokens(request.body)
    if given is not None:
        return given
    setting = asked.settings.get("max_tokens", "")
    if setting.isdecimal():
        return int(setting)
    return known.max_tokens if request.stream else known.max_whole


def _sampling(body: Fields, known: Model, asked: Asked, out: Fields) -> None:
    stop = read_stop(body) or (body.get("stop_sequences") if isinstance(body.get("stop_sequences"), list) else [])
    blank = [text for text in stop or () if not str(text).strip()]
    if blank:
        leave_out(asked, "stop", "A stop sequence of white space alone is not taken.")
    sequences = [text for text in stop or () if text not in blank]
    if sequences:
        out["stop_sequences"] = sequences
    temperature, top_p = body.get("temperature"), body.get("top_p")
    thinks = out.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if temperature is not None and temperature != 1:
        if not known.samples or thinks:
            why = "It cannot be set while the model thinks." if thinks else ""
            leave_out(asked, "temperature", why)
        elif not 0 <= temperature <= 1:
            leave_out(asked, "temperature", "The model takes values from 0 to 1.")
            out["temperature"] = min(max(temperature, 0), 1)
        else:
            out["temperature"] = temperature
    if top_p is not None and top_p != 1:
        if not known.samples or (thinks and top_p < 0.95):
            leave_out(asked, "top_p")
        elif "temperature" in out and known.one_of_temperature_and_top_p:
            leave_out(asked, "top_p", "The model takes either that or 'temperature'.")
        else:
            out["top_p"] = top_p
    if body.get("top_k") is not None:
        if known.samples and not thinks:
            out["top_k"] = body["top_k"]
        else:
            leave_out(asked, "top_k")


def _identity(body: Fields, asked: Asked, out: Fields) -> None:
    """Who asks, and at which service level."""
    metadata = body.get("metadata")
    own = metadata.get("user_id") if isinstance(metadata, dict) else None
    user = own or body.get("user") or body.get("safety_identifier")
    if isinstance(user, str) and user:
        out["metadata"] = {"user_id": user}
    if isinstance(metadata, dict) and set(metadata) - {"user_id"}:
        leave_out(asked, "metadata")
    tier = body.get("service_tier")
    if isinstance(tier, str) and tier in _TIERS:
        if tier != "auto":
            out["service_tier"] = _TIERS[tier]
    elif tier is not None:
        leave_out(asked, "service_tier")
