"""Counts of tokens: OpenAI's names, integers, sums that are right, and the rulings of faults.md 0.3."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conftest import Oracle
from engine.garbage import JUNK
from engine.kit import Played, chat, dumps, play, whole
from trueline.repairs.usage import mend_usage


def usage(prompt: Any, completion: Any, total: Any, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **more}


def out(count: Any) -> dict[str, Any]:
    return {"completion_tokens_details": {"reasoning_tokens": count}}


def given_in(**counts: Any) -> dict[str, Any]:
    return {"prompt_tokens_details": counts}


# sent -> mended, faults
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], set[str]]] = [
    ("exact", usage(3, 4, 7), usage(3, 4, 7), set()),
    ("zero", usage(0, 0, 0), usage(0, 0, 0), set()),
    ("vendor fields", usage(3, 4, 7, cost=0.1), usage(3, 4, 7, cost=0.1), set()),
    (
        "details",
        usage(3, 4, 7, **given_in(cached_tokens=1), **out(2)),
        usage(3, 4, 7, **given_in(cached_tokens=1), **out(2)),
        set(),
    ),
    ("no total", {"prompt_tokens": 3, "completion_tokens": 4}, usage(3, 4, 7), {"usage-total-mismatch"}),
    ("total null", usage(3, 4, None), usage(3, 4, 7), {"usage-total-mismatch"}),
    ("total wrong", usage(3, 4, 9), usage(3, 4, 7), {"usage-total-mismatch"}),
    ("total too small", usage(3, 4, 1), usage(3, 4, 7), {"usage-total-mismatch"}),
    ("null", usage(3, None, 3), usage(3, 0, 3), {"usage-null-fields"}),
    ("negative", usage(3, -1, 3), usage(3, 0, 3), {"usage-null-fields"}),
    ("float", usage(3.0, 4.0, 7.0), usage(3, 4, 7), {"usage-float-string"}),
    ("string", usage("3", "4", "7"), usage(3, 4, 7), {"usage-float-string"}),
    ("words", usage("three", "nan", "9" * 5000), usage(0, 0, 0), {"usage-null-fields"}),
    ("other names", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, usage(3, 4, 7), {"usage-other-names"}),
    ("camel case", {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}, usage(3, 4, 7), {"usage-other-names"}),
    # ruling 2
    ("reasoning beside", usage(3, 4, 9, **out(2)), usage(3, 6, 9, **out(2)), {"usage-excl-reasoning"}),
    ("reasoning too large", usage(3, 4, 7, **out(9)), usage(3, 4, 7, **out(4)), {"usage-excl-reasoning"}),
    ("reasoning unexplained", usage(3, 4, 8, **out(2)), usage(3, 4, 7, **out(2)), {"usage-total-mismatch"}),
    # ruling 1
    (
        "audio",
        usage(3, 4, 12, **given_in(audio_tokens=5)),
        usage(8, 4, 12, **given_in(audio_tokens=5)),
        {"usage-total-mismatch"},
    ),
    # ruling 3
    (
        "cached beside",
        usage(3, 4, 7, **given_in(cached_tokens=9)),
        usage(12, 4, 16, **given_in(cached_tokens=9)),
        {"usage-prompt-excl-cached"},
    ),
    (
        "cached elsewhere",
        usage(9, 4, 13, prompt_cache_hit_tokens=5),
        usage(9, 4, 13, prompt_cache_hit_tokens=5, **given_in(cached_tokens=5)),
        {"usage-cached-elsewhere"},
    ),
    (
        "cached elsewhere, as text",
        usage(9, 4, 13, cached_tokens="5"),
        usage(9, 4, 13, cached_tokens="5", **given_in(cached_tokens=5)),
        {"usage-cached-elsewhere"},
    ),
    ("details null", usage(3, 4, 7, prompt_tokens_details=None), usage(3, 4, 7), {"usage-null-fields"}),
    ("details odd", usage(3, 4, 7, completion_tokens_details=[1]), usage(3, 4, 7), {"usage-null-fields"}),
    ("detail null", usage(3, 4, 7, **out(None)), usage(3, 4, 7, completion_tokens_details={}), {"usage-null-fields"}),
    ("detail float", usage(3, 4, 7, **out(2.0)), usage(3, 4, 7, **out(2)), {"usage-float-string"}),
    ("detail negative", usage(3, 4, 7, **out(-2)), usage(3, 4, 7, **out(0)), {"usage-null-fields"}),
]


@pytest.mark.parametrize(("sent", "wanted", "faults"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_mended(sent: dict[str, Any], wanted: dict[str, Any], faults: set[str]) -> None:
    noted: Counter[str] = Counter()
    before = repr(sent)

    mended = mend_usage(sent, lambda fault: noted.update([fault]))

    assert mended == wanted
    assert noted.keys() >= faults and bool(noted) is bool(faults)
    assert repr(sent) == before, "what came is not changed"


def test_the_gap_of_gemini_is_thoughts() -> None:
    assert mend_usage(usage(3, 4, 9), lambda fault: None, gemini=True) == usage(3, 6, 9)
    assert mend_usage(usage(3, 4, 5), lambda fault: None, gemini=True) == usage(3, 4, 7)


@pytest.mark.parametrize("sent", [None, {}, [], "x", 7])
def test_a_whole_reply_without_a_usage_has_an_estimate(oracle: Oracle, sent: Any) -> None:
    played = play(dumps(whole(usage=sent)), chat())

    assert played.body["usage"]["x_trueline"] == "counted"
    assert "usage-missing-nonstream" in played.faults
    assert oracle(chat(), played) == []


NAMES = st.sampled_from(
    [
        *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"),
        *("input_tokens", "output_tokens", "totalTokens", "cached_tokens", "prompt_cache_hit_tokens"),
        *("prompt_audio_tokens", "x"),
    ]
)
COUNTS = st.sampled_from(["reasoning_tokens", "cached_tokens", "audio_tokens", "text_tokens"])
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(JUNK),
    st.dictionaries(COUNTS, st.one_of(st.integers(0, 9), st.sampled_from(JUNK))),
)


@pytest.mark.no_cover
@given(st.dictionaries(NAMES, VALUES, max_size=7))
@settings(max_examples=500)
def test_any_usage(oracle: Oracle, sent: dict[str, Any]) -> None:
    played = play(dumps(whole(usage=sent)), chat())

    assert oracle(chat(), played) == []
    if played.body["usage"]["total_tokens"]:  # else nothing was counted, and the next in line estimates
        assert play(played.out, chat()) == Played(played.out, None, {})
