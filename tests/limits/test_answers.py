"""Answers that are dear to judge are judged beside the event loop; a call that is forbidden is told of at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from golden.play import CountingMint
from limits.play import chunk
from trueline.context import Enforce, FormatOptions
from trueline.messages import read_chat_request
from trueline.owed import Owed
from trueline.pipeline import Pipeline, Route, chat_pipeline
from trueline.repairs.limits import answers

SCHEMA = {"type": "array", "items": {"type": "integer"}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
USAGE = {"prompt_tokens": 1, "completion_tokens": 5000, "total_tokens": 5001}
MANY = [1] * 3000
DONE = b"data: [DONE]\n\n"
WRONG = b"by the schema, '[3000]' is not of the type integer"


def piped(on_invalid: Any, **asked: Any) -> Pipeline:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **asked}
    options = FormatOptions(enforce=Enforce(on_invalid=on_invalid))
    pipe = chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), options)
    pipe.defer()
    return pipe


def stream_of(text: str) -> bytes:
    """All of it in one read, the finish with the usage in one chunk."""
    last = json.loads(chunk({}, "stop")[6:])
    said = chunk({"role": "assistant", "content": text})
    return said + b"data: " + json.dumps({**last, "usage": USAGE}).encode() + b"\n\n" + DONE


def whole_of(text: str) -> bytes:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


@pytest.fixture(params=["stream", "whole"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "stream")


def asked_for(stream: bool) -> dict[str, Any]:
    return {
        "stream": stream,
        "response_format": FORMAT,
        **({"stream_options": {"include_usage": True}} if stream else {}),
    }


def fed(pipe: Pipeline, stream: bool, text: str) -> bytes:
    out = pipe.feed(stream_of(text) if stream else whole_of(text))
    return out + pipe.close()


def owed_by(pipe: Pipeline) -> Owed:
    assert isinstance(pipe.owed, Owed)
    return pipe.owed


def test_a_small_answer_is_judged_at_once(stream: bool) -> None:
    pipe = piped("error", **asked_for(stream))
    fed(pipe, stream, json.dumps([1, "2"]))

    assert pipe.owed is None
    assert pipe.faults["json-schema-not-kept"] == 1


@pytest.mark.parametrize(("tail", "wrong"), [([], False), (["a"], True)])
def test_the_end_of_a_large_answer_waits(stream: bool, tail: list[Any], wrong: bool) -> None:
    pipe = piped("error", **asked_for(stream))
    out = fed(pipe, stream, json.dumps(MANY + tail))

    assert b'finish_reason":"stop' not in out and DONE not in out
    assert (b"[1, 1, 1" in out) == stream
    owed_by(pipe)()
    out += pipe.settle()

    assert pipe.done
    assert ("json-schema-not-kept" in pipe.faults) == wrong
    if not wrong:
        assert b'"completion_tokens":5000' in out and out.count(b'"finish_reason":"stop"') == 1
        assert out.endswith(DONE) or not stream
    elif stream:
        assert WRONG in out
    else:
        assert pipe.error is not None and WRONG.decode() in pipe.error.message


def test_what_was_not_judged_in_time_passes(stream: bool) -> None:
    pipe = piped("pass", **asked_for(stream))
    out = fed(pipe, stream, json.dumps([*MANY, "a"]))
    out += pipe.settle()

    assert pipe.done and pipe.error is None and b'"finish_reason":"stop"' in out
    assert "json-schema-not-kept" not in pipe.faults


def test_a_long_text_is_not_even_read_at_once(stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGE", 1000)
    pipe = piped("error", stream=stream, response_format={"type": "json_object"})
    fed(pipe, stream, json.dumps({"a": "b" * 1000})[:-1])

    owed = owed_by(pipe)
    assert owed.size > 1000 and owed.waits
    owed()
    pipe.settle()
    assert pipe.faults["json-mode-broken"] == 1


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
TOOLS = [{"type": "function", "function": {"name": name}} for name in "fg"]
CHOICES: list[tuple[Any, str]] = [
    ("none", "tool_choice-none-ignored"),
    ({"type": "function", "function": {"name": "g"}}, "tool_choice-named-ignored"),
]


@pytest.mark.parametrize(("choice", "fault"), CHOICES)
def test_a_forbidden_call_is_the_end(choice: Any, fault: str) -> None:
    sent = chunk({"role": "assistant", "content": "so"}), chunk({"tool_calls": [CALL]})
    pipe = piped("error", stream=True, tools=TOOLS, tool_choice=choice)
    out = pipe.feed(sent[0]) + pipe.feed(sent[1])

    assert pipe.done and b"upstream_invalid_answer" in out and b"tool_calls" not in out
    assert pipe.faults[fault] == 1

    pipe = piped("pass", stream=True, tools=TOOLS, tool_choice=choice)
    out = pipe.feed(sent[0]) + pipe.feed(sent[1]) + pipe.feed(chunk({}, "tool_calls") + DONE)
    assert b"call_1" in out and out.endswith(DONE) and pipe.faults[fault] == 1
