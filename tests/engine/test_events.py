"""Canonical events: a whole reply unfolded and folded again is the same reply; extras are put together as SDKs do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from engine.kit import context
from trueline.errors import UpstreamCutError
from trueline.events import (
    Call,
    Choice,
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolFragment,
    Usage,
    fold,
    unfold,
)
from trueline.repairs.tools import ToolCalls

TEXT = st.text(alphabet="ab é😀\n", max_size=6)
SAID = st.text(alphabet="ab é😀\n", min_size=1, max_size=6)
VALUE: st.SearchStrategy[Any] = st.one_of(st.none(), st.integers(), TEXT, st.lists(TEXT, max_size=2))
FIELDS = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUE, max_size=2)
SOME = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUE, min_size=1, max_size=2)
TOKEN = st.fixed_dictionaries({"token": TEXT, "logprob": st.just(-1.0)})
LOGPROBS = st.one_of(
    st.just(UNSET), st.none(), st.fixed_dictionaries({"content": st.lists(TOKEN, max_size=2), "refusal": st.none()})
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """Whole replies whose calls are those of the tool rule: ids that differ, arguments that are text."""
    names = iter(range(100))

    def call() -> Call:
        extras = draw(st.one_of(st.none(), SOME))
        return Call(f"call_{next(names)}", draw(SAID), draw(SAID), "function", UNSET, extras, None)

    choices = [
        Choice(
            index,
            draw(st.one_of(st.none(), TEXT)),
            draw(st.one_of(st.none(), SAID)),
            draw(st.one_of(st.just(UNSET), st.none(), SAID)),
            [call() for _ in range(draw(st.integers(0, 2)))],
            draw(st.sampled_from(["stop", "length", "tool_calls"])),
            draw(LOGPROBS),
            draw(FIELDS),
            draw(FIELDS),
        )
        for index in range(draw(st.integers(1, 3)))
    ]
    usage = draw(st.one_of(st.just(UNSET), st.just({"prompt_tokens": 1})))
    return Reply(ReplyStart("id", 1, "m", "fp"), choices, usage, draw(FIELDS))


def tracked(events: list[Event]) -> list[Event]:
    """The events after the tool rule, which turns fragments into calls."""
    rule = ToolCalls(context())
    out: list[Event] = []
    for event in events:
        result = rule.see(event) if isinstance(event, ToolFragment | Finish | ReplyEnd) else event
        out.extend(result if isinstance(result, list) else [] if result is None else [result])
    return out


@pytest.mark.no_cover
@given(replies())
@settings(max_examples=300)
def test_fold_undoes_unfold(reply: Reply) -> None:
    folded = fold(tracked(unfold(copy.deepcopy(reply))))

    folded.start.extras = None
    assert folded == reply


@pytest.mark.no_cover
@given(replies())
def test_unfolded_replies_come_in_the_order_of_a_stream(reply: Reply) -> None:
    events = unfold(reply)

    assert isinstance(events[0], ReplyStart)
    for choice in reply.choices:
        own = [e for e in events if getattr(e, "choice", None) == choice.index]
        assert isinstance(own[0], ChoiceStart) and isinstance(own[-1], Finish)
        assert sum(isinstance(e, ChoiceStart | Finish) for e in own) == 2


def test_increments_are_put_together() -> None:
    reply = fold(
        [
            ReplyStart("id"),
            ChoiceStart(0),
            ReasoningDelta(0, "h"),
            ReasoningDelta(0, "m"),
            TextDelta(0, "a", {"content": [1], "refusal": None}),
            TextDelta(0, "b", {"content": [2]}),
            ToolCallStart(0, 0, "call_1", "f"),
            ToolCallDelta(0, 0, "{"),
            ToolCallStart(0, 1, "call_2", "g"),
            ToolCallDelta(0, 0, "}"),
            Finish(0, "stop", None),
            Usage({"total_tokens": 1}),
            ReplyEnd(True),
        ]
    )

    assert reply.choices == [
        Choice(
            0,
            "ab",
            "hm",
            UNSET,
            [Call("call_1", "f", "{}"), Call("call_2", "g", "")],
            "stop",
            {"content": [1, 2], "refusal": None},
            {},
            {},
        )
    ]
    assert reply.usage == {"total_tokens": 1}


def test_what_tells_nothing_of_a_reply_is_passed_over() -> None:
    events: list[Event] = [ToolFragment(0), Failure(UpstreamCutError("x")), ReplyEnd(False)]

    assert fold([ReplyStart("id"), *events]) == Reply(ReplyStart("id"), [], UNSET, {})


def test_a_refusal() -> None:
    reply = fold([ChoiceStart(0, None, ""), RefusalDelta(0, "N"), RefusalDelta(0, "o"), Finish(0, "stop")])

    assert (reply.choices[0].content, reply.choices[0].refusal) == (None, "No")


# fields of one event, fields of the next -> together, for those of a message and those of a choice or a reply
MERGES: list[tuple[Any, Any, Any, Any]] = [
    ("a", "b", "ab", "b"),
    ([1], [2], [1, 2], [2]),
    ({"x": "a"}, {"x": "b", "y": 1}, {"x": "ab", "y": 1}, {"x": "b", "y": 1}),
    ({"x": {"y": [1]}}, {"x": {"y": [2]}}, {"x": {"y": [1, 2]}}, {"x": {"y": [2]}}),
    (1, 2, 2, 2),
    (1, None, 1, 1),
    (None, 1, 1, 1),
    ("a", None, "a", "a"),
    ("a", 1, 1, 1),
    ([1], {"x": 1}, {"x": 1}, {"x": 1}),
]


@pytest.mark.parametrize(("first", "second", "joined", "latest"), MERGES)
def test_extras(first: Any, second: Any, joined: Any, latest: Any) -> None:
    for level, wanted in (("message", joined), ("choice", latest), ("reply", latest)):
        events: list[Event] = [
            ChoiceStart(0),
            TextDelta(0, "a", extras=Extras(**{level: {"k": first, "a": 1}})),
            Opaque(Extras(**{level: {"k": second, "b": 2}}), 0),
        ]
        reply = fold(copy.deepcopy(events))
        found = {
            "message": reply.choices[0].message_extras,
            "choice": reply.choices[0].extras,
            "reply": reply.extras,
        }
        assert found.pop(level) == {"k": wanted, "a": 1, "b": 2}
        assert list(found.values()) == [{}, {}]
        assert events[1].extras == Extras(**{level: {"k": first, "a": 1}})  # type: ignore[union-attr]


def test_extras_of_the_reply_itself() -> None:
    reply = fold(
        [ReplyStart("id", extras=Extras(reply={"a": 1})), Opaque(Extras(reply={"b": 2})), Usage({}, Extras({"c": 3}))]
    )

    assert reply.extras == {"a": 1, "b": 2, "c": 3}
