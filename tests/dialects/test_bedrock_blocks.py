"""Converse's blocks that OpenAI has no place for, answers that came as calls, odd values, and why a reply stopped."""

from __future__ import annotations

from typing import Any

import pytest

from dialects.kit import chat, context, play, play_at_cuts, said
from dialects.test_bedrock import CLAUDE, NEW_CLAUDE, SCHEMA, WEATHER, event, stream, text, whole
from engine.kit import CountingMint
from trueline.context import ReplyContext, Route
from trueline.dialects.bedrock import DIALECT
from trueline.dialects.bedrock.meaning import FORCED_TOOL
from trueline.dialects.bedrock.reply import read_whole
from trueline.dialects.bedrock.stream import ConverseReader
from trueline.events import TextDelta

Fields = dict[str, Any]

JSON: Fields = {"response_format": {"type": "json_object"}}


def begins(index: Any, **start: Any) -> bytes:
    return event("contentBlockStart", contentBlockIndex=index, start=start)


def delta(index: Any, **said: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=said)


def stops(index: Any) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def call(index: Any, name: str, *pieces: str, identity: str = "t1") -> bytes:
    begun = begins(index, toolUse={"toolUseId": identity, "name": name})
    return begun + b"".join(delta(index, toolUse={"input": piece}) for piece in pieces) + stops(index)


def extras(chunks: list[Fields], name: str) -> list[Any]:
    deltas = (choice["delta"] for chunk in chunks for choice in chunk["choices"])
    return [one for delta in deltas for one in delta.get(name) or ()]


def ending(chunks: list[Fields]) -> Fields:
    choice: Fields = next(c for chunk in chunks for c in chunk["choices"] if c["finish_reason"])
    return choice


# -- blocks -----------------------------------------------------------------------------------------------------------

SEARCH = {"toolUseId": "s", "name": "web", "type": "server_tool_use"}
OTHERS: list[tuple[list[bytes], Fields]] = [
    (
        [
            begins(0, image={"format": "png"}),
            *(delta(0, image={"source": {"bytes": piece}}) for piece in ("iVA=", "TkcN")),
        ],
        {"image": {"format": "png", "source": {"bytes": "iVBORw0="}}},
    ),
    (
        [delta(0, image={"source": {"bytes": "iVA="}}), delta(0, image={"source": {"bytes": "!"}})],
        {"image": {"source": {"bytes": "iVA=!"}}},
    ),
    (
        [begins(0, image={"format": "png"}), delta(0, image={"error": {"message": "no"}})],
        {"image": {"format": "png", "error": {"message": "no"}}},
    ),
    (
        [begins(0, toolUse=SEARCH), delta(0, toolUse={"input": '{"q"'}), delta(0, toolUse={"input": ":1}"})],
        {"toolUse": {**SEARCH, "input": {"q": 1}}},
    ),
    ([begins(0, toolUse=SEARCH), delta(0, toolUse={"input": "{"})], {"toolUse": {**SEARCH, "input": "{"}}),
    (
        [
            begins(0, toolResult={"toolUseId": "s", "status": "success"}),
            *(delta(0, toolResult=[{"text": piece}]) for piece in "ab"),
        ],
        {"toolResult": {"toolUseId": "s", "status": "success", "content": [{"text": "a"}, {"text": "b"}]}},
    ),
    (
        [begins(0, wobble={"a": 1}), delta(0, wobble={"b": 2}), delta(0, quux=3)],
        {"wobble": {"a": 1, "b": 2}, "quux": 3},
    ),
]


@pytest.mark.parametrize(("pieces", "block"), OTHERS)
@pytest.mark.parametrize("stopped", [True, False])
def test_streamed_blocks_lose_nothing(pieces: list[bytes], block: Fields, stopped: bool) -> None:
    end = [stops(0)] if stopped else []
    reply = play_at_cuts(DIALECT, stream(*pieces, *end, text("Hi", 1)), stream=True)
    assert [{k: v for k, v in one.items() if k != "index"} for one in extras(reply.chunks, "content_blocks")] == [block]
    assert (said(reply.chunks), reply.faults) == ("Hi", {})


ODD: list[Any] = [None, [], {}, [0], "0", 1.5, True, [{}], 7]


@pytest.mark.parametrize("odd", ODD)
def test_odd_values_raise_nothing(odd: Any) -> None:
    for content in ({"citationsContent": {"content": odd, "citations": odd}}, {"text": odd}, {"toolUse": odd}):
        read_whole({"output": {"message": {"content": [content]}}, "stopReason": odd}, context())
    reader = ConverseReader(context(**JSON))
    for name, payload in (
        ("contentBlockStart", {"contentBlockIndex": odd, "start": {"toolUse": {"name": "f"}}}),
        ("contentBlockDelta", {"contentBlockIndex": odd, "delta": {"toolUse": {"input": "{}"}}}),
        ("contentBlockStart", {"contentBlockIndex": odd, "start": {"image": odd, "toolUse": odd}}),
        ("contentBlockDelta", {"contentBlockIndex": odd, "delta": {"image": odd}}),
        ("contentBlockDelta", {"contentBlockIndex": odd, "delta": {"image": {"source": {"bytes": odd}}}}),
        ("contentBlockStop", {"contentBlockIndex": odd}),
        ("messageStop", {"stopReason": odd}),
        ("metadata", {"usage": odd}),
    ):
        reader.read(payload, name.encode())


