"""Embeddings: what is refused is named, and options hold for them as for chats."""

from __future__ import annotations

from array import array
from base64 import b64encode
from typing import Any

import pytest

from engine.kit import ROUTE, CountingMint, Played, dumps, run
from trueline.context import FormatOptions
from trueline.messages import read_embedding_request
from trueline.pipeline import embedding_pipeline

ENTRY = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
USAGE = {"prompt_tokens": 1, "total_tokens": 1}
REPLY = {"object": "list", "data": [ENTRY], "model": "served", "usage": USAGE}


def embedded(body: Any, options: FormatOptions = FormatOptions(), **asked: Any) -> Played:
    request = read_embedding_request(dumps({"model": "asked", "input": "Hi", **asked}))
    return run(embedding_pipeline(request, ROUTE, CountingMint(), options), [dumps(body)])


@pytest.mark.parametrize("form", ["float", "base64"])
def test_no_number_in_base64(form: str) -> None:
    text = b64encode(array("f", [0.5, float("nan")]).tobytes()).decode()

    played = embedded({**REPLY, "data": [{**ENTRY, "embedding": text}]}, encoding_format=form)

    assert played.error is not None
    assert played.error.status == 502
    assert played.faults["emb-nan"] == 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_not_one_vector_for_each_input(count: int) -> None:
    data = [{**ENTRY, "index": number} for number in range(count)]

    played = embedded({**REPLY, "data": data}, input=["a", "b"])

    assert played.error is not None
    assert played.error.status == 502
    assert played.faults == {"emb-count": 1}


def test_the_name_that_was_asked_for() -> None:
    played = embedded(REPLY, FormatOptions(model_name="requested"))

    assert played.body == {**REPLY, "model": "asked"}
    assert played.faults == {"model-differs": 1}
    assert embedded({**REPLY, "model": "asked"}, FormatOptions(model_name="requested")).faults == {}
    assert embedded(REPLY).body == REPLY


@pytest.mark.parametrize(
    "more",
    [{"id": "e"}, {"data": [{**ENTRY, "text": "Hi"}]}, {"usage": {**USAGE, "cost": 1}}],
    ids=lambda more: next(iter(more)),
)
def test_dropped_extras_are_counted(more: dict[str, Any]) -> None:
    drop = FormatOptions(extras="drop")

    played = embedded({**REPLY, **more}, drop)

    assert played.body == REPLY
    assert played.faults == {"extra-fields": 1}
    assert embedded(REPLY, drop).faults == {}
