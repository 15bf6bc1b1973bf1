"""Chunks as servers send them: what is read of them, where the fields of one are at odds with each other."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import ROLE, STOP, Played, chunk, play, sse


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
