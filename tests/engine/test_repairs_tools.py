"""The tracker of tool calls: whatever came, each call is opened once, has an id, a name and JSON text."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import Played, chat, chunk, dumps, play, sse, whole
from trueline.errors import UpstreamFormatError

Calls = list[tuple[str, str, str]]
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g", "get_weather")]
MINTED = ["call_" + str(n).zfill(24) for n in range(1, 9)]


def call(index: Any = 0, id: Any = None, name: Any = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A fragment; what is None is absent, and `...` stands for null."""
    given = {"index": index, "id": id, "type": "function" if name else None}
    inner = {"name": name, "arguments": arguments}
    fields = {k: None if v is ... else v for k, v in given.items() if v is not None}
    return {**fields, "function": {k: None if v is ... else v for k, v in inner.items() if v is not None}, **more}


def played(*deltas: Any, finish: Any = "tool_calls", **asked: Any) -> Played:
    """A stream of these fragments, a list being fragments of one chunk."""
    entries = [d if isinstance(d, list) else [d] for d in deltas]
    first = chunk({"role": "assistant", "content": None, "tool_calls": entries[0]})
    rest = [chunk({"tool_calls": e}) for e in entries[1:]]
    return play(sse(first, *rest, chunk({}, finish)), chat(stream=True, tools=TOOLS, **asked))


def calls(reply: Played) -> Calls:
    """(id, name, arguments) as an SDK's accumulator puts them together, demanding what it demands."""
    assert reply.error is None
    found: dict[int, dict[str, Any]] = {}
    for payload in reply.payloads:
        for entry in payload["choices"][0]["delta"].get("tool_calls", ()):
            index = entry["index"]
            if index not in found:
                assert index == len(found) and entry["type"] == "function"
                found[index] = {"id": entry["id"], "name": entry["function"]["name"], "arguments": ""}
                assert entry["function"]["arguments"] == ""
            else:
                assert entry.keys() == {"index", "function"} and entry["function"].keys() == {"arguments"}
                found[index]["arguments"] += entry["function"]["arguments"]
    return [(c["id"], c["name"], c["arguments"]) for c in found.values()]


A, B = ("call_a", "f", '{"a":1}'), ("call_b", "g", '{"b":2}')

