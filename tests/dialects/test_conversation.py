"""What the writers of all dialects read of a request's messages: calls that each have an id of their own."""

from __future__ import annotations

from typing import Any

import pytest

from dialects.kit import Notes, chat
from trueline.dialects.conversation import read_turns
from trueline.dialects.provider import dialect_of

Fields = dict[str, Any]

MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere": "command-a-03-2025",
    "openai_responses": "gpt-4.1",
}


def call(identity: str, name: str = "f") -> Fields:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": "{}"}}


def asks(*calls: Fields) -> Fields:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(identity: str, said: str) -> Fields:
    return {"role": "tool", "tool_call_id": identity, "content": said}


def legacy(said: str) -> list[Fields]:
    return [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": said},
    ]


CASES: dict[str, tuple[list[Fields], list[str], list[tuple[str | None, str | None]]]] = {
    "as they are": (
        [asks(call("a"), call("b", "g")), result("b", "1"), result("a", "2")],
        ["a", "b"],
        [("b", "g"), ("a", "f")],
    ),
    "again in the next turn": (
        [asks(call("call_0")), result("call_0", "1"), asks(call("call_0", "g")), result("call_0", "2")],
        ["call_0", "call_0_2"],
        [("call_0", "f"), ("call_0_2", "g")],
    ),
    "again in one turn": (
        [asks(call("x"), call("x", "g")), result("x", "1"), result("x", "2")],
        ["x", "x_2"],
        [("x", "f"), ("x_2", "g")],
    ),
    "never answered before": (
        [asks(call("x")), asks(call("x", "g")), result("x", "1")],
        ["x", "x_2"],
        [("x_2", "g")],
    ),
    "answered twice": ([asks(call("x")), result("x", "1"), result("x", "2")], ["x"], [("x", "f"), ("x", "f")]),
    "an id like a minted one": (
        [asks(call("x"), call("x"), call("x_2", "g")), result("x_2", "3"), result("x", "1"), result("x", "2")],
        ["x", "x_2", "x_2_2"],
        [("x_2_2", "g"), ("x", "f"), ("x_2", "f")],
    ),
    "functions": ([*legacy("1"), *legacy("2")], ["f", "f_2"], [("f", "f"), ("f_2", "f")]),
    "of nobody's call": ([result("zz", "1")], [], [("zz", None)]),
}


@pytest.mark.parametrize("case", CASES)
def test_calls_have_ids_of_their_own(case: str) -> None:
    messages, ids, results = CASES[case]
    turns = read_turns({"messages": messages})
    assert [one.id for turn in turns for one in turn.calls] == ids
    assert [(turn.call_id, turn.name) for turn in turns if turn.role == "tool"] == results


def test_many_calls_of_one_id_take_no_time() -> None:
    turns = read_turns({"messages": [asks(*[call("x")] * 20_000)]})
    assert len({one.id for one in turns[0].calls}) == 20_000


@pytest.mark.parametrize("dialect", MODELS)
def test_no_dialect_sends_an_id_for_two_calls(dialect: str) -> None:
    messages = [{"role": "user", "content": "hi"}, *CASES["again in the next turn"][0], *legacy("1"), *legacy("2")]
    sent = dialect_of(dialect).write_request(chat(messages=messages), Notes().asked(MODELS[dialect])).body
    for identity in (b'"call_0"', b'"call_0_2"', b'"f_2"'):
        assert sent.count(identity) == 2  # the call and its result
