"""Lists of models, and single models, of any server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.garbage import WRONGS, wronged
from engine.kit import Played, dumps, run, ways_to_cut
from trueline.context import FormatOptions
from trueline.errors import UpstreamCutError
from trueline.pipeline import Models

A = {"id": "a", "object": "model", "created": 5, "owned_by": "me"}
B = {"id": "b", "object": "model", "created": 6, "owned_by": "you"}
LIST = {"object": "list", "data": [A, B]}
BARE = {"object": "model", "created": 0, "owned_by": "unknown"}


def models(body: Any, single: str | None = None) -> Played:
    data = body if isinstance(body, bytes) else dumps(body)
    expected = run(Models(single), [data])
    for parts in ways_to_cut(data):
        assert str(run(Models(single), parts)) == str(expected)
    return expected


@pytest.mark.parametrize("body", [LIST, {"object": "list", "data": []}, {**LIST, "data": [{**A, "max_tokens": 9}]}])
def test_exact_lists_pass_with_their_white_space(body: Any) -> None:
    data = dumps(body).replace(b":", b" :  ") + b"\n"

    assert models(data) == Played(data, None, {})


def test_dropped_extras() -> None:
    drop = FormatOptions(extras="drop")
    sent = {"object": "list", "data": [{**A, "max_tokens": 9}], "has_more": False}

    assert run(Models(None, drop), [dumps(sent)]).body == {"object": "list", "data": [A]}
    assert run(Models("a", drop), [dumps({**A, "max_tokens": 9})]).body == A
    assert run(Models(None, drop), [dumps(sent)]).faults == {"extra-fields": 1}
    assert run(Models("a", drop), [dumps({**A, "max_tokens": 9})]).faults == {"extra-fields": 1}
    assert run(Models(None, drop), [dumps(LIST)]).faults == {}


LISTS: list[tuple[Any, list[Any]]] = [
    ([A, B], [A, B]),
    ({"data": [A]}, [A]),
    ({"models": [A]}, [A]),
    ({"result": [A]}, [A]),
    ({"models": [{"name": "models/gemini-x"}]}, [{"id": "gemini-x", **BARE, "name": "models/gemini-x"}]),
    ({"models": [{"model": "llama", "size": 5}]}, [{"id": "llama", **BARE, "model": "llama", "size": 5}]),
    (["a", "b"], [{"id": "a", **BARE}, {"id": "b", **BARE}]),
    ({"data": [{"id": "a"}]}, [{"id": "a", **BARE}]),
    ({"data": [{**A, "created": 5.9}]}, [A]),
    (
        {"data": [{"id": "a", "created_at": "2023-11-14T22:13:20Z"}]},
        [{"id": "a", **BARE, "created": 1_700_000_000, "created_at": "2023-11-14T22:13:20Z"}],
    ),
    ({"data": [{"id": "a", "created_at": 17e8}]}, [{"id": "a", **BARE, "created": 1_700_000_000, "created_at": 17e8}]),
    ({"data": [{"id": "a", "created_at": "soon"}]}, [{"id": "a", **BARE, "created_at": "soon"}]),
    ({"data": [{**A, "created": 1_700_000_000_000}]}, [{**A, "created": 1_700_000_000}]),
    ({"data": [{**A, "created": "2025"}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "created": "1686935002"}]}, [{**A, "created": 1686935002}]),
    ({"data": [{**A, "created": "1686935002000"}]}, [{**A, "created": 1686935002}]),
    ({"data": [{**A, "created": 16_869_350_002}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "created": None}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "created": True}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "created": 10**400}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "created": 1e308}]}, [{**A, "created": 0}]),
    ({"data": [{**A, "owned_by": None}]}, [{**A, "owned_by": "unknown"}]),
    ({"data": [{**A, "object": "engine"}]}, [A]),
    ({"data": [A, None, 7, {}, [], {"id": ""}]}, [A]),
]


@pytest.mark.parametrize(("body", "listed"), LISTS)
def test_lists(body: Any, listed: list[Any]) -> None:
    played = models(body)

    assert played.body["object"] == "list"
    assert played.body["data"] == listed
    assert played.faults


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 502),
        (b"<html><title>404</title>", 502),
        ({}, 502),
        ({"data": {}}, 502),
        (7, 502),
        ({"error": {"message": "No.", "code": 401}}, 401),
        ({"error": "Unexpected endpoint or method. (GET /v1/models)"}, 404),
    ],
)
@pytest.mark.parametrize("single", [None, "a"])
def test_failures(body: Any, status: int, single: str | None) -> None:
    error = models(body, single).error

    assert error is not None and error.status == status


def test_one_model() -> None:
    assert models(A, "a") == Played(dumps(A), None, {})
    assert models({"id": "a"}, "a").body == {"id": "a", **BARE}
    assert models(LIST, "b").body == B

    error = models(LIST, "c").error
    assert error is not None and (error.status, error.code) == (404, "model_not_found")


def test_a_cut_is_an_error() -> None:
    cut = UpstreamCutError("The connection was closed.")

    assert run(Models(), [dumps(LIST)[:9]], cut).error is cut


BODIES = st.builds(wronged, st.sampled_from([LIST, A, *(body for body, _ in LISTS)]), WRONGS)


@pytest.mark.no_cover
@given(BODIES, st.sampled_from([None, "a"]))
@settings(max_examples=400)
def test_any_body(shared: Any, rules: Any, body: Any, single: str | None) -> None:
    played = run(Models(single), [dumps(body)])

    if played.error is None:
        name = "ListModelsResponse" if single is None else "Model"
        assert rules.schema(name, played.body, "wire") == []
    else:
        assert 400 <= played.error.status < 600
