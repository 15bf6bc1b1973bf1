"""Chat requests as requests of the Responses API: what its own SDK takes, and what recorded clients asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses.response_create_params import (
    ResponseCreateParams,
    ResponseCreateParamsBase,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

from dialects.kit import Notes, all_records, chat, play, written
from dialects.responses_asked import NoEquivalentError, as_openai, meaning
from dialects.responses_native import call, drawing, refusal, search, streamed, text, thought, whole
from engine.kit import Fields
from trueline.dialects.openai_responses import DIALECT
from trueline.dialects.openai_responses.models import thinks
from trueline.dialects.provider import Asked
from trueline.errors import RequestError
from trueline.messages import read_embedding_request

_PARAMS: TypeAdapter[Any] = TypeAdapter(ResponseCreateParams)
_NAMES = set(ResponseCreateParamsBase.__annotations__) | set(ResponseCreateParamsStreaming.__annotations__)

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERg=="
SCHEMA: Fields = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
SHELL = {"type": "custom", "custom": {"name": "shell"}}
USER = {"role": "user", "content": "hi"}


def accepted(body: Fields) -> Fields:
    """OpenAI's own SDK would send this."""
    assert set(body) <= _NAMES
    _consume(_PARAMS.validate_python(body))
    return body


def _consume(value: Any) -> None:
    """Look at every member: iterables are validated as they are gone through."""
    if isinstance(value, dict):
        for one in value.values():
            _consume(one)
    elif hasattr(value, "__iter__") and not isinstance(value, str):
        for one in value:
            _consume(one)


def sent(model: str = "gpt-4o", **fields: Any) -> Fields:
    return accepted(written(DIALECT, model, **fields))


def asked_of(messages: list[Fields], **fields: Any) -> list[Fields]:
    items: list[Fields] = sent(messages=messages, **fields)["input"]
    return items


# -- messages ---------------------------------------------------------------------------------------------------------


def test_roles_stay_where_they_stand() -> None:
    turns = [{"role": "system", "content": "Be brief."}, USER, {"role": "developer", "content": "In Latin."}, USER]
    assert asked_of(turns) == [{"type": "message", **turn} for turn in turns]


PARTS: list[tuple[Fields, Fields]] = [
    ({"type": "text", "text": "So?"}, {"type": "input_text", "text": "So?"}),
    (
        {"type": "text", "text": "So?", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_text", "text": "So?", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ),
    (
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "https://a.example/a.png"}},
        {"type": "input_image", "image_url": "https://a.example/a.png", "detail": "auto"},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
    ),
    ({"type": "file", "file": {"file_data": PDF}}, {"type": "input_file", "filename": "file.pdf", "file_data": PDF}),
    ({"type": "file", "file": {"file_id": "file-1"}}, {"type": "input_file", "file_id": "file-1"}),
    (
        {"type": "file", "file": {"file_data": "https://a.example/a.pdf"}},
        {"type": "input_file", "file_url": "https://a.example/a.pdf"},
    ),
]


@pytest.mark.parametrize(("part", "expected"), PARTS)
def test_parts(part: Fields, expected: Fields) -> None:
    (item,) = asked_of([{"role": "user", "content": [part, {"type": "text", "text": "?"}]}])
    assert item["content"] == [expected, {"type": "input_text", "text": "?"}]


def test_sound_is_said_as_the_api_has_it() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    body = written(DIALECT, messages=[{"role": "user", "content": [sound]}])
    assert body["input"][0]["content"] == [sound]
    with pytest.raises(RequestError) as refused:
        other = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "flac"}}
        written(DIALECT, messages=[{"role": "user", "content": [other]}])
    assert refused.value.code == "unsupported_parameter"


