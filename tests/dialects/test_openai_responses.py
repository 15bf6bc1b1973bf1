"""The Responses API upstream: its replies as chat completions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import Played, context, play, play_at_cuts, said
from dialects.responses_native import (
    call,
    drawing,
    events,
    halves,
    refusal,
    response,
    search,
    sse,
    streamed,
    text,
    thought,
    whole,
)
from dialects.responses_recorded import verdicts
from engine.kit import Fields
from trueline.dialects.openai_responses import DIALECT
from trueline.errors import UpstreamReplyError
from trueline.wire import jsonio

TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}},
    {"type": "custom", "custom": {"name": "shell"}},
]
INCOMPLETE = {"incomplete_details": {"reason": "max_output_tokens"}}
CITED = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3}
FILED = {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 2}
CUSTOM = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_9", "name": "shell", "input": "ls -l"}


def both(output: list[Fields], status: str = "completed", **more: Any) -> tuple[Fields, Fields]:
    """The choice of a whole reply, and that which the chunks of the streamed one add up to; no fault is noted."""
    one = play(DIALECT, whole(output, status, **more), tools=TOOLS)
    assert one.faults == {}
    other = play_at_cuts(DIALECT, streamed(output, status, **more), stream=True, tools=TOOLS)
    assert other.faults == {}
    return one.body["choices"][0], _added(other)


def _added(played: Played) -> Fields:
    message: Fields = {"role": "assistant", "content": said(played.chunks) or None}
    finish = None
    extras: Fields = {}
    for chunk in played.chunks:
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            extras |= {k: v for k, v in choice.items() if k not in ("index", "delta", "finish_reason", "logprobs")}
            for name, value in choice["delta"].items():
                _add(message, name, value)
    return {"message": message, "finish_reason": finish, **extras}


def _add(message: Fields, name: str, value: Any) -> None:
    if name == "tool_calls":
        for piece in value:
            calls = message.setdefault(name, [])
            if piece["index"] == len(calls):
                calls.append({k: v for k, v in piece.items() if k != "index"})
            else:
                kind = calls[piece["index"]]["type"]
                key = "arguments" if kind == "function" else "input"
                calls[piece["index"]][kind][key] += piece[kind][key]
    elif isinstance(value, list):
        message.setdefault(name, []).extend({k: v for k, v in one.items() if k != "index"} for one in value)
    elif name not in ("role", "content") and value is not None:
        message[name] = message.get(name, "") + value if isinstance(value, str) else value


# -- what is said -----------------------------------------------------------------------------------------------------

DETAILS = [
    {"type": "reasoning.summary", "summary": "Hm.", "id": "rs_1", "format": "openai-responses-v1"},
    {"type": "reasoning.summary", "summary": "So.", "id": "rs_1", "format": "openai-responses-v1"},
    {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "openai-responses-v1"},
]
REPLIES: list[tuple[list[Fields], Fields]] = [
    ([text("Hello")], {"content": "Hello"}),
    ([text("Hello", phase="final_answer")], {"content": "Hello", "phase": "final_answer"}),
    ([refusal("No, sorry")], {"content": None, "refusal": "No, sorry"}),
    (
        [thought("Hm.", "So."), text("Yes")],
        {"content": "Yes", "reasoning_content": "Hm.\n\nSo.", "reasoning_details": DETAILS},
    ),
    ([thought(sealed=None), text("Yes")], {"content": "Yes"}),
    (
        [thought(sealed=None, content=[{"type": "reasoning_text", "text": "Hm."}]), text("Yes")],
        {
            "content": "Yes",
            "reasoning_content": "Hm.",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm.", "id": "rs_1", "format": "openai-responses-v1"}
            ],
        },
    ),
    (
        [text("One"), text("two", 2)],
        {"content": "Onetwo", "openai_responses": {"output": [text("One"), text("two", 2)]}},
    ),
    (
        [search(), text("Wet today", annotations=[CITED, FILED])],
        {
            "content": "Wet today",
            "annotations": [{"type": "url_citation", "url_citation": {k: v for k, v in CITED.items() if k != "type"}}],
            "citations": [{"type": "file_citation", "file_citation": {k: v for k, v in FILED.items() if k != "type"}}],
            "openai_responses": {"output": [search(), text("Wet today", annotations=[CITED, FILED])]},
        },
    ),
]


@pytest.mark.parametrize(("output", "expected"), REPLIES)
def test_what_is_said(output: list[Fields], expected: Fields) -> None:
    for choice in both(output):
        assert choice["finish_reason"] == "stop"
        message = {k: v for k, v in choice["message"].items() if k != "role" and (v is not None or k in expected)}
        kept = message.get("openai_responses")
        if kept is not None:  # what is null may be missing
            kept["output"] = [{k: v for k, v in one.items() if v is not None} for one in kept["output"]]
        if message.get("annotations") == [] and "annotations" not in expected:
            del message["annotations"]
        assert message == expected


def test_calls_keep_their_ids_and_order() -> None:
    output = [call(1, '{"city":"Rome"}'), CUSTOM, call(2, "{}", namespace="n")]
    for choice in both(output):
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["content"] is None
        assert choice["message"]["tool_calls"] == [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
            {"id": "call_9", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}},
            {
                "id": "call_2",
                "type": "function",
                "function": {"name": "weather", "arguments": "{}"},
                "namespace": "n",
            },
        ]


def test_pictures() -> None:
    expected = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
    for choice in both([drawing(), text("Here")]):
        assert (choice["message"]["images"], choice["message"]["content"]) == (expected, "Here")
        assert "iVBOR" not in json.dumps(choice["message"]["openai_responses"])


def test_the_place_of_a_citation_is_that_in_the_whole_answer() -> None:
    for choice in both([text("One "), text("two", 2, annotations=[CITED])]):
        (cited,) = choice["message"]["annotations"]
        assert (cited["url_citation"]["start_index"], cited["url_citation"]["end_index"]) == (4, 7)


@pytest.mark.parametrize(
    ("reason", "finish", "more"),
    [
        ("max_output_tokens", "length", {}),
        ("content_filter", "content_filter", {}),
        ("max_tool_calls", "length", {"native_finish_reason": "max_tool_calls"}),
    ],
)
def test_why_a_reply_is_incomplete(reason: str, finish: str, more: Fields) -> None:
    data = json.dumps(response([text("Hel")], "incomplete", incomplete_details={"reason": reason})).encode()
    choice = play(DIALECT, data).body["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == (finish, "Hel")
    assert {name: choice.get(name) for name in more} == more


def test_an_answer_without_any_text() -> None:
    """As OpenAI's chats have it where a model thinks until its limit, or an answer was filtered."""
    for output in ([], [thought("Hm.")]):
        for reason, finish in (("max_output_tokens", "length"), ("content_filter", "content_filter")):
            whole_, streamed_ = both(output, "incomplete", incomplete_details={"reason": reason})
            assert (whole_["message"]["content"], whole_["finish_reason"]) == ("", finish)
            assert (streamed_["message"]["content"], streamed_["finish_reason"]) == (None, finish)


