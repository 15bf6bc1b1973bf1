"""Chunks as servers send them: what is read of them, where the fields of one are at odds with each other."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import ROLE, STOP, Played, chat, chunk, play, sse


def deltas(played: Played) -> list[Any]:
    return [p["choices"][0]["delta"] for p in played.payloads if p["choices"]]


@pytest.mark.parametrize("name", ["audio", "images", "reasoning_details", "x_vendor"])
def test_a_first_delta_that_only_carries_extras_opens_the_choice(name: str) -> None:
    played = play(sse(chunk({name: {"a": "b"}}), chunk({"content": "Hi"}), STOP))

    assert played.out.startswith(b'data: {"id":"chatcmpl-1"')
    assert deltas(played)[0]["role"] == "assistant"
    assert [d.get("content") for d in deltas(played)] == ["", "Hi", None]


@pytest.mark.parametrize("index", ["²", "٣", "9" * 5000, "", "x", -1, "-1", 1.5, [], {}])
def test_an_index_that_is_none_is_the_first_choice(index: Any) -> None:
    call = {"index": index, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}

    played = play(sse(ROLE, chunk({"tool_calls": [call]}, index=index), chunk({}, "tool_calls", index=index)))

    assert {p["choices"][0]["index"] for p in played.payloads} == {0}
    assert deltas(played)[1]["tool_calls"][0]["index"] == 0
    assert played.faults["choice-index-missing"] and played.faults["tool-index-bad"]


def texts(played: Played) -> dict[int, str]:
    said: dict[int, str] = {}
    for choice in (c for p in played.payloads for c in p["choices"]):
        said[choice["index"]] = said.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return said


def several(*indexes: Any) -> bytes:
    """A stream of one text per choice, the texts being a, b, c…"""
    says = [chunk({"role": "assistant", "content": chr(97 + n)}, index=i) for n, i in enumerate(indexes)]
    return sse(*says, *(chunk({}, "stop", i) for i in indexes))


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        ((0, 1), {0: "a", 1: "b"}),
        ((1, 0), {1: "a", 0: "b"}),
        ((1, 2), {1: "a", 0: "b"}),  # counted from one
        ((0, 10**400), {0: "a", 1: "b"}),
        ((0, 1, 2), {0: "a", 1: "b"}),  # more than were asked for
    ],
)
def test_indexes_of_several_choices(indexes: tuple[int, ...], said: dict[int, str]) -> None:
    assert texts(play(several(*indexes), chat(stream=True, n=2))) == said

    folded = play(several(*indexes), chat(n=2)).body["choices"]
    assert [(c["index"], c["message"]["content"]) for c in folded] == sorted(said.items())


def test_one_answer_over_several_choices_is_one() -> None:
    assert texts(play(several(0, 1))) == {0: "ab"}
