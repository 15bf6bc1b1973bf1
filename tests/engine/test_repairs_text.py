"""Text that comes twice, in halves, or as thoughts: repeats, surrogates and think tags."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import ROLE, STOP, Played, chat, chunk, dumps, play, sse, through, whole
from trueline.context import FormatOptions
from trueline.events import Event, Extras, Failure, Finish, Opaque, ReasoningDelta, ReplyEnd, TextDelta, ToolFragment
from trueline.repairs.repeats import Repeats
from trueline.repairs.surrogates import Surrogates
from trueline.repairs.thinking import BLOCKS, ThinkTags


def said(*texts: str, finish: bool = True) -> list[Event]:
    """Deltas of these texts, and a finish; a text that ends in `$` comes in the payload of the finish."""
    events: list[Event] = [TextDelta(0, t.removesuffix("$"), last=t.endswith("$")) for t in texts]
    return [*events, Finish(0, "stop")] if finish else events


def texts(events: list[Event]) -> list[str]:
    return [e.text for e in events if isinstance(e, TextDelta)]


def of(played: Played, name: str = "content") -> str:
    """All of a field of the only choice, put together."""
    return "".join(p["choices"][0]["delta"].get(name) or "" for p in played.payloads if p["choices"])


# -- repeats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        ["Hello", " world"],
        ["ha", "haha", "!"],
        ["ha", "haha"],
        ["1", "10", "2"],
        ["a", "a", "a", "a"],
        ["\n", "\n\n", "x"],
        ["Hello world", "Hello"],
        ["no ", "no no ", "no no no never"],
        ["the end", "the end"],  # below the length of evidence
    ],
)
def test_speech_stays(sent: list[str]) -> None:
    out, faults = through(Repeats, said(*sent))

    assert texts(out) == sent
    assert faults == {}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (["Hello wo", "Hello world", "Hello world, you"], ["Hello wo", "rld, you"]),
        (
            ["Hello wo", "Hello world", "Hello world, you", "Hello world, you", "Hello world, you!"],
            ["Hello wo", "rld, you", "!"],
        ),
        (["Once upon", "Once upon a time", "Once upon a time, Once upon"], ["Once upon", " a time, Once upon"]),
    ],
)
def test_running_totals_become_increments(sent: list[str], kept: list[str]) -> None:
    out, faults = through(Repeats, said(*sent))

    assert texts(out) == kept
    assert faults.keys() == {"content-cumulative"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (["Hello ", "world.", "Hello world.$"], "Hello world."),
        (["Hello ", "world.", "Hello world. Bye.$"], "Hello world. Bye."),
        (["<think>a</think>", "\n\nHello world.", "Hello world.$"], "<think>a</think>\n\nHello world."),
    ],
)
def test_an_answer_that_is_repeated_at_its_end_comes_once(sent: list[str], kept: str) -> None:
    out, faults = through(Repeats, said(*sent))

    assert "".join(texts(out)) == kept
    assert faults == {"final-full-repeat": 1}


@pytest.mark.parametrize(
    "sent",
    [
        ["<think>a</think>", "\n\nHello world.", "different!!!$"],  # as long as the answer, and another
        ["<think>a</think>Hello wor", "Good-bye!$"],
        ["Hello ", "world.", "world.$"],
        ["ha", "ha$"],
    ],
)
def test_an_end_that_only_looks_like_a_repeat_stays(sent: list[str]) -> None:
    out, faults = through(Repeats, said(*sent))

    assert "".join(texts(out)) == "".join(sent).removesuffix("$")
    assert faults == {}


CUT = Failure(Exception("cut"))  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [ReplyEnd(True), ReplyEnd(False), ToolFragment(0), ReasoningDelta(0, "x"), CUT])
def test_what_is_held_comes_before_whatever_follows(after: Event) -> None:
    """`Hello` may have been a running total; nothing confirms it, so it was said."""
    out, faults = through(Repeats, [*said("He", "Hello", finish=False), after])

    assert out[:-1] == said("He", "Hello", finish=False)
    assert type(out[-1]) is type(after)
    assert faults == {}


def test_another_choice_lets_nothing_go() -> None:
    out, _ = through(Repeats, [TextDelta(0, "He"), TextDelta(0, "Hello"), TextDelta(1, "x"), Finish(1, "stop")])

    assert out == [TextDelta(0, "He"), TextDelta(1, "x"), Finish(1, "stop")]


def test_a_stream_that_ends_without_a_finish_loses_nothing() -> None:
    assert of(play(sse(ROLE, chunk({"content": "I"}), chunk({"content": "It is"})))) == "IIt is"


def test_thoughts_repeat_by_themselves() -> None:
    thought = [ReasoningDelta(0, t) for t in ("Let me see", "Let me see now", "Let me see now, well")]

    out, _ = through(Repeats, [*thought, TextDelta(0, "Let me see now, well, yes"), Finish(0, "stop")])

    assert [e.text for e in out if isinstance(e, ReasoningDelta)] == ["Let me see", " now, well"]
    assert texts(out) == ["Let me see now, well, yes"]


def test_extras_of_what_is_dropped_stay() -> None:
    extra = Extras(choice={"x": 1})
    last = TextDelta(0, "Hello world.", extras=extra, last=True)

    out, _ = through(Repeats, [TextDelta(0, "Hello world."), last, Finish(0, "stop")])

    assert out == [TextDelta(0, "Hello world."), Opaque(extra, 0), Finish(0, "stop")]


def test_whole_replies_are_left_alone() -> None:
    said: list[Event] = [TextDelta(0, "Hello, hello. Hello, hello."), Finish(0, "stop")]

    assert through(Repeats, said, chat()) == (said, {})


# -- surrogates -------------------------------------------------------------------------------------------------------

HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (["a😀", "é"], ["a😀", "é"]),
        ([f"a{HIGH}{LOW}b"], ["a😀b"]),
        ([f"a{HIGH}", f"{LOW}b"], ["a", "😀b"]),
        ([HIGH, LOW], ["😀"]),
        ([f"a{HIGH}", "b"], ["a", "\ufffdb"]),
        ([f"a{LOW}b"], ["a\ufffdb"]),
        ([f"{LOW}{HIGH}x"], ["\ufffd\ufffdx"]),
        ([HIGH, HIGH, LOW], ["\ufffd", "😀"]),
        ([f"a{HIGH}"], ["a", "\ufffd"]),
    ],
)
def test_halves(sent: list[str], kept: list[str]) -> None:
    out, _ = through(Surrogates, said(*sent))

    assert texts(out) == kept
    assert isinstance(out[-1], Finish)


def test_a_half_of_a_thought_is_none_of_the_answer() -> None:
    out, _ = through(Surrogates, [ReasoningDelta(0, f"a{HIGH}"), TextDelta(0, f"{LOW}b"), ReplyEnd(True)])

    assert out == [ReasoningDelta(0, "a"), ReasoningDelta(0, "\ufffd"), TextDelta(0, "\ufffdb"), ReplyEnd(True)]


def test_a_half_with_extras_leaves_them_behind() -> None:
    extra = Extras(choice={"x": 1})

    out, _ = through(Surrogates, [TextDelta(0, HIGH, extras=extra), TextDelta(0, LOW), Finish(0, "stop")])

    assert out == [Opaque(extra, 0), TextDelta(0, "😀"), Finish(0, "stop")]


def test_halves_in_json() -> None:
    data = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n'

    played = play(data + data.replace(b"ud83d", b"ude00") + sse(STOP))

    assert of(played) == "😀"
    assert played.faults["lone-surrogate"] == 2


# -- thoughts in tags -------------------------------------------------------------------------------------------------

SPLIT: list[tuple[str, str, str]] = [
    ("<think>hm</think>yes", "hm", "yes"),
    ("<think>\nhm\n</think>\n\nyes", "hm\n", "yes"),
    ("  \n<think>hm</think> yes", "hm", " yes"),
    ("<think></think>yes", "", "yes"),
    ("<think>hm", "hm", ""),
    ("<think>", "", ""),
    ("<think>a</think>\n<think>b</think>yes", "ab", "yes"),
    ("<think>a</think><thin yes", "a", "<thin yes"),
    ("<think>a < b </th </think>yes", "a < b </th ", "yes"),
    ("<think>a</thinking></think>yes", "a</thinking>", "yes"),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    *((f"{opening}hm{closing}yes", "hm", "yes") for opening, closing in BLOCKS.items()),
    ("yes <think>hm</think>", "", "yes <think>hm</think>"),
    ("hm</think>yes", "", "hm</think>yes"),
    ("<thin", "", "<thin"),
    ("<b>x</b>", "", "<b>x</b>"),
    ("<thinker>", "", "<thinker>"),
    ("   ", "", "   "),
    ("<", "", "<"),
]


@pytest.mark.parametrize(("text", "thought", "answer"), SPLIT)
def test_tags(text: str, thought: str, answer: str) -> None:
    """Whole, letter by letter, and cut in two at every place: the same thoughts, the same answer."""
    for parts in [[text], list(text), *([text[:n], text[n:]] for n in range(1, len(text)))]:
        out, _ = through(ThinkTags, said(*parts))
        assert "".join(e.text for e in out if isinstance(e, ReasoningDelta)) == thought
        assert "".join(texts(out)) == answer
        assert isinstance(out[-1], Finish)
        assert all(e.text for e in out if isinstance(e, TextDelta | ReasoningDelta))


@pytest.mark.parametrize("after", [Finish(0, "stop"), ToolFragment(0), ReplyEnd(True)])
def test_what_may_have_been_a_tag_leaves_before_what_follows(after: Event) -> None:
    out, _ = through(ThinkTags, [TextDelta(0, "<thi"), after])

    assert out == [TextDelta(0, "<thi"), after]


def test_no_more_is_held_than_a_tag() -> None:
    out, faults = through(ThinkTags, said("<think>", "a long thought", " and </thi", "s is no tag", finish=False))

    assert [e.text for e in out if isinstance(e, ReasoningDelta)] == ["a long thought", " and ", "</this is no tag"]
    assert faults == {"think-in-content": 1}


def test_faults_of_tags() -> None:
    _, faults = through(ThinkTags, said("<reasoning>hm"))

    assert faults == {"think-in-content": 1, "reasoning-tag-variants": 1, "think-unclosed": 1}


# -- where thoughts go ------------------------------------------------------------------------------------------------

PLACES: list[tuple[FormatOptions, str, str, str]] = [
    (FormatOptions(), "yes", "hm", ""),
    (FormatOptions(reasoning="reasoning"), "yes", "", "hm"),
    (FormatOptions(reasoning="think"), "<think>hm</think>yes", "", ""),
    (FormatOptions(reasoning="drop"), "yes", "", ""),
]


@pytest.mark.parametrize(("options", "content", "usual", "other"), PLACES)
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text", "thinking", "thought"])
def test_thoughts(options: FormatOptions, content: str, usual: str, other: str, field: str) -> None:
    """By the field, as tags, and in parts; streamed and whole: they go where the options say."""
    message = {"role": "assistant", "content": "yes", field: "hm"}
    streamed = play(
        sse(ROLE, chunk({field: "h"}), chunk({field: "m"}), chunk({"content": "yes"}), STOP), options=options
    )
    kept = play(dumps(whole(message)), chat(), options).body["choices"][0]["message"]

    assert (of(streamed), of(streamed, "reasoning_content"), of(streamed, "reasoning")) == (content, usual, other)
    names = ("content", "reasoning_content", "reasoning")
    assert tuple(kept.get(name) or "" for name in names) == (content, usual, other)


@pytest.mark.parametrize(("options", "content", "usual", "other"), PLACES)
@pytest.mark.parametrize("tags", ["split", "keep"])
def test_tagged_thoughts(options: FormatOptions, content: str, usual: str, other: str, tags: Any) -> None:
    options = FormatOptions(reasoning=options.reasoning, think_tags=tags)
    if tags == "keep":
        content, usual, other = "<think>hm</think>yes", "", ""

    streamed = play(
        sse(ROLE, chunk({"content": "<think>hm</thi"}), chunk({"content": "nk>yes"}), STOP), options=options
    )

    assert (of(streamed), of(streamed, "reasoning_content"), of(streamed, "reasoning")) == (content, usual, other)


def test_thoughts_that_never_end_are_closed_where_they_are_text() -> None:
    played = play(sse(ROLE, chunk({"reasoning": "hm"}), STOP), options=FormatOptions(reasoning="think"))

    assert of(played) == "<think>hm</think>"


def test_thoughts_in_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]

    played = play(sse(chunk({"role": "assistant", "content": parts}), STOP))

    assert (of(played, "reasoning_content"), of(played)) == ("hm", "yes")


def test_thoughts_under_two_names_come_once() -> None:
    played = play(sse(ROLE, chunk({"reasoning": "hm", "reasoning_content": "hm"}), STOP))

    assert of(played, "reasoning_content") == "hm"
    assert "reasoning-mirrored" in played.faults