# -- the answer as a call ---------------------------------------------------------------------------------------------


def test_text_beside_the_answer_is_none() -> None:
    pieces = (text("Sure: "), stops(0), call(1, FORCED_TOOL, '{"a"', ":1}"), text("Done.", 2))
    reply = play_at_cuts(DIALECT, stream(*pieces, stop="tool_use"), stream=True, **JSON)
    assert (said(reply.chunks), ending(reply.chunks)["finish_reason"]) == ('{"a":1}', "stop")
    assert [one["text"] for one in extras(reply.chunks, "content_blocks")] == ["Sure: Done."]
    answer = {"toolUse": {"toolUseId": "t", "name": FORCED_TOOL, "input": {"a": 1}}}
    both = play(DIALECT, whole({"text": "Sure: "}, answer, {"text": "Done."}, stop="tool_use"), **JSON)
    choice = both.body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], both.faults) == ('{"a":1}', "stop", {})
    assert choice["message"]["content_blocks"] == [{"text": "Sure: Done."}]


def test_only_the_first_call_is_the_answer() -> None:
    pieces = (call(0, FORCED_TOOL, "{}"), call(1, FORCED_TOOL, '{"a":2}', identity="t2"))
    reply = play_at_cuts(DIALECT, stream(*pieces, stop="tool_use"), stream=True, **JSON)
    assert said(reply.chunks) == "{}"
    (kept,) = extras(reply.chunks, "content_blocks")
    assert kept["toolUse"]["input"] == {"a": 2}
    answers = [{"toolUse": {"toolUseId": f"t{n}", "name": FORCED_TOOL, "input": {"a": n}}} for n in (1, 2)]
    message = play(DIALECT, whole(*answers, stop="tool_use"), **JSON).body["choices"][0]["message"]
    assert (message["content"], message["content_blocks"]) == ('{"a":1}', answers[1:])


def test_an_answer_without_input_is_an_object() -> None:
    reply = play_at_cuts(DIALECT, stream(call(0, FORCED_TOOL), stop="tool_use"), stream=True, **JSON)
    assert said(reply.chunks) == "{}"


def test_text_is_the_answer_where_no_call_is() -> None:
    reply = play_at_cuts(DIALECT, stream(text('{"a"'), text(":1}")), stream=True, **JSON)
    assert said(reply.chunks) == '{"a":1}'


@pytest.mark.parametrize(
    ("model", "fields", "waits"),
    [
        (CLAUDE, {"response_format": SCHEMA}, True),
        (NEW_CLAUDE, {"response_format": SCHEMA}, False),
        (NEW_CLAUDE, JSON, True),
        (CLAUDE, {}, False),
    ],
)
def test_text_waits_only_where_a_call_may_be_the_answer(model: str, fields: Fields, waits: bool) -> None:
    reader = ConverseReader(ReplyContext(chat(**fields), Route("native", model), CountingMint()))
    events = reader.read({"contentBlockIndex": 0, "delta": {"text": "{"}}, b"contentBlockDelta")
    assert (TextDelta(0, "{") in events) is not waits


# -- why it stopped ---------------------------------------------------------------------------------------------------

REASONS = [
    ("end_turn", False, "stop", None),
    ("stop_sequence", False, "stop", None),
    ("max_tokens", False, "length", None),
    ("tool_use", True, "tool_calls", None),
    ("tool_use", False, "stop", None),
    ("model_context_window_exceeded", False, "length", "model_context_window_exceeded"),
    ("guardrail_intervened", False, "content_filter", "guardrail_intervened"),
    ("content_filtered", False, "content_filter", "content_filtered"),
    ("malformed_model_output", False, "content_filter", "malformed_model_output"),
    ("malformed_tool_use", True, "content_filter", "malformed_tool_use"),
    ("something_new", False, "stop", "something_new"),
    ("something_new", True, "tool_calls", "something_new"),
]


@pytest.mark.parametrize(("stop", "calls", "finish", "native"), REASONS)
def test_why_it_stopped(stop: str, calls: bool, finish: str, native: str | None) -> None:
    block: Fields = {"toolUse": {"toolUseId": "t", "name": "weather", "input": {}}} if calls else {"text": "x"}
    pieces = call(0, "weather", "{}") if calls else text("x")
    reply = play(DIALECT, whole(block, stop=stop), tools=[WEATHER])
    streamed = play_at_cuts(DIALECT, stream(pieces, stop=stop), stream=True, tools=[WEATHER])
    for choice in (reply.body["choices"][0], ending(streamed.chunks)):
        assert (choice["finish_reason"], choice.get("native_finish_reason")) == (finish, native)
    assert (reply.faults, streamed.faults) == ({}, {})
