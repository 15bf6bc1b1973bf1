"""Anthropic's blocks where they are not one after another, answers that came as calls, and usage in odd places."""

from __future__ import annotations

from typing import Any

import pytest

from dialects.kit import chat, play, play_at_cuts, said
from dialects.test_anthropic import (
    SCHEMA,
    START,
    USAGE,
    WEATHER,
    block,
    call,
    end,
    event,
    extras_of,
    finish_of,
    message_of,
    stream,
    text,
    whole,
)
from engine.kit import CountingMint
from trueline.context import ReplyContext, Route
from trueline.dialects.anthropic import DIALECT
from trueline.dialects.anthropic.meaning import JSON_TOOL
from trueline.dialects.anthropic.stream import MessageReader
from trueline.events import TextDelta

Fields = dict[str, Any]

USED: Fields = {"stream": True, "stream_options": {"include_usage": True}}


def begins(number: int, **begun: Any) -> bytes:
    return event("content_block_start", index=number, content_block=begun)


def tool(number: int, name: str) -> bytes:
    return begins(number, type="tool_use", id=f"toolu_{number}", name=name, input={})


def json(number: int, piece: str) -> bytes:
    return event("content_block_delta", index=number, delta={"type": "input_json_delta", "partial_json": piece})


def words(number: int, piece: str, kind: str = "text") -> bytes:
    return event("content_block_delta", index=number, delta={"type": f"{kind}_delta", kind: piece})


def stops(number: int) -> bytes:
    return event("content_block_stop", index=number)


def arguments(chunks: list[Fields]) -> dict[int, str]:
    found: dict[int, str] = {}
    for pieces in extras_of(chunks, "tool_calls"):
        for piece in pieces:
            found[piece["index"]] = found.get(piece["index"], "") + piece["function"].get("arguments", "")
    return found


# -- several open blocks ----------------------------------------------------------------------------------------------


def test_calls_that_come_together_keep_their_own_input() -> None:
    data = stream(
        *(tool(0, "f"), tool(1, "g"), json(0, '{"a":'), json(1, '{"b":'), json(0, "1}"), json(1, "2}")),
        *(stops(0), stops(1)),
        stop="tool_use",
    )
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert (arguments(reply.chunks), reply.faults) == ({0: '{"a":1}', 1: '{"b":2}'}, {})


def test_many_increments_that_come_together() -> None:
    """So many that they take a lane."""
    numbers = [str(n) for n in range(40)]
    data = stream(
        *(tool(0, "f"), tool(1, "g"), begins(2, type="text", text=""), begins(3, type="thinking", thinking="")),
        *(json(0, "["), json(1, "[")),
        *(
            piece
            for n in numbers
            for piece in (json(0, f"{n},"), json(1, f"-{n},"), words(2, f"t{n} "), words(3, f"h{n} ", "thinking"))
        ),
        *(json(0, "0]"), stops(0), words(2, "end"), json(1, "0]"), stops(2), stops(3), stops(1)),
        stop="tool_use",
    )
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert arguments(reply.chunks) == {0: f"[{','.join(numbers)},0]", 1: f"[{','.join('-' + n for n in numbers)},0]"}
    assert said(reply.chunks) == "".join(f"t{n} " for n in numbers) + "end"
    assert said(reply.chunks, "reasoning_content") == "".join(f"h{n} " for n in numbers)


def test_runs_of_increments_of_two_open_calls() -> None:
    runs = [json(number, f"{n},") for start in range(0, 60, 10) for number in (0, 1) for n in range(start, start + 10)]
    data = stream(tool(0, "f"), tool(1, "g"), json(0, "["), json(1, "[7,"), *runs, json(0, "0]"), json(1, "0]"))
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    numbers = ",".join(map(str, range(60)))
    assert arguments(reply.chunks) == {0: f"[{numbers},0]", 1: f"[7,{numbers},0]"}