def test_a_call_that_was_cut_is_no_complete_one() -> None:
    for choice in both([call(1, '{"x":48', status="incomplete")], "incomplete", **INCOMPLETE):
        assert choice["finish_reason"] == "length"
        assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"x":48'


def test_counts_and_the_head_of_a_reply() -> None:
    body = play(DIALECT, whole([text("Hello")])).body
    assert body["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert (body["model"], body["created"], body["service_tier"]) == ("gpt-5-2025-08-07", 1_700_000_000, "default")
    chunks = play(DIALECT, streamed([text("Hello")]), stream=True, stream_options={"include_usage": True}).chunks
    assert chunks[-1]["usage"] == body["usage"]
    assert {chunk["created"] for chunk in chunks} == {1_700_000_000}
    assert "service_tier" not in chunks[0]  # `auto` is what was asked


def test_a_stored_reply_tells_its_id() -> None:
    assert play(DIALECT, whole([text("x")], store=True)).body["openai_responses"] == {"id": "resp_1"}
    chunks = play(DIALECT, streamed([text("x")], store=True), stream=True).chunks
    assert [chunk["openai_responses"] for chunk in chunks if "openai_responses" in chunk] == [{"id": "resp_1"}]


def test_probabilities() -> None:
    top = {"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169]}
    given = [{**top, "top_logprobs": [top]}]
    item = text("Hé")
    item["content"][0]["logprobs"] = given
    expected = {"content": given, "refusal": None}
    asked: Fields = {"logprobs": True, "top_logprobs": 1}
    played = play(DIALECT, whole([item]), **asked)
    assert (played.body["choices"][0]["logprobs"], played.faults) == (expected, {})
    bare = {"token": "Hé", "logprob": -0.5}
    made = events([item])
    (first, second) = [one for one in made if one["type"] == "response.output_text.delta"]
    first |= {"delta": "Hé", "logprobs": [{**bare, "top_logprobs": [bare]}]}
    made.remove(second)
    streamed_ = play_at_cuts(DIALECT, sse(*made), stream=True, **asked)
    probabilities = [c["logprobs"] for chunk in streamed_.chunks for c in chunk["choices"] if c.get("logprobs")]
    assert (probabilities, streamed_.faults) == ([expected], {})


# -- streams of other servers -----------------------------------------------------------------------------------------

OUTPUT = [thought("Hm.", "So."), text("Hello there"), call(1, '{"city":"Rome"}'), call(2, '{"city":"Oslo"}')]


def _without(*kinds: str) -> list[Fields]:
    return [one for one in events(OUTPUT) if not any(kind in one["type"] for kind in kinds)]


def _other_ids() -> list[Fields]:
    """Each event has an id of its own, as at GitHub Copilot."""
    made = events(OUTPUT)
    for number, one in enumerate(made):
        if "item_id" in one:
            one["item_id"] = f"x{number}"
        if "item" in one:
            one["item"] = {**one["item"], "id": f"y{number}"}
    return made


def _no_places() -> list[Fields]:
    gone = ("output_index", "content_index", "summary_index")
    return [{name: value for name, value in one.items() if name not in gone} for one in events(OUTPUT)]


def _no_output_at_the_end() -> list[Fields]:
    made = events(OUTPUT)
    made[-1]["response"] = {**made[-1]["response"], "output": []}
    return made


ODD: dict[str, list[Fields]] = {
    "no increments": _without(".delta", "_text.done", "_part", "arguments.done"),
    "no increments of texts, parts only": _without(".delta", "output_text.done", "summary_text.done"),
    "only the end": [events(OUTPUT)[0], events(OUTPUT)[-1]],
    "nothing but the end": [events(OUTPUT)[-1]],
    "no items": _without("output_item"),
    "items begin, and do not end": _without("output_item.done"),
    "other ids": _other_ids(),
    "no ids": [{name: value for name, value in one.items() if name != "item_id"} for one in events(OUTPUT)],
    "the last increment is lost": [
        one
        for one in events(OUTPUT)
        if not (one["type"].endswith("delta") and one["delta"] in {list(halves(w))[1] for w in ("Hello there", "So.")})
    ],
    "no output at the end": _no_output_at_the_end(),
    "no start": events(OUTPUT)[2:],
}


@pytest.mark.parametrize("name", ODD)
def test_nothing_is_lost_and_nothing_is_said_twice(name: str) -> None:
    data = b"".join(b"data: " + jsonio.encode(one) + b"\n\n" for one in ODD[name])
    choice = _added(play_at_cuts(DIALECT, data, stream=True, tools=TOOLS))
    message = choice["message"]
    assert message["content"] == "Hello there"
    assert message["reasoning_content"].replace("\n", "") == "Hm.So."
    calls = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]]
    if name == "no items":  # nothing but the end has their names
        calls = sorted(calls)
    assert [arguments for _, _, arguments in calls] == ['{"city":"Rome"}', '{"city":"Oslo"}']
    assert [called for _, called, _ in calls] == ["weather", "weather"]
    assert choice["finish_reason"] == "tool_calls"


