"""DESIGN 1, rule 4: whatever was altered was noted, by name; and rule 3: what is exact passes as it is.

A reply for which no fault was noted left as it came: the same JSON, event by event, `1`, `1.0` and `true` told apart.
A reply that was refused is an error with a message of its own, so that nothing of it was altered.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import garbage
from engine.exact import EXACT, Exact, Left, payloads, played, wrongs
from engine.kit import chat_body

SHARE = 29
"""Of all the wrongs, one in so many is tried; with 1 all of them are, which takes a minute."""

BY_NAME = {exact.name: exact for exact in EXACT}


def assert_named(left: Left, what: Any) -> None:
    assert left.same or left.failed or left.faults, f"altered, and nobody said so: {what}\n{left.out.decode()}"


@pytest.mark.parametrize("exact", EXACT, ids=lambda exact: exact.name)
def test_exact_replies_pass(exact: Exact) -> None:
    left = exact.play(exact.reply)

    assert left.faults == {}
    assert left.same


@pytest.mark.parametrize("exact", EXACT, ids=lambda exact: exact.name)
def test_one_wrong(exact: Exact) -> None:
    """A value that is another, a field too many or too few, an element twice: anywhere in an exact reply."""
    for wrong in islice(wrongs(exact.reply), len(exact.name) % SHARE, None, SHARE):
        assert_named(exact.play(wrong.commit(exact.reply)), wrong)


SEEN: list[tuple[str, tuple[Any, ...], Any]] = [
    ("chat stream text", (2, "model"), "other"),
    ("chat stream text", (2, "system_fingerprint"), None),
    ("chat stream text", (2, "service_tier"), "flex"),
    ("chat stream text", (2, "created"), 0),
    ("chat stream text", (1, "choices", 0, "delta", "reasoning_content"), None),
    ("chat stream text", (1, "choices", 0, "delta", "refusal"), None),
    ("chat stream text", (0, "choices", 0, "delta", "content"), "x"),
    ("chat stream text", (3, "choices", 0, "delta", "content"), ""),
    ("chat stream text", (3, "choices", 0, "delta", "role"), "assistant"),
    ("chat stream plain", (1, "usage"), None),
    ("chat stream plain", (1, "choices", 0, "message"), None),
    ("chat stream call", (1, "choices", 0, "delta", "tool_calls", 0, "type"), "function"),
    ("chat stream call", (1, "choices", 0, "delta", "tool_calls", 0, "x_vendor"), 1),
    ("chat stream call", (1, "choices", 0, "delta", "tool_calls", 0, "function", "arguments"), ""),
    ("chat stream calls", (0, "choices", 0, "delta", "tool_calls"), [{"index": 0}]),
    ("chat stream legacy", (0, "choices", 0, "delta", "function_call", "x_vendor"), 1),
    ("chat stream logprobs", (1, "choices", 0, "logprobs", "content", 0, "bytes"), [1.0]),
    ("chat text", ("id",), 1),
    ("chat text", ("choices", 0, "index"), True),
    ("chat text", ("choices", 0, "index"), 0.0),
    ("chat text", ("choices", 0, "text"), "x"),
    ("chat text", ("choices", 0, "delta"), {}),
    ("chat text", ("choices", 0, "usage"), None),
    ("chat text", ("choices", 0, "error"), None),
    ("chat text", ("choices", 0, "message", "refusal"), ""),
    ("chat text", ("choices", 0, "message", "reasoning_content"), None),
    ("chat text", ("usage", "completion_tokens"), 40.0),
    ("chat text", ("obfuscation",), "x"),
    ("chat logprobs", ("choices", 0, "logprobs", "content", 0, "token"), None),
    ("chat logprobs", ("choices", 0, "logprobs", "content", 0, "top_logprobs", 0, "bytes"), "x"),
    ("chat logprobs", ("choices", 0, "logprobs", "content", 0, "top_logprobs", 0, "rank"), 1),
    ("completion", ("usage",), None),
    ("completion", ("error",), None),
    ("completion stream", (1, "id"), "x"),
    ("completion stream", (1, "x_vendor"), 1),
    ("completion stream", (1, "choices", 0, "finish_reason"), ""),
    ("embeddings", ("object",), "x"),
    ("images dall-e-3", ("data", 0, "index"), 0),
    ("images dall-e-3", ("data", 0, "b64_json"), "iVBORw0KGgo="),
    ("images stream", (0, "partial_image_index"), "0"),
    ("models", ("data", 0), 1),
]
"""What was altered and not noted once, or is near to it."""


@pytest.mark.parametrize(("name", "path", "value"), SEEN, ids=lambda x: x if isinstance(x, str) else str(x)[:60])
def test_seen(name: str, path: tuple[Any, ...], value: Any) -> None:
    exact = BY_NAME[name]
    reply = json.loads(json.dumps(exact.reply))
    inner = reply
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    assert_named(exact.play(reply), (path, value))


def test_revised_prompt_of_a_model_that_has_none() -> None:
    exact = BY_NAME["images dall-e-3"]
    left = exact._replace(request={**exact.request, "model": "dall-e-2"}).play(exact.reply)

    assert left.faults == {"img-revised-prompt": 1}


@given(st.sampled_from(EXACT), garbage.WRONGS)
@example(EXACT[0], [])
def test_several_wrongs(exact: Exact, wrong: list[garbage.Wrong]) -> None:
    reply = garbage.wronged(exact.reply, wrong)
    try:
        body = exact.body(reply)
        json.dumps(reply, allow_nan=False).encode().decode("utf-8")
    except (ValueError, UnicodeError):
        return  # no JSON: the reader of bytes notes it, and the comparison cannot read it

    assert_named(played(exact.kind, exact.request, body, exact.stream), wrong)


# -- recorded replies -------------------------------------------------------------------------------------------------


def recorded(shared: Path, kind: str) -> Iterator[tuple[dict[str, Any], bytes, bool]]:
    """The request, the reply and whether that is a stream, of each recording that is no error."""
    path = shared / "corpus" / f"{kind}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"needs the recordings of ../shared/corpus/{path.name}")
    with gzip.open(path) as lines:
        records = [json.loads(line) for line in lines]
    for record in records:
        response, stream = record["response"], bool(record["stream"])
        if response["status"] < 400 and response.get("body") and record["dialect"] == f"openai-{kind}":
            request = {"messages": [], "prompt": "x", "input": "x", "one": None, **record["request"]["body"]}
            request = {**request, "messages": request["messages"] or chat_body()["messages"], "stream": stream}
            yield request, response["body"].encode("utf-8", "surrogatepass"), stream


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["chat", "completions", "embeddings", "images", "models"])
def test_recorded(shared: Path, kind: str) -> None:
    """Replies of real servers as they are, and with a few wrongs in those that nothing was noted for."""
    dice = random.Random(7)
    for request, body, stream in recorded(shared, kind):
        left = played(kind, request, body, stream)
        assert_named(left, body[:300])
        if left.faults or left.failed:
            continue
        exact = Exact("recorded", kind, request, payloads(body)[:-1] if stream else json.loads(body))
        for wrong in dice.sample(list(islice(wrongs(exact.reply), 20_000)), 12):
            assert_named(exact.play(wrong.commit(exact.reply)), wrong)
