"""Texts that pass the rules unseen, in a lane: they end where they would have ended otherwise, after every read."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

import pytest

from golden.play import CountingMint
from limits.play import agree, chunk, cut_at, streamed
from trueline.context import Enforce, FormatOptions
from trueline.messages import ChatRequest, read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs.limits import Limits
from trueline.repairs.limits.stops import Stops
from trueline.repairs.repeats import Repeats
from trueline.tokens import tokenizer_for

WORDS = (
    " the", " lighthouse", "\n", "\n\n", "\n\n#", "##", "###", " E", "EN", "END", "N", "\\", '"', ' "so"', "caf\u00e9",
    "\u2014", "\U0001f600", "\u0915\u094d", "\ufeff", "Us", "er:", "User", " ", "a" * 70, "Human", ": ", "<|", "|>",
)  # fmt: skip
STOPS: tuple[list[str], ...] = (
    ["\n\n###", "END"],
    ["\nUser:"],
    ["###"],
    [" END", " the lighthouse the"],
    ["END", "Human: ", "<|", "###"],
    ["\u2014\U0001f600", "\ufeff\ufeff"],
    [],
)


def request(stop: list[str], limit: int | None, model: str, usage: bool) -> ChatRequest:
    body: dict[str, Any] = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    body |= {"stop": stop} if stop else {}
    body |= {"max_tokens": limit} if limit else {}
    body |= {"stream_options": {"include_usage": True}} if usage else {}
    return read_chat_request(json.dumps(body).encode())


def course(asked: ChatRequest, parts: list[bytes], enforce: Enforce, lanes: bool) -> list[Any]:
    """What left after every read, what had been used by then, and what was noted at the end."""
    route, options = Route("up"), FormatOptions(enforce=enforce)
    pipe: Any = chat_pipeline(asked, route, CountingMint(), options, lanes=lanes)
    gave: list[Any] = []
    for number, part in enumerate(parts):
        gave.append(pipe.feed(part))
        if number % 7 == 0:
            gave.append(pipe.tally())
    return [*gave, pipe.close(), pipe.tally(), dict(pipe.faults), pipe.left, pipe.kept, pipe.usage_source]


def said(rnd: random.Random, kind: str, model: str) -> list[bytes]:
    """A stream of mixed words."""
    words = [rnd.choice(WORDS) for _ in range(rnd.choice((30, 200)))]
    if kind == "thoughts":
        deltas = [{"reasoning_content": word} for word in words] + [{"content": word} for word in words[:20]]
        return [chunk({"role": "assistant", "content": ""}, model=model), *(chunk(d, model=model) for d in deltas)]
    if kind == "extras":
        sent = [chunk({"role": "assistant", "content": ""}, model=model)]
        sent += [chunk({"content": word}, model=model, stop_reason=None) for word in words]
        return [*sent, chunk({}, "length", model=model)]
    return streamed(words, rnd.choice(("stop", "length")), model)


@pytest.mark.parametrize("kind", ["content", "thoughts", "extras"])
@pytest.mark.parametrize("model", ["gpt-4o", "some-model"])
@pytest.mark.parametrize("stop", STOPS, ids=repr)
def test_a_lane_ends_a_text_where_it_ends_otherwise(stop: list[str], model: str, kind: str) -> None:
    tokenizer_for(model).load()  # else the first of two is estimated
    rnd = random.Random(f"{stop}{model}{kind}")
    for _ in range(12):
        asked = request(stop, rnd.choice((None, 3, 20, 60, 200, 5000)), model, rnd.random() < 0.5)
        parts = said(rnd, kind, model)
        cuts = rnd.choice((25, 5)) if rnd.random() < 0.5 else 0
        parts = cut_at(parts, rnd, cuts) if cuts else parts
        enforce = rnd.choice((Enforce(), Enforce(max_tokens="on")))
        laned, plain = (course(asked, parts, enforce, lanes) for lanes in (True, False))

        assert agree(laned, plain) if cuts else laned == plain


def test_nothing_is_noted_of_what_comes_behind_the_end() -> None:
    """It came while the usage was counted."""
    tokenizer_for("gpt-4o").load()
    asked = request([], 2000, "gpt-4o", True)
    sent = [part.replace(b'"logprobs": null, ', b"") for part in streamed([" the lighthouse"] * 1200)]
    noted = []
    for lanes in (True, False):
        options = FormatOptions(enforce=Enforce(max_tokens="on"))
        pipe: Any = chat_pipeline(asked, Route("up"), CountingMint(), options, lanes=lanes)
        pipe.defer()
        late = 0
        for part in sent:
            pipe.feed(part)
            late += pipe.owed is not None
            while pipe.owed is not None and late == 4:
                pipe.owed()
                pipe.settle()
        assert pipe.done and late == 4
        noted.append(dict(pipe.faults))

    assert noted[0] == noted[1]


@pytest.mark.parametrize(("limit", "seen"), [(64_000, 60), (20_000, 120)])
def test_few_events_of_a_long_text_are_seen(limit: int, seen: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is asked for every few KB; what has to be counted is counted many words at a time."""
    calls: dict[Any, int] = {Limits: 0, Repeats: 0}
    for rule in calls:
        see = rule.see

        def watched(self: Any, event: Any, rule: Any = rule, see: Any = see) -> Any:
            calls[rule] += 1
            return see(self, event)

        monkeypatch.setattr(rule, "see", watched)
    asked = request(["\n\n###", "END"], limit, "gpt-4o", True)
    words = [f" lighthouse{number}" if number % 13 else " so\n\n" for number in range(3000)]
    pipe: Any = chat_pipeline(asked, Route("up"), CountingMint())
    out = b"".join([*map(pipe.feed, streamed(words)), pipe.close()])

    assert "".join(words) == "".join(
        choice["delta"].get("content", "")
        for line in out.split(b"\n\n")
        if line.startswith(b"data: {")
        for choice in json.loads(line[6:])["choices"]
    )
    assert max(calls.values()) < seen


def test_many_stop_strings_hold_back_what_few_do() -> None:
    stops = ("\n\n###", "END", "ENDE", "aab")
    few, many = Stops(stops), Stops((*stops, "\0" * 40))
    for letters in product("\n#ENDab ", repeat=4):
        text = "".join(letters)
        ends = [at for at in range(4) if any(stop.startswith(text[at:]) for stop in stops)]

        assert few.held(text) == many.held(text) == min(ends, default=4) or few.find(text)
