"""The most important property: whatever a server sends, what leaves is OpenAI's format or an OpenAI error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import garbage
from engine.conftest import Oracle
from engine.kit import Played, chat, dumps, pieces, play
from trueline.context import FormatOptions

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

CUTS = st.lists(st.integers(0, 4000), max_size=6)
OPTIONS = st.builds(
    FormatOptions,
    extras=st.sampled_from(["keep", "keep", "drop"]),
    reasoning=st.sampled_from(["reasoning_content", "reasoning_content", "reasoning", "think", "drop"]),
    think_tags=st.sampled_from(["split", "keep"]),
    model_name=st.sampled_from(["upstream", "requested"]),
    id=st.sampled_from(["keep", "openai"]),
)


def problems(oracle: Oracle, asked: dict[str, Any], played: Played, options: FormatOptions) -> list[Any]:
    """What a client could not read.  How many of several choices the server gave is its own affair."""
    found = oracle(chat(**asked), played, "wire-closed" if options.extras == "drop" else "wire")
    counted = ("choices seen", "choices for n=") if asked["n"] > 1 else ()
    return [p for p in found if not any(words in p[2] for words in counted)]


@given(garbage.STREAM, garbage.REQUEST, OPTIONS, CUTS)
@settings(max_examples=500)
def test_any_stream(
    oracle: Oracle, data: bytes, asked: dict[str, Any], options: FormatOptions, cuts: list[int]
) -> None:
    """Streamed on; and cut anywhere, it says the same and notes the same."""
    asked = {**asked, "stream": True}

    played = play(data, chat(**asked), options)

    assert problems(oracle, asked, played, options) == []
    again = play(pieces(data, cuts), chat(**asked), options)
    assert (again.out, again.faults) == (played.out, played.faults)
    assert (again.error and again.error.body()) == (played.error and played.error.body())


@given(garbage.WHOLE, garbage.REQUEST, OPTIONS)
@settings(max_examples=500)
def test_any_whole_reply(oracle: Oracle, payload: Any, asked: dict[str, Any], options: FormatOptions) -> None:
    asked = {k: v for k, v in asked.items() if k != "stream_options"}

    played = play(dumps(payload), chat(**asked), options)

    assert problems(oracle, asked, played, options) == []


@given(garbage.WHOLE, garbage.REQUEST, OPTIONS)
@settings(max_examples=500)
def test_any_whole_reply_to_a_stream_request(
    oracle: Oracle, payload: Any, asked: dict[str, Any], options: FormatOptions
) -> None:
    asked = {**asked, "stream": True}

    played = play(dumps(payload), chat(**asked), options)

    assert problems(oracle, asked, played, options) == []


@given(garbage.STREAM, garbage.REQUEST, OPTIONS)
@settings(max_examples=500)
def test_any_stream_to_a_whole_request(
    oracle: Oracle, data: bytes, asked: dict[str, Any], options: FormatOptions
) -> None:
    asked = {k: v for k, v in asked.items() if k != "stream_options"}

    played = play(data, chat(**asked), options)

    assert problems(oracle, asked, played, options) == []
