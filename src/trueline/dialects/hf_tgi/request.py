"""OpenAI's chat request as one for a text: the conversation becomes a prompt.

https://huggingface.github.io/text-generation-inference/ (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import RequestError
from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import Text, Turn, kind_of, read_conversation
from ..parameters import check_supported, in_path, leave_out, max_tokens, read_schema, read_stop
from ..provider import Asked, ProviderRequest
from .templates import TEMPLATES, family_of, render

__all__ = ["write_request"]

Fields = dict[str, Any]

_PASSED = (
    "top_k",
    "typical_p",
    "repetition_penalty",
    "truncate",
    "watermark",
    "adapter_id",
    "seed",
    "frequency_penalty",
)
"""Parameters that have the same name."""
_SUPPORTED = frozenset(
    (
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "temperature",
        "top_p",
        "logprobs",
        "top_logprobs",
        "response_format",
        *_PASSED,
    )
)
_INFERENCE_API = ("api-inference.huggingface.co", "router.huggingface.co")


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect."""
    body = request.body
    check_supported(body, _SUPPORTED, asked)
    written: Fields = {"inputs": _prompt(body, asked), "parameters": _parameters(request, asked)}
    path = _model_path(asked)
    if path is not None:
        written["stream"] = request.stream
        return ProviderRequest(path, jsonio.encode(written))
    return ProviderRequest("/generate_stream" if request.stream else "/generate", jsonio.encode(written))


def _model_path(asked: Asked) -> str | None:
    """The model's path, where the server has many; None where it is a model's own."""
    place: Mapping[str, str] = asked.settings
    base = place.get("base_path", "").rstrip("/")
    model = in_path(asked.model)
    if base.endswith("/models"):
        return f"/{model}"
    if place.get("host") in _INFERENCE_API or base.endswith("/hf-inference"):
        if "/models/" in base:
            return ""  # the model's own URL
        inner = "" if base.endswith("/hf-inference") or place.get("host") == _INFERENCE_API[0] else "/hf-inference"
        return f"{inner}/models/{model}"
    return None


def _parameters(request: ChatRequest, asked: Asked) -> Fields:
    body = request.body
    written: Fields = {"return_full_text": False, "details": True, "do_sample": True}
    limit = max_tokens(body)
    if limit is not None:
        written["max_new_tokens"] = limit
    stop = read_stop(body)
    if stop:
        written["stop"] = stop
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if temperature == 0:  # it has to be positive
        written["do_sample"] = False
    elif temperature is not None:
        written["temperature"] = temperature
    if top_p is not None and top_p != 1:  # it has to be below 1, which is what is meant without
        written["top_p"] = top_p
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    if body.get("logprobs") and body.get("top_logprobs"):
        written["top_n_tokens"] = body["top_logprobs"]
    _write_grammar(written, body, asked)
    return written


def _write_grammar(written: Fields, body: Fields, asked: Asked) -> None:
    schema = read_schema(body)
    if schema is None:
        return
    if not schema.schema or "properties" not in schema.schema:
        leave_out(asked, "response_format", "text-generation-inference needs a schema with 'properties'.")
    else:
        written["grammar"] = {"type": "json", "value": schema.schema}


# -- the prompt -------------------------------------------------------------------------------------------------------


def _prompt(body: Fields, asked: Asked) -> str:
    family = asked.settings.get("template") or family_of(asked.model)
    template = TEMPLATES.get(family)
    if template is None:
        raise RequestError(
            f"The upstream's setting 'template' is '{family}'; allowed: {', '.join(TEMPLATES)}.",
            code="invalid_template",
        )
    conversation = read_conversation(body)
    turns = [said for turn in conversation.turns if (said := _said(turn, asked)) is not None]
    return render(template, "\n\n".join(text.text for text in conversation.system), turns)


def _said(turn: Turn, asked: Asked) -> tuple[str, str] | None:
    """Role and text of a message; None for what a prompt cannot say, and what was left out for that."""
    if turn.role == "tool":
        leave_out(asked, "tools", "A prompt of text-generation-inference has no tools.", f"{turn.where}.role")
        return None
    if turn.calls:
        leave_out(asked, "tools", "A prompt of text-generation-inference has no tools.", f"{turn.where}.tool_calls")
    for part in turn.parts:
        if not isinstance(part, Text):
            leave_out(asked, kind_of(part), "A prompt of text-generation-inference is text.", part.where)
    text = turn.text or turn.refusal or ""
    return None if turn.calls and not text else (turn.role, text)
