"""OpenAI's chat request as a `generateContent` of Gemini's.

https://ai.google.dev/api/generate-content#v1beta.GenerationConfig (seen 2026-11-22)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import read_conversation
from ..parameters import check_supported, leave_out, max_tokens, read_schema, read_stop
from ..provider import Asked, ProviderRequest
from .answer import answer_function, answers_by_call
from .contents import write_contents, write_texts
from .fields import camel, camel_name, merged
from .place import is_vertex, model_path
from .schemas import ordered
from .sound import write_sound
from .thinking import generation, thinking_config
from .tools import write_schema, write_tool_config, write_tools

__all__ = ["write_request"]

Fields: TypeAlias = dict[str, Any]

_PLAIN: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
"""Numbers that only have another name."""
_CONFIG: Final = frozenset(
    (
        "topK",
        "thinkingConfig",
        "responseModalities",
        "mediaResolution",
        "speechConfig",
        "imageConfig",
        "audioTimestamp",
        "routingConfig",
        "modelSelectionConfig",
        "enableEnhancedCivicAnswers",
        "enableAffectiveDialog",
        "translationConfig",
        "audioTranscriptionConfig",
    )
)
"""Fields of Gemini's `generationConfig` that a client may send beside OpenAI's parameters."""
_BODY: Final = frozenset(
    ("safetySettings", "cachedContent", "labels", "toolConfig", "modelArmorConfig", "continuationToken")
)
"""Those of the request itself."""
_READ: Final = frozenset(
    (
        *_PLAIN,
        *("n", "max_tokens", "max_completion_tokens", "stop", "seed", "logprobs", "top_logprobs"),
        *("response_format", "reasoning_effort", "reasoning", "thinking", "modalities", "audio"),
        *("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "web_search_options"),
        *("generation_config", "generationConfig"),
    )
)
_MAX_SEED: Final = 0x7FFFFFFF
_KEPT_MEMBERS: Final = frozenset(
    (
        "google_parts",
        "images",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "extra_content",
        "videoMetadata",
        "video_metadata",
        "mediaResolution",
        "media_resolution",
    )
)
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """The native request.  Raises RequestError for what cannot be expressed, FileNeeded for files to fetch first."""
    body = _flat(request.body)
    answer = answers_by_call(body, asked.model)
    if answer is not None:
        tools = [*(body.get("tools") or ()), answer_function(answer)]
        body |= {"tools": tools, "tool_choice": "required", "response_format": None}
    own = {name: camel_name(name) for name in body if camel_name(name) in _CONFIG | _BODY}
    check_supported(body, _READ | own.keys() | _tier(body, asked), asked, _KEPT_MEMBERS)
    conversation = read_conversation(body)
    made: Fields = {"contents": write_contents(conversation, asked)}
    system = write_texts(conversation.system, asked)
    if system and made["contents"] and "gemma" not in asked.model.lower():
        made["systemInstruction"] = {"parts": system}
    elif system:  # a model that has no place for it, or nothing else to answer
        made["contents"].insert(0, {"role": "user", "parts": system})
    declared = write_tools(body, asked)
    if declared:
        made["tools"] = declared
    choice = write_tool_config(body, declared, asked)
    if choice:
        made["toolConfig"] = choice
    config = _config(request, body, bool(declared), asked)
    for name, named in own.items():
        if body[name] is not None:
            merged(config if named in _CONFIG else made, {named: camel(body[name])})
    merged(config, camel(body.get("generation_config") or body.get("generationConfig") or {}))
    if config:
        made["generationConfig"] = config
    if body.get("service_tier") in ("flex", "priority") and not is_vertex(asked):
        made["serviceTier"] = body["service_tier"]
    verb = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    return ProviderRequest(f"{model_path(asked)}:{verb}", jsonio.encode(made))


def _flat(body: Fields) -> Fields:
    """The parameters with those that Google's OpenAI endpoint has under `extra_body.google` beside the others."""
    flat = dict(body)
    for owner in (flat.pop("extra_body", None), body):
        google = owner.get("google") if isinstance(owner, dict) else None
        flat.update(google if isinstance(google, dict) else {})
    flat.pop("google", None)
    return flat


def _tier(body: Fields, asked: Asked) -> frozenset[str]:
    known = body.get("service_tier") in ("flex", "priority") and not is_vertex(asked)
    return frozenset(("service_tier",)) if known else frozenset()


def _config(request: ChatRequest, body: Fields, tools: bool, asked: Asked) -> Fields:
    config: Fields = {named: body[name] for name, named in _PLAIN.items() if body.get(name) is not None}
    limit = max_tokens(body)
    if limit is not None:
        config["maxOutputTokens"] = limit
    stop = read_stop(body)
    if stop:
        config["stopSequences"] = stop
    if request.n > 1:
        config["candidateCount"] = request.n
    seed = body.get("seed")
    if type(seed) is int:
        if not -_MAX_SEED - 1 <= seed <= _MAX_SEED:
            seed &= _MAX_SEED
            asked.note(f"seed changed to {seed}")
        config["seed"] = seed
    if request.logprobs:
        config["responseLogprobs"] = True
        if request.top_logprobs:
            config["logprobs"] = request.top_logprobs
    thinking = thinking_config(body, asked)
    if thinking:
        config["thinkingConfig"] = thinking
    config.update(write_sound(body, request.stream, asked))
    config.update(_response_format(body, tools, asked))
    return config


def _response_format(body: Fields, tools: bool, asked: Asked) -> Fields:
    schema = read_schema(body)
    if schema is None:
        return {}
    if tools and generation(asked.model) < 3:
        leave_out(asked, "response_format", "Models before Gemini 3 do not take it together with tools.")
        return {}
    made: Fields = {"responseMimeType": "application/json"}
    if schema.schema:
        made.update(write_schema(schema.schema, asked, "response_format", "responseSchema", "responseJsonSchema"))
        if "responseSchema" in made:
            made["responseSchema"] = ordered(made["responseSchema"])
    return made
