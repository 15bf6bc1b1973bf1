"""The patterns that cut words: written for speed, they find the words that OpenAI's own find."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.tokens import tokenizers

OPENAIS = {
    "cl100k_base": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k_base": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
}
"""As tiktoken 0.14 has them (tiktoken_ext/openai_public.py)."""
PIECES = st.sampled_from(
    [
        " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\x0b", "\x1c", "\x85", "\xa0", "\u2028", "\u3000",
        "a", "B", "don", "HTTPServer", "\u01c5", "\u02b0", "\xaa", "\u0301", "\u0915\u094d", "\u4e2d", "\u0e01",
        "'", "'s", "'S", "'LL", "'\u017f", "'re", "'d", "1", "12", "1234", "\xb2", "\u0663", "\u2167", "/", "//",
        "-", "!?", "_", "{", "\U0001f600", "\u200b", "\u200d", "\ufeff", "\x00", "\ufffd",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(st.characters(exclude_categories=["Cs"])))


@cache
def both(name: str) -> tuple[Callable[[str], list[int]], Callable[[str], list[int]]]:
    """What encodes by Trueline's pattern, and by OpenAI's."""
    ranks = tokenizers._ranks(name)
    ours, openais = (
        tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        for pattern in (tokenizers._PATTERNS[name], OPENAIS[name])
    )
    return ours.encode_ordinary, openais.encode_ordinary


@pytest.mark.parametrize("name", OPENAIS)
@settings(max_examples=1500, deadline=None)
@given(text=TEXTS)
def test_they_find_the_same_words(name: str, text: str) -> None:
    ours, openais = both(name)

    assert ours(text) == openais(text)
