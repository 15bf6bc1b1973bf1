"""Replies of `/v1/completions` with several choices: several prompts, or `n`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import NOW, ROUTE, CountingMint, dumps, sse
from trueline.messages import read_completion_request
from trueline.pipeline import completion_pipeline

Fields = dict[str, Any]
TWO_PROMPTS: Fields = {"prompt": ["a", "b"]}
TWO_CHOICES: Fields = {"prompt": "a", "n": 2}


def said(text: str, index: Any) -> Fields:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": "stop"}


def reply(*choices: Fields) -> Fields:
    return {"id": "cmpl-1", "object": "text_completion", "created": NOW, "choices": list(choices), "model": "m"}


def texts(asked: Fields, data: bytes) -> tuple[list[tuple[int, str]], dict[str, int]]:
    """The text of each choice that leaves, by its index, and the faults that were noted."""
    request = read_completion_request(dumps({"model": "m", **asked}))
    pipe = completion_pipeline(request, ROUTE, CountingMint())
    out = (pipe.feed(data) + pipe.close()).decode()
    found: dict[int, str] = {}
    for line in out.splitlines():
        payload = line.removeprefix("data: ")
        for choice in json.loads(payload)["choices"] if payload.startswith("{") else ():
            found[choice["index"]] = found.get(choice["index"], "") + choice["text"]
    return sorted(found.items()), pipe.faults


@pytest.mark.parametrize("asked", [TWO_PROMPTS, TWO_CHOICES])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("indexes", [(0, 0), (1, 2), (5, 5)])
def test_choices_that_share_an_index_are_told_apart_by_their_order(
    asked: Fields, stream: bool, indexes: tuple[int, int]
) -> None:
    body = reply(said("one", indexes[0]), said("two", indexes[1]))
    data = sse(body) if stream else dumps(body)

    found, faults = texts({**asked, "stream": stream}, data)

    assert found == [(0, "one"), (1, "two")]
    assert faults["choice-index-all-zero"] == 1
    assert not {"finish-twice", "content-after-finish"} & set(faults)


@pytest.mark.parametrize("indexes", [(0, 1), (1, 0)])
def test_choices_in_any_order_keep_their_index(indexes: tuple[int, int]) -> None:
    found, faults = texts(TWO_PROMPTS, dumps(reply(said("x", indexes[0]), said("y", indexes[1]))))

    assert found == sorted(zip(indexes, ("x", "y"), strict=True))
    assert faults == {"usage-missing-nonstream": 1}


def test_a_whole_completion_owes_a_usage() -> None:
    request = read_completion_request(dumps({"model": "m", **TWO_PROMPTS}))
    pipe = completion_pipeline(request, ROUTE, CountingMint())
    pipe.feed(dumps(reply(said("x", 0), said("y", 1))))

    usage = json.loads(pipe.close())["usage"]

    assert usage["x_trueline"] == "counted"
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
