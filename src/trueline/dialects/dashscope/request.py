"""OpenAI's chat request as DashScope's.

https://www.alibabacloud.com/help/en/model-studio/use-qwen-by-calling-api (seen 2026-11)
"""

from __future__ import annotations

import re
from typing import Any, Final

from ...errors import RequestError
from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import Audio, Conversation, File, Part, Picture, Text, Tool, Turn, read_conversation
from ..parameters import (
    check_supported,
    functions_of,
    leave_out,
    max_tokens,
    read_schema,
    read_stop,
    read_tool_choice,
)
from ..provider import Asked, ProviderRequest

__all__ = ["write_request"]

Fields = dict[str, Any]

_PASSED: Final = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "enable_search",
    "search_options",
    "enable_thinking",
    "thinking_budget",
    "preserve_thinking",
    "enable_code_interpreter",
    "translation_options",
    "vl_high_resolution_images",
    "asr_options",
)
"""Parameters that have the same name."""
_SUPPORTED: Final = frozenset(
    (
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "response_format",
        "reasoning_effort",
        *_PASSED,
    )
)
_BUDGETS: Final = {"minimal": 512, "low": 1024, "medium": 4096}
"""Tokens of thought; more effort has no limit but the model's."""
_SEES: Final = re.compile(
    r"\bvl\b|qvq|omni|ocr|audio|\basr\b|livetranslate|^qwen3\.(?:[5-7](?!-max)|[89])|^kimi-k2\.[5-9]", re.IGNORECASE
)
"""Models that are reached at `multimodal-generation`, also with text alone, where the URL does not tell.

https://github.com/agentscope-ai/agentscope-java/issues/2550 and /pull/1460 (seen 2026-11)
"""
_SERVICES: Final = {False: "text-generation", True: "multimodal-generation"}
_KEPT: Final = ("partial", "cache_control")
"""Fields of a message and of its parts that DashScope knows."""
_KEPT_MEMBERS: Final = frozenset(
    (
        "partial",
        "message.cache_control",
        "text.cache_control",
        "image_url.cache_control",
        "reasoning_content",
        "reasoning",
        "strict",
    )
)
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect."""
    body = request.body
    check_supported(body, _SUPPORTED, asked, _KEPT_MEMBERS)
    conversation = read_conversation(body)
    path, sees = _place(asked, bool(_SEES.search(asked.model)) or _has_files(conversation))
    messages = _messages(_without_files(conversation, asked), sees)
    parameters: Fields = {"result_format": "message"}
    if request.stream:
        parameters["incremental_output"] = True
    parameters |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    limit = max_tokens(body)
    if limit is not None:
        parameters["max_tokens"] = limit
    stop = read_stop(body)
    if stop:
        parameters["stop"] = stop
    _write_thinking(parameters, body)
    _write_tools(parameters, body, asked)
    schema = read_schema(body)
    if schema is not None:
        parameters["response_format"] = body["response_format"]
    written = {"model": asked.model, "input": {"messages": messages}, "parameters": parameters}
    return ProviderRequest(path, jsonio.encode(written), _headers(request.stream, conversation))


def _place(asked: Asked, sees: bool) -> tuple[str, bool]:
    """The path, and whether messages are in parts there; the upstream's URL may name the service itself."""
    base = asked.settings.get("base_path", "").rstrip("/")
    for other, service in _SERVICES.items():
        if base.endswith(f"/{service}"):
            return "/generation", other
    return f"/services/aigc/{_SERVICES[sees]}/generation", sees


def _headers(stream: bool, conversation: Conversation) -> tuple[tuple[bytes, bytes], ...]:
    headers: list[tuple[bytes, bytes]] = []
    if stream:
        headers += ((b"x-dashscope-sse", b"enable"), (b"accept", b"text/event-stream"))
    if any((getattr(part, "url", None) or "").startswith("oss://") for t in conversation.turns for part in t.parts):
        headers.append((b"x-dashscope-ossresourceresolve", b"enable"))
    return tuple(headers)


def _write_thinking(parameters: Fields, body: Fields) -> None:
    """DashScope's own parameters come before OpenAI's."""
    effort = body.get("reasoning_effort")
    if not isinstance(effort, str) or "enable_thinking" in parameters or "thinking_budget" in parameters:
        return
    parameters["enable_thinking"] = effort != "none"
    if effort in _BUDGETS:
        parameters["thinking_budget"] = _BUDGETS[effort]


def _write_tools(parameters: Fields, body: Fields, asked: Asked) -> None:
    tools, choice = functions_of(body, asked, "DashScope"), read_tool_choice(body)
    mode, names = (choice.mode, choice.names) if choice is not None else (None, [])
    if names and mode != "named":
        tools = [tool for tool in tools if tool.name in names]
    if not tools:
        return
    parameters["tools"] = [_tool(tool) for tool in tools]
    if mode == "required" and len(tools) == 1:
        mode, names = "named", [tools[0].name]
    if mode == "named":
        parameters["tool_choice"] = {"type": "function", "function": {"name": names[0]}}
    elif mode == "required":
        leave_out(asked, "tool_choice", "DashScope can be told to call one tool by name, but not just any.")
    elif mode is not None:
        parameters["tool_choice"] = mode


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


# -- messages ---------------------------------------------------------------------------------------------------------


def _has_files(conversation: Conversation) -> bool:
    return any(not isinstance(part, Text) for turn in conversation.turns for part in turn.parts)


def _without_files(conversation: Conversation, asked: Asked) -> Conversation:
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, File):
                leave_out(asked, "file", "DashScope takes text, pictures and sound in a message.", part.where)
        turn.parts = [part for part in turn.parts if not isinstance(part, File)]
    return conversation


def _messages(conversation: Conversation, sees: bool) -> list[Fields]:
    messages: list[Fields] = []
    if conversation.system:
        messages.append({"role": "system", "content": _content(list(conversation.system), sees, "\n\n")})
    for turn in conversation.turns:
        messages.append(_message(turn, sees))
    return messages


def _message(turn: Turn, sees: bool) -> Fields:
    parts = turn.parts or ([Text(turn.refusal)] if turn.refusal else [])
    message: Fields = {"role": turn.role, "content": _content(parts, sees)}
    if turn.role == "tool":
        if turn.call_id is None:
            raise RequestError(
                f"Missing required parameter: '{turn.where}.tool_call_id'.",
                param=f"{turn.where}.tool_call_id",
                code="missing_required_parameter",
            )
        message["tool_call_id"] = turn.call_id
        if turn.name:
            message["name"] = turn.name
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in turn.calls
        ]
    message |= {name: turn.extras[name] for name in _KEPT if name in turn.extras}
    return message


def _content(parts: list[Part], sees: bool, joint: str = "") -> str | list[Fields]:
    """Plain text where that is all; models that see take parts, and so does a mark for the cache."""
    texts = [part for part in parts if isinstance(part, Text)]
    if sees or any("cache_control" in part.extras for part in texts):
        return [_part(part) for part in parts]
    return joint.join(part.text for part in texts)


def _part(part: Part) -> Fields:
    match part:
        case Text():
            return {"text": part.text, **_marks(part.extras)}
        case Picture():
            return {"image": part.url or f"data:{part.media_type};base64,{part.data}", **_marks(part.extras)}
        case Audio():
            return {"audio": f"data:{part.media_type};base64,{part.data}"}
        case File():
            raise AssertionError("left out before")


def _marks(extras: Fields) -> Fields:
    return {name: extras[name] for name in _KEPT if name in extras}