def test_events_of_no_meaning_are_passed_over() -> None:
    other: list[Fields] = [
        {"type": "keepalive", "sequence_number": 3},
        {"type": "codex.rate_limits", "message": "x", "status": "allowed"},
        {"type": "response.web_search_call.searching", "output_index": 0},
        {},
    ]
    made = [one for event in events(OUTPUT) for one in (event, *other)][: -len(other)]
    data = b"".join(b"data: " + jsonio.encode(one) + b"\n\n" for one in made)
    played = play_at_cuts(DIALECT, data, stream=True, tools=TOOLS)
    assert (said(played.chunks), played.faults) == ("Hello there", {})


def test_events_may_be_told_by_their_names_alone() -> None:
    made = events([text("Hello")], "incomplete", **INCOMPLETE)
    data = b""
    for one in made:
        name = one.pop("type")
        one.get("response", {}).pop("status", None)
        data += f"event: {name}\ndata: {json.dumps(one)}\n\n".encode()
    choice = _added(play_at_cuts(DIALECT, data, stream=True))
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello", "length")


def test_items_without_a_place() -> None:
    made = [one for one in _no_places() if one.get("item_id") not in ("fc_1", "fc_2") and "function" not in str(one)]
    made.append({"type": "response.completed", "response": response(OUTPUT[:2])})
    data = b"".join(b"data: " + jsonio.encode(one) + b"\n\n" for one in made)
    message = _added(play_at_cuts(DIALECT, data, stream=True))["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hello there", "Hm.So.")


