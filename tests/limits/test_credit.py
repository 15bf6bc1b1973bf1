"""Events that came together are counted together, before any of them leaves; the limit is kept to the token."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import agree, chunk, cut_at, streamed
from limits.test_rooms import KINDS, STOPS, course, request, said
from trueline.context import Enforce, FormatOptions
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs.limits.meter import Meter
from trueline.tokens import tokenizer_for
from trueline.tokens.tokenizers import Encoding

Asked = list[bool]


@pytest.fixture
def admitted(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What was answered each time that a meter was asked whether it admits a text."""
    answers: Asked = []
    admit = Meter.admit

    def asked(self: Meter, text: str) -> bool:
        answers.append(admit(self, text))
        return answers[-1]

    monkeypatch.setattr(Meter, "admit", asked)
    return answers


def events(form: str, pieces: list[str], rnd: random.Random) -> list[bytes]:
    """A stream that says these pieces: plainly, with a field of its own, or with ids or times that change."""
    first, *texts, end, done = streamed(pieces, rnd.choice(("stop", "length")))
    sent = [first]
    for number, text in enumerate(texts):
        if form == "extras":
            text = chunk({"content": pieces[number]}, stop_reason=None)
        elif form == "ids":
            text = text.replace(b"chatcmpl-1", b"chatcmpl-%d" % rnd.randint(1, 3))
        elif form == "times":
            text = text.replace(b'"created": 1', b'"created": %d' % (1 + number // 40))
        sent.append(text)
    return [*sent, end, done]


@pytest.mark.parametrize("form", ["plain", "extras", "ids", "times"])
@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_a_text_that_came_at_once_ends_where_it_ends_otherwise(kind: str, form: str, admitted: Asked) -> None:
    tokenizer, rnd = tokenizer_for("gpt-4o"), random.Random(f"{kind}{form}")
    tokenizer.load()
    for round_ in range(16):
        pieces = said(kind, rnd)
        tokens = tokenizer.count("".join(pieces))
        limit = max(tokens + rnd.choice((-tokens // 2, -9, -1, 0, 1, 5, tokens // 8)), 1)
        asked = request("gpt-4o", limit, rnd.choice(STOPS) if round_ % 2 else [])
        parts = cut_at(events(form, pieces, rnd), rnd, rnd.choice((2, 4, 8)))
        enforce = Enforce(max_tokens=rnd.choice(("auto", "on")))

        assert agree(course(asked, parts, enforce, True, False), course(asked, parts, enforce, False, False))

    assert form == "extras" or False in admitted
    assert form == "extras" or True in admitted or kind == "one word"


def test_what_waits_for_the_next_event_leaves_with_it(admitted: Asked) -> None:
    """Extras of a chunk that says nothing, before a text for which there may be no room."""
    tokenizer = tokenizer_for("gpt-4o")
    tokenizer.load()
    pieces = KINDS["words"] * 24
    tokens = tokenizer.count("".join(pieces))
    sent = streamed(pieces)
    for number, at in enumerate(range(len(pieces), 20, -23)):
        silent = chunk({}, content_filter_results={"n": number})
        sent.insert(at, silent.replace(b'"delta": {}, ', b""))
    read = b"".join(sent)
    for limit in range(tokens // 3, tokens + 10, 3):
        one, other = (
            course(request("gpt-4o", limit, []), [read], Enforce(max_tokens="on"), lane, False)
            for lane in (False, True)
        )

        assert one == other
        assert one[0].count(b"content_filter_results") >= 2

    assert {True, False} == set(admitted)


def test_where_there_is_room_in_any_case_nothing_is_counted(admitted: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoding, "weigh", None)
    pieces = KINDS["words"] * 800
    asked = request("gpt-4o", 128_000, [])
    parts = streamed(pieces)

    out = course(asked, [b"".join(parts[:-2])], Enforce(), True, False)

    assert out[0].count(b'"content":') == len(pieces) + 1
    assert admitted and all(admitted)


@pytest.mark.parametrize("reads", [1, 3])
def test_a_text_that_came_at_once_is_counted_once(reads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = KINDS["words"] * 40
    tokenizer_for("gpt-4o").load()
    limit = tokenizer_for("gpt-4o").count("".join(pieces)) * 25 // 24
    options = FormatOptions(enforce=Enforce(max_tokens="on"))
    pipe: Any = chat_pipeline(request("gpt-4o", limit, []), Route("up"), CountingMint(), options)
    weighed: list[int] = []
    weigh = Encoding.weigh
    used = {"prompt_tokens": 8, "completion_tokens": limit, "total_tokens": 8 + limit}
    *sent, done = streamed(pieces)
    sent += [sent[-1].replace(b'"choices"', b'"usage": %b, "choices"' % json.dumps(used).encode()), done]

    def counted(self: Encoding, text: str, start: int, end: int) -> int:
        weighed.append(end - start)
        return weigh(self, text, start, end)

    monkeypatch.setattr(Encoding, "weigh", counted)

    out = b"".join(map(pipe.feed, cut_at(sent, random.Random(reads), reads - 1)))

    assert out.count(b'"content"') == len(pieces) + 1
    assert 1 <= len(weighed) <= 2 * reads
    assert sum(weighed) <= len("".join(pieces))
