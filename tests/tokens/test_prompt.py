"""Tokens of prompts: OpenAI's published counts, hand-made requests whose recorded counts are known, and anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.tokens.families import Count
from trueline.tokens.prompt import count_prompt

JARGON: list[dict[str, Any]] = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate jargon"
        " into plain English.",
    },
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities"
        " for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
]
"""OpenAI's cookbook, "How to count tokens with tiktoken"; the counts beside it are the API's own."""

WEATHER: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
    {"role": "user", "content": "What's the weather like in San Francisco?"},
]
WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {
                    "type": "string",
                    "description": "The unit of temperature to return",
                    "enum": ["celsius", "fahrenheit"],
                },
            },
            "required": ["location"],
        },
    },
}


def user(text: Any) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)],
)
def test_published_messages(model: str, tokens: int) -> None:
    assert count_prompt({"messages": JARGON}, model) == Count(tokens, True)


@pytest.mark.parametrize(("model", "tokens"), [("gpt-3.5-turbo", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)])
def test_published_functions(model: str, tokens: int) -> None:
    assert count_prompt({"messages": WEATHER, "tools": [WEATHER_TOOL]}, model) == Count(tokens, True)
    assert count_prompt({"messages": WEATHER, "functions": [WEATHER_TOOL["function"]]}, model).tokens == tokens


# Each with the base: "hello" is one token, so a message of it is 3 + 1 + 1, and the primer is 3 or 2.
MESSAGES: list[tuple[str, str, list[dict[str, Any]], Count]] = [
    ("classic", "gpt-4o", user("hello"), Count(8, True)),
    ("classic chat of a later number", "gpt-5-chat-latest", user("hello"), Count(8, True)),
    ("first", "gpt-3.5-turbo-0613", user("hello"), Count(8, True)),
    ("azure's name", "gpt-35-turbo", user("hello"), Count(8, True)),
    ("reasoning", "o3-mini", user("hello"), Count(7, True)),
    ("gpt-5", "gpt-5-nano", user("hello"), Count(7, True)),
    ("dated", "openai/gpt-5.4-2026-03-05", user("hello"), Count(7, True)),
    ("assistant", "gpt-4o", [{"role": "assistant", "content": "hello"}], Count(8, True)),
    ("assistant has no channel", "o1", [{"role": "assistant", "content": "hello"}], Count(7, True)),
    ("assistant has a channel", "gpt-5", [{"role": "assistant", "content": "hello"}], Count(9, True)),
    ("parts", "gpt-4o", user([{"type": "text", "text": "hello"}, {"type": "text", "text": "hello"}]), Count(9, True)),
    ("refusal", "gpt-4o", [{"role": "assistant", "refusal": "hello"}], Count(8, True)),
    ("name", "gpt-4o", [{"role": "user", "content": "hello", "name": "hello"}], Count(10, True)),
    ("empty", "gpt-4o", user(None), Count(7, True)),
    ("not told of", "o1-preview", user("hello"), Count(7, False)),
    ("unknown role", "gpt-4o", [{"role": "hello", "content": "hello"}], Count(8, False)),
    ("no role", "gpt-4o", [{"content": "hello"}], Count(7, False)),
    ("number", "gpt-4o", user(12), Count(8, False)),
    ("unknown part", "gpt-4o", user([{"type": "smell"}]), Count(7, False)),
    ("no messages", "gpt-4o", [], Count(3, True)),
]


@pytest.mark.parametrize(
    ("model", "messages", "count"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES]
)
def test_messages(model: str, messages: list[dict[str, Any]], count: Count) -> None:
    assert count_prompt({"messages": messages}, model) == count


def test_the_request_names_its_model_unless_told() -> None:
    body = {"model": "o3-mini", "messages": user("hello")}
    assert count_prompt(body) == Count(7, True)
    assert count_prompt(body, "gpt-4o") == Count(8, True)
    assert not count_prompt({"messages": user("hello")}).exact


def tool(name: str, **properties: Any) -> dict[str, Any]:
    """A function of undescribed strings."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": "Add", "parameters": parameters}}


# What a request with a function adds to one without, besides the namespace itself.
def test_what_stands_around_functions() -> None:
    add = [tool("add")]
    plain = {model: count_prompt({"messages": user("hello")}, model).tokens for model in ("gpt-4o", "o1", "gpt-5")}
    added = {
        model: count_prompt({"messages": user("hello"), "tools": add}, model).tokens - plain[model] for model in plain
    }
    namespace = added["gpt-4o"] - 9
    assert added == {"gpt-4o": namespace + 9, "o1": namespace + 10, "gpt-5": namespace + 91}