def test_a_whole_reply_may_answer_a_stream_and_a_stream_a_whole_request() -> None:
    assert said(play(DIALECT, whole([text("Hello")]), stream=True).chunks) == "Hello"
    assert play(DIALECT, streamed([text("Hello")])).body["choices"][0]["message"]["content"] == "Hello"


# -- failures ---------------------------------------------------------------------------------------------------------

BUSY = {"code": "rate_limit_exceeded", "message": "Slow down"}


@pytest.mark.parametrize("closing", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize("spoil", range(3, 17))
def test_a_stream_without_its_end_never_looks_complete(spoil: int, closing: bytes) -> None:
    given = events(OUTPUT)
    data = sse(*given[: min(spoil, len(given) - 1)]) + closing
    played = play_at_cuts(DIALECT, data, stream=True, tools=TOOLS)
    assert b'"finish_reason":"' not in played.out
    assert played.error is not None or b'"error"' in played.out


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ({"type": "error", **BUSY, "param": None, "sequence_number": 9}, 429),
        ({"type": "error", "error": {"type": "rate_limit_error", **BUSY}}, 429),
        ({"type": "response.failed", "response": response([], "failed", error=BUSY)}, 429),
        ({"type": "response.failed", "response": response([], "failed", error={**BUSY, "code": "server_error"})}, 500),
        ({"type": "response.failed", "response": {}}, 502),
        ({"type": "response.cancelled", "response": response([], "cancelled")}, 502),
    ],
)
def test_failures_are_errors_before_and_in_a_stream(last: Fields, status: int) -> None:
    end = b"data: " + jsonio.encode(last) + b"\n\n"
    early = play_at_cuts(DIALECT, sse(*events(OUTPUT)[:2]) + end, stream=True)
    assert early.error is not None
    assert early.error.status == status
    late = play_at_cuts(DIALECT, sse(*events([text("Hello")])[:6]) + end, stream=True)
    assert b'"finish_reason":"' not in late.out
    assert b'"error":' in late.out


@pytest.mark.parametrize(
    ("payload", "status", "message"),
    [
        (response([], "failed", error=BUSY), 429, "Slow down"),
        (response([], "queued"), 502, "The upstream did not finish its reply: it is queued."),
        (response([text("Hel")], "in_progress"), 502, "The upstream did not finish its reply: it is in_progress."),
        ({"object": "response.compaction", "output": []}, None, None),
        ({"error": {"message": "No", "type": "server_error", "code": None, "param": None}}, 502, "No"),
    ],
)
def test_whole_replies_that_are_none(payload: Fields, status: int | None, message: str | None) -> None:
    error = play(DIALECT, jsonio.encode(payload)).error
    assert error is not None
    assert status in (None, error.status)
    assert message in (None, error.message)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, {"error": {"type": "tokens", "param": None, **BUSY}}, (429, "rate_limit_exceeded", "Slow down")),
        (400, {"code": "invalid-argument", "error": "No model: x"}, (400, "invalid-argument", "No model: x")),
    ],
)  # fmt: skip
def test_errors_are_openais(status: int, body: Fields, expected: tuple[int, str, str]) -> None:
    error = DIALECT.read_error(status, {"content-type": "application/json"}, json.dumps(body).encode())
    assert (error.status, error.code, error.message) == expected


