"""A conversation with OpenAI's SDK on one side and a server made of Google's types on the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from dialects.gemini_sdk import accepted, parse
from dialects.kit import play, written
from engine.kit import Fields
from trueline.dialects.gemini import DIALECT

MODEL = "gemini-3-pro-preview"
USER = {"role": "user", "content": "How is it there?"}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": CITY}} for name in ("weather", "time")]

THOUGHT = {"text": "Both, then", "thought": True}
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "QQ=="}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": "Qg=="}
CALLS: list[Fields] = [
    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "Qw=="},
    {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
    {"functionCall": {"name": "time", "args": {"city": "Oslo"}, "id": "own-1"}},
]
SAID: list[list[Fields]] = [
    [{"text": "Hi"}],
    [THOUGHT, {"text": "Hi", "thoughtSignature": "RA=="}],
    [{"text": "Hi"}, {"text": "", "thoughtSignature": "RA=="}],
    [THOUGHT, *CALLS],
    [THOUGHT, {"text": "Let me see.", "thoughtSignature": "RA=="}, *CALLS],
    [CODE, RESULT, CODE, RESULT, {"text": "so"}],
    [{"text": "see"}, PICTURE, {**PICTURE, "thoughtSignature": "RQ=="}],
]


def server(parts: list[Fields], finish: str | None = "STOP") -> bytes:
    """A reply, or a chunk of one, as Google's types write it."""
    made: Fields = {"content": {"role": "model", "parts": parts}, "index": 0}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 16}
    reply = types.GenerateContentResponse.model_validate(
        {
            "candidates": [{**made, "finishReason": finish} if finish else made],
            "usageMetadata": usage,
            "modelVersion": MODEL,
            "responseId": "r1",
        }
    )
    return reply.model_dump_json(exclude_none=True, by_alias=True).encode()


def halves(part: Fields) -> list[Fields]:
    text = part.get("text", "")
    if len(text) < 2 or "thoughtSignature" in part:
        return [part]
    return [{**part, "text": text[:2]}, {**part, "text": text[2:]}]


def answered(parts: list[Fields], stream: bool) -> Fields:
    """The assistant's message as OpenAI's SDK has it, ready to be sent back."""
    if not stream:
        reply = play(DIALECT, server(parts), tools=TOOLS)
        assert reply.faults == {}
        message = ChatCompletion.model_validate(reply.body).choices[0].message
    else:
        pieces = [half for part in parts for half in halves(part)]
        data = b"".join(b"data: " + server([piece], None) + b"\r\n\r\n" for piece in pieces)
        fed = play(DIALECT, data + b"data: " + server([{"text": ""}]) + b"\r\n\r\n", tools=TOOLS, stream=True)
        assert fed.faults == {}
        state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
        for chunk in fed.chunks:
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
        message = state.get_final_completion().choices[0].message
    said: Fields = json.loads(message.model_dump_json(exclude_none=True))
    return said


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("parts", SAID)
def test_what_the_model_said_goes_back_as_it_was(parts: list[Fields], stream: bool) -> None:
    said = answered(parts, stream)
    calls = said.get("tool_calls") or []
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f'{{"wet": {n}}}'} for n, call in enumerate(calls)
    ]
    messages = [USER, said, *reversed(results), {"role": "user", "content": "And now?"}]
    body = written(DIALECT, MODEL, messages=messages, tools=TOOLS, reasoning_effort="low")
    accepted(body, MODEL)
    assert body["contents"][1] == {"role": "model", "parts": [part for part in parts if not part.get("thought")]}
    if calls:
        answers = [part["functionResponse"] for part in body["contents"][2]["parts"]]
        assert [answer["response"] for answer in answers] == [{"wet": 0}, {"wet": 1}, {"wet": 2}]
        assert [answer.get("id") for answer in answers] == [None, None, "own-1"]
    seen = parse(body, MODEL)
    assert seen.config is not None and isinstance(seen.contents, list)
    assert len(seen.contents) == len(body["contents"])