TABLE: list[tuple[str, list[Any], Calls, set[str]]] = [
    ("exact", [call(0, "call_a", "f", ""), call(0, arguments='{"a":'), call(0, arguments="1}")], [A], set()),
    ("whole call in one chunk", [call(0, "call_a", "f", '{"a":1}')], [A], set()),
    (
        "two exact",
        [
            call(0, "call_a", "f", ""),
            call(0, arguments='{"a":1}'),
            call(1, "call_b", "g", ""),
            call(1, arguments='{"b":2}'),
        ],
        [A, B],
        set(),
    ),
    ("two in one chunk", [[call(0, "call_a", "f", '{"a":1}'), call(1, "call_b", "g", '{"b":2}')]], [A, B], set()),
    (
        "interleaved",
        [
            [call(0, "call_a", "f", '{"a"'), call(1, "call_b", "g", '{"b"')],
            [call(0, arguments=":1}"), call(1, arguments=":2}")],
        ],
        [A, B],
        set(),
    ),
    ("no index", [call(None, "call_a", "f", '{"a":'), call(None, arguments="1}")], [A], {"tool-index-missing"}),
    (
        "no index, two",
        [call(None, "call_a", "f", '{"a":1}'), call(None, "call_b", "g", '{"b":2}')],
        [A, B],
        {"tool-index-missing"},
    ),
    (
        "no index, two in pieces",
        [
            call(None, "call_a", "f", ""),
            call(None, arguments='{"a":1}'),
            call(None, "call_b", "g"),
            call(None, arguments='{"b":2}'),
        ],
        [A, B],
        {"tool-index-missing", "tool-calls-other-shape"},
    ),
    (
        "all zero",
        [call(0, "call_a", "f", '{"a":1}'), call(0, "call_b", "g", '{"b":2}')],
        [A, B],
        {"tool-index-all-zero"},
    ),
    (
        "all zero, in pieces",
        [
            call(0, "call_a", "f", ""),
            call(0, arguments='{"a":1}'),
            call(0, "call_b", "g", ""),
            call(0, arguments='{"b":2}'),
        ],
        [A, B],
        {"tool-index-all-zero"},
    ),
    ("from one", [call(1, "call_a", "f", '{"a":1}'), call(2, "call_b", "g", '{"b":2}')], [A, B], {"tool-index-bad"}),
    ("a gap", [call(0, "call_a", "f", '{"a":1}'), call(7, "call_b", "g", '{"b":2}')], [A, B], {"tool-index-bad"}),
    (
        "index of the arguments, with the name",
        [call(1, "call_a", "f"), call(0, name="f", arguments='{"a":'), call(0, name="f", arguments="1}")],
        [A],
        {
            "tool-index-id-vs-args",
            "tool-index-bad",
            "tool-name-repeated",
            "tool-id-repeated",
            "tool-calls-other-shape",
        },
    ),
    (
        "index of the arguments, with the late name",
        [call(1, "call_a", ""), call(0, name="f", arguments='{"a":'), call(0, arguments="1}")],
        [A],
        {
            "tool-index-id-vs-args",
            "tool-index-bad",
            "tool-name-late",
            "tool-type-missing",
            "tool-id-repeated",
            "tool-calls-other-shape",
        },
    ),
    ("index null", [call(..., "call_a", "f", '{"a":1}')], [A], {"tool-index-bad"}),
    ("index a string", [call("0", "call_a", "f", '{"a":'), call("0", arguments="1}")], [A], {"tool-index-bad"}),
    ("index negative", [call(-1, "call_a", "f", '{"a":'), call(-1, arguments="1}")], [A], {"tool-index-bad"}),
    (
        "arguments on another index",
        [call(1, "call_a", "f", ""), call(0, arguments='{"a":1}')],
        [A],
        {"tool-index-bad", "tool-index-id-vs-args"},
    ),
    ("twice in one chunk", [[call(0, "call_a", "f", '{"a"'), call(0, arguments=":1}")]], [A], set()),
    (
        "id in every piece",
        [call(0, "call_a", "f", '{"a":'), call(0, "call_a", arguments="1}")],
        [A],
        {"tool-id-repeated"},
    ),
    ("id empty later", [call(0, "call_a", "f", '{"a":'), call(0, "", arguments="1}")], [A], {"tool-id-empty-later"}),
    ("id null later", [call(0, "call_a", "f", '{"a":'), call(0, ..., arguments="1}")], [A], {"tool-id-empty-later"}),
    (
        "id late",
        [call(0, name="f", arguments=""), call(0, "call_a", arguments='{"a":1}')],
        [(MINTED[0], *A[1:])],
        {"tool-id-missing", "tool-id-repeated"},
    ),
    ("id missing", [call(0, name="f", arguments='{"a":1}')], [(MINTED[0], *A[1:])], {"tool-id-missing"}),
    ("id a number", [call(0, 7, "f", '{"a":1}')], [("7", *A[1:])], {"tool-id-missing"}),
    ("id true", [call(0, True, "f", '{"a":1}')], [(MINTED[0], *A[1:])], {"tool-id-missing"}),
    (
        "name in every piece",
        [call(0, "call_a", "f", '{"a":'), call(0, name="f", arguments="1}")],
        [A],
        {"tool-name-repeated", "tool-id-repeated"},
    ),
    (
        "name empty later",
        [call(0, "call_a", "f", '{"a":'), {**call(0, arguments="1}"), "function": {"name": "", "arguments": "1}"}}],
        [A],
        {"tool-name-empty-later"},
    ),
    (
        "name late",
        [call(0, "call_a", arguments='{"a":'), call(0, name="f", arguments="1}")],
        [A],
        {"tool-name-late", "tool-type-missing", "tool-id-repeated"},
    ),
    ("arguments an object", [call(0, "call_a", "f", {"a": 1})], [A], {"tool-args-object"}),
    ("arguments a list", [call(0, "call_a", "f", [1])], [(*A[:2], "[1]")], {"tool-args-object"}),
    ("no arguments", [call(0, "call_a", "f")], [(*A[:2], "{}")], {"tool-args-empty", "tool-calls-other-shape"}),
    ("arguments null", [call(0, "call_a", "f", ...)], [(*A[:2], "{}")], {"tool-args-empty", "tool-calls-other-shape"}),
    (
        "arguments empty",
        [call(0, "call_a", "f", ""), call(0, arguments="")],
        [(*A[:2], "{}")],
        {"tool-args-empty", "empty-deltas"},
    ),
    (
        "one of two without",
        [call(0, "call_a", "f", ""), call(1, "call_b", "g", '{"b":2}')],
        [(*A[:2], "{}"), B],
        {"tool-args-empty"},
    ),
    (
        "arguments once more",
        [call(0, "call_a", "f", ""), call(0, arguments='{"a":1}'), call(0, arguments='{"a":1}')],
        [A],
        {"tool-args-dup-full"},
    ),
    (
        "running totals",
        [call(0, "call_a", "f", ""), *(call(0, arguments=a) for a in ('{"a"', '{"a":', '{"a":1}'))],
        [A],
        {"tool-args-cumulative"},
    ),
    ("name decorated", [call(0, "call_a", "functions.f:0", '{"a":1}')], [A], {"tool-name-decorated"}),
    ("half of a pair", [call(0, "call_a", "f", '{"a":"\ud83d"}')], [(*A[:2], '{"a":"\ufffd"}')], {"lone-surrogate"}),
    ("type null", [{**call(0, "call_a", "f", '{"a":1}'), "type": None}], [A], {"tool-type-missing"}),
    (
        "no wrapper",
        [{"index": 0, "id": "call_a", "name": "f", "arguments": '{"a":1}'}],
        [A],
        {"tool-calls-other-shape", "tool-type-missing"},
    ),
    (
        "nothing in it",
        [call(0, "call_a", "f", '{"a":1}'), {}, {"index": 0}, {"function": None}],
        [A],
        {"tool-index-missing", "empty-deltas"},
    ),
]


