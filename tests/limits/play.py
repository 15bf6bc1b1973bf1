"""Replies that do not keep what was asked, through the engine."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from golden.play import CountingMint, pump
from trueline.context import Enforce, FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline

__all__ = ["Heard", "agree", "chunk", "cut_at", "heard_stream", "heard_whole", "streamed"]

AUTO = Enforce()


class Heard(NamedTuple):
    """What a client was told."""

    text: str
    finish: str | None
    usage: dict[str, Any] | None
    faults: dict[str, int]
    left: bool
    logprobs: list[str]


def chunk(delta: dict[str, Any], finish: str | None = None, model: str = "gpt-4o", **choice: Any) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **choice}],
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def streamed(pieces: Sequence[str], finish: str = "stop", model: str = "gpt-4o") -> list[bytes]:
    """The events of a stream that says these pieces."""
    return [
        chunk({"role": "assistant", "content": ""}, model=model),
        *(chunk({"content": piece}, model=model) for piece in pieces),
        chunk({}, finish, model=model),
        b"data: [DONE]\n\n",
    ]


def cut_at(parts: Sequence[bytes], rnd: random.Random, cuts: int = 25) -> list[bytes]:
    """The same bytes in other reads."""
    whole = b"".join(parts)
    places = sorted(rnd.sample(range(1, len(whole)), cuts))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


def agree(laned: Sequence[Any], plain: Sequence[Any]) -> bool:
    """Whether the same left in the end, nothing later than it has to, and what else is known is the same wherever the
    same has left: texts that came together are counted together, so that a lane may hold less of the last ones.
    """
    one, two = b"", b""
    for mine, other in zip(laned, plain, strict=True):
        if isinstance(mine, bytes) and isinstance(other, bytes):
            one, two = one + mine, two + other
            if not one.startswith(two):
                return False
        elif one == two and mine != other:
            return False
    return one == two


def heard_stream(sent: Sequence[bytes], enforce: Enforce = AUTO, model: str = "gpt-4o", **asked: Any) -> Heard:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}], **asked}
    pipe = chat_pipeline(
        read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), FormatOptions(enforce=enforce)
    )
    out = pump(pipe, sent)
    text, finish, usage, tokens = "", None, None, []
    for line in out.split(b"\n\n"):
        if line.startswith(b"data: {"):
            value = json.loads(line[6:])
            usage = value.get("usage") or usage
            for choice in value["choices"]:
                text += choice["delta"].get("content") or ""
                finish = choice["finish_reason"] or finish
                tokens += [entry["token"] for entry in (choice.get("logprobs") or {}).get("content") or ()]
    assert pipe.error is None
    assert out.endswith(b"data: [DONE]\n\n")
    return Heard(text, finish, usage, pipe.faults, pipe.left, tokens)


def heard_whole(
    text: str,
    finish: str = "stop",
    completion: int | None = None,
    enforce: Enforce = AUTO,
    model: str = "gpt-4o",
    **asked: Any,
) -> Heard:
    reply: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": finish,
            }
        ],
    }
    if completion is not None:
        reply["usage"] = {"prompt_tokens": 1, "completion_tokens": completion, "total_tokens": completion + 1}
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **asked}
    pipe = chat_pipeline(
        read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), FormatOptions(enforce=enforce)
    )
    choice = json.loads(pump(pipe, [json.dumps(reply).encode()]))
    said = choice["choices"][0]
    return Heard(said["message"]["content"], said["finish_reason"], choice.get("usage"), pipe.faults, pipe.left, [])
