"""What the upstream serves: replies as OpenAI writes them, and the same with common faults.  Bytes; no I/O.

The names are those of native/upstream.c: NAME for a whole reply, NAME-RATE-COUNT for events of NAME's stream.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["request", "stream", "streams", "whole", "wholes"]

STAMP = "~" + "@" * 16
"""The upstream writes the time of sending over the @s; native/client.c reads it."""

CONTENTS = 200
CREATED = 1_763_800_000
MODEL = "gpt-4o-2024-08-06"
USAGE = {"prompt_tokens": 212, "completion_tokens": 48, "total_tokens": 260}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def dumps(value: object) -> str:
    """Compact, as most servers write."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- whole replies ----------------------------------------------------------------------------------------------------


def whole(faulty: bool) -> bytes:
    """A chat reply of about 0.7 KB."""
    text = "The lighthouse at the cape was built in 1851 and still turns its lamp by hand. " * (3 if faulty else 2)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "eos" if faulty else "stop"}
    reply: dict[str, Any] = {"created": CREATED, "model": MODEL, "choices": [choice]}
    if faulty:
        # No id, no object, no refusal, a foreign finish reason, times in fractions, a total that is not there.
        return dumps(reply | {"created": CREATED + 0.25, "usage": without(USAGE, "total_tokens")}).encode()
    message |= {"refusal": None, "annotations": []}
    choice["logprobs"] = None
    head = {"id": "chatcmpl-CQx2bench0000000000000000abcd", "object": "chat.completion"}
    tail = {"usage": USAGE | DETAILS, "service_tier": "default", "system_fingerprint": "fp_494a14f4d1"}
    return dumps(head | reply | tail).encode()


def image(megabytes: int) -> bytes:
    """A reply with one picture of so many megabytes of base64."""
    return b'{"created":%d,"data":[{"b64_json":"%s"}]}' % (CREATED, b"iVBORw0K" * (megabytes * 131_072))


def wholes() -> dict[str, bytes]:
    """Name -> body of each whole reply."""
    return {"exact": whole(False), "faults": whole(True), "image25": image(25), "image50": image(50)}


# -- streams ----------------------------------------------------------------------------------------------------------


def exact_chunk(_: int, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    """A chunk as OpenAI sends it."""
    return {
        "id": "chatcmpl-CQx2bench0000000000000000abcd",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_494a14f4d1",
        "choices": [{"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}],
    }


def faulty_chunk(number: int, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    """A chunk with the habits of many servers.

    Its id is another in each, its object is that of a whole reply, its time has a fraction, the choice has no index,
    the role comes again, the finish reason is an empty string and at the end a foreign word; there the usage is, too.
    """
    role_again = {"role": "assistant"} | without(delta, "refusal")
    choice = {"delta": role_again, "finish_reason": "eos" if finish else ""}
    chunk = {"id": f"cmpl-{number:04d}", "object": "chat.completion", "created": CREATED + 0.25, "model": MODEL}
    last = {"usage": without(USAGE, "total_tokens")} if finish else {}
    return chunk | {"choices": [choice]} | last


def stream(chunk: Callable[[int, Mapping[str, Any], str | None], dict[str, Any]]) -> bytes:
    """A stream file: opening, contents that are taken in turn, and after `%%` what ends it."""
    opening = chunk(0, {"role": "assistant", "content": "", "refusal": None}, None)
    contents = [chunk(number, {"content": f" {STAMP}"}, None) for number in range(1, CONTENTS + 1)]
    events = "".join(f"data: {dumps(each)}\n\n" for each in [opening, *contents])
    closing = f"data: {dumps(chunk(CONTENTS + 1, {}, 'stop'))}\n\ndata: [DONE]\n\n"
    return f"{events}%%\n{closing}".encode()


def streams() -> dict[str, bytes]:
    """Name -> file of each stream."""
    return {"events": stream(exact_chunk), "faulty": stream(faulty_chunk)}


# -- requests ---------------------------------------------------------------------------------------------------------


def request(path: str, model: str, headers: Mapping[str, str], streamed: bool = False, size: int = 1000) -> bytes:
    """An HTTP request whose body has about `size` bytes; past 100 kB they are pictures, inline."""
    body: dict[str, Any] = {"model": model}
    if streamed:
        body["stream"] = True
    if path.endswith("/images/generations"):
        body |= {"prompt": "A lighthouse at dawn", "response_format": "b64_json"}
    else:
        body["messages"] = messages(size)
    data = dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


def messages(size: int) -> list[dict[str, Any]]:
    """A conversation of about `size` bytes."""
    if size < 100_000:
        question = "When was the lighthouse at the cape built, and who keeps it? "
        system = {"role": "system", "content": "You answer briefly."}
        return [system, {"role": "user", "content": (question * (size // len(question) + 1))[: max(size - 120, 10)]}]
    picture = "iVBORw0K" * (size // 4 // 8)
    url = {"url": f"data:image/png;base64,{picture}"}
    return [{"role": "user", "content": [{"type": "image_url", "image_url": url}] * 4}]


def without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A copy that lacks some keys."""
    return {key: each for key, each in value.items() if key not in names}
