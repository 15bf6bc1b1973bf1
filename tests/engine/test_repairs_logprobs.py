"""Log probabilities: OpenAI's shape where they were asked for, null where they were not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from engine.kit import chat, through
from trueline.events import ChoiceStart, Finish, TextDelta
from trueline.repairs.logprobs import Logprobs

TOP = {"token": "He", "logprob": -0.1, "bytes": [72, 101]}
OTHER = {"token": "Y", "logprob": -2.5, "bytes": None}
TOKEN = {**TOP, "top_logprobs": [TOP, OTHER]}
EXACT = {"content": [TOKEN], "refusal": None}


def logprobs(sent: Any, **asked: Any) -> tuple[Any, dict[str, int]]:
    request = chat(stream=True, **{"logprobs": True, "top_logprobs": 2, **asked})
    [event], faults = through(Logprobs, [TextDelta(0, "He", sent)], request)
    assert isinstance(event, TextDelta)
    return event.logprobs, faults


@pytest.mark.parametrize(
    "sent", [EXACT, {**EXACT, "content": []}, {**EXACT, "content": None, "refusal": [TOKEN]}, None, UNSET]
)
def test_what_is_exact_stays(sent: Any) -> None:
    assert logprobs(sent) == (sent, {})


@pytest.mark.parametrize("sent", [EXACT, [], 1, "x", {"tokens": []}])
def test_what_nobody_asked_for_is_null(sent: Any) -> None:
    assert logprobs(sent, logprobs=False) == (None, {"logprobs-unasked": 1})


@pytest.mark.parametrize("sent", [{}, {"content": None}, {"tokens": None, "token_logprobs": None}])
def test_an_object_of_nulls_is_none_whether_asked_for_or_not(sent: Any) -> None:
    assert logprobs(sent, logprobs=False) == (None, {"logprobs-object-of-nulls": 1})


def test_no_more_alternatives_than_were_asked_for() -> None:
    mended, faults = logprobs(EXACT, top_logprobs=1)

    assert mended == {"content": [{**TOP, "top_logprobs": [TOP]}], "refusal": None}
    assert faults == {"logprobs-top": 1}


FLOOR = -9999.0


@pytest.mark.parametrize(
    ("token", "mended"),
    [
        ({}, {"token": "", "logprob": FLOOR, "bytes": [], "top_logprobs": []}),
        ({"token": "é"}, {"token": "é", "logprob": FLOOR, "bytes": [195, 169], "top_logprobs": []}),
        ({**TOKEN, "logprob": float("-inf")}, {**TOKEN, "logprob": FLOOR}),
        ({**TOKEN, "logprob": float("nan")}, {**TOKEN, "logprob": FLOOR}),
        ({**TOKEN, "logprob": None}, {**TOKEN, "logprob": FLOOR}),
        ({**TOKEN, "logprob": "-1"}, {**TOKEN, "logprob": FLOOR}),
        ({**TOKEN, "token": 7}, {**TOKEN, "token": ""}),
        ({**TOKEN, "token": None, "bytes": None}, {**TOKEN, "token": "", "bytes": None}),
        ({**TOKEN, "bytes": "He"}, TOKEN),
        ({**TOKEN, "bytes": [72, None]}, TOKEN),
        ({**TOKEN, "bytes": [True, [1]]}, TOKEN),
        ({**TOKEN, "top_logprobs": None}, {**TOKEN, "top_logprobs": []}),
        ({**TOKEN, "top_logprobs": [None, TOP, 1]}, {**TOKEN, "top_logprobs": [TOP]}),
        (
            {**TOKEN, "top_logprobs": [{"token": "Y"}]},
            {**TOKEN, "top_logprobs": [{**OTHER, "logprob": FLOOR, "bytes": [89]}]},
        ),
        ({**TOKEN, "rank": 1}, {**TOKEN, "rank": 1}),
    ],
)
def test_token(token: Any, mended: Any) -> None:
    assert logprobs({"content": [token], "refusal": None})[0] == {"content": [mended], "refusal": None}


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        ({"content": None}, None),
        ({"content": None, "refusal": None}, None),
        ({}, None),
        ({"content": {"a": 1}}, None),
        ({"content": "x", "refusal": []}, {"content": None, "refusal": []}),
        ({"refusal": []}, {"refusal": [], "content": None}),
        ({"content": [TOKEN], "refusal": {"a": 1}}, EXACT),
        ({"content": [None, TOKEN, "x"]}, {"content": [TOKEN]}),
    ],
)
def test_sides(sent: Any, mended: Any) -> None:
    assert logprobs(sent)[0] == mended


def test_the_role_chunk_may_hold_no_tokens() -> None:
    none: dict[str, Any] = {"content": [], "refusal": None}
    [event], faults = through(Logprobs, [ChoiceStart(0, logprobs=none)], chat(stream=True, logprobs=True))

    assert isinstance(event, ChoiceStart)
    assert (event.logprobs, faults) == (none, {})


def test_the_role_chunk_may_not_hold_nulls() -> None:
    [event], faults = through(Logprobs, [ChoiceStart(0, logprobs={"content": None})], chat(stream=True, logprobs=True))

    assert isinstance(event, ChoiceStart)
    assert (event.logprobs, faults) == (None, {"logprobs-object-of-nulls": 1})


def test_the_finish_chunk_holds_none() -> None:
    [event], faults = through(Logprobs, [Finish(0, "stop", {"content": None})], chat(stream=True, logprobs=True))

    assert isinstance(event, Finish)
    assert (event.logprobs, faults) == (None, {"logprobs-object-of-nulls": 1})


@pytest.mark.parametrize("sent", [{"content": 7, "refusal": None}, {}, {"delta": {}}])
def test_the_role_chunk_holds_no_foreign_side(sent: Any) -> None:
    [event], _ = through(Logprobs, [ChoiceStart(0, logprobs=sent)], chat(stream=True, logprobs=True))

    assert isinstance(event, ChoiceStart)
    assert event.logprobs is None


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        (
            {"tokens": ["He", "y"], "token_logprobs": [-0.1, None], "top_logprobs": [{"Y": -2.5}]},
            [
                {**TOP, "top_logprobs": [{**OTHER, "bytes": [89]}]},
                {"token": "y", "logprob": FLOOR, "bytes": [121], "top_logprobs": []},
            ],
        ),
        ({"tokens": ["He"], "token_logprobs": [-0.1], "top_logprobs": None}, [{**TOP, "top_logprobs": []}]),
        (
            {"tokens": [1], "token_logprobs": ["x"]},
            [{"token": "1", "logprob": FLOOR, "bytes": [49], "top_logprobs": []}],
        ),
        ({"tokens": [], "token_logprobs": []}, []),
    ],
)
def test_legacy_form(sent: Any, mended: Any) -> None:
    found, faults = logprobs(sent)

    assert found == {"content": mended, "refusal": None}
    assert faults["logprobs-legacy"] == 1


@pytest.mark.parametrize("sent", [[], 1, "x", True, {"tokens": ["a"]}, {"token_logprobs": [1]}])
def test_what_cannot_be_read_is_null(sent: Any) -> None:
    assert logprobs(sent) == (None, {"logprobs-legacy": 1})