# How the pieces of this table are packed, which is none of its business.
IN_ONE_CHUNK = {"tool-whole-call-one-chunk", "tool-multi-calls-one-chunk", "tool-index-dup-in-chunk"}


@pytest.mark.parametrize(("fragments", "wanted", "faults"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_streamed(fragments: list[Any], wanted: Calls, faults: set[str]) -> None:
    reply = played(*fragments)

    assert calls(reply) == wanted
    assert reply.faults.keys() - IN_ONE_CHUNK == faults


@pytest.mark.parametrize(("fragments", "wanted", "faults"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_folded(fragments: list[Any], wanted: Calls, faults: set[str]) -> None:
    """A whole reply to the same stream says the same."""
    entries = [d if isinstance(d, list) else [d] for d in fragments]
    data = sse(
        *(chunk({"role": "assistant", "content": None, "tool_calls": e}) for e in entries), chunk({}, "tool_calls")
    )

    message = play(data, chat(tools=TOOLS)).body["choices"][0]["message"]

    found = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]]
    assert found == wanted


def test_a_call_that_is_cut_by_the_length_keeps_its_half() -> None:
    reply = played(call(0, "call_a", "f", '{"a":'), finish="length")
    assert calls(reply) == [("call_a", "f", '{"a":')]

    reply = played(call(0, "call_a", "f", ""), finish="length")
    assert calls(reply) == [("call_a", "f", "")]


def test_arguments_after_the_finish_are_the_only_ones() -> None:
    first = chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "call_a", "f", "")]}, "tool_calls")

    reply = play(sse(first, chunk({"tool_calls": [call(0, arguments='{"a":1}')]}), chunk({}, "tool_calls")))

    assert calls(reply) == [A]
    assert "tool-args-empty" not in reply.faults


