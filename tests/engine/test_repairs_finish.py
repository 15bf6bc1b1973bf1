"""Finish reasons: OpenAI's five words, once, last, and never made up."""

from __future__ import annotations

import pytest

from engine.kit import ROLE, STOP, chat, chunk, dumps, play, sse, through, whole
from trueline.events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    Opaque,
    ReplyEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from trueline.finish_words import FINISH_WORDS
from trueline.repairs.finish import FinishReasons

SAID: list[Event] = [ChoiceStart(0), TextDelta(0, "Hi")]
CALLED: list[Event] = [ChoiceStart(0), ToolCallStart(0, 0, "call_1", "f"), ToolCallDelta(0, 0, "{}")]
LEGACY: list[Event] = [ChoiceStart(0), ToolCallStart(0, 0, "call_1", "f", "function_call")]


def ended(events: list[Event], word: str, **asked: object) -> tuple[str | None, dict[str, int]]:
    """The finish reason that goes out, or None where the reply fails."""
    out, faults = through(FinishReasons, [*events, Finish(0, word), ReplyEnd(True)], chat(stream=True, **asked))
    return next((e.reason for e in out if isinstance(e, Finish)), None), faults


@pytest.mark.parametrize("word", ["stop", "length", "content_filter"])
def test_words_of_openai(word: str) -> None:
    assert ended(SAID, word) == (word, {})


# faults.md section 15 and ruling 10
FOREIGN = {
    "stop": "end_turn stop_sequence pause_turn eos eos_token end stop_str Generated COMPLETE FINISHED STOP done normal "
    "1 what",
    "length": "max_tokens MAX_TOKENS model_length max_length LENGTH model_context_window_exceeded 2",
    "content_filter": "SAFETY BLOCKLIST PROHIBITED_CONTENT SPII LANGUAGE IMAGE_SAFETY IMAGE_OTHER RECITATION "
    "MODEL_ARMOR refusal ERROR_TOXIC guardrail_intervened sensitive blocked 3 8",
}


@pytest.mark.parametrize(("word", "meaning"), [(w, m) for m, words in FOREIGN.items() for w in words.split()])
def test_words_of_others(word: str, meaning: str) -> None:
    fault = "err-moderation-200" if word == "sensitive" else "finish-foreign-vocab"
    assert ended(SAID, word) == (meaning, {fault: 1})


