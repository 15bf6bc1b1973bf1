"""The words of the answers, the examples for schemas, and the options of one request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.client import chat
from trueline.sim import OptionError, SimOptions, render, render_chat, render_json
from trueline.sim.options import with_overrides
from trueline.sim.schema import example
from trueline.sim.text import answer_text, pieces, pieces_of_length, prompt_of


@given(st.text())
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text(), st.integers(0, 200))
def test_a_length_is_kept(text: str, length: int) -> None:
    assert len(pieces_of_length(text, length)) == length


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("hi", "hi"),
        ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}], "ab"),
        (None, ""),
    ],
)
def test_prompt(content: Any, prompt: str) -> None:
    later = {"role": "assistant", "content": "no"}

    assert prompt_of([{"role": "user", "content": "before"}, {"role": "user", "content": content}, later]) == prompt


def test_no_user_message_is_no_prompt() -> None:
    assert prompt_of([{"role": "system", "content": "x"}]) == ""
    assert answer_text("") != answer_text("tea") != answer_text("tea", 1)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "value"),
        ({"type": "string", "minLength": 7}, "valuexx"),
        ({"type": "string", "maxLength": 2}, "va"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"const": 5}, 5),
        ({"default": "x", "type": "string"}, "x"),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "integer"}, 1),
        ({"type": "number", "minimum": 2.5}, 2.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}, {"a": "a"}),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/b"}],
          "$defs": {"b": {"properties": {"b": {"const": 2}}, "required": ["b"]}}}, {"b": 2}),
        ({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "boolean"}}}, {"a": True}),
        (True, "value"),
    ],
)  # fmt: skip
def test_example(schema: Any, value: Any) -> None:
    assert example(schema) == value


def test_a_schema_that_holds_itself_has_an_end() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    assert json.dumps(example(schema)).count("next") < 20


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"fualts": []}, "Unknown option: 'x_sim.fualts'. Did you mean 'faults'?"),
        ({"rate": "fast"}, "Expected `float`"),
        ({"fail": "explode"}, "Unknown failure: 'explode'"),
        ({"encoding": "lzma"}, "Unknown encoding: 'lzma'"),
    ],
)
def test_wrong_options(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        with_overrides(SimOptions(), given_)

    assert message in str(caught.value)


def test_x_sim_is_taken_out_of_the_request_and_replaces_what_the_server_was_told() -> None:
    options = SimOptions(faults=("id-missing",), text="server")
    body = json.dumps(chat(x_sim={"faults": "id-empty, created-ms", "text": "mine"})).encode()
    reply, own = render("POST", "/v1/chat/completions", {}, body, options)

    assert own.faults == ("id-empty", "created-ms") and own.text == "mine"
    assert sorted(reply.faults) == ["created-ms", "id-empty"]
    assert json.loads(reply.body)["choices"][0]["message"]["content"] == "mine"


@pytest.mark.parametrize("header", ["{", '{"faults": ["nonsense"]}'])
def test_a_wrong_header_is_a_400(header: str) -> None:
    assert render("GET", "/v1/models", {"x-sim": header}, b"")[0].status == 400


@pytest.mark.parametrize(("calls", "names"), [(0, []), (1, ["a"]), (3, ["a", "b", "a"])])
def test_number_of_calls(calls: int, names: list[str]) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    message = json.loads(render_chat(chat("hi", tools=tools, x_sim={"calls": calls})).body)["choices"][0]["message"]

    assert [call["function"]["name"] for call in message.get("tool_calls", [])] == names


def test_a_tools_result_is_answered_with_text() -> None:
    request = chat("x?", tools=[{"type": "function", "function": {"name": "x"}}])
    request["messages"].append({"role": "tool", "tool_call_id": "call_1", "content": "42"})

    assert json.loads(render_chat(request).body)["choices"][0]["finish_reason"] == "stop"


def test_completions_stream_usage() -> None:
    request = {"model": "m", "prompt": ["a", "echo: b c"], "stream": True, "stream_options": {"include_usage": True}}
    events = render_json("/v1/completions", request).body.split(b"\n\n")

    assert b'"usage":{"prompt_tokens":' in events[-3]
    assert all(b'"usage":null' in event for event in events[:-3])
    assert b'"text":" c","index":1' in events[-4]
