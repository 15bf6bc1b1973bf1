"""The fewest tokens: no tokenizer finds fewer, however the text came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.repairs.limits.meter import Meter
from trueline.tokens import tokenizer_for
from trueline.tokens.least import LEAST

WORDS = (
    "The", " responsibilities", " of", " international", " organizations", "Geschwindigkeitsbegrenzungen", " und",
    "\n", "\n\n", " " * 40, "\t", "=", "=" * 79, "*" * 60, "- ", "_" * 50, "." * 70, "|---|", "│", "─" * 30, "+----",
    "    return self._value\n", "{", '"name": ', "1234567", "0" * 40, "3.14", "a" * 50, "haha", "é", "👍", "😀" * 9,
    " საქართველო", " المملكة", " العربية", "東京は", "日本", "서울은", " Москва", " столицей", " דשנה", " ประเทศ",
    "CONFIGURATION", " INFORMATION", "aGVsbG8gd29ybGQ", "deadbeef", "\u3000", "\ud800",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_no_more_than_any_vocabulary_finds(words: list[str]) -> None:
    text = "".join(words)
    assert LEAST.count(text) <= max(min(tokenizer_for(model).count(text) for model in ("gpt-4o", "gpt-4")), bool(text))


@given(st.lists(st.sampled_from(WORDS), max_size=30), st.integers(1, 9), st.integers(1, 12))
def test_it_is_the_same_however_the_text_came(words: list[str], size: int, limit: int) -> None:
    text = "".join(words)
    whole = Meter(LEAST, limit).take(text)
    meter, out, over = Meter(LEAST, limit), "", False
    for at in range(0, len(text), size):
        if over:
            break
        more, over = meter.take(text[at : at + size])
        out += more
    assert over == whole[1]
    if over:
        assert out == whole[0] == text[: LEAST.cut(text, limit)]


@pytest.mark.parametrize("text", ["", " ", "\n" * 5000, "=" * 5000])
def test_what_repeats_counts_once(text: str) -> None:
    assert LEAST.count(text) == bool(text)
