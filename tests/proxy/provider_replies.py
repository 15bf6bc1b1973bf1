"""Replies of providers with an API of their own, made of the types of their own SDKs where those have types."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from anthropic.types import Message
from cohere.core.unchecked_base_model import construct_type
from cohere.v2.types import V2ChatResponse
from ollama import ChatResponse
from openai.types.responses import ResponseCreateParams
from pydantic import TypeAdapter

from dialects import responses_native as responses
from dialects.test_anthropic_requests import checked as anthropic_checks
from dialects.test_anthropic_requests import forced
from dialects.test_anthropic_round_trips import streamed as anthropic_stream
from dialects.test_bedrock import event as bedrock_event
from dialects.test_bedrock_requests import accepted as bedrock_accepts
from dialects.test_cohere_requests import accepted as cohere_accepts
from dialects.test_ollama import accepted as ollama_accepts

Fields = dict[str, Any]

CALLS = [("call_a", "weather", {"city": "Rome"}), ("call_b", "weather", {"city": "Oslo"})]


class Provider(NamedTuple):
    """How one provider says a text, or two calls; whole and streamed.  Each gives head lines and a body."""

    dialect: str
    model: str
    auth: str
    shown: tuple[str, str]
    """The header in which the key k-1 arrives."""
    said: Callable[[str | None, bool], tuple[str, bytes]]
    """The reply that says this text, or calls the weather twice; `True`: streamed."""
    cut: Callable[[], tuple[str, bytes]]
    """A stream that breaks off in the middle of its text."""
    overloaded: tuple[str, bytes]
    """Status line and body."""
    failing: Callable[[], tuple[str, bytes]]
    """A stream that says a word, and then that the provider is overloaded."""
    results: Callable[[Fields], list[str]]
    """The results of tools in a request, by the ids of their calls in order."""
    accepts: Callable[[Fields], object]
    """Fails for a request that the provider's own SDK would not send."""


JSON = "application/json"
SSE = "text/event-stream"
AWS = "application/vnd.amazon.eventstream"
LINES = "application/x-ndjson"


def sse(*payloads: Fields) -> bytes:
    return b"".join(f"event: {p['type']}\ndata: {json.dumps(p)}\n\n".encode() for p in payloads)


_ASKED: TypeAdapter[Any] = TypeAdapter(ResponseCreateParams)


def _responses_accepts(body: Fields) -> None:
    forced(_ASKED.validate_python(body))


# -- Anthropic --------------------------------------------------------------------------------------------------------


def _anthropic(text: str | None, stream: bool) -> tuple[str, bytes]:
    content: list[Fields] = [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in CALLS]
    if text is not None:
        content = [{"type": "text", "text": text}]
    stop = "tool_use" if text is None else "end_turn"
    if stream:
        return SSE, anthropic_stream(content, stop)
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    usage = {"input_tokens": 9, "output_tokens": 5}
    made = {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}
    return JSON, Message.model_validate(made).to_json(indent=None).encode()


def _anthropic_start() -> bytes:
    whole = anthropic_stream([{"type": "text", "text": "Romulus"}], "end_turn")
    return whole[: whole.index(b"event: content_block_stop")]


_ANTHROPIC_BUSY = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}


def _anthropic_results(body: Fields) -> list[str]:
    return [block["tool_use_id"] for block in body["messages"][-1]["content"] if block["type"] == "tool_result"]


# -- Bedrock ----------------------------------------------------------------------------------------------------------


def _bedrock(text: str | None, stream: bool) -> tuple[str, bytes]:
    usage = {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14}
    stop = "tool_use" if text is None else "end_turn"
    uses: list[Fields] = [{"toolUseId": i, "name": n, "input": a} for i, n, a in CALLS]
    if not stream:
        content = [{"text": text}] if text is not None else [{"toolUse": use} for use in uses]
        output = {"message": {"role": "assistant", "content": content}}
        return JSON, json.dumps({"output": output, "stopReason": stop, "usage": usage}).encode()
    events = [bedrock_event("messageStart", role="assistant")]
    for n, use in enumerate(uses if text is None else ()):
        given = json.dumps(use.pop("input"))
        events += [
            bedrock_event("contentBlockStart", contentBlockIndex=n, start={"toolUse": use}),
            bedrock_event("contentBlockDelta", contentBlockIndex=n, delta={"toolUse": {"input": given}}),
            bedrock_event("contentBlockStop", contentBlockIndex=n),
        ]
    if text is not None:
        events.append(bedrock_event("contentBlockDelta", contentBlockIndex=0, delta={"text": text}))
    events += [bedrock_event("messageStop", stopReason=stop), bedrock_event("metadata", usage=usage, metrics={})]
    return AWS, b"".join(events)


def _bedrock_start() -> bytes:
    text = bedrock_event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Romulus"})
    return bedrock_event("messageStart", role="assistant") + text


def _bedrock_failing() -> tuple[str, bytes]:
    from engine.test_framings import message

    busy = message(b'{"message":"busy"}', exception_type="serviceUnavailableException", message_type="exception")
    return AWS, _bedrock_start() + busy


def _bedrock_results(body: Fields) -> list[str]:
    return [b["toolResult"]["toolUseId"] for b in body["messages"][-1]["content"] if "toolResult" in b]


# -- Ollama -----------------------------------------------------------------------------------------------------------


