"""OpenAI's chat request as Cohere's.

https://docs.cohere.com/reference/chat (seen 2026-11)
"""

from __future__ import annotations

from typing import Any, Final

from ...errors import RequestError
from ...messages import ChatRequest
from ...wire import jsonio
from ..conversation import Part, Picture, Text, Tool, Turn, kind_of, read_conversation
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

_SAME = {
    "temperature": "temperature",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "top_p": "p",
    "p": "p",
    "top_k": "k",
    "k": "k",
}
_PASSED = ("documents", "citation_options", "safety_mode", "strict_tools", "priority")
_SUPPORTED = frozenset(
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
        "thinking",
        *_SAME,
        *_PASSED,
    )
)
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 4096}
"""Tokens of thought; more effort has no limit."""
_KEPT_MEMBERS: Final = frozenset(("detail", "reasoning_content", "reasoning", "tool_plan", "strict"))
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect."""
    body = request.body
    check_supported(body, _SUPPORTED, asked, _KEPT_MEMBERS)
    conversation = read_conversation(body)
    messages: list[Fields] = [{"role": "system", "content": text.text} for text in conversation.system]
    messages += [_message(turn, asked) for turn in conversation.turns]
    written: Fields = {"model": asked.model, "messages": messages, "stream": request.stream}
    written |= {name: body[given] for given, name in _SAME.items() if body.get(given) is not None}
    for parameter in ("frequency_penalty", "presence_penalty"):
        if not 0 <= written.get(parameter, 0) <= 1:
            leave_out(asked, parameter, "Cohere takes a penalty from 0 to 1.")
            del written[parameter]
    limit = max_tokens(body)
    if limit is not None:
        written["max_tokens"] = limit
    stop = read_stop(body)
    if stop:
        written["stop_sequences"] = stop
    _write_tools(written, body, asked)
    schema = read_schema(body)
    if schema is not None:
        written["response_format"] = {"type": "json_object"}
        if schema.schema is not None:
            written["response_format"]["json_schema"] = schema.schema
    thinking = _thinking(body)
    if thinking is not None:
        written["thinking"] = thinking
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    return ProviderRequest("/v2/chat", jsonio.encode(written))


def _thinking(body: Fields) -> Fields | None:
    given, effort = body.get("thinking"), body.get("reasoning_effort")
    if isinstance(given, dict):
        return given
    if not isinstance(effort, str):
        return None
    if effort == "none":
        return {"type": "disabled"}
    budget = _BUDGETS.get(effort)
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _write_tools(written: Fields, body: Fields, asked: Asked) -> None:
    """Cohere can be told to call, or not to; which tool it must call is said by showing it no other."""
    tools = functions_of(body, asked, "Cohere")
    choice = read_tool_choice(body)
    mode = choice.mode if choice is not None else None
    if choice is not None and choice.names:
        tools = [tool for tool in tools if tool.name in choice.names]
    if not tools:
        return
    written["tools"] = [_tool(tool) for tool in tools]
    if any(tool.strict for tool in tools):
        written["strict_tools"] = True
    if mode in ("required", "named"):
        written["tool_choice"] = "REQUIRED"
    elif mode == "none":
        written["tool_choice"] = "NONE"


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


# -- messages ---------------------------------------------------------------------------------------------------------


def _message(turn: Turn, asked: Asked) -> Fields:
    if turn.role == "assistant":
        return _answer(turn)
    content = [written for part in turn.parts if (written := _part(part, turn, asked)) is not None]
    plain = len(content) == 1 and content[0]["type"] == "text"
    if turn.role == "tool":
        if turn.call_id is None:
            raise RequestError(
                f"Missing required parameter: '{turn.where}.tool_call_id'.",
                param=f"{turn.where}.tool_call_id",
                code="missing_required_parameter",
            )
        said: Any = content if content and not plain else turn.text
        return {"role": "tool", "tool_call_id": turn.call_id, "content": said}
    return {"role": "user", "content": turn.text if plain or not content else content}


def _answer(turn: Turn) -> Fields:
    message: Fields = {"role": "assistant"}
    text, plan = turn.text or turn.refusal or "", turn.extras.get("tool_plan")
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in turn.calls
        ]
        if isinstance(plan, str) and plan:
            message["tool_plan"] = plan
    thoughts = turn.reasoning if not isinstance(plan, str) else None
    if thoughts:
        message["content"] = [{"type": "thinking", "thinking": thoughts}, *([_text(text)] if text else [])]
    elif text or not turn.calls:
        message["content"] = text
    return message


def _text(text: str) -> Fields:
    return {"type": "text", "text": text}


def _part(part: Part, turn: Turn, asked: Asked) -> Fields | None:
    match part:
        case Text():
            return _text(part.text)
        case Picture() if turn.role != "tool":
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            image: Fields = {"url": url}
            if part.detail is not None:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case _:
            takes = "text alone in results of tools" if turn.role == "tool" else "text and pictures"
            why = f"Cohere takes {takes}; send documents as `documents`."
            leave_out(asked, kind_of(part), why, part.where)
            return None
