"""What is kept of a reply that nobody asked to be counted: a short text, and of a long one its size and weight."""

from __future__ import annotations

import pytest

from trueline.events import ReasoningDelta, TextDelta, ToolCallStart
from trueline.said import SHORT, Said
from trueline.tokens import ESTIMATE

WORDS = ["lighthouse ", "Дом ", "灯台", "====", "\n"]


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("passing", [True, False])
def test_sizes_and_weights(keep: bool, passing: bool) -> None:
    said, text = Said(keep), ""
    passes = said.keeper(TextDelta)
    assert passes is not None and said.keeper(ReasoningDelta) is said.keeper(ToolCallStart) is None
    for number in range(3000):
        if passing and number % 50:
            passes([WORDS[number % 5]], WORDS[number % 5])
        else:
            said.add(TextDelta(0, WORDS[number % 5]))
        text += WORDS[number % 5]
        if number in (100, 300, 2999):
            assert said.size == len(text.encode()) and said.about == ESTIMATE.count(text)
            assert said.kept == (keep or len(text.encode()) <= SHORT)
            assert said.texts() == ([text] if said.kept else [])


@pytest.mark.parametrize("size", [5, 20, 300])
@pytest.mark.parametrize("number", [255, 256, 257, 511, 600])
def test_it_makes_no_difference_how_texts_are_added(number: int, size: int) -> None:
    """A text that passes the rules is kept as any other, or not."""
    added, passed = Said(keep=False), Said(keep=False)
    keep = passed.keeper(TextDelta)
    assert keep is not None
    for word in (WORDS[n % 5].ljust(size, "x") for n in range(number)):
        added.add(TextDelta(0, word))
        keep([word], word)

    assert (added.kept, added.size, added.about) == (passed.kept, passed.size, passed.about)
    assert added.texts() == passed.texts()


def test_a_large_increment_is_not_kept() -> None:
    said = Said(keep=False)
    said.add(TextDelta(0, "a" * 10_000))
    said.add(ReasoningDelta(0, "b" * 10_000))

    assert (said.size, said.kept, said.messages()) == (20_000, False, [])
    assert said.about == ESTIMATE.count("a" * 20_000)


def test_of_a_huge_text_parts_are_looked_at() -> None:
    said = Said()
    said.add(TextDelta(0, "lighthouse, " * 100_000))

    assert said.about == pytest.approx(ESTIMATE.count("lighthouse, " * 100_000), rel=0.01)


def test_calls_are_part_of_it() -> None:
    said = Said(keep=False)
    said.add(ToolCallStart(0, 0, "call_1", "look", arguments='{"at": 1}'))

    assert said.size == 13 and said.kept and said.messages()[0]["tool_calls"][0]["function"]["name"] == "look"