@pytest.mark.parametrize(
    ("model", "choice", "tokens"),
    [
        ("gpt-4o", "auto", 0),
        ("gpt-4o", "required", 0),
        ("gpt-4o", "none", 1),
        ("gpt-4o", {"type": "function", "function": {"name": "add"}}, 8),
        ("gpt-4o", {"type": "function", "function": {"name": "structured_output"}}, 10),
        ("gpt-5-mini", {"type": "function", "function": {"name": "add"}}, 0),
        ("o1", {"type": "function", "function": {"name": "add"}}, 0),
    ],
)
def test_choices(model: str, choice: Any, tokens: int) -> None:
    body = {"messages": user("hello"), "tools": [tool("add")]}
    assert count_prompt({**body, "tool_choice": choice}, model).tokens - count_prompt(body, model).tokens == tokens


def test_the_system_text_shares_a_message_with_the_functions() -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "Be terse."}]}
    with_system = {"messages": [system, *user("hello")], "tools": [tool("add")]}
    without = {"messages": user("hello"), "tools": [tool("add")]}
    # role and ends are 4, the text is 3 (its full stop takes the newlines in), and 4 are shared
    assert count_prompt(with_system, "gpt-4o").tokens - count_prompt(without, "gpt-4o").tokens == 4 + 3 - 4


HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "hello"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"a": 6, "b": 7}'}}],
    },
    {"role": "tool", "tool_call_id": "a", "content": "hello"},
]


@pytest.mark.parametrize(
    ("model", "tokens"), [("gpt-4o", 8 + 11), ("gpt-5", 7 + 17), ("o3-mini", 7 + 11), ("o4-mini", 7 + 14)]
)
def test_history(model: str, tokens: int) -> None:
    # functions.add twice, {"a":6,"b":7} without white space, and hello
    assert count_prompt({"messages": HISTORY}, model) == Count(tokens + 2 + 2 + 9 + 1, False)


def test_history_of_one_function_as_first_offered() -> None:
    legacy = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "", "function_call": {"name": "add", "arguments": '{"a":6,"b":7}'}},
        {"role": "function", "name": "add", "content": "hello"},
    ]
    assert count_prompt({"messages": legacy}, "gpt-4o") == count_prompt({"messages": HISTORY}, "gpt-4o")


def test_text_beside_calls_is_a_message_of_its_own() -> None:
    told = [HISTORY[0], {**HISTORY[1], "content": "hello"}, HISTORY[2]]
    assert count_prompt({"messages": told}, "gpt-4o").tokens == count_prompt({"messages": HISTORY}, "gpt-4o").tokens + 5


def test_structured_output() -> None:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "minLength": 1}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    plain = count_prompt({"messages": user("hello")}, "gpt-5").tokens
    # # Response Formats / ## answer / {"type":"object","properties":{"answer":{"type":"string"}}}
    assert count_prompt({"messages": user("hello"), "response_format": asked}, "gpt-5") == Count(plain + 21, False)
    for other in ({"type": "text"}, {"type": "json_object"}, "json", None, {"type": "json_schema"}):
        told = count_prompt({"messages": user("hello"), "response_format": other}, "gpt-5")
        assert told.exact == (not isinstance(other, dict) or other["type"] != "json_schema")


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("hello", Count(1, True)),
        (["hello", "hello world"], Count(3, True)),
        ([1, 2, 3], Count(3, True)),
        ([[1, 2], [3]], Count(3, True)),
        (None, Count(0, False)),
        (7.5, Count(0, False)),
    ],
)
def test_completion_prompts(prompt: Any, count: Count) -> None:
    assert count_prompt({"model": "gpt-3.5-turbo-instruct", "prompt": prompt}) == count


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "role",
        "content",
        "name",
        "type",
        "text",
        "tool_calls",
        "function",
        "arguments",
        "parameters",
        "properties",
        "items",
        "anyOf",
        "$ref",
        "enum",
        "default",
        "required",
        "description",
        "title",
        "image_url",
        "tool_call_id",
    ]
)
SHAPED = st.recursive(
    JSON | st.sampled_from(("user", "assistant", "tool", "object", "array", "#/x", "text")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@given(messages=SHAPED, tools=SHAPED, choice=SHAPED, form=SHAPED, model=st.sampled_from(("gpt-4o", "gpt-5", "x", None)))
def test_any_json_counts(messages: Any, tools: Any, choice: Any, form: Any, model: str | None) -> None:
    body = {"messages": messages, "tools": tools, "functions": tools, "tool_choice": choice, "response_format": form}
    assert count_prompt(body, model).tokens >= 0
