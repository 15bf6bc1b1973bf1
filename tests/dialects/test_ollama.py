"""Ollama's own chat API: replies as events, requests as its own client sends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ollama._types import ChatRequest as OfOllama

from dialects.kit import Notes, all_records, chat, context, play, play_at_cuts, said, verdicts, written
from trueline.dialects.ollama import DIALECT
from trueline.dialects.provider import Asked, Fetched, FileNeeded
from trueline.errors import RequestError

Fields = dict[str, Any]

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
COUNTS = {"prompt_eval_count": 5, "eval_count": 2, "total_duration": 9}
TIME = "2026-01-05T11:27:37.219957542Z"


def line(done: bool = False, **message: Any) -> Fields:
    said: Fields = {"model": "llama3", "created_at": TIME, "message": {"role": "assistant", **message}, "done": done}
    return {**said, "done_reason": "stop", **COUNTS} if done else said


def lines(*payloads: Fields) -> bytes:
    return b"".join(json.dumps(payload).encode() + b"\n" for payload in payloads)


def test_text_with_thoughts() -> None:
    reply = play(DIALECT, json.dumps(line(True, content="Hello", thinking="Hm.")).encode())
    assert reply.faults == {}
    message = reply.body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hello", "Hm.")
    assert (reply.body["created"], reply.body["usage"]["total_tokens"]) == (1767612457, 7)
    data = lines(
        line(thinking="H"), line(thinking="m."), line(content="Hel"), line(content="lo"), line(True, content="")
    )
    streamed = play_at_cuts(DIALECT, data, stream=True, stream_options={"include_usage": True})
    assert streamed.faults == {}
    assert (said(streamed.chunks), said(streamed.chunks, "reasoning_content")) == ("Hello", "Hm.")
    assert streamed.chunks[-1]["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize("identity", ["call_abc", None])
def test_calls_have_ids_and_text_for_arguments(identity: str | None) -> None:
    call: Fields = {"function": {"index": 0, "name": "weather", "arguments": {"city": "Rome"}}}
    if identity is not None:
        call["id"] = identity
    reply = play(DIALECT, json.dumps(line(True, content="", tool_calls=[call])).encode(), tools=[TOOL])
    assert reply.faults == {}
    choice = reply.body["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    made = choice["message"]["tool_calls"][0]
    assert made["function"] == {"name": "weather", "arguments": '{"city":"Rome"}'}
    assert made["id"] == identity if identity else made["id"].startswith("call_")
    streamed = play_at_cuts(
        DIALECT, lines(line(content="", tool_calls=[call]), line(True, content="")), stream=True, tools=[TOOL]
    )
    assert streamed.faults == {}
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_the_limit_ends_in_length() -> None:
    payload = {**line(True, content="Hel"), "done_reason": "length"}
    assert play(DIALECT, json.dumps(payload).encode()).body["choices"][0]["finish_reason"] == "length"


def test_log_probabilities_keep_their_shape() -> None:
    tokens = [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]
    payload = {**line(True, content="Hi"), "logprobs": tokens}
    reply = play(DIALECT, json.dumps(payload).encode(), logprobs=True)
    assert reply.body["choices"][0]["logprobs"]["content"] == tokens
    assert play(DIALECT, json.dumps(payload).encode()).body["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("data", [lines(line(content="Hel")), lines(line(content="Hel")) + b'{"model":"llama'])
def test_a_stream_without_its_last_line_is_an_error(data: bytes) -> None:
    played = play_at_cuts(DIALECT, data, stream=True)
    assert b'"finish_reason":"' not in played.out
    assert b'"error"' in played.out


def test_an_error_in_the_middle_is_an_error_event() -> None:
    played = play_at_cuts(DIALECT, lines(line(content="Hel"), {"error": "an error was encountered"}), stream=True)
    assert b'"message":"an error was encountered"' in played.out
    assert b'"finish_reason":"' not in played.out
    early = play_at_cuts(DIALECT, lines({"error": "model runner has stopped"}), stream=True).error
    assert early is not None
    assert (early.status, early.type) == (500, "server_error")


@pytest.mark.parametrize("text", ["model 'x' not found", 'model "x" not found, try pulling it first'])
def test_a_model_that_is_missing_inside_a_stream_is_no_failure_of_the_server(text: str) -> None:
    error = play_at_cuts(DIALECT, lines({"error": text}), stream=True).error
    assert error is not None
    assert (error.status, error.type, error.code, error.param) == (
        404,
        "invalid_request_error",
        "model_not_found",
        "model",
    )


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (404, "model 'x' not found", "model_not_found"),
        (400, "the input length exceeds the context length", "context_length_exceeded"),
        (400, "registry.ollama.ai/library/gemma3:1b does not support tools", None),
    ],
)
def test_errors_are_openais(status: int, text: str, code: str | None) -> None:
    error = DIALECT.read_error(status, {"content-type": "application/json"}, json.dumps({"error": text}).encode())
    assert (error.status, error.message, error.code, error.faults) == (status, text, code, ())


def accepted(body: Fields) -> None:
    """Ollama's own client would send this, and say all of it."""
    read = OfOllama.model_validate(body)
    assert {name for name in body if name not in OfOllama.model_fields} == set(), read


