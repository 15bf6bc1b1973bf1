"""OpenAI's chat request as Ollama's.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion (seen 2026-11)
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

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
from ..provider import Asked, FileNeeded, ProviderRequest

__all__ = ["write_request"]

Fields = dict[str, Any]

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repeat_penalty": "repeat_penalty",
    "num_ctx": "num_ctx",
}
"""Parameters of the request that are options of the model."""
_PASSED = ("keep_alive", "logprobs", "top_logprobs", "truncate", "shift")
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
        "options",
        "think",
        *_OPTIONS,
        *_PASSED,
    )
)
_KEPT_MEMBERS: Final = frozenset(("reasoning_content", "reasoning"))
"""Of messages, their parts, calls and tools (`lost.py`)."""


def write_request(request: ChatRequest, asked: Asked) -> ProviderRequest:
    """See ProviderDialect.  Pictures that are named by their URL are fetched first: Ollama takes base64."""
    body = request.body
    check_supported(body, _SUPPORTED, asked, _KEPT_MEMBERS)
    conversation = read_conversation(body)
    missing: list[str] = []
    messages: list[Fields] = [{"role": "system", "content": text.text} for text in conversation.system]
    messages += [_message(turn, asked, missing) for turn in conversation.turns]
    if missing:
        raise FileNeeded(missing)
    written: Fields = {"model": asked.model, "messages": messages, "stream": request.stream}
    options = {name: body[parameter] for parameter, name in _OPTIONS.items() if body.get(parameter) is not None}
    limit = max_tokens(body)
    if limit is not None:
        options["num_predict"] = limit
    stop = read_stop(body)
    if stop:
        options["stop"] = stop
    if isinstance(body.get("options"), dict):
        options |= body["options"]
    if options:
        written["options"] = options
    tools = _tools(body, asked)
    if tools:
        written["tools"] = tools
    schema = read_schema(body)
    if schema is not None:
        written["format"] = "json" if schema.schema is None else schema.schema
    think = _think(body, asked.model)
    if think is not None:
        written["think"] = think
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    return ProviderRequest("/api/chat", jsonio.encode(written))


def _think(body: Fields, model: str) -> bool | str | None:
    """gpt-oss knows how much, other models only whether."""
    if body.get("think") is not None:
        think: bool | str = body["think"]
        return think
    effort = body.get("reasoning_effort")
    if not isinstance(effort, str):
        return None
    if effort == "none":
        return False
    if "gpt-oss" not in model:
        return True
    return {"minimal": "low", "xhigh": "high"}.get(effort, effort)


def _tools(body: Fields, asked: Asked) -> list[Fields]:
    tools = functions_of(body, asked, "Ollama")
    choice = read_tool_choice(body)
    if choice is not None and choice.mode == "none":
        return []
    if choice is not None and choice.mode != "named" and choice.names:  # those alone that it may call
        tools = [tool for tool in tools if tool.name in choice.names]
    if choice is not None and choice.mode in ("required", "named"):
        leave_out(asked, "tool_choice", "Ollama leaves it to the model whether it calls a tool.")
    return [_tool(tool) for tool in tools]


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _message(turn: Turn, asked: Asked, missing: list[str]) -> Fields:
    message: Fields = {"role": turn.role, "content": turn.text or turn.refusal or ""}
    images = [image for part in turn.parts if (image := _image(part, asked, missing)) is not None]
    if images:
        message["images"] = images
    if turn.reasoning:
        message["thinking"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.input}}
            for call in turn.calls
        ]
    if turn.role == "tool":
        if turn.name:
            message["tool_name"] = turn.name
        if turn.call_id:
            message["tool_call_id"] = turn.call_id
    return message


def _image(part: Part, asked: Asked, missing: list[str]) -> str | None:
    if isinstance(part, Text):
        return None
    if not isinstance(part, Picture):
        why = f"Ollama's models take text and pictures, but no '{part.media_type}'."
        leave_out(asked, kind_of(part), why, part.where)
        return None
    if part.data is not None:
        return part.data
    file = asked.files.get(part.url or "")
    if file is None:
        missing.append(part.url or "")
        return ""
    return b64encode(file.data).decode()
