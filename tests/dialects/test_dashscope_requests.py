"""OpenAI's requests as DashScope's, and recorded requests said in OpenAI's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import Notes, chat, written
from dialects.own_readers import chats
from engine.kit import Fields
from trueline.dialects.dashscope import DIALECT
from trueline.errors import RequestError

TEXT = "/services/aigc/text-generation/generation"
PARTS = "/services/aigc/multimodal-generation/generation"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "W", "parameters": SCHEMA}}
OTHER = {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def test_a_conversation_with_tools() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "weather", "arguments": "{}"}} for n in range(2)]
    sent = DIALECT.write_request(
        chat(
            messages=[
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "What?"}]},
                {"role": "assistant", "content": None, "tool_calls": calls, "reasoning_content": "Hm."},
                {"role": "tool", "tool_call_id": "c0", "content": "Sunny"},
                {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "Rain"}]},
                {"role": "assistant", "content": "Mix", "partial": True},
            ],
            tools=[TOOL],
            stream=True,
        ),
        Notes().asked("qwen-plus"),
    )
    assert sent.path == TEXT
    assert dict(sent.headers)[b"x-dashscope-sse"] == b"enable"
    body = json.loads(sent.body)
    assert body["input"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What?"},
        {"role": "assistant", "content": "", "tool_calls": calls, "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "c0", "name": "weather", "content": "Sunny"},
        {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "Rain"},
        {"role": "assistant", "content": "Mix", "partial": True},
    ]
    assert body["parameters"] == {"result_format": "message", "incremental_output": True, "tools": [TOOL]}
    assert body["model"] == "qwen-plus"


def test_pictures_and_sound_go_to_models_that_see() -> None:
    data = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}
    content = [{"type": "text", "text": "What?"}, PICTURE, data, sound]
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": content}]
    sent = DIALECT.write_request(chat(messages=messages), Notes().asked("some-model"))
    assert (sent.path, sent.headers) == (PARTS, ())
    assert json.loads(sent.body)["input"]["messages"] == [
        {"role": "system", "content": [{"text": "S"}]},
        {
            "role": "user",
            "content": [
                {"text": "What?"},
                {"image": "https://example.com/a.png"},
                {"image": "data:image/png;base64,AAAA"},
                {"audio": "data:audio/mpeg;base64,AAAA"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        *((name, TEXT) for name in ("qwen-max", "qwen3-max", "qwen-turbo", "qwen3-235b-a22b", "deepseek-r1")),
        *((name, TEXT) for name in ("qwen3.6-max-preview", "qwq-plus", "qwen-coder-plus")),
        *((name, PARTS) for name in ("qwen-vl-plus", "qwen3-vl-plus", "qvq-max", "qwen3-omni-flash", "qwen-vl-ocr")),
        *((name, PARTS) for name in ("qwen3.5-plus", "qwen3.6-flash", "qwen3.8-max", "qwen2-audio-instruct")),
    ],
)
def test_which_service_a_model_is_at(model: str, path: str) -> None:
    assert DIALECT.write_request(chat(), Notes().asked(model)).path == path


def test_the_url_may_name_the_service() -> None:
    for model, service, content in (
        ("new", "multimodal-generation", [{"text": "hi"}]),
        ("qwen-vl-x", "text-generation", "hi"),
    ):
        asked = Notes().asked(model, base_path=f"/api/v1/services/aigc/{service}")
        sent = DIALECT.write_request(chat(), asked)
        assert sent.path == "/generation"
        assert json.loads(sent.body)["input"]["messages"][0]["content"] == content


def test_marks_for_the_cache_and_files_of_its_own_store() -> None:
    content = [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]
    body = written(DIALECT, "qwen-plus", messages=[{"role": "user", "content": content}])
    assert body["input"]["messages"][0]["content"] == [{"text": "Long.", "cache_control": {"type": "ephemeral"}}]
    stored = {"type": "image_url", "image_url": {"url": "oss://a/b.png"}}
    sent = DIALECT.write_request(chat(messages=[{"role": "user", "content": [stored]}]), Notes().asked("m"))
    assert sent.headers == ((b"x-dashscope-ossresourceresolve", b"enable"),)


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        ("auto", "auto", ["weather", "time"]),
        ("none", "none", ["weather", "time"]),
        (
            {"type": "function", "function": {"name": "time"}},
            {"type": "function", "function": {"name": "time"}},
            ["weather", "time"],
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}, "auto", ["weather"]),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [TOOL]}},
            {"type": "function", "function": {"name": "weather"}},
            ["weather"],
        ),
    ],
)
def test_every_tool_choice(choice: Any, expected: Any, names: list[str]) -> None:
    parameters = written(DIALECT, tools=[TOOL, OTHER], tool_choice=choice)["parameters"]
    assert parameters["tool_choice"] == expected
    assert [tool["function"]["name"] for tool in parameters["tools"]] == names


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}),
        ({"seed": 1, "presence_penalty": 1}, {"seed": 1, "presence_penalty": 1}),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"reasoning_effort": "none"}, {"enable_thinking": False}),
        ({"reasoning_effort": "low"}, {"enable_thinking": True, "thinking_budget": 1024}),
        ({"reasoning_effort": "high"}, {"enable_thinking": True}),
        ({"reasoning_effort": "high", "enable_thinking": False}, {"enable_thinking": False}),
        ({"enable_search": True, "search_options": {"a": 1}}, {"enable_search": True, "search_options": {"a": 1}}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        ),
        ({"tools": [], "tool_choice": "auto"}, {}),
    ],
)
def test_parameters(fields: Fields, expected: Fields) -> None:
    body = written(DIALECT, "qwen-plus", **fields)
    assert body["parameters"] == {"result_format": "message", **expected}
    assert set(body) == {"model", "input", "parameters"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"tools": [TOOL, OTHER], "tool_choice": "required"}, "tool_choice"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"verbosity": "low"}, "verbosity"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    notes = Notes()
    sent = json.loads(DIALECT.write_request(chat(**fields), notes.asked(drop=True)).body)
    assert notes == [f"{param} dropped"]
    assert param not in sent["parameters"]


def test_documents_and_results_of_no_call_are_refused_by_their_place() -> None:
    document = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    for message, param in (
        ({"role": "user", "content": [document]}, "messages[0].content[0].file"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
    ):
        with pytest.raises(RequestError) as refused:
            written(DIALECT, messages=[message])
        assert refused.value.param == param


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked in OpenAI's words, is the same request again."""
    seen = 0
    for row in chats(shared, "dashscope"):
        native = row["request"]["body"]
        messages = native.get("input", {}).get("messages")
        if messages is None:
            continue  # one prompt, or none at all
        seen += 1
        given = {name: value for name, value in native["parameters"].items() if name not in _OURS}
        asked = {"messages": [_openai(message) for message in messages], "stream": row["stream"], **given}
        if any(isinstance(tool["function"]["parameters"], list) for tool in given.get("tools", [])):
            del asked["tools"], given["tools"]  # which are no JSON schemas
        sent = DIALECT.write_request(chat(**asked), Notes().asked(native["model"]))
        body = json.loads(sent.body)
        assert row["request"]["path"] == "/api/v1" + sent.path
        assert [_said(message) for message in body["input"]["messages"]] == [_said(message) for message in messages]
        assert {name: value for name, value in body["parameters"].items() if name not in _OURS} == given
    assert seen >= 8


_OURS = ("result_format", "incremental_output", "stream")


def _openai(message: Fields) -> Fields:
    """The message in OpenAI's words; DashScope bears fields of some clients that mean nothing."""
    made: Fields = {
        name: message[name] for name in ("role", "content", "tool_calls", "tool_call_id") if name in message
    }
    if message["role"] == "tool":
        made["tool_call_id"] = message.get("tool_call_id") or message["id"]
    if isinstance(made.get("content"), list):
        made["content"] = [_part(part) for part in made["content"]]
    return made


def _part(part: Fields) -> Fields:
    if "image" in part:
        return {"type": "image_url", "image_url": {"url": part["image"]}}
    return {"type": "text", "text": part["text"]}


def _said(message: Fields) -> Any:
    call = message.get("tool_call_id") or (message.get("id") if message["role"] == "tool" else None)
    return message["role"], message.get("content") or "", message.get("tool_calls"), call
