"""Tokens by size, where no vocabulary is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.tokens import ESTIMATE, Running, tokenizer_for

RIGHTS = {
    "English": "All human beings are born free and equal in dignity and rights. They are endowed with reason.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft begabt.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison.",
    "Russian": "Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены разумом.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Arabic": "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً.",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "emoji": "😀😃😄🎉🚀🔥❤️👍🙏😂🤣😊😍🥰😘",
    "code": "def count(self, text: str) -> int:\n    return sum(self.weigh(text, a, b) for a, b in pieces)\n",
    "JSON": '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.7}',
}


@pytest.mark.parametrize("kind", RIGHTS)
def test_it_is_near(kind: str) -> None:
    text = RIGHTS[kind]
    exact = tokenizer_for("gpt-4o").count(text)

    assert exact * 0.65 <= ESTIMATE.count(text) <= exact * 1.45


def test_it_says_what_it_is() -> None:
    assert (ESTIMATE.name, ESTIMATE.exact, ESTIMATE.loaded) == ("estimate", False, True)
    ESTIMATE.load()
    assert [ESTIMATE.count(text) for text in ("", "a", "\ud800", "hello")] == [0, 1, 1, 2]


@given(text=st.text(st.characters()), cuts=st.lists(st.integers(0, 50)), tokens=st.integers(-1, 50))
def test_it_adds_up(text: str, cuts: list[int], tokens: int) -> None:
    running = Running(ESTIMATE)
    start = 0
    for end in [*sorted(min(cut, len(text)) for cut in cuts), len(text)]:
        running.add(text[start:end])
        assert running.tokens == ESTIMATE.count(text[:end])
        assert not running.sure(running.tokens - 1)
        start = end

    at = ESTIMATE.cut(text, tokens)
    assert ESTIMATE.count(text[:at]) <= max(tokens, 0)
    assert at == len(text) or ESTIMATE.count(text[: at + 1]) > tokens