def test_text_around_a_call() -> None:
    data = stream(
        *(begins(0, type="text", text=""), words(0, "A"), tool(1, "f"), words(0, "B"), json(1, '{"b":')),
        *(words(0, "C"), json(1, "2}"), stops(1), stops(0)),
        stop="tool_use",
    )
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert (said(reply.chunks), arguments(reply.chunks)) == ("ABC", {0: '{"b":2}'})


def test_blocks_that_came_together_go_back_in_their_order() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    data = stream(begins(0, type="text", text="A"), begins(1, **search), json(1, '{"q":1}'), stops(1), stops(0))
    reply = play_at_cuts(DIALECT, data, stream=True)
    (native,) = extras_of(reply.chunks, "anthropic")
    assert native["content"] == [{"type": "text", "text": "A"}, {**search, "input": {"q": 1}}]


def test_what_comes_for_a_block_that_ended_is_no_others() -> None:
    data = stream(tool(0, "f"), json(0, "{}"), stops(0), tool(1, "g"), json(0, "x"), json(1, "[]"), stops(1))
    assert arguments(play_at_cuts(DIALECT, data, stream=True).chunks) == {0: "{}", 1: "[]"}


@pytest.mark.parametrize("index", [None, 7, [0], "0"])
def test_increments_without_an_index_of_theirs_belong_to_the_latest_block(index: Any) -> None:
    delta = {"type": "input_json_delta", "partial_json": "{}"}
    pieces = (
        event("content_block_start", index=index, content_block={"type": "text", "text": "Hi"}),
        event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t", "name": "f"}),
        event("content_block_delta", **({} if index is None else {"index": 9}), delta=delta),
        event("content_block_stop"),
    )
    reply = play_at_cuts(DIALECT, stream(*pieces, stop="tool_use"), stream=True, tools=[WEATHER])
    assert (said(reply.chunks), arguments(reply.chunks)) == ("Hi", {0: "{}"})


def test_text_for_the_index_of_a_call_leaves_the_call_alone() -> None:
    data = stream(tool(0, "f"), json(0, "{"), words(0, "Hi"), json(0, "}"), stops(0), stop="tool_use")
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert (said(reply.chunks), arguments(reply.chunks)) == ("Hi", {0: "{}"})


def test_blocks_that_nobody_ends() -> None:
    data = stream(
        begins(0, type="thinking", thinking="Hm", signature="sig"),
        begins(1, type="text", text="So"),
        tool(2, "f"),
        stop="tool_use",
    )
    reply = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert (said(reply.chunks), arguments(reply.chunks)) == ("So", {0: "{}"})
    assert [one["signature"] for found in extras_of(reply.chunks, "reasoning_details") for one in found] == ["sig"]


# -- the answer as a call ---------------------------------------------------------------------------------------------

OLD: Fields = {"model": "claude-3-5-haiku-latest", "response_format": SCHEMA}
JSON: Fields = {"response_format": {"type": "json_object"}}


@pytest.mark.parametrize("fields", [JSON, OLD], ids=["json_object", "old"])
def test_text_beside_the_answer_is_none(fields: Fields) -> None:
    pieces = (text(0, "Sure, ", "here: "), call(1, JSON_TOOL, '{"a"', ":1}"), text(2, "Done."))
    reply = play_at_cuts(DIALECT, stream(*pieces, stop="tool_use"), stream=True, **fields)
    assert (said(reply.chunks), finish_of(reply.chunks)) == ('{"a":1}', "stop")
    (kept,) = extras_of(reply.chunks, "anthropic")
    assert [one["text"] for one in kept["content"]] == ["Sure, here: ", '{"a":1}', "Done."]
    answer = {"type": "tool_use", "id": "toolu_1", "name": JSON_TOOL, "input": {"a": 1}}
    both = play(DIALECT, whole({"type": "text", "text": "Sure"}, answer, stop="tool_use"), **fields)
    assert message_of(both)["content"] == '{"a":1}'


