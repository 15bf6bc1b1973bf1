"""Reports that cannot be are counted anew, those that are only unlikely are believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import CountingMint
from trueline.messages import read_chat_request
from trueline.pipeline import Pipeline, Route, chat_pipeline
from trueline.repairs.credible import BESIDE, MOST_BYTES, few_for

LONG = "A lighthouse stands on the rock. " * 500  # 16,500 bytes
PICTURE = "data:image/png;base64," + "iVBORw0K" * 2000
THOUGHTS = {"completion_tokens_details": {"reasoning_tokens": 900}}


def asked(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}


def usage(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def sent(text: str, used: Any, stream: bool) -> bytes:
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06", "system_fingerprint": "fp_1"}
    if not stream:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": used}).encode()
    parts: list[Any] = [({"role": "assistant", "content": ""}, None), ({"content": text}, None), ({}, "stop")]
    choices = [[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}] for delta, end in parts]
    events = [{**head, "object": "chat.completion.chunk", "choices": each, "usage": None} for each in choices]
    events.append({**events[0], "choices": [], "usage": used})
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def heard(body: dict[str, Any], text: str, used: Any, stream: bool, owed: bool = True) -> tuple[Any, Pipeline]:
    options = {"stream_options": {"include_usage": True}} if stream and owed else {}
    request = read_chat_request(json.dumps({**body, "stream": stream, **options}).encode())
    pipe = chat_pipeline(request, Route("up"), CountingMint())
    out = pipe.feed(sent(text, used, stream)) + pipe.close()
    if not stream:
        return json.loads(out)["usage"], pipe
    chunks = [json.loads(line[6:]) for line in out.split(b"\n\n") if line.startswith(b"data: {")]
    return chunks[-1].get("usage"), pipe


CANNOT_BE: dict[str, tuple[dict[str, Any], str, dict[str, Any], tuple[bool, bool]]] = {
    "one token for a long text": (asked(), LONG, usage(8, 1), (False, True)),
    "five": (asked(max_tokens=100_000), LONG, usage(8, 5), (False, True)),
    "one token for a long prompt": (asked(LONG), "Hi", usage(1, 1), (True, False)),
    "of parts": (asked([{"type": "text", "text": LONG}] * 2), "Hi", usage(1, 1), (True, False)),
    "both": (asked(LONG), LONG, usage(1, 1), (True, True)),
    "more than was allowed": (asked(max_tokens=5), "Hi", usage(8, 100_000), (False, True)),
}
MAY_BE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "few": (asked(), LONG, usage(8, len(LONG) // MOST_BYTES)),
    "a window that is small": (asked(LONG * 200), "Hi", usage(2048, 1)),
    "many for a prompt": (asked(), "Hi", usage(100_000, 1)),
    "a picture": (asked(PICTURE), "Hi", usage(8, 1)),
    "a picture that was made": (asked(), f"![]({PICTURE})", usage(8, 10)),
    "many where nothing limits them": (asked(), "Hi", usage(8, 100_000)),
    "thoughts": (asked(max_tokens=5), "Hi", usage(8, 902, **THOUGHTS)),
    "a model that may think": (asked(max_tokens=5, model="house-7b"), "Hi", usage(8, 902)),
    "a model that thinks": (asked(max_tokens=5, model="o3"), "Hi", usage(8, 902)),
    "what a frame has": (asked(max_tokens=5), "Hi", usage(8, 60)),
    "another size of tokens": (asked(max_tokens=5), "Hello there, hello", usage(8, 190)),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", CANNOT_BE)
def test_what_cannot_be(case: str, stream: bool) -> None:
    body, text, used, (prompt, completion) = CANNOT_BE[case]
    for _ in range(3):  # whole replies: by the lane, if there is one
        said, pipe = heard(body, text, used, stream)

        assert pipe.faults == {"usage-placeholder-zero": 1}
        assert said["x_trueline"] in ("counted", "estimated")
        assert (said["prompt_tokens"] != used["prompt_tokens"]) == prompt
        assert (said["completion_tokens"] != used["completion_tokens"]) == completion
        assert said["total_tokens"] == said["prompt_tokens"] + said["completion_tokens"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", MAY_BE)
def test_what_may_be(case: str, stream: bool) -> None:
    body, text, used = MAY_BE[case]
    said, pipe = heard(body, text, used, stream)

    assert (said, pipe.faults) == (used, {})


def test_a_lane_lets_nothing_pass() -> None:
    for _ in range(8):
        assert heard(asked(max_tokens=500), "Hi", usage(8, 1), False)[1].faults == {}
    one, many, limit = usage(8, 1), usage(8, 100_000), {"max_tokens": 500}
    for body, text, used in ((asked(), LONG, one), (asked(LONG), "Hi", one), (asked(), "Hi", many)):
        body.update(limit)
        assert heard(body, text, used, False)[1].faults == {"usage-placeholder-zero": 1}


def test_what_nobody_asked_for_is_not_believed_either() -> None:
    text = LONG[:3000]
    said, pipe = heard(asked(), text, usage(8, 1), True, owed=False)
    tally = pipe.tally()

    assert said is None and tally is not None
    assert tally.source in ("counted", "estimated") and tally.completion > 100
    assert few_for(1, BESIDE + MOST_BYTES + 1) and not few_for(1, BESIDE + MOST_BYTES)