@pytest.mark.parametrize("word", [w for w, meaning in FINISH_WORDS.items() if meaning == "error"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_words_that_say_that_it_failed(word: str, case: object) -> None:
    assert callable(case)
    reason, faults = ended(SAID, case(word))

    assert reason is None
    assert faults["finish-error-value"] == 1


@pytest.mark.parametrize("word", ["OTHER", "MALFORMED_FUNCTION_CALL", "load", "FINISH_REASON_UNSPECIFIED"])
def test_words_that_are_a_stop_only_where_something_was_said(word: str) -> None:
    assert ended(SAID, word)[0] == "stop"
    assert ended([ChoiceStart(0)], word)[0] is None


@pytest.mark.parametrize(
    ("events", "word", "asked", "reason", "fault"),
    [
        (CALLED, "tool_calls", {}, "tool_calls", None),
        (CALLED, "stop", {}, "tool_calls", "finish-stop-with-tools"),
        (CALLED, "stop", {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "stop", None),
        (CALLED, "tool_calls", {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_calls", None),
        (CALLED, "function_call", {}, "tool_calls", "finish-function_call-for-tools"),
        (CALLED, "tool_call", {}, "tool_calls", "finish-tool_call-singular"),
        (CALLED, "tool_use", {}, "tool_calls", "finish-tool_call-singular"),
        (CALLED, "length", {}, "length", None),
        (CALLED, "content_filter", {}, "content_filter", None),
        (SAID, "tool_calls", {}, "stop", "finish-tool_calls-without-tools"),
        (SAID, "function_call", {}, "stop", "finish-tool_calls-without-tools"),
        (LEGACY, "function_call", {"functions": [{"name": "f"}]}, "function_call", None),
        (LEGACY, "stop", {"functions": [{"name": "f"}]}, "function_call", "finish-stop-with-tools"),
    ],
)
def test_calls(events: list[Event], word: str, asked: dict[str, object], reason: str, fault: str | None) -> None:
    assert ended(events, word, **asked) == (reason, {fault: 1} if fault else {})


def test_it_is_held_until_something_else_happens() -> None:
    out, faults = through(FinishReasons, [*SAID, Finish(0, "stop")])
    assert (out, faults) == (SAID, {})

    out, faults = through(
        FinishReasons, [*SAID, Finish(0, "stop"), TextDelta(0, "!"), Finish(0, "length"), ReplyEnd(True)]
    )
    assert out == [*SAID, TextDelta(0, "!"), Finish(0, "length"), ReplyEnd(True)]
    assert faults == {"content-after-finish": 1, "finish-twice": 1}


def test_the_stronger_of_two_wins() -> None:
    for first, second in (("length", "stop"), ("stop", "length")):
        out, _ = through(FinishReasons, [*SAID, Finish(0, first), Finish(0, second), ReplyEnd(True)])
        assert out[-2] == Finish(0, "length")


def test_another_choice_lets_it_go_and_nothing_of_its_own_follows() -> None:
    late: list[Event] = [TextDelta(0, "late"), Opaque(Extras(message={"x": 1}), 0), Finish(0, "stop")]

    out, faults = through(
        FinishReasons, [*SAID, Finish(0, "stop"), ChoiceStart(1), *late, Finish(1, "stop"), ReplyEnd(True)]
    )

    assert out == [*SAID, Finish(0, "stop"), ChoiceStart(1), Finish(1, "stop"), ReplyEnd(True)]
    assert faults == {"content-after-finish": 1, "finish-twice": 1}


LATE_CALL = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("late", [{"content": "late"}, {"audio": {}}, {"tool_calls": [LATE_CALL]}])
def test_nothing_follows_a_finish_that_is_out(late: object) -> None:
    second = [chunk({"role": "assistant", "content": "b"}, index=1), STOP, chunk({"content": "c"}, index=1)]

    played = play(sse(ROLE, *second, chunk(late), chunk({}, "stop", 1)), chat(stream=True, n=2))

    last = [p for p in played.payloads if p["choices"][0]["index"] == 0][-1]
    assert last["choices"][0]["finish_reason"] == "stop"


def test_a_done_without_a_finish_is_one() -> None:
    out, faults = through(FinishReasons, [*SAID, ReplyEnd(True)])
    assert (out, faults) == ([*SAID, Finish(0, "stop"), ReplyEnd(True)], {"finish-missing": 1})

    out, _ = through(FinishReasons, [*CALLED, ReplyEnd(True)])
    assert out[-2] == Finish(0, "tool_calls")


def test_an_end_without_a_finish_is_a_cut() -> None:
    out, faults = through(FinishReasons, [*SAID, ReplyEnd(False)])

    assert isinstance(out[-1], Failure) and not any(isinstance(e, Finish) for e in out)
    assert faults == {"eof-truncated": 1}


def test_an_end_after_a_finish_is_one() -> None:
    out, faults = through(FinishReasons, [*SAID, Finish(0, "stop"), ReplyEnd(False)])

    assert out == [*SAID, Finish(0, "stop"), ReplyEnd(False)]
    assert faults == {"done-missing": 1}


def test_one_finish_for_all_choices() -> None:
    out, faults = through(FinishReasons, [*SAID, ChoiceStart(1), Finish(0, "stop"), ReplyEnd(True)])

    assert out[-3:] == [Finish(0, "stop"), Finish(1, "stop"), ReplyEnd(True)]
    assert faults == {"n-finish-shared": 1}


def test_nothing_said_is_no_reply() -> None:
    out, faults = through(FinishReasons, [ReplyEnd(True)])

    assert [type(e) for e in out] == [Failure]
    assert faults == {"empty-stream": 1}


def test_a_whole_reply_without_a_reason_is_finished() -> None:
    played = play(dumps(whole(finish=None)), chat())

    assert played.body["choices"][0]["finish_reason"] == "stop"
    assert played.faults == {"finish-null-nonstream": 1}