def test_a_call_without_a_name_cannot_be_called() -> None:
    reply = played(call(0, "call_a", arguments='{"a":1}'))

    assert reply.error is not None or "error" in reply.payloads[-1]
    assert "tool-name-never" in reply.faults


def test_a_call_without_a_name_in_a_whole_reply_is_an_error() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_a", "function": {"arguments": "{}"}}]}

    reply = play(dumps(whole(message, "tool_calls")), chat())

    assert isinstance(reply.error, UpstreamFormatError)


@pytest.mark.parametrize("empty", [[], None, {}, "x", 0, False, [None], [1, "a"]])
def test_what_are_no_calls(empty: Any) -> None:
    reply = play(sse(chunk({"role": "assistant", "content": "Hi", "tool_calls": empty}), chunk({}, "stop")))

    assert calls(reply) == []
    assert reply.payloads[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("f", "f"),
        ("functions.f", "f"),
        ("functions.f:0", "f"),
        ("default_api:f", "f"),
        ("default_api.f", "f"),
        ("unknown", "unknown"),
        ("functions.unknown:0", "functions.unknown:0"),
        ("get_weather:12", "get_weather"),
    ],
)
def test_decorated_names(sent: str, kept: str) -> None:
    assert calls(played(call(0, "call_a", sent, "{}")))[0][1] == kept


def test_names_stay_where_no_tool_is_known() -> None:
    reply = play(sse(chunk({"role": "assistant", "tool_calls": [call(0, "a", "functions.f:0", "{}")]}, "tool_calls")))

    assert calls(reply)[0][1] == "functions.f:0"


# -- the legacy field -------------------------------------------------------------------------------------------------


def legacy(*pieces: dict[str, Any]) -> bytes:
    return sse(chunk({"role": "assistant"}), *(chunk({"function_call": p}) for p in pieces), chunk({}, "function_call"))


def test_a_function_call_is_a_tool_call_where_tools_were_given() -> None:
    reply = play(legacy({"name": "f", "arguments": '{"a":'}, {"arguments": "1}"}), chat(stream=True, tools=TOOLS))

    assert calls(reply) == [(MINTED[0], "f", '{"a":1}')]
    assert reply.payloads[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_function_call_stays_one_where_functions_were_given() -> None:
    reply = play(
        legacy({"name": "f", "arguments": '{"a":'}, {"arguments": "1}"}), chat(stream=True, functions=[{"name": "f"}])
    )

    pieces = [p["choices"][0]["delta"].get("function_call", {}) for p in reply.payloads]
    assert "".join(p.get("name", "") for p in pieces) == "f"
    assert "".join(p.get("arguments", "") for p in pieces) == '{"a":1}'
    assert reply.payloads[-1]["choices"][0]["finish_reason"] == "function_call"


def test_custom_calls_pass() -> None:
    custom = {"index": 0, "id": "call_a", "type": "custom", "custom": {"name": "shell", "input": ""}}
    more = {"index": 0, "custom": {"input": "ls"}}
    data = sse(
        chunk({"role": "assistant", "content": None, "tool_calls": [custom]}),
        chunk({"tool_calls": [more]}),
        chunk({}, "tool_calls"),
    )

    reply = play(data, chat(stream=True, tools=[{"type": "custom", "custom": {"name": "shell"}}]))

    assert reply.out == data
    assert reply.faults == {}


def test_whole_calls() -> None:
    sent = [{"id": "call_a", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}, "index": 0}]
    same = {"id": "call_a", "type": "function", "function": {"name": "g", "arguments": ""}}

    reply = play(
        dumps(whole({"role": "assistant", "content": None, "tool_calls": [*sent, same], "refusal": None})), chat()
    )

    first, second = reply.body["choices"][0]["message"]["tool_calls"]
    assert first == {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert second == {"id": MINTED[0], "type": "function", "function": {"name": "g", "arguments": "{}"}}
    assert reply.faults.keys() == {
        *(
            "tool-args-object",
            "tool-index-in-nonstream",
            "tool-id-duplicate",
            "tool-args-empty",
            "finish-stop-with-tools",
        )
    }
