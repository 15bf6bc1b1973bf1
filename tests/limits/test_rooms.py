"""Room that is renewed while a text passes: limits that are reached, nearly reached and just kept, by every count."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import agree, chunk, cut_at, streamed
from trueline.context import Enforce, FormatOptions
from trueline.messages import ChatRequest, read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs.limits.meter import Meter
from trueline.tokens import tokenizer_for
from trueline.tokens.least import LEAST
from trueline.tokens.pieces import PieceTokenizer

KINDS: dict[str, tuple[str, ...]] = {
    "words": (" the", " lighthouse", " was", " built", " in", ", so", ".", "keep", "er", "'s"),
    "digits": ("1", "12", " 345", "1851", "0.5", "1,000", "a1", "b2c3"),
    "blanks": (" ", "  ", "\n", "\n\n", "\t", " \n ", "\u00a0", "\u3000", "x"),
    "emoji": ("\U0001f600", "\U0001f469\u200d\U0001f469", "\u2764\ufe0f", " \U0001f1eb\U0001f1f7", "!"),
    "chinese": ("\u4f60\u597d", "\uff0c", "\u706f\u5854", "\u5efa\u4e8e", "\u3002", "\u4e00"),
    "code": ("\n    ", "def ", "f(", "x", "):", "\n\t", "return ", "\\", '"a"', " // ", "}}\n", "_" * 9),
    "one word": ("a", "bc", "def", "x" * 40),
}
STOPS: tuple[list[str], ...] = (["\n\n###", "END"], ["\u4f60\u597d\u5417", " the the"], [" lighthouses", "1851 "], [])
KEPT = ("auto", "on")


def said(kind: str, rnd: random.Random) -> list[str]:
    words = [word for words in KINDS.values() for word in words] if kind == "all" else KINDS[kind]
    return [rnd.choice(words) for _ in range(rnd.choice((40, 150, 500)))]


def request(model: str, limit: int, stop: list[str]) -> ChatRequest:
    body: dict[str, Any] = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    body |= {"max_tokens": limit, "stream_options": {"include_usage": True}} | ({"stop": stop} if stop else {})
    return read_chat_request(json.dumps(body).encode())


def course(asked: ChatRequest, parts: list[bytes], enforce: Enforce, lanes: bool, steadily: bool) -> list[Any]:
    """What left after every read, and what was known at the end; `steadily`: as a server takes it."""
    pipe: Any = chat_pipeline(asked, Route("up"), CountingMint(), FormatOptions(enforce=enforce), lanes=lanes)
    gave: list[Any] = []
    steady = None
    for number, part in enumerate(parts):
        out = steady(part) if steady is not None else None
        if out is None:
            out = pipe.feed(part)
            steady = pipe.steady() if steadily else None
        gave.append(out)
        if number % 31 == 0:
            gave.append((pipe.tally(), dict(pipe.faults)))
            steady = None
    return [*gave, pipe.close(), pipe.tally(), dict(pipe.faults), pipe.left, pipe.kept, pipe.usage_source]


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "some-model"])
@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_a_text_passes_as_far_as_it_goes_otherwise(kind: str, model: str, kept: Any) -> None:
    tokenizer = tokenizer_for(model)
    tokenizer.load()
    rnd = random.Random(f"{kind}{model}{kept}")
    counting = tokenizer if tokenizer.exact or kept == "on" else LEAST
    for round_ in range(10):
        pieces = said(kind, rnd)
        tokens = counting.count("".join(pieces))
        limit = max(tokens + rnd.choice((-tokens // 2, -9, -1, 0, 0, 1, 5, tokens // 8, tokens // 2)), 1)
        asked = request(model, limit, rnd.choice(STOPS) if round_ % 2 else [])
        parts = streamed(pieces, rnd.choice(("stop", "length")), model)
        if rnd.random() < 0.3:
            parts[1:1] = [chunk({"reasoning_content": piece}, model=model) for piece in pieces[:20]]
        cuts = rnd.choice((25, 4)) if rnd.random() < 0.4 else 0
        parts = cut_at(parts, rnd, cuts) if cuts else parts
        enforce = Enforce(max_tokens=kept)
        plain = course(asked, parts, enforce, False, False)

        for steadily in (False, True):
            laned = course(asked, parts, enforce, True, steadily)
            assert agree(laned, plain) if cuts else laned == plain


def test_what_may_begin_a_stop_string_is_held_steadily() -> None:
    """Nothing is written for it, and what follows brings it; a stop string that is complete has to be seen."""
    told = [" the", " lighthouse", " was", " built", " in", "\n\n", "so", " EN", "D", "ED", ' "a"\n', "—"]
    parts, tokenizer = streamed([*told, "\n\n#", "##", "!"]), tokenizer_for("gpt-4o")
    tokenizer.load()
    asked = request("gpt-4o", 4000, ["\n\n###", "ENDS"])
    pipe: Any = chat_pipeline(asked, Route("up"), CountingMint(), FormatOptions())
    for part in parts[:5]:
        pipe.feed(part)
    steady = pipe.steady()

    said = [out and json.loads(out[6:])["choices"][0]["delta"]["content"] for out in map(steady, parts[5:14])]

    assert said == [" in", b"", "\n\nso", " ", b"", "ENDED", ' "a"', "\n\u2014", b""]
    assert steady(parts[14]) is None
    assert (pipe.feed(parts[14]), pipe.tally().completion) == (b"", tokenizer.count("".join(told)))


@pytest.mark.parametrize("tokenizer", [tokenizer_for("gpt-4o"), tokenizer_for("gpt-4"), tokenizer_for("x"), LEAST])
@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_what_passes_is_within_the_limit_and_what_is_within_is_not_cut(kind: str, tokenizer: PieceTokenizer) -> None:
    """However the room was renewed; at the limit, to the token."""
    tokenizer.load()
    rnd = random.Random(f"{kind}{tokenizer.name}")
    for _ in range(40):
        pieces = said(kind, rnd)
        whole = "".join(pieces)
        limit = max(tokenizer.count(whole) + rnd.choice((-20, -3, -1, 0, 0, 2, 50)), 1)
        came: list[str] = []
        meter, out, over = Meter(tokenizer, limit), "", False
        room = meter.room
        for piece in pieces:
            size = len(piece.encode())
            if room < size:
                meter.keep(came, "".join(came))
                came = []
                room = meter.more(size)
                assert room == meter.room
                assert room < 0 or tokenizer.count(out) <= limit
            if room >= size:
                room -= size
                came.append(piece)
                out += piece
                continue
            left, over = meter.take(piece)
            out += left
            room = meter.room
            if over:
                break
        if not over:
            meter.keep(came, "".join(came))
            left, over = meter.begin()
            out += left

        assert over == (tokenizer.count(whole) > limit)
        assert out == whole[: tokenizer.cut(whole, limit)]