# -- recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_come_out_right(shared: Path, flavour: str) -> None:
    seen = [(name, verdict, problems) for name, verdict, problems, _ in verdicts(shared, flavour)]
    assert [one for one in seen if one[1] not in ("exact", "error")] == []
    assert sum(verdict == "exact" for _, verdict, _ in seen) > 600


# -- garbage ----------------------------------------------------------------------------------------------------------

NAMES = (
    *("type", "item", "part", "delta", "response", "output", "content", "text", "summary", "annotations", "annotation"),
    *("output_index", "content_index", "summary_index", "item_id", "id", "call_id", "name", "arguments", "input"),
    *("status", "error", "usage", "incomplete_details", "reason", "model", "created_at", "service_tier", "logprobs"),
    *("encrypted_content", "phase", "message", "code", "refusal", "object", "namespace", "caller", "action"),
)
WORDS = (
    *("message", "reasoning", "function_call", "custom_tool_call", "web_search_call", "output_text", "refusal"),
    *(
        "summary_text",
        "completed",
        "incomplete",
        "failed",
        "max_output_tokens",
        "url_citation",
        "response",
        "error",
        "",
    ),
)
TYPES = sorted(
    {one["type"] for one in events(OUTPUT)} | {"error", "response.failed", "response.incomplete", "response."}
)


def garbage(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.randrange(9 if depth < 5 else 6)
    if kind < 6:
        return dice.choice((None, True, 0, -3, 1e400, 2.5, "\ud800", dice.choice(WORDS), dice.choice(TYPES)))
    if kind == 6:
        return [garbage(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {dice.choice(NAMES): garbage(dice, depth + 1) for _ in range(dice.randrange(6))}


@pytest.mark.parametrize("seed", range(20))
def test_readers_bear_anything(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        reader = DIALECT.reader(context(stream=True))
        for _ in range(8):
            payload = garbage(dice, 1)
            if isinstance(payload, dict) and dice.random() < 0.8:
                payload["type"] = dice.choice(TYPES)
                if dice.random() < 0.7:
                    payload[dice.choice(("item", "response", "part"))] = {"type": dice.choice(WORDS), **_fields(dice)}
            assert isinstance(reader.read(payload, dice.choice((None, b"error", b"response.completed"))), list)
        assert isinstance(DIALECT.read_whole(garbage(dice), context()), list)
        output = {"output": [{"type": dice.choice(WORDS), **_fields(dice)} for _ in range(3)], **_fields(dice)}
        assert isinstance(DIALECT.read_whole(output, context()), list)
        body = jsonio.encode([1]) if seed % 2 else b"<html>"
        assert isinstance(DIALECT.read_error(500, {}, body), UpstreamReplyError)


def _fields(dice: random.Random) -> Fields:
    made = garbage(dice, 1)
    return {k: v for k, v in made.items() if k not in ("type", "output")} if isinstance(made, dict) else {}


@pytest.mark.parametrize("seed", range(40))
def test_spoilt_streams_end_in_something(seed: int) -> None:
    """Fields of a good stream are replaced by anything: what comes out is a stream or an error."""
    dice = random.Random(seed)
    made = json.loads(json.dumps(events(OUTPUT)))
    for _ in range(dice.randrange(1, 6)):
        place: Any = dice.choice(made)
        while isinstance(place, dict) and place:
            name = dice.choice(list(place))
            if not isinstance(place[name], dict) or dice.random() < 0.3:
                place[name] = garbage(dice, 3)
                break
            place = place[name]
    data = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in made)
    played = play(DIALECT, data, stream=True, tools=TOOLS)
    assert played.error is not None or played.out