def _ollama_line(done: bool = False, **message: Any) -> bytes:
    counts: Fields = {"done_reason": "stop", "prompt_eval_count": 9, "eval_count": 5} if done else {}
    said = {"model": "llama3", "message": {"role": "assistant", **message}, "done": done, **counts}
    return ChatResponse.model_validate(said).model_dump_json(exclude_none=True).encode() + b"\n"


def _ollama(text: str | None, stream: bool) -> tuple[str, bytes]:
    calls = [{"function": {"name": n, "arguments": a}} for _, n, a in CALLS]
    said: Fields = {"content": text} if text is not None else {"content": "", "tool_calls": calls}
    if not stream:
        return JSON, _ollama_line(True, **said)
    return LINES, _ollama_line(**said) + _ollama_line(True, content="")


def _ollama_results(body: Fields) -> list[str]:
    return [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]


# -- Cohere -----------------------------------------------------------------------------------------------------------


def _cohere(text: str | None, stream: bool) -> tuple[str, bytes]:
    usage = {"tokens": {"input_tokens": 9, "output_tokens": 5}}
    calls: list[Fields] = [
        {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in CALLS
    ]
    reason = "TOOL_CALL" if text is None else "COMPLETE"
    if not stream:
        said: Fields = {"content": [{"type": "text", "text": text}]} if text is not None else {"tool_calls": calls}
        made = {"id": "c1", "finish_reason": reason, "message": {"role": "assistant", **said}, "usage": usage}
        return JSON, construct_type(type_=V2ChatResponse, object_=made).json(exclude_unset=True).encode()
    events: list[Fields] = [{"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}}]
    for n, call in enumerate(calls if text is None else ()):
        arguments = call["function"].pop("arguments")
        more = {"tool_calls": {"function": {"arguments": arguments}}}
        events.append({"type": "tool-call-start", "index": n, "delta": {"message": {"tool_calls": call}}})
        events.append({"type": "tool-call-delta", "index": n, "delta": {"message": more}})
        events.append({"type": "tool-call-end", "index": n})
    if text is not None:
        said = {"message": {"content": {"text": text}}}
        events.append({"type": "content-delta", "index": 0, "delta": said})
    events.append({"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})
    return SSE, sse(*events) + b"data: [DONE]\n\n"


def _cohere_start() -> bytes:
    whole = _cohere("Romulus", True)[1]
    return whole[: whole.index(b"event: message-end")]


def _cohere_busy() -> Fields:
    return {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "busy"}}


# -- OpenAI's Responses API -------------------------------------------------------------------------------------------


def _responses(text: str | None, stream: bool) -> tuple[str, bytes]:
    calls = [{**responses.call(n, json.dumps(a), name), "call_id": i} for n, (i, name, a) in enumerate(CALLS)]
    output = calls if text is None else [responses.text(text)]
    return (SSE, responses.streamed(output)) if stream else (JSON, responses.whole(output))


def _responses_start() -> bytes:
    whole = _responses("Romulus", True)[1]
    return whole[: whole.index(b"event: response.output_text.done")]


_RESPONSES_BUSY = {"code": "rate_limit_exceeded", "message": "busy", "param": None}


def _responses_results(body: Fields) -> list[str]:
    return [item["call_id"] for item in body["input"] if item["type"] == "function_call_output"]


PROVIDERS = [
    Provider(
        "anthropic",
        "claude-sonnet-4-5",
        "x-api-key",
        ("x-api-key", "k-1"),
        _anthropic,
        lambda: (SSE, _anthropic_start()),
        ("529 Overloaded", json.dumps(_ANTHROPIC_BUSY).encode()),
        lambda: (SSE, _anthropic_start() + sse(_ANTHROPIC_BUSY)),
        _anthropic_results,
        anthropic_checks,
    ),
    Provider(
        "bedrock",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "bearer",
        ("authorization", "Bearer k-1"),
        _bedrock,
        lambda: (AWS, _bedrock_start()),
        ("503 Service Unavailable", b'{"message":"busy"}'),
        _bedrock_failing,
        _bedrock_results,
        bedrock_accepts,
    ),
    Provider(
        "ollama",
        "llama3",
        "bearer",
        ("authorization", "Bearer k-1"),
        _ollama,
        lambda: (LINES, _ollama_line(content="Romulus")),
        ("503 Service Unavailable", b'{"error":"busy"}'),
        lambda: (LINES, _ollama_line(content="Romulus") + b'{"error":"busy"}\n'),
        _ollama_results,
        ollama_accepts,
    ),
    Provider(
        "cohere",
        "command-a-03-2025",
        "bearer",
        ("authorization", "Bearer k-1"),
        _cohere,
        lambda: (SSE, _cohere_start()),
        ("503 Service Unavailable", b'{"id":"x","message":"busy"}'),
        lambda: (SSE, _cohere_start() + sse(_cohere_busy())),
        _ollama_results,
        cohere_accepts,
    ),
    Provider(
        "openai_responses",
        "gpt-5",
        "bearer",
        ("authorization", "Bearer k-1"),
        _responses,
        lambda: (SSE, _responses_start()),
        ("503 Service Unavailable", json.dumps({"error": {"type": "server_error", **_RESPONSES_BUSY}}).encode()),
        lambda: (SSE, _responses_start() + sse({"type": "error", **_RESPONSES_BUSY})),
        _responses_results,
        _responses_accepts,
    ),
]