def test_calls_and_their_results() -> None:
    long = "c" * 70
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
        {"id": long, "type": "custom", "custom": {"name": "shell", "input": "ls"}},
        {"id": "call_3", "type": "function", "function": {"name": "weather", "arguments": ""}},
    ]
    results: list[Fields] = [
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
        {
            "role": "tool",
            "tool_call_id": long,
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
        {"role": "tool", "tool_call_id": "call_3", "content": ""},
    ]
    items = asked_of([USER, {"role": "assistant", "content": None, "tool_calls": calls}, *results], tools=[WEATHER])
    short = items[2]["call_id"]
    assert len(short) <= 64
    assert items[1:] == [
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Rome"}'},
        {"type": "custom_tool_call", "call_id": short, "name": "shell", "input": "ls"},
        {"type": "function_call", "call_id": "call_3", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"},
        {
            "type": "custom_tool_call_output",
            "call_id": short,
            "output": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        },
        {"type": "function_call_output", "call_id": "call_3", "output": ""},
    ]


def test_legacy_functions() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}}
    result = {"role": "function", "name": "weather", "content": "Sunny"}
    body = sent(messages=[USER, called, result], functions=[WEATHER["function"]], function_call={"name": "weather"})
    assert [item.get("call_id") for item in body["input"]] == [None, "weather", "weather"]
    assert body["tools"][0]["name"] == "weather"
    assert body["tool_choice"] == {"type": "function", "name": "weather"}


def test_refusals_of_before() -> None:
    items = asked_of([USER, {"role": "assistant", "content": None, "refusal": "No"}, USER])
    assert items[1]["content"] == [{"type": "refusal", "refusal": "No"}]


def test_thoughts_of_others_stay_where_they_are() -> None:
    details = [{"type": "reasoning.text", "text": "Hm", "signature": "s", "format": "anthropic-claude-v1"}]
    notes = Notes()
    turn = {"role": "assistant", "content": "Yes", "reasoning_content": "Hm", "reasoning_details": details}
    body = json.loads(DIALECT.write_request(chat(messages=[USER, turn, USER]), notes.asked("m")).body)
    assert body["input"][1] == {"type": "message", "role": "assistant", "content": "Yes"}
    assert notes == ["messages[1].reasoning_content dropped"]


# -- round trips ------------------------------------------------------------------------------------------------------

ROUNDS: list[list[Fields]] = [
    [text("Hello")],
    [text("Hello", phase="final_answer")],
    [refusal("No")],
    [thought("Hm.", "So."), text("Yes")],
    [thought("Hm."), thought("So.", number=2), call(1), call(2, '{"city":"Rome"}')],
    [thought(sealed=None, content=[{"type": "reasoning_text", "text": "Hm."}]), call(1)],
    [thought(), call(1), thought(number=2), call(2)],
    [thought(), search(), thought(number=2), text("Let me see", 1, phase="commentary"), call(1)],
    [text("One ", 1), text("two", 2)],
    [call(1, namespace="n")],
    [drawing(), text("Here")],
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("output", ROUNDS)
def test_what_the_model_said_goes_back_as_it_was(output: list[Fields], stream: bool) -> None:
    """Through the types of OpenAI's SDK, as a client would keep the message."""
    tools = [WEATHER, SHELL]
    if stream:
        state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
        for chunk in play(DIALECT, streamed(output), tools=tools, stream=True).chunks:
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
        message: Any = state.get_final_completion().choices[0].message
    else:
        body = play(DIALECT, whole(output), tools=tools).body
        message = ChatCompletion.model_validate(body).choices[0].message
    said: Fields = json.loads(message.model_dump_json(exclude_none=True))
    results: list[Fields] = [
        {"role": "tool", "tool_call_id": one["id"], "content": "ok"} for one in said.get("tool_calls") or []
    ]
    body = sent(messages=[USER, said, *results, USER], tools=tools)
    expected = [{"role": "user", "content": "hi"}, *output]
    expected += [{"type": "function_call_output", "call_id": one["tool_call_id"], "output": "ok"} for one in results]
    got, want = (_spelled(items) for items in (body["input"], [*expected, USER]))
    assert got == want


def _spelled(items: list[Fields]) -> list[Fields]:
    """Refusals aside, as `meaning` has it."""
    if any(part.get("type") == "refusal" for item in items for part in _parts(item)):
        return [part for item in items for part in _parts(item)]
    spelled: list[Fields] = meaning({"input": items})["input"]
    return spelled


def _parts(item: Fields) -> list[Fields]:
    content = item.get("content")
    return content if isinstance(content, list) else []


def test_an_answer_that_was_edited_is_told_as_it_is_now() -> None:
    said = play(DIALECT, whole([search(), text("Wet")])).body["choices"][0]["message"]
    body = sent(messages=[USER, {**said, "content": "Dry"}, USER])
    assert body["input"][1] == {"type": "message", "role": "assistant", "content": "Dry"}


# -- parameters -------------------------------------------------------------------------------------------------------

PARAMETERS: list[tuple[Fields, Fields]] = [
    ({}, {}),
    ({"max_tokens": 100}, {"max_output_tokens": 100}),
    ({"max_completion_tokens": 100, "max_tokens": 5}, {"max_output_tokens": 100}),
    ({"max_tokens": 1}, {"max_output_tokens": 16}),
    ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
    ({"store": True, "metadata": {"a": "b"}}, {"store": True, "metadata": {"a": "b"}}),
    ({"user": "u", "safety_identifier": "s"}, {"user": "u", "safety_identifier": "s"}),
    ({"prompt_cache_key": "k", "service_tier": "flex"}, {"prompt_cache_key": "k", "service_tier": "flex"}),
    ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}),
    ({"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}),
    (
        {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
        {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    ),
    ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
    ({"response_format": {"type": "text"}}, {}),
    ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA, "strict": True}}},
        {"text": {"format": {"type": "json_schema", "name": "c", "schema": SCHEMA, "strict": True}}},
    ),
    (
        {"logprobs": True, "top_logprobs": 2},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    ),
    ({"logprobs": False, "n": 1, "stop": None}, {}),
    ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    (
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
    ),
    ({"previous_response_id": "resp_1"}, {"previous_response_id": "resp_1"}),
    ({"web_search_options": {}}, {"tools": [{"type": "web_search"}]}),
    (
        {
            "web_search_options": {
                "search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"country": "DE"}},
            }
        },
        {
            "tools": [
                {
                    "type": "web_search",
                    "search_context_size": "low",
                    "user_location": {"type": "approximate", "country": "DE"},
                }
            ]
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), PARAMETERS)
def test_parameters(fields: Fields, expected: Fields) -> None:
    body = sent(**fields)
    items = [{"type": "message", "role": "user", "content": "hi"}]
    assert body == {"model": "gpt-4o", "input": items, "store": False, **expected}