def test_a_conversation_with_tools_and_pictures() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    sent = written(
        DIALECT,
        "llama3",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "What?"}, PICTURE],
            },
            {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "Hm."},
            {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
        ],
        tools=[TOOL],
        max_completion_tokens=9,
        stop="END",
        seed=1,
        reasoning_effort="low",
    )
    accepted(sent)
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][1] == {"role": "user", "content": "What?", "images": ["iVBORw0KGgo="]}
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Rome"}}
    assert sent["messages"][2]["thinking"] == "Hm."
    assert sent["messages"][3]["tool_name"] == "weather"
    assert sent["options"] == {"seed": 1, "num_predict": 9, "stop": ["END"]}
    assert (sent["think"], sent["stream"]) == (True, False)


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ASKED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"response_format": {"type": "json_object"}}, "format", "json"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            "format",
            SCHEMA,
        ),
        ({"response_format": {"type": "text"}}, "format", None),
        ({"reasoning_effort": "none"}, "think", False),
        ({"tools": [TOOL], "tool_choice": "none"}, "tools", None),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tools", [TOOL]),
        ({"keep_alive": "5m"}, "keep_alive", "5m"),
        ({"logprobs": True, "top_logprobs": 2}, "top_logprobs", 2),
    ],
)
def test_parameters(fields: Fields, name: str, value: Any) -> None:
    sent = written(DIALECT, "llama3", **fields)
    accepted(sent)
    assert sent.get(name) == value


def test_gpt_oss_is_told_how_much_to_think() -> None:
    assert written(DIALECT, "gpt-oss:20b", reasoning_effort="high")["think"] == "high"


def test_pictures_of_elsewhere_are_fetched_first() -> None:
    url = "https://example.com/a.png"
    request = chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    with pytest.raises(FileNeeded) as needed:
        DIALECT.write_request(request, Notes().asked("llama3"))
    assert needed.value.urls == [url]
    asked = Asked("llama3", Notes().append, files={url: Fetched("image/png", b"\xff")})
    assert json.loads(DIALECT.write_request(request, asked).body)["messages"][0]["images"] == ["/w=="]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, "llama3", **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    notes = Notes()
    accepted(json.loads(DIALECT.write_request(chat(**fields), notes.asked("llama3", drop=True)).body))
    assert notes == [f"{param} dropped"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_come_out_right(shared: Path, flavour: str) -> None:
    wrong = [
        verdict for verdict in verdicts(shared, "ollama", DIALECT, flavour) if verdict[1] not in ("exact", "error")
    ]
    assert wrong == []


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked in OpenAI's words, is the same request again."""
    seen = 0
    for row in all_records(shared, "ollama"):
        native = row["request"]["body"]
        if row["dialect"] != "ollama" or "max_tokens" in native:  # which Ollama does not know
            continue
        seen += 1
        sent = written(DIALECT, native["model"], **_openai(native))
        accepted(sent)
        assert [_said(message) for message in sent["messages"]] == [_said(message) for message in native["messages"]]
        for name in ("options", "format", "keep_alive"):
            assert (sent.get(name) or None) == (native.get(name) or None), row["id"]
        assert len(sent.get("tools") or []) == len(native.get("tools") or [])
        assert sent["stream"] == bool(native.get("stream"))
    assert seen > 15


def _openai(native: Fields) -> Fields:
    messages: list[Fields] = []
    for message in native["messages"]:
        said: Fields = {"role": message["role"], "content": message.get("content") or ""}
        if message.get("images"):
            pictures = [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + i}} for i in message["images"]
            ]
            said["content"] = [{"type": "text", "text": said["content"]}, *pictures]
        if message.get("thinking"):
            said["reasoning_content"] = message["thinking"]
        calls = [call["function"] for call in message.get("tool_calls") or []]
        if calls:
            said["tool_calls"] = [
                {
                    "id": f"{call['name']}{n}",
                    "type": "function",
                    "function": {**call, "arguments": json.dumps(call["arguments"])},
                }
                for n, call in enumerate(calls)
            ]
        if message["role"] == "tool":
            said["tool_call_id"] = message.get("tool_call_id") or "x"
            said["name"] = message.get("tool_name")
        messages.append(said)
    asked: Fields = {"messages": messages, "stream": bool(native.get("stream")), "tools": native.get("tools")}
    options = dict(native.get("options") or {})
    if native.get("format"):
        kind = native["format"]
        schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": kind}}
        asked["response_format"] = {"type": "json_object"} if kind == "json" else schema
    return {**asked, **options, "keep_alive": native.get("keep_alive")}


def _said(message: Fields) -> Fields:
    calls = [call["function"] for call in message.get("tool_calls") or []]
    names = ("role", "images", "thinking")
    kept = {name: message[name] for name in names if message.get(name)}
    return {**kept, "content": message.get("content") or "", "calls": [(c["name"], c["arguments"]) for c in calls]}


def test_readers_bear_anything() -> None:
    odd: list[Any] = [None, 1, "x", [], {}, [1, {"function": 1}], {"message": 1}]
    for value in odd:
        for name in ("message", "done", "error", "logprobs", "created_at", "model", "response", "done_reason"):
            for payload in (
                {name: value},
                {"message": {"content": value, name: value, "tool_calls": value}, "done": True},
            ):
                DIALECT.reader(context(stream=True)).read(payload)
                DIALECT.read_whole(payload, context())
        DIALECT.read_whole(value, context())
