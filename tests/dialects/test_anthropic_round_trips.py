"""A conversation with OpenAI's SDK on one side and a server made of Anthropic's types on the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from dialects.kit import Notes, play
from dialects.test_anthropic_requests import checked
from trueline.dialects.anthropic import DIALECT
from trueline.messages import read_chat_request

anthropic = pytest.importorskip("anthropic")
from anthropic.types import Message, MessageParam, RawMessageStreamEvent  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402

Fields = dict[str, Any]
_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_TURN: TypeAdapter[Any] = TypeAdapter(MessageParam)

USAGE = {"input_tokens": 9, "output_tokens": 5}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "e"}],
}
THOUGHT = {"type": "thinking", "thinking": "Both, then", "signature": "sig"}
CALLS = [{"type": "tool_use", "id": f"toolu_{n}", "name": "weather", "input": {"place": n}} for n in range(2)]
REPLIES: list[tuple[list[Fields], str]] = [
    ([THOUGHT, {"type": "text", "text": "Let me look."}, *CALLS], "tool_use"),
    ([{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "Dry."}], "end_turn"),
    ([THOUGHT, SEARCH, FOUND, {"type": "text", "text": "Wet", "citations": [
        {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "w",
         "encrypted_index": "i"}]}, {"type": "text", "text": "."}], "end_turn"),
]  # fmt: skip


def whole(content: list[Fields], stop: str) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    message = {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": USAGE}
    return Message.model_validate(message).to_json(indent=None).encode()


def streamed(content: list[Fields], stop: str) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    events: list[Fields] = [
        {"type": "message_start", "message": {**head, "stop_reason": None, "stop_sequence": None, "usage": USAGE}}
    ]
    for index, block in enumerate(content):
        begun, deltas = taken_apart(block)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": USAGE})
    events.append({"type": "message_stop"})
    return b"".join(
        f"event: {event['type']}\ndata: {_EVENT.validate_python(event).to_json(indent=None)}\n\n".encode()
        for event in events
    )


def taken_apart(block: Fields) -> tuple[Fields, list[Fields]]:
    """How a block begins in a stream, and its increments."""

    def halves(text: str) -> Iterator[str]:
        yield from (text[: len(text) // 2], text[len(text) // 2 :])

    match block["type"]:
        case "text":
            cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
            said = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
            return {"type": "text", "text": "", "citations": [] if cited else None}, [*cited, *said]
        case "thinking":
            said = [{"type": "thinking_delta", "thinking": half} for half in halves(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*said, signed]
        case "tool_use" | "server_tool_use":
            text = json.dumps(block["input"])
            said = [{"type": "input_json_delta", "partial_json": half} for half in halves(text)]
            return {**block, "input": {}}, said
    return block, []


def answered(content: list[Fields], stop: str, stream: bool) -> Fields:
    """The assistant's message as OpenAI's SDK has it, ready to be sent back."""
    if not stream:
        reply = play(DIALECT, whole(content, stop), tools=TOOLS)
        assert reply.faults == {}
        message = ChatCompletion.model_validate(reply.body).choices[0].message
    else:
        fed = play(DIALECT, streamed(content, stop), tools=TOOLS, stream=True)
        assert fed.faults == {}
        state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
        for chunk in fed.chunks:
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
        message = state.get_final_completion().choices[0].message
    said: Fields = json.loads(message.model_dump_json(exclude_none=True))
    return said


def asked(messages: list[Fields], **more: Any) -> Fields:
    """The body that Anthropic's server is sent for a conversation."""
    request = {"model": "m", "messages": messages, "tools": TOOLS, **more}
    written = DIALECT.write_request(read_chat_request(json.dumps(request).encode()), Notes().asked("claude-sonnet-4-5"))
    body = checked(json.loads(written.body))
    for turn in body["messages"]:
        _TURN.validate_python(turn)
    return body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("content", "stop"), REPLIES)
def test_what_the_model_said_goes_back_as_it_was(content: list[Fields], stop: str, stream: bool) -> None:
    said = answered(content, stop, stream)
    turns = [{"role": "user", "content": "How is it there?"}, said]
    calls = said.get("tool_calls") or []
    turns += [{"role": "tool", "tool_call_id": call["id"], "content": f"wet {n}"} for n, call in enumerate(calls)]
    body = asked([*turns, {"role": "user", "content": "And now?"}], reasoning_effort="low")
    back = body["messages"][1]["content"]
    back = [{"type": "text", "text": back}] if isinstance(back, str) else back
    assert back == content
    results = [block for block in body["messages"][2]["content"] if isinstance(block, dict)]
    assert [block.get("tool_use_id") for block in results[: len(calls)]] == [call["id"] for call in calls]
    assert body["thinking"]["type"] == "enabled"