GRAMMAR = {"syntax": "lark", "definition": "start: /a/"}
TOOLS: list[tuple[Fields, Fields]] = [
    (
        WEATHER,
        {"type": "function", "name": "weather", "description": "Tells it.", "parameters": SCHEMA, "strict": False},
    ),
    (
        {"type": "function", "function": {"name": "now", "strict": True}, "defer_loading": True},
        {
            "type": "function",
            "name": "now",
            "parameters": {"type": "object", "properties": {}},
            "strict": True,
            "defer_loading": True,
        },
    ),
    (SHELL, {"type": "custom", "name": "shell"}),
    (
        {"type": "custom", "custom": {"name": "a", "format": {"type": "grammar", "grammar": GRAMMAR}}},
        {"type": "custom", "name": "a", "format": {"type": "grammar", **GRAMMAR}},
    ),
    ({"type": "web_search", "search_context_size": "low"}, {"type": "web_search", "search_context_size": "low"}),
]


@pytest.mark.parametrize(("tool", "expected"), TOOLS)
def test_tools(tool: Fields, expected: Fields) -> None:
    assert sent(tools=[tool])["tools"] == [expected]


CHOICES: list[tuple[Any, Any]] = [
    ("auto", "auto"),
    ("none", "none"),
    ("required", "required"),
    ({"type": "function", "function": {"name": "weather"}}, {"type": "function", "name": "weather"}),
    ({"type": "custom", "custom": {"name": "shell"}}, {"type": "custom", "name": "shell"}),
    ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
    (
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "weather"}}, {"type": "web_search"}],
            },
        },
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "weather"}, {"type": "web_search"}],
        },
    ),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_every_tool_choice(choice: Any, expected: Any) -> None:
    body = sent(tools=[WEATHER, SHELL], tool_choice=choice, parallel_tool_calls=False)
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (expected, False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"stop": "x"}, "stop"),
        ({"seed": 1}, "seed"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"presence_penalty": 1}, "presence_penalty"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"background": True}, "background"),
        ({"top_k": 3}, "top_k"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        sent(**fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    notes = Notes()
    request = DIALECT.write_request(chat(**fields), notes.asked("gpt-4o", drop=True))
    accepted(json.loads(request.body))
    assert notes == [f"{param} dropped"]


def test_hints_are_left_out_by_name() -> None:
    notes = Notes()
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "user", "name": "Ann", "content": [marked]}]
    fields = {"prediction": {"type": "content", "content": "x"}, "max_tokens": 3, "messages": messages}
    accepted(json.loads(DIALECT.write_request(chat(**fields), notes.asked("gpt-4o")).body))
    assert sorted(notes) == [
        "max_tokens changed to 16",
        "messages[0].content[0].cache_control dropped",
        "messages[0].name dropped",
        "prediction dropped",
    ]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        *((name, True) for name in ("o3", "o4-mini", "openai/gpt-5.6-sol", "gpt-5-codex", "codex-mini-latest")),
        *((name, True) for name in ("openai.gpt-5.5", "grok-4.3", "gpt-5-pro", "o3-deep-research")),
        *((name, False) for name in ("gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "gpt-5.2-chat", "grok-3-mini")),
        *((name, False) for name in ("grok-4-1-fast-non-reasoning", "openai.gpt-oss-20b", "deepseek-v4-flash")),
    ],
)
def test_encrypted_thoughts_are_asked_of_models_that_think(model: str, expected: bool) -> None:
    assert thinks(model) is expected
    assert ("reasoning.encrypted_content" in sent(model).get("include", [])) is expected


