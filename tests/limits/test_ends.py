"""Texts end at the stop string and at the limit, however they came in, and nothing is split inside a character."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limits.play import chunk, heard_stream, heard_whole, streamed
from trueline.context import Enforce
from trueline.tokens import tokenizer_for

ENGLISH = "Hello world, this is a rather incomprehensibilities-laden sentence. And then more of it, always more."
SCRIPTS = [
    ENGLISH,
    "Привет, мир! Это довольно длинное предложение.",
    "東京は日本の首都です。人口は約1400万人です。",
    "สวัสดีชาวโลก นี่คือประโยคยาว ๆ",
    "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \ufeffBOM a\u200bb\u200d 🇩🇪 n\u0303",
    "x" * 300 + " " * 300 + "\n\n\n",
]


def pieces(text: str, seed: str) -> list[str]:
    random, cut = Random(seed), []
    while text:
        length = random.choice((1, 2, 3, 5, 40))
        cut.append(text[:length])
        text = text[length:]
    return cut


@given(st.lists(st.sampled_from(["ab", "abc", "bca", "cc", "a b", "é", "👩‍👩"]), min_size=1, max_size=4), st.data())
def test_a_stop_string_ends_a_text_however_it_came(stops: list[str], data: st.DataObject) -> None:
    text = data.draw(st.text("abc é👩‍", max_size=30))
    parts = pieces(text, str(data.draw(st.integers(0, 9))))
    ends = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    wanted = text[: min(ends)[1]] if ends else text

    streamed_ = heard_stream(streamed(parts), stop=stops)
    assert (streamed_.text, streamed_.finish) == (wanted, "stop")
    assert streamed_.faults.keys() <= {"stop-ignored", "stop-echoed", "empty-deltas"}
    assert heard_whole(text, stop=stops, completion=5).text == wanted


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize("limit", range(1, 21))
def test_a_limit_ends_a_text_however_it_came(text: str, limit: int) -> None:
    tokenizer = tokenizer_for("gpt-4o")
    wanted = text[: tokenizer.cut(text, limit)]
    for seed in range(4):
        heard = heard_stream(streamed(pieces(text, f"{seed}")), max_tokens=limit)
        assert heard.text == wanted
        assert heard.finish == ("stop" if wanted == text else "length")
        assert ("max_completion_tokens-ignored" in heard.faults) == (wanted != text)
    whole = heard_whole(text, max_completion_tokens=limit)
    assert whole.text == wanted
    assert whole.usage is not None and whole.usage["completion_tokens"] <= limit + 1


@pytest.mark.parametrize("limit", [20, 21, 30, 1000])
def test_what_was_kept_leaves_as_it_came(limit: int) -> None:
    sent = streamed(pieces(ENGLISH[:60], "a"))
    heard = heard_stream(sent, max_tokens=limit, stop=["Zz"])

    assert (heard.text, heard.finish, heard.faults, heard.left) == (ENGLISH[:60], "stop", {}, False)


def test_an_upstream_that_counts_otherwise_is_believed() -> None:
    kept = heard_stream(streamed(ENGLISH[:70].split(" "), finish="length"), max_tokens=8)
    assert (kept.finish, kept.faults) == ("length", {})
    assert heard_whole(ENGLISH, finish="length", completion=3, max_tokens=3).text == ENGLISH
    assert heard_whole(ENGLISH, finish="stop", completion=3, max_tokens=3).text == ENGLISH


def test_an_unknown_model_is_cut_only_where_it_is_plainly_too_long() -> None:
    assert heard_stream(streamed([ENGLISH], model="llama"), model="llama", max_tokens=15).faults == {}
    long = heard_stream(streamed([ENGLISH] * 9, model="llama"), model="llama", max_tokens=15)
    assert (long.finish, long.left) == ("length", True)
    assert long.text > ENGLISH
    on = heard_stream(streamed([ENGLISH], model="llama"), Enforce(max_tokens="on"), model="llama", max_tokens=9)
    assert on.finish == "length" and ENGLISH.startswith(on.text)
    off = heard_stream(streamed([ENGLISH] * 9, model="llama"), Enforce(max_tokens="off"), model="llama", max_tokens=9)
    assert off.text == ENGLISH * 9


def test_log_probabilities_count_for_any_model() -> None:
    words = ["One", " two", " th", "ree", " four", " five"]

    def entry(word: str) -> dict[str, Any]:
        return {"token": word, "logprob": -0.5, "bytes": list(word.encode()), "top_logprobs": []}

    sent = [
        chunk({"role": "assistant", "content": ""}, model="llama"),
        *(chunk({"content": w}, model="llama", logprobs={"content": [entry(w)], "refusal": None}) for w in words),
        chunk({}, "stop", model="llama"),
        b"data: [DONE]\n\n",
    ]
    heard = heard_stream(sent, model="llama", max_tokens=4, logprobs=True)
    assert (heard.text, heard.finish, heard.logprobs) == ("One two three", "length", words[:4])

    stopped = heard_stream(sent, model="llama", stop=["ree f"], logprobs=True)
    assert (stopped.text, stopped.finish, stopped.logprobs) == ("One two th", "stop", words[:3])


def test_what_has_no_end_of_its_own_ends_at_the_stop_string() -> None:
    heard = heard_stream(streamed(["Hi EN", "D"])[:-2], stop=["END"])

    assert (heard.text, heard.finish) == ("Hi ", "stop")


def test_an_echo_may_hold_what_stops() -> None:
    assert heard_whole("Hi END", stop=["END"], completion=2, include_stop_str_in_output=True).text == "Hi END"


@pytest.mark.parametrize("stop", [None, "", [], [""], ["x" * 2000]])
def test_no_stop_string(stop: Any) -> None:
    assert heard_stream(streamed(["Hi", " there"]), stop=stop).text == "Hi there"


def test_lanes_of_whole_replies_look_at_the_end_each_time() -> None:
    for number in range(6):
        assert heard_whole(f"Hello number {number}", completion=3, temperature=0.125).faults == {
            "fingerprint-missing": 1
        }
    stopped = heard_whole("Hello number 9", completion=3, temperature=0.125, stop=["num"])
    assert (stopped.text, stopped.faults.get("stop-ignored")) == ("Hello ", 1)
    cut = heard_whole("Hello number 9", completion=4, temperature=0.125, max_tokens=2)
    assert (cut.text, cut.finish) == ("Hello number", "length")
    assert json.dumps(heard_whole("Hello number 8", completion=3, temperature=0.125, max_tokens=3).text)
