"""Texts of white space alone, and schemas that are no objects: Claude's APIs refuse them, so they are not sent."""

from __future__ import annotations

from typing import Any

import pytest

from dialects.kit import Notes, chat, written
from dialects.test_anthropic_requests import checked
from dialects.test_bedrock_requests import accepted
from trueline.dialects.provider import ProviderDialect, dialect_of
from trueline.errors import RequestError

Fields = dict[str, Any]

ANTHROPIC, BEDROCK = dialect_of("anthropic"), dialect_of("bedrock")
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
BOTH = pytest.mark.parametrize(
    ("dialect", "model"), [(ANTHROPIC, "claude-sonnet-4-5"), (BEDROCK, CLAUDE)], ids=["anthropic", "bedrock"]
)
MARK = {"cache_control": {"type": "ephemeral"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BLANK: list[Fields] = [
    {"role": "system", "content": "\n"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "\n\n", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": " "},
    {"role": "user", "content": "  "},
    {"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": "x"}]},
    {"role": "assistant", "content": " ", "refusal": "\t"},
]


def texts(value: Any) -> list[str]:
    """All texts of a request, wherever they stand."""
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    if not isinstance(value, dict):
        return []
    own = [value[name] for name in ("text", "content", "system") if isinstance(value.get(name), str)]
    return own + [text for one in value.values() for text in texts(one)]


@BOTH
def test_blank_texts_are_left_out(dialect: ProviderDialect, model: str) -> None:
    sent = written(dialect, model, messages=BLANK)
    assert all(text.strip() for text in texts(sent))
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert "system" not in sent


def test_what_stays_is_as_the_sdk_types_it() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1"}
    sent = checked(written(ANTHROPIC, "claude-sonnet-4-5", messages=BLANK))
    assert sent["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]},
        {"role": "user", "content": [result, {"type": "text", "text": "x"}]},
    ]
    accepted(written(BEDROCK, CLAUDE, messages=BLANK), CLAUDE)


def test_a_mark_on_a_blank_text_is_one_of_the_block_before() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": " ", **MARK}]
    sent = checked(written(ANTHROPIC, messages=[{"role": "user", "content": parts}]))
    assert sent["messages"][0]["content"] == [{"type": "text", "text": "a", **MARK}]


def test_a_cache_point_has_something_before_it() -> None:
    marked = {"type": "text", "text": " ", **MARK}
    text = {"type": "text", "text": "a"}
    point = {"cachePoint": {"type": "default"}}
    for parts, expected in (([marked, text], [{"text": "a"}]), ([text, marked], [{"text": "a"}, point])):
        messages = [{"role": "system", "content": [marked]}, {"role": "user", "content": parts}]
        sent = written(BEDROCK, CLAUDE, messages=messages)
        assert "system" not in sent
        assert sent["messages"] == [{"role": "user", "content": expected}]


@BOTH
@pytest.mark.parametrize("content", ["", " ", [], [{"type": "text", "text": "\n"}]])
def test_nothing_at_all_is_refused(dialect: ProviderDialect, model: str, content: Any) -> None:
    for messages in (
        [{"role": "user", "content": content}],
        [{"role": "system", "content": " "}, {"role": "user", "content": content}],
    ):
        with pytest.raises(RequestError) as refused:
            dialect.write_request(chat(messages=messages), Notes().asked(model))
        assert (refused.value.status, refused.value.param) == (400, "messages")


def test_dropped_sound_leaves_nothing() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
    with pytest.raises(RequestError, match="nothing is said"):
        written(ANTHROPIC, drop=True, messages=[{"role": "user", "content": [sound]}])


@BOTH
@pytest.mark.parametrize("more", [[], [{"role": "user", "content": " "}]])
def test_a_system_message_alone_is_the_users_turn(dialect: ProviderDialect, model: str, more: list[Fields]) -> None:
    sent = written(dialect, model, messages=[{"role": "system", "content": "Be"}, *more])
    assert "system" not in sent
    assert [turn["role"] for turn in sent["messages"]] == ["user"]
    assert texts(sent) == ["Be"]


@BOTH
def test_the_beginning_of_an_answer_ends_in_no_blank(dialect: ProviderDialect, model: str) -> None:
    messages: list[Fields] = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ans \n"}]
    assert texts(written(dialect, model, messages=messages)) == ["hi", "ans"]
    messages[1] = {"role": "assistant", "content": [{"type": "text", "text": "ans"}, {"type": "text", "text": " "}]}
    assert texts(written(dialect, model, messages=messages)) == ["hi", "ans"]


def format_of(schema: Fields) -> Fields:
    return {"type": "json_schema", "json_schema": {"name": "list", "schema": schema}}


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        (ANTHROPIC, "claude-sonnet-4-5"),
        (ANTHROPIC, "claude-3-5-haiku-20241022"),
        (BEDROCK, "anthropic.claude-3-haiku-20240307-v1:0"),
    ],
)
def test_schemas_whose_root_is_no_object(dialect: ProviderDialect, model: str) -> None:
    array = {"type": "array", "items": {"type": "integer"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": array}}
    for fields, param, what in (
        ({"response_format": format_of(array)}, "response_format", "response_format 'list'"),
        ({"tools": [tool]}, "tools[0].function.parameters", "function 'f'"),
        ({"functions": [tool["function"]]}, "functions[0].parameters", "function 'f'"),
    ):
        with pytest.raises(RequestError) as refused:
            written(dialect, model, **fields)
        assert (refused.value.status, refused.value.param) == (400, param)
        assert refused.value.message == (
            f"Invalid schema for {what}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."
        )
    maybe = written(dialect, model, tools=[{"type": "function", "function": {
        "name": "f", "parameters": {"type": ["object", "null"], "properties": {}}}}])  # fmt: skip
    assert "null" not in str(maybe)


def test_a_schema_that_bedrock_keeps_itself_goes_as_it_is() -> None:
    sent = written(BEDROCK, CLAUDE, response_format=format_of({"type": "object", "properties": {}}))
    assert "toolConfig" not in sent
    with pytest.raises(RequestError):
        written(BEDROCK, CLAUDE, response_format=format_of({"type": "array"}))