def test_where_it_is_sent() -> None:
    assert DIALECT.write_request(chat(), Notes().asked()).path == "/v1/responses"
    azure = Asked("m", Notes().append, settings={"api_version": "2025-04-01-preview"})
    assert DIALECT.write_request(chat(), azure).path == "/openai/responses?api-version=2025-04-01-preview"
    newer = Asked("m", Notes().append, settings={"api_version": "preview", "base_path": "/openai/v1"})
    assert DIALECT.write_request(chat(), newer).path == "/v1/responses?api-version=preview"


# -- recordings -------------------------------------------------------------------------------------------------------


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked as a chat, is the same request again."""
    seen = 0
    for row in all_records(shared, "responses"):
        native = row["request"]["body"]
        try:
            asked = as_openai(native)
        except NoEquivalentError:
            continue
        seen += 1
        body = written(DIALECT, asked.pop("model"), **asked)
        assert meaning(body) == meaning({"model": "m", **native}), row["id"]
    assert seen > 550


def test_recorded_requests_are_what_the_sdk_takes(shared: Path) -> None:
    """Where the recorded one is: some name models, tools and items that the SDK does not know yet."""
    seen = 0
    for row in all_records(shared, "responses"):
        native = row["request"]["body"]
        try:
            asked = as_openai(native)
            accepted(native)
        except (NoEquivalentError, ValueError, AssertionError):
            continue
        seen += 1
        accepted(written(DIALECT, asked.pop("model"), **asked))
    assert seen > 300


# -- garbage ----------------------------------------------------------------------------------------------------------

ODD: list[Any] = [None, 1, "x", [], {}, [1], [None], {"type": 1}, [{"type": "x"}], {"type": "function"}]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "name",
    [
        *("tools", "tool_choice", "functions", "function_call", "response_format", "reasoning", "text", "include"),
        *("web_search_options", "stream_options", "metadata", "max_tokens", "store", "logprobs", "reasoning_effort"),
    ],
)
def test_odd_parameters_are_refused_or_sent(name: str, value: Any) -> None:
    try:
        DIALECT.write_request(chat(**{name: value}), Notes().asked())
    except RequestError as refused:
        assert refused.status == 400


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "name",
    ["content", "tool_calls", "reasoning_details", "openai_responses", "phase", "refusal", "name", "tool_call_id"],
)
def test_odd_messages_are_refused_or_sent(name: str, value: Any) -> None:
    nested = {"output": value} if name == "openai_responses" else value
    for role in ("user", "assistant", "tool"):
        try:
            messages = [USER, {"role": role, "content": "x", name: nested}]
            DIALECT.write_request(chat(messages=messages), Notes().asked())
        except RequestError as refused:
            assert refused.status == 400


# -- beside chats -----------------------------------------------------------------------------------------------------


def test_embeddings_and_models_are_openais_own() -> None:
    embeddings, models = DIALECT.embeddings, DIALECT.models
    assert embeddings is not None
    assert models is not None
    request = read_embedding_request(b'{"model": "alias", "input": "x", "dimensions": 3}')
    native = embeddings.write(request, Notes().asked("text-embedding-3-small"))
    assert native.path == "/v1/embeddings"
    assert json.loads(native.body) == {"model": "text-embedding-3-small", "input": "x", "dimensions": 3}
    reply: Fields = {"object": "list", "data": []}
    assert embeddings.read(reply, request) is reply
    assert (models.path, models.read(reply)) == ("/v1/models", reply)
