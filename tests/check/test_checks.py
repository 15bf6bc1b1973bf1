"""The checks of meaning, on replies made for them: what they say of wrong servers, and of models that are only dull."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.check import Exchange, Issue
from trueline.check.checks import (
    calls_named,
    calls_parse,
    calls_something,
    embeddings_as_asked,
    false_length,
    has_logprobs,
    is_json,
    limit_kept,
    matches_schema,
    nobody_elses,
    not_buffered,
    not_prefilled,
    same_usage,
    same_vectors,
    says_choices,
    says_something,
    stop_kept,
    usage_plausible,
)
from trueline.check.probes.build import TIME, WEATHER, echo, named

PATH = "/v1/chat/completions"
SCHEMA = {"json_schema": {"schema": {"properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}}}


def whole(text: str | None = None, finish: str = "stop", usage: Any = None, asked: Any = None, **more: Any) -> Exchange:
    """A whole chat reply."""
    message = {"role": "assistant", "content": text, **more}
    body: dict[str, Any] = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return Exchange("POST", PATH, asked or {}, 200, {}, json.dumps(body | ({"usage": usage} if usage else {})).encode())


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]}


def counted(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def vectors(*rows: list[float]) -> Exchange:
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    return Exchange("POST", "/v1/embeddings", {}, 200, {}, json.dumps({"data": data}).encode())


LIMITED = {"max_tokens": 4}
LONG = "one two three four five six seven"
TOOLS = {"tools": [WEATHER, TIME]}

# the check, the exchange -> the names of what it finds
CASES: dict[str, tuple[Any, Exchange, list[str]]] = {
    "words": (says_something, whole("yes"), []),
    "no words, though counted": (says_something, whole("", usage=counted(5, 9)), ["text-lost"]),
    "no words, one token": (says_something, whole("", usage=counted(5, 1)), []),
    "no words, all in the thoughts": (says_something, whole("", reasoning="yes"), ["reasoning-holds-answer"]),
    "no words, cut while thinking": (says_something, whole("", "length", reasoning="hm"), []),
    "no words, a refusal": (says_something, whole(None, refusal="no", usage=counted(5, 9)), []),
    "within the limit": (limit_kept, whole("one two", "length", asked=LIMITED), []),
    "beyond the limit": (limit_kept, whole(LONG, asked=LIMITED), ["max_completion_tokens-ignored"]),
    "far beyond it, in thoughts": (
        limit_kept, whole("", usage=counted(5, 90), asked=LIMITED), ["max_completion_tokens-ignored"],
    ),
    "cut at the limit, and says stop": (
        limit_kept, whole("one two", usage=counted(5, 4), asked=LIMITED), ["finish-length-masked"],
    ),
    "short of itself": (limit_kept, whole("one", usage=counted(5, 2), asked=LIMITED), []),
    "a false length": (
        false_length, whole("ok", "length", usage=counted(5, 1), asked={"max_tokens": 64}), ["finish-length-false"],
    ),
    "a true length": (false_length, whole(LONG * 9, "length", usage=counted(5, 64), asked={"max_tokens": 64}), []),
    "a length without counts": (false_length, whole("ok", "length", asked={"max_tokens": 64}), ["finish-length-false"]),
    "a length of thoughts": (false_length, whole("", "length", reasoning="hm", asked={"max_tokens": 64}), []),
    "a stop that is kept": (stop_kept, whole("alpha bravo ", asked={"stop": "charlie"}), []),
    "a stop at the end": (stop_kept, whole("alpha charlie", asked={"stop": "charlie"}), ["stop-echoed"]),
    "a stop in the middle": (stop_kept, whole("a charlie b", asked={"stop": ["x", "charlie"]}), ["stop-ignored"]),
    "one choice of three": (says_choices, whole("a", asked={"n": 3}), ["n-ignored"]),
    "logprobs that do not come": (has_logprobs, whole("a"), ["logprobs-asked"]),
    "logprobs of no text": (has_logprobs, whole(""), []),
    "a beginning said again": (
        not_prefilled,
        whole("Tea is nice", asked={"messages": [{"role": "assistant", "content": "Tea is"}]}),
        ["prefill-echo"],
    ),
    "JSON": (is_json, whole('{"a": 1}'), []),
    "JSON in a fence": (is_json, whole('```json\n{"a": 1}\n```'), ["json-mode-fenced"]),
    "no JSON": (is_json, whole("Sure! Here it is"), ["json-mode-broken"]),
    "JSON that was cut": (is_json, whole('{"a": ', "length"), []),
    "a schema kept": (matches_schema, whole('{"ok": true}', asked={"response_format": SCHEMA}), []),
    "a schema broken": (
        matches_schema, whole('{"no": 1}', asked={"response_format": SCHEMA}), ["json-schema-not-kept"],
    ),
    "a required call": (calls_something, whole(**call("get_weather", "{}"), finish="tool_calls"), []),
    "no required call": (calls_something, whole("It is fine."), ["tool_choice-required-ignored"]),
    "a call in the text": (
        calls_something, whole('<tool_call>{"name": "x"}'), ["tool_choice-required-ignored", "tool-markup-leak"],
    ),
    "another tool": (
        calls_named, whole(**call("get_weather", "{}"), asked={"tool_choice": named("get_time")}),
        ["tool_choice-named-ignored"],
    ),
    "good arguments": (calls_parse, whole(**call("get_weather", '{"location": "Paris"}'), asked=TOOLS), []),
    "arguments that lack one": (calls_parse, whole(**call("get_weather", "{}"), asked=TOOLS), ["schema-not-kept"]),
    "broken arguments": (calls_parse, whole(**call("get_time", "{'a'}"), asked=TOOLS), ["tool-args-invalid-json"]),
    "JSON in JSON": (calls_parse, whole(**call("get_time", '"{}"'), asked=TOOLS), ["tool-args-double-encoded"]),
    "arguments that were cut": (calls_parse, whole(**call("get_time", '{"a'), finish="length", asked=TOOLS), []),
    "a usage of nothing": (usage_plausible, whole("a", usage=counted(0, 3)), ["usage-counts-nothing"]),
    "a good usage": (usage_plausible, whole("a", usage=counted(9, 3)), []),
    "vectors of two lengths": (embeddings_as_asked, vectors([0.1, 0.2], [0.1]), ["emb-uneven"]),
    "a vector of zeros": (embeddings_as_asked, vectors([0.0, 0.0]), ["emb-zeros"]),
    "good vectors": (embeddings_as_asked, vectors([0.1, 0.0]), []),
}  # fmt: skip


def found(issues: Any) -> list[str]:
    listed: list[Issue] = list(issues)
    return [issue.name for issue in listed]


@pytest.mark.parametrize("name", CASES)
def test_what_a_check_finds(name: str) -> None:
    check, exchange, wanted = CASES[name]

    assert found(check(exchange)) == wanted


@pytest.mark.parametrize(
    ("first_byte", "seconds", "events", "wanted"),
    [
        (3.9, 4.0, 40, ["buffered-stream"]),
        (0.3, 4.0, 40, []),  # it comes as it is written
        (3.9, 4.0, 5, []),  # a short stream behind a long thought
        (0.09, 0.1, 40, []),  # a fast server
    ],
)
def test_streams_that_were_held_back(first_byte: float, seconds: float, events: int, wanted: list[str]) -> None:
    body = b"data: {}\n\n" * events
    exchange = Exchange("POST", PATH, {"stream": True}, 200, {}, body, first_byte=first_byte, seconds=seconds)

    assert found(not_buffered(exchange)) == wanted


def asked_for(mark: str, said: str, name: str = "") -> Exchange:
    made = whole(said, asked={"messages": [{"role": "user", "content": echo(mark)}]})
    body = json.loads(made.body) | {"id": name or f"chatcmpl-{mark}"}
    return Exchange("POST", PATH, made.request, 200, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("exchanges", "wanted"),
    [
        ([asked_for("amber-71", "amber-71"), asked_for("birch-42", "birch-42")], []),
        ([asked_for("amber-71", "I cannot."), asked_for("birch-42", "like oak-99")], []),
        ([asked_for("amber-71", "birch-42"), asked_for("birch-42", "birch-42")], ["text-of-another-request"]),
        ([asked_for("amber-71", "a", "one"), asked_for("birch-42", "b", "one")], ["id-shared"]),
    ],
)
def test_texts_of_others(exchanges: list[Exchange], wanted: list[str]) -> None:
    assert found(nobody_elses(exchanges)) == wanted


@pytest.mark.parametrize(
    ("several", "alone", "wanted"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0], []),
        ([[0.0, 1.0], [1.0, 0.0]], [1.0, 0.0], ["emb-order"]),
        ([[0.5, 0.5], [0.4, 0.6]], [0.9, 0.1], []),  # the vectors differ from call to call: nothing is proved
    ],
)
def test_the_order_of_vectors(several: list[list[float]], alone: list[float], wanted: list[str]) -> None:
    assert found(same_vectors([vectors(*several), vectors(alone)])) == wanted


@pytest.mark.parametrize(("one", "other", "wanted"), [(9, 9, []), (9, 12, ["usage-differs-streamed"]), (9, 0, [])])
def test_the_same_prompt_costs_the_same(one: int, other: int, wanted: list[str]) -> None:
    assert found(same_usage([whole("a", usage=counted(one, 1)), whole("a", usage=counted(other, 1))])) == wanted
