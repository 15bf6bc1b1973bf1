"""What the upstream serves: replies as OpenAI writes them, and the same with common faults.  Bytes; no I/O.

The names are those of native/upstream.c: NAME for a whole reply, NAME-RATE-COUNT for events of NAME's stream.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["STREAM_FAULTS", "WHOLE_FAULTS", "chunk", "dumps", "events", "request", "streams", "whole", "wholes"]

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

Spoil = Callable[[dict[str, Any], int], None]
"""Commits one fault in a reply or a chunk; the number tells one chunk from the next."""


def whole(faults: int = 0, stamp: str = "@" * 16, sentences: int = 2, tokens: int = 48) -> bytes:
    """A chat reply of about 0.7 KB, with the first so many faults of WHOLE_FAULTS.

    The stamp, its sentences and its tokens make it different from others.
    """
    text = "The lighthouse at the cape was built in 1851 and still turns its lamp by hand. " * sentences + stamp
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    reply: dict[str, Any] = {
        "id": f"chatcmpl-bench{stamp}", "object": "chat.completion", "created": CREATED, "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE | {"completion_tokens": tokens, "total_tokens": 212 + tokens} | DETAILS,
        "service_tier": "default", "system_fingerprint": "fp_494a14f4d1",
    }  # fmt: skip
    for spoil in WHOLE_FAULTS[:faults]:
        spoil(reply, 0)
    return dumps(reply).encode()


def image(megabytes: int) -> bytes:
    """A reply with one picture of so many megabytes of base64."""
    return b'{"created":%d,"data":[{"b64_json":"%s"}]}' % (CREATED, b"iVBORw0K" * (megabytes * 131_072))


def wholes() -> dict[str, bytes]:
    """Name -> body of each whole reply."""
    return {"exact": whole(), "faults": whole(len(WHOLE_FAULTS)), "image25": image(25), "image50": image(50)}


# -- streams ----------------------------------------------------------------------------------------------------------


def chunk(number: int, delta: Mapping[str, Any], finish: str | None, faults: int = 0) -> dict[str, Any]:
    """A chunk as OpenAI sends it, with the first so many faults of STREAM_FAULTS."""
    made = {
        "id": "chatcmpl-CQx2bench0000000000000000abcd",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_494a14f4d1",
        "choices": [{"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}],
    }
    for spoil in STREAM_FAULTS[:faults]:
        spoil(made, number)
    return made


def events(count: int, faults: int = 0, words: Sequence[str] = (STAMP,)) -> tuple[list[bytes], bytes]:
    """A stream as events, the opening first, its words in turn, and what ends it: the finish and the end."""
    opening = chunk(0, {"role": "assistant", "content": "", "refusal": None}, None, faults)
    texts = [f" {words[number % len(words)]}" for number in range(1, count + 1)]
    contents = [chunk(number, {"content": text}, None, faults) for number, text in enumerate(texts, 1)]
    finish = f"data: {dumps(chunk(count + 1, {}, 'stop', faults))}\n\ndata: [DONE]\n\n"
    return [f"data: {dumps(each)}\n\n".encode() for each in [opening, *contents]], finish.encode()


def streams() -> dict[str, bytes]:
    """Name -> file of each stream: opening, contents that are taken in turn, and after `%%` what ends it."""
    return {
        name: b"".join([*begin, b"%%\n", end])
        for name, faults in (("events", 0), ("faulty", len(STREAM_FAULTS)))
        for begin, end in [events(CONTENTS, faults)]
    }


# -- faults, the more painful first -----------------------------------------------------------------------------------


def id_changes(reply: dict[str, Any], number: int) -> None:
    reply["id"] = f"cmpl-{number:04d}"


def finish_foreign(reply: dict[str, Any], _: int) -> None:
    choice = reply["choices"][0]
    choice["finish_reason"] = "eos" if choice["finish_reason"] else ""


def role_again(reply: dict[str, Any], _: int) -> None:
    choice = reply["choices"][0]
    choice["delta"] = {"role": "assistant", **choice["delta"]}


def no_index(reply: dict[str, Any], _: int) -> None:
    del reply["choices"][0]["index"]


def wrong_object(reply: dict[str, Any], _: int) -> None:
    reply["object"] = "chat.completion"


def time_in_fractions(reply: dict[str, Any], _: int) -> None:
    reply["created"] += 0.25


def few_keys(reply: dict[str, Any], _: int) -> None:
    for holder, key in ((reply, "system_fingerprint"), (reply, "service_tier"), (reply["choices"][0], "logprobs")):
        holder.pop(key, None)
    for part in ("message", "delta"):
        reply["choices"][0].get(part, {}).pop("refusal", None)


def usage_with_finish(reply: dict[str, Any], _: int) -> None:
    if reply["choices"][0]["finish_reason"]:
        reply["usage"] = dict(USAGE)


def no_id(reply: dict[str, Any], _: int) -> None:
    del reply["id"]


def no_object(reply: dict[str, Any], _: int) -> None:
    del reply["object"]


def no_total(reply: dict[str, Any], _: int) -> None:
    del reply["usage"]["total_tokens"]


STREAM_FAULTS: tuple[Spoil, ...] = (
    finish_foreign, id_changes, no_index, role_again, time_in_fractions, wrong_object, few_keys, usage_with_finish,
)  # fmt: skip
WHOLE_FAULTS: tuple[Spoil, ...] = (finish_foreign, no_id, no_object, no_total, time_in_fractions, few_keys)


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
