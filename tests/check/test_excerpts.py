"""The evidence shows the place of the fault: what stood there, and what stands there now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from check.test_outcomes import entry_of, reply
from trueline.check import judge_files
from trueline.check.excerpts import Excerpt, before_after
from trueline.sim import PLANTERS, example_request, render_json

Json = dict[str, Any]


def shown(fault: str, stream: bool) -> Excerpt:
    """The evidence of a fault that is committed alone."""
    found: Excerpt = entry_of(judge_files([("a", reply(fault, stream=stream))]), fault).excerpt
    return found


@pytest.mark.parametrize(
    ("fault", "stream", "key"),
    [
        ("finish-key-absent", True, "finish_reason"),
        ("logprobs-missing-key", True, "logprobs"),
        ("logprobs-missing-key", False, "logprobs"),
        ("role-missing-first", True, "role"),
        ("usage-missing-nonstream", False, "usage"),
        ("fingerprint-missing", False, "system_fingerprint"),
        ("fingerprint-missing", True, "system_fingerprint"),
    ],
)
def test_a_key_that_is_missing_shows_where_it_comes(fault: str, stream: bool, key: str) -> None:
    found = shown(fault, stream)

    assert found.before[0].strip("{}… ")
    assert f'"{key}":' not in " ".join(found.before)
    assert f'"{key}":' in found.after[0]


def test_the_first_text_becomes_two_chunks() -> None:
    found = shown("first-content-text", True)

    assert '"role":"assistant"' in found.before[0]
    assert '"role":"assistant","content":""' in found.after[0]
    assert '"role"' not in found.after[1]
    assert len(found.after) == 2


def event(*choices: Json) -> bytes:
    """A chunk."""
    return b"data: " + json.dumps({"choices": choices}).encode() + b"\n\n"


def test_the_same_words_twice_are_two_places() -> None:
    """What became of a chunk is what says its part of the text, not what says the same words."""
    before = b"".join(event({"index": 0, "delta": {"content": text}}) for text in ("a", "b", "a", "c"))
    after = b"".join(
        event({"index": 0, "delta": {"content": text}, "finish_reason": at})
        for at, text in enumerate(["a", "b", "a", "c"])
    )

    assert '"finish_reason":2' in before_after(before, after, "chunk 2, choices[0]", name="finish-key-absent").after[0]


def test_a_choice_is_found_by_its_index() -> None:
    """Two choices in one chunk leave in two."""
    one, two = ({"index": at, "delta": {"content": text}} for at, text in enumerate(["a", "b"]))
    after = event({**one, "finish_reason": None}) + event({**two, "finish_reason": None})

    found = before_after(event(one, two), after, "chunk 0, choices[1]", name="finish-key-absent")

    assert found.after == ('{"index":1,"delta":{"content":"b"},"finish_reason":null}',)


def test_long_neighbours_do_not_hide_the_place() -> None:
    whole = {"id": "x" * 90, "choices": [{"index": 0, "message": {"content": "y" * 500}}]}
    now = {**whole, "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}

    found = before_after(json.dumps(whole).encode(), json.dumps(now).encode(), name="usage-missing-nonstream")

    assert "y" * 50 not in found.before[0]
    assert '"usage":{"prompt_tokens":1' in found.after[0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", PLANTERS)
def test_no_evidence_is_blank(fault: str, stream: bool) -> None:
    try:
        path, request = example_request(fault, stream)
        body = render_json(path, request, [fault]).body
    except ValueError:
        return
    if not body.strip():
        return
    for entry in judge_files([("a", body)]).entries:
        if entry.level != "legal":
            assert all(line.strip() for line in (*entry.excerpt.before, *entry.excerpt.after)), entry.name
            assert entry.excerpt.before != entry.excerpt.after, entry.name
