"""Requests: refused for what OpenAI refuses by shape, in its words; all else goes on as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.garbage import JUNK, NAMES
from engine.kit import chat, chat_body, dumps, image
from trueline.errors import RequestError
from trueline.messages import NOT_JSON, read_chat_request, read_embedding_request, read_image_request

USER = {"role": "user", "content": "hi"}


def refused(body: bytes, read: Any = read_chat_request) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    return caught.value


@pytest.mark.parametrize("body", [b"{", b"not json", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1} x', b"\xff", b"[" * 5000])
@pytest.mark.parametrize("read", [read_chat_request, read_image_request])
def test_what_is_no_json(body: bytes, read: Any) -> None:
    error = refused(body, read)

    assert error.message.startswith(NOT_JSON)
    assert (error.code, error.param) == (None, None)


@pytest.mark.parametrize("n", ["x", [1], {}, 0.5])
def test_a_number_of_choices_that_embeddings_do_not_have_goes_on_as_it_came(n: Any) -> None:
    assert read_embedding_request(dumps({"model": "m", "input": "a", "n": n})).body["n"] == n


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_no_body(body: bytes) -> None:
    assert "no body" in refused(body).message


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[]", "an array"),
        (b'"x"', "a string"),
        (b"1", "an integer"),
        (b"1.5", "a decimal"),
        (b"null", "null"),
        (b"true", "a boolean"),
    ],
)
def test_what_is_no_object(body: bytes, found: str) -> None:
    assert refused(body).message == f"The body of your request must be a JSON object, but it is {found}."


TYPE = "Invalid type for '{}': expected {}, but got {} instead."
EMPTY = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
LOW = "Invalid 'n': integer below minimum value. Expected a value >= 1, but got {} instead."
HIGH = "Invalid 'n': integer above maximum value. Expected a value <= 128, but got {} instead."

# fields of the body -> message, code, param
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"messages": None}, "Missing required parameter: 'messages'.", "missing_required_parameter", "messages"),
    ({"messages": []}, EMPTY, "empty_array", "messages"),
    ({"messages": "hi"}, TYPE.format("messages", "an array", "a string"), "invalid_type", "messages"),
    ({"messages": {}}, TYPE.format("messages", "an array", "an object"), "invalid_type", "messages"),
    ({"messages": ["hi"]}, TYPE.format("messages[0]", "an object", "a string"), "invalid_type", "messages[0]"),
    ({"messages": [USER, None]}, TYPE.format("messages[1]", "an object", "null"), "invalid_type", "messages[1]"),
    (
        {"messages": [{}]},
        "Missing required parameter: 'messages[0].role'.",
        "missing_required_parameter",
        "messages[0].role",
    ),
    (
        {"messages": [{"role": 1}]},
        TYPE.format("messages[0].role", "a string", "an integer"),
        "invalid_type",
        "messages[0].role",
    ),
    ({"model": 1}, TYPE.format("model", "a string", "an integer"), "invalid_type", "model"),
    ({"model": ["x"]}, TYPE.format("model", "a string", "an array"), "invalid_type", "model"),
    ({"stream": "true"}, TYPE.format("stream", "a boolean", "a string"), "invalid_type", "stream"),
    ({"stream": 1}, TYPE.format("stream", "a boolean", "an integer"), "invalid_type", "stream"),
    (
        {"stream_options": True},
        TYPE.format("stream_options", "an object", "a boolean"),
        "invalid_type",
        "stream_options",
    ),
    ({"n": "2"}, TYPE.format("n", "an integer", "a string"), "invalid_type", "n"),
    ({"n": True}, TYPE.format("n", "an integer", "a boolean"), "invalid_type", "n"),
    ({"n": 1.5}, TYPE.format("n", "an integer", "a decimal"), "invalid_type", "n"),
    ({"n": 0}, LOW.format(0), "integer_below_min_value", "n"),
    ({"n": -1}, LOW.format(-1), "integer_below_min_value", "n"),
    ({"n": 129}, HIGH.format(129), "integer_above_max_value", "n"),
    ({"tools": {}}, TYPE.format("tools", "an array", "an object"), "invalid_type", "tools"),
    (
        {"tool_choice": 1},
        TYPE.format("tool_choice", "a string or an object", "an integer"),
        "invalid_type",
        "tool_choice",
    ),
    ({"functions": "f"}, TYPE.format("functions", "an array", "a string"), "invalid_type", "functions"),
    ({"temperature": "1"}, TYPE.format("temperature", "a decimal", "a string"), "invalid_type", "temperature"),
    ({"temperature": True}, TYPE.format("temperature", "a decimal", "a boolean"), "invalid_type", "temperature"),
    ({"max_tokens": 1.5}, TYPE.format("max_tokens", "an integer", "a decimal"), "invalid_type", "max_tokens"),
    ({"stop": 1}, TYPE.format("stop", "a string or an array", "an integer"), "invalid_type", "stop"),
    ({"logprobs": 5}, TYPE.format("logprobs", "a boolean", "an integer"), "invalid_type", "logprobs"),
    ({"top_logprobs": "5"}, TYPE.format("top_logprobs", "an integer", "a string"), "invalid_type", "top_logprobs"),
    (
        {"response_format": "json"},
        TYPE.format("response_format", "an object", "a string"),
        "invalid_type",
        "response_format",
    ),
]


@pytest.mark.parametrize(("fields", "message", "code", "param"), REFUSED)
def test_refused(fields: dict[str, Any], message: str, code: str, param: str) -> None:
    error = refused(json.dumps(chat_body(**fields)).encode())

    assert error.body() == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": None},
        {"messages": [{"role": "anything", "content": None, "x": 1}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
        {"n": None, "stream": None, "tools": None, "temperature": None, "stop": None},
        {"temperature": 3, "top_p": -1, "max_tokens": 0},  # a range is the model's to judge
        {"temperature": 1.0, "n": 128},
        {"stop": ["a", "b"]},
        {"tools": [], "functions": [], "tool_choice": "none"},
        {"tools": [None, "x", {"function": None}, {"name": 1}]},
        {"x_vendor": {"deep": [1]}, "guided_json": "x"},
    ],
)
def test_accepted_and_forwarded_as_it_came(fields: dict[str, Any]) -> None:
    raw = json.dumps(chat_body(**fields), indent=3).encode() + b" \n"

    request = read_chat_request(raw)

    assert request.body == {**chat_body(**fields)}
    assert request.with_model(None) is raw
    assert request.with_model(request.model) is raw
    assert json.loads(request.with_model("other")) == {**chat_body(**fields), "model": "other"}


KEPT = [
    ('"seed":12345678901234567890123',) * 2,
    ('"temperature" : 1.50E+3 ', '"temperature":1.50E+3'),
    ('"user":"\\u00e9 \\/ \\ud83d\\ude00 é"',) * 2,
    ('"x":[ 1.0,{"b":1, "a":-0.0, "a":2} ,1e300]',) * 2,
    ('"user":"first","n":1,"user":"last"', '"user":"last","n":1'),
    ('"model":"again"', ""),
]
"""A member of a request, and how it is forwarded under another name of the model."""


@pytest.mark.parametrize(("member", "forwarded"), KEPT)
def test_other_members_are_forwarded_as_they_are_written(member: str, forwarded: str) -> None:
    ask = '"messages":[{"role": "user","content":"a"}]'
    raw = f'\ufeff{{ "mod\\u0065l" : "known",\n{ask}, {member}}}\n'.encode()

    out = read_chat_request(raw).with_model("other").decode()

    assert out == '{"model":"other",' + ask + (f",{forwarded}" if forwarded else "") + "}"


def test_a_model_that_was_not_named_is_added() -> None:
    raw = b'{"messages":[{"role":"user","content":"a"}],"n":1}'

    assert read_chat_request(raw).with_model("other") == raw[:-1] + b',"model":"other"}'


def test_facts() -> None:
    tools = [
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "c"}},
        {"name": "bare"},
    ]
    request = chat(
        model="m", stream=True, n=2, stream_options={"include_usage": True}, tools=tools, logprobs=True, top_logprobs=3
    )

    assert (request.model, request.stream, request.n, request.include_usage) == ("m", True, 2, True)
    assert request.tool_names == {"f", "c", "bare"}
    assert (request.logprobs, request.top_logprobs) == (True, 3)
    assert not request.named_tool and not request.legacy_functions
    assert chat(tool_choice={"type": "function", "function": {"name": "f"}}).named_tool
    assert chat(function_call={"name": "f"}, functions=[{"name": "f"}]).legacy_functions
    assert not chat(tool_choice="required").named_tool


def test_facts_of_an_empty_request() -> None:
    request = chat(n=None, stream=None, stream_options=None, top_logprobs=None)

    assert (request.stream, request.n, request.include_usage, request.top_logprobs) == (False, 1, False, 0)
    assert (request.tool_names, request.logprobs, request.named_tool) == (frozenset(), False, False)


def test_half_a_pair_is_forwarded_as_it_came() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"\\ud83d"}]}'

    assert read_chat_request(raw).with_model(None) is raw
    assert json.loads(read_chat_request(raw).with_model("x"))["messages"][0]["content"] == "\ufffd"


LONG = "x" * 100_000
LARGE: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": LONG}]},
    {"messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "It"}], "stop": ["a"]},
    {"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function", "function": {"name": LONG}}]},
]


@pytest.mark.parametrize("fields", LARGE)
def test_what_was_said_in_a_large_request_is_not_kept_once_it_was_sent(fields: dict[str, Any]) -> None:
    raw = json.dumps(chat_body(**fields), separators=(",", ":")).encode()
    request = read_chat_request(raw)
    size, (*_, last) = request.prompt_size, fields["messages"]

    request.let_go()

    assert abs(request.prompt_size - size) < 50
    assert request.body.get("messages") == ([last] if last["role"] == "assistant" else None)
    assert request.body.get("stop") == fields.get("stop")
    assert request.body.get("tools") == fields.get("tools")


def test_a_small_request_is_kept_for_the_rules() -> None:
    request = chat()
    body, size = dict(request.body), request.prompt_size

    request.let_go()

    assert (request.body, request.prompt_size) == (body, size)


IMAGE_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "missing_required_parameter", "prompt"),
    ({"prompt": ["x"]}, "invalid_type", "prompt"),
    ({"n": "1"}, "invalid_type", "n"),
    ({"n": 0}, "integer_below_min_value", "n"),
    ({"size": 512}, "invalid_type", "size"),
    ({"response_format": {}}, "invalid_type", "response_format"),
    ({"stream": "yes"}, "invalid_type", "stream"),
]


@pytest.mark.parametrize(("fields", "code", "param"), IMAGE_REFUSED)
def test_image_refused(fields: dict[str, Any], code: str, param: str) -> None:
    error = refused(json.dumps({"prompt": "x", **fields}).encode(), read_image_request)

    assert (error.code, error.param) == (code, param)


def test_image_facts() -> None:
    request = image(model="dall-e-3", n=2, response_format="url", stream=False)

    assert (request.model, request.n, request.response_format, request.stream) == ("dall-e-3", 2, "url", False)
    assert image().n == 1 and image().response_format is None


FIELDS = st.sampled_from(
    [*NAMES, *chat_body(), "messages", "messages", "stream", "n", "tools", "stop", "stream_options", "prompt"]
)


@given(st.dictionaries(FIELDS, st.sampled_from(JUNK), max_size=6), st.booleans())
@settings(max_examples=300)
def test_any_request_is_read_or_refused(fields: dict[str, Any], whole: bool) -> None:
    body = dumps({**chat_body(), **fields} if whole else fields)

    for read in (read_chat_request, read_image_request):
        try:
            request = read(body)
        except RequestError as error:
            assert error.status == 400 and error.message
            continue
        assert type(request.n) is int
        assert 1 <= request.n <= 128
        assert request.stream in (True, False)