def test_only_the_first_call_is_the_answer() -> None:
    data = stream(call(0, JSON_TOOL, '{"a":1}'), call(1, JSON_TOOL, '{"a":2}'), call(2, JSON_TOOL), stop="tool_use")
    assert said(play_at_cuts(DIALECT, data, stream=True, **JSON).chunks) == '{"a":1}'
    answers = [{"type": "tool_use", "id": f"t{n}", "name": JSON_TOOL, "input": {"a": n}} for n in (1, 2)]
    assert message_of(play(DIALECT, whole(*answers, stop="tool_use"), **JSON))["content"] == '{"a":1}'


def test_text_is_the_answer_where_no_call_is() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    pieces = (
        block(0, {"type": "text", "text": '{"a"'}, {"type": "citations_delta", "citation": cited}),
        text(1, ":1}"),
    )
    reply = play_at_cuts(DIALECT, stream(*pieces), stream=True, **JSON)
    assert (said(reply.chunks), finish_of(reply.chunks)) == ('{"a":1}', "stop")
    assert len(extras_of(reply.chunks, "citations")) == 1
    both = play_at_cuts(DIALECT, stream(text(0, "Look"), call(1, "weather"), stop="tool_use"), **USED, **JSON)
    assert (said(both.chunks), arguments(both.chunks)) == ("Look", {0: "{}"})
    for body in (whole({"type": "text", "text": "{}"}), whole({"type": "text", "text": "{}"}, stop=None)):
        assert message_of(play(DIALECT, body, **JSON))["content"] == "{}"


@pytest.mark.parametrize(
    ("name", "fields", "waits"),
    [
        ("claude-sonnet-4-5", {"response_format": SCHEMA}, False),
        ("claude-3-5-haiku-latest", {"response_format": SCHEMA}, True),
        ("claude-sonnet-4-5", JSON, True),
        ("claude-sonnet-4-5", {**JSON, "output_format": {"schema": {}}}, False),
        ("claude-sonnet-4-5", {"response_format": {"type": "text"}}, False),
        ("claude-sonnet-4-5", {}, False),
    ],
)
def test_text_waits_only_where_a_call_may_be_the_answer(name: str, fields: Fields, waits: bool) -> None:
    made = ReplyContext(chat(**fields), Route("native", name), CountingMint())
    reader = MessageReader(made)
    payload = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "{"}}
    assert (TextDelta(0, "{") in reader.read(payload)) is not waits
    assert (reader.place(payload) is None) is waits


# -- usage ------------------------------------------------------------------------------------------------------------


def usage_of(data: bytes) -> Fields:
    reply = play_at_cuts(DIALECT, data, **USED)
    assert reply.faults.keys() <= {"usage-placeholder-zero"}
    usage: Fields = reply.chunks[-1]["usage"]
    return usage


def ended(*more: Fields, **first: Any) -> bytes:
    """A stream whose `message_delta` has only what `first` says, and others behind it."""
    deltas = (event("message_delta", **{"delta": {}, **one}) for one in more)
    return b"".join(
        (
            *(START, text(0, "x"), event("message_delta", delta={"stop_reason": "end_turn"}, **first)),
            *(*deltas, event("message_stop")),
        )
    )


def test_counts_that_come_after_the_reason() -> None:
    usage = usage_of(ended({"usage": {"output_tokens": 9}}))
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (16, 9, 25)
    usage = usage_of(ended({"usage": {"output_tokens": 9}}, usage={"output_tokens": 5}))
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (16, 9)


def test_counts_of_the_start_where_no_others_come() -> None:
    usage = usage_of(ended())
    assert usage["prompt_tokens"] == 16
    assert usage["completion_tokens"] >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["x_trueline"] in ("counted", "estimated")


def test_counts_that_are_null_are_those_of_the_start() -> None:
    nulls = {**dict.fromkeys(USAGE), "output_tokens": 7}
    usage = usage_of(ended(usage=nulls))
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (16, 7)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 4, "cache_write_tokens": 2}


def test_the_usual_end_has_one_usage() -> None:
    reply = play_at_cuts(DIALECT, START + text(0, "x") + end(), **USED)
    assert [chunk["usage"]["total_tokens"] for chunk in reply.chunks if chunk.get("usage")] == [23]
    assert reply.faults == {}
