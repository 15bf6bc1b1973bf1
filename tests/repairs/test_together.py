"""Faults that come together, as servers have them: each is mended although another one is in its way."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from engine.kit import ROLE, ROUTE, STOP, CountingMint, chat, chunk, play, sse
from trueline.pipeline import chat_pipeline

TOOLS: Any = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]


def fragment(arguments: str = "", **fields: Any) -> Any:
    name = fields.pop("name", None)
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": 0, **fields, "function": function}]})


def calls_of(payloads: list[Any]) -> list[tuple[str, str]]:
    """Name and arguments of each call that left."""
    found: dict[int, list[str]] = {}
    for call in (c for p in payloads for choice in p["choices"] for c in choice["delta"].get("tool_calls", ())):
        said = found.setdefault(call["index"], ["", ""])
        said[0] += call["function"].get("name", "")
        said[1] += call["function"].get("arguments", "")
    return [(name, arguments) for name, arguments in found.values()]


# How the second call begins on the index of the first, without an id -> the calls.
WEATHER = [fragment(id="call_1", type="function", name="get_weather"), fragment('{"a":'), fragment("1}")]
NEXT_CALLS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    ([fragment('{"b":2}', name="get_time")], [("get_weather", '{"a":1}'), ("get_time", '{"b":2}')]),
    ([fragment(name="get_time"), fragment('{"b":2}')], [("get_weather", '{"a":1}'), ("get_time", '{"b":2}')]),
    ([fragment('{"a":2}', name="get_weather")], [("get_weather", '{"a":1}'), ("get_weather", '{"a":2}')]),
    ([fragment(name="get_weather")], [("get_weather", '{"a":1}')]),
    ([fragment(name="functions.get_weather:0")], [("get_weather", '{"a":1}')]),
]


@pytest.mark.parametrize(("later", "calls"), NEXT_CALLS)
def test_a_next_call_without_an_id(later: list[Any], calls: list[tuple[str, str]]) -> None:
    played = play(sse(ROLE, *WEATHER, *later, chunk({}, "tool_calls")), chat(stream=True, tools=TOOLS))

    assert calls_of(played.payloads) == calls


# Text, and what the last chunk says -> the answer that leaves.
ANSWERS = [
    (["<think>", "hm", "</think>", "\n\nA long answer."], "A long answer.", "A long answer."),
    (["<think>hm</think>A long answer."], "<think>hm</think>A long answer.", "A long answer."),
    (["<think>hm</think>A long answer."], "An afterword.", "A long answer.An afterword."),
    (["Say </think> and repeat"], "and repeat", "Say </think> and repeatand repeat"),
    (["A long answer."], "long answer.", "A long answer.long answer."),
]


@pytest.mark.parametrize(("pieces", "last", "answer"), ANSWERS)
def test_an_answer_repeated_behind_thoughts(pieces: list[str], last: str, answer: str) -> None:
    said = [chunk({"content": piece}) for piece in pieces]
    played = play(sse(ROLE, *said, chunk({"content": last}, "stop")))

    deltas = [choice["delta"] for payload in played.payloads for choice in payload["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == answer


@pytest.mark.no_cover  # what it runs over and over is covered elsewhere
def test_an_endless_stream_needs_no_memory() -> None:
    pipe = chat_pipeline(chat(stream=True), ROUTE, CountingMint())
    pipe.feed(sse(ROLE, done=False))
    tracemalloc.start()
    try:
        for number in range(20_000):
            pipe.feed(sse(chunk({"content": f" word {number:09}"}), done=False))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000  # bytes, of 300,000 characters


def test_a_plain_stream_is_left_alone() -> None:
    sent = sse(ROLE, chunk({"content": "Hello."}), STOP)

    assert play(sent).out == sent
