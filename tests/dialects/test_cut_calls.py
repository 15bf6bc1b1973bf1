"""Streams that end in the middle of a call: what was said of it can be parsed, or nothing was said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialects.kit import play
from engine.kit import CountingMint, chunk, sse
from trueline.context import Route
from trueline.dialects.native import native
from trueline.errors import UpstreamCutError
from trueline.messages import read_chat_request
from trueline.pipeline import chat_pipeline

Fields = dict[str, Any]


def _anthropic(*events: Fields) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


START = {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "model": "m", "usage": {}}}
TEXT: list[Fields] = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so"}},
    {"type": "content_block_stop", "index": 0},
]
CALL: Fields = {
    "type": "content_block_start",
    "index": 1,
    "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
}
COHERE: list[Fields] = [
    {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
    {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "so"}}}},
    {"type": "content-end", "index": 0},
    {
        "type": "tool-call-start",
        "index": 0,
        "delta": {
            "message": {"tool_calls": {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": ""}}}
        },
    },
]
RESPONSES: list[Fields] = [
    {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 1}},
    {"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "content_index": 0, "delta": "so"},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""},
    },
]
CUT = {
    "anthropic": _anthropic(START, *TEXT, CALL),
    "cohere": _anthropic(*COHERE),
    "openai_responses": _anthropic(*RESPONSES),
}


@pytest.mark.parametrize("name", CUT)
def test_a_stream_that_is_cut_where_a_call_begins_shows_no_call(name: str) -> None:
    out = play(native(name), CUT[name], stream=True).out

    assert b'"content":"so"' in out and b'"error"' in out
    assert b"tool_calls" not in out


def _piped(**fields: Any) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields}
    return chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("u", "m"), CountingMint())


ROLE = sse(chunk({"role": "assistant", "content": "so"}), done=False)
BEGINS = sse(
    chunk(
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    ),
    done=False,
)
MORE = sse(chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}), done=False)


def test_openais_own_format_too() -> None:
    pipe = _piped()
    out = pipe.feed(ROLE + BEGINS) + pipe.close(UpstreamCutError("The upstream cut its reply."))

    assert b'"error"' in out and b"tool_calls" not in out


def test_the_start_leaves_with_the_first_arguments() -> None:
    pipe = _piped()
    pipe.feed(ROLE)

    assert pipe.feed(BEGINS) == b""
    out = pipe.feed(MORE)
    assert out.count(b'"tool_calls"') == 2
    assert out.index(b'"name":"f"') < out.index(b'{\\"a\\"')


def test_a_call_without_arguments_leaves_with_the_finish() -> None:
    pipe = _piped()
    pipe.feed(ROLE + BEGINS)
    out = pipe.feed(sse(chunk({}, finish="tool_calls"))) + pipe.close()

    assert out.index(b'"name":"f"') < out.index(b'"arguments":"{}"') < out.index(b'"finish_reason":"tool_calls"')


def test_a_cut_by_the_limit_keeps_the_call() -> None:
    pipe = _piped()
    pipe.feed(ROLE + BEGINS)
    out = pipe.feed(sse(chunk({}, finish="length"))) + pipe.close()

    assert b'"name":"f"' in out and b'"finish_reason":"length"' in out


def test_several_choices_keep_their_places() -> None:
    pipe = _piped(n=2)
    pipe.feed(ROLE)

    assert b'"name":"f"' in pipe.feed(BEGINS)
