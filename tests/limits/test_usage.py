"""What a reply used that was cut here: what was sent, and never more than was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import chunk, streamed
from trueline.context import FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.tokens import tokenizer_for

DONE = b"data: [DONE]\n\n"
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}]
LONG = "The lighthouse was built in the year of the great storm, and kept since. " * 9


def usage_of(sent: list[bytes], model: str = "gpt-4o", **asked: Any) -> dict[str, Any]:
    stream = sent[0].startswith(b"data")
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream, **asked}
    if stream:
        body["stream_options"] = {"include_usage": True}
    pipe = chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), FormatOptions())
    out = b"".join(map(pipe.feed, sent)) + pipe.close()
    found = [json.loads(line[6:]) for line in out.split(b"\n\n") if line.startswith(b"data: {")] or [json.loads(out)]
    usage: dict[str, Any] = next(each["usage"] for each in found if each.get("usage"))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return usage


def whole(message: dict[str, Any], finish: str, model: str = "gpt-4o", **usage: Any) -> list[bytes]:
    said = {"role": "assistant", "content": None, "refusal": None, **message}
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": finish}
    reply = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return [json.dumps({**reply, **({"usage": usage} if usage else {})}).encode()]


def call(index: int, arguments: str) -> dict[str, Any]:
    function = {"name": "find", "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


@pytest.mark.parametrize("limit", [1, 5, 20])
@pytest.mark.parametrize("calls", [1, 2])
def test_calls_that_were_cut(limit: int, calls: int) -> None:
    made = [call(index, json.dumps({"text": LONG})) for index in range(calls)]
    streamed_ = [chunk({"role": "assistant", "tool_calls": [one]}) for one in made] + [chunk({}, "tool_calls"), DONE]
    for sent in (streamed_, whole({"tool_calls": made}, "tool_calls")):
        usage = usage_of(sent, max_tokens=limit, tools=TOOLS)
        assert 0 < usage["completion_tokens"] <= limit


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "o3", "llama3"])
@pytest.mark.parametrize("limit", [2, 10])
def test_texts_that_were_cut(model: str, limit: int) -> None:
    for sent in (streamed([LONG, LONG], model=model), whole({"content": LONG * 2}, "stop", model)):
        usage = usage_of(sent, model, max_completion_tokens=limit)
        assert usage["completion_tokens"] == limit


def test_a_text_that_was_cut_in_proportion_has_as_many_as_were_asked_for() -> None:
    sent = whole({"content": LONG}, "stop", "llama3", prompt_tokens=3, completion_tokens=140, total_tokens=143)
    assert usage_of(sent, "llama3", max_tokens=50)["completion_tokens"] == 50


@pytest.mark.parametrize("shown", ["", "Let me see what they may want of me here."])
def test_thoughts_of_a_text_that_was_stopped(shown: str) -> None:
    details = {"reasoning_tokens": 690, "audio_tokens": 0}
    sent = whole(
        {"content": "Hello END and so on", **({"reasoning_content": shown} if shown else {})},
        "stop", prompt_tokens=3, completion_tokens=700, total_tokens=703, completion_tokens_details=details,
    )  # fmt: skip
    usage = usage_of(sent, stop=["END"])
    thought = tokenizer_for("gpt-4o").count(shown) if shown else 690

    assert usage["completion_tokens"] == thought + tokenizer_for("gpt-4o").count("Hello ")
    assert usage["completion_tokens_details"] == {"reasoning_tokens": thought, "audio_tokens": 0}


def test_thoughts_of_a_text_that_was_cut() -> None:
    details = {"reasoning_tokens": 30}
    sent = whole(
        {"content": LONG}, "stop", prompt_tokens=3, completion_tokens=180, total_tokens=183,
        completion_tokens_details=details,
    )  # fmt: skip
    usage = usage_of(sent, max_completion_tokens=40)
    assert (usage["completion_tokens"], usage["completion_tokens_details"]) == (40, {"reasoning_tokens": 0})
