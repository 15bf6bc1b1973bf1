"""What the tests of the engine share: a counting mint, requests, replies as bytes, and playing them through."""

from __future__ import annotations

import copy
import importlib.util
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from trueline.context import FormatOptions, ReplyContext, Route
from trueline.errors import TruelineError
from trueline.events import Event, Failure
from trueline.messages import ChatRequest, ImageRequest, read_chat_request, read_image_request
from trueline.pipeline import Pipeline, chat_pipeline, image_pipeline
from trueline.repairs import Rule

NOW = 1_760_000_000
ROUTE = Route("somewhere", "gpt-4o")
DONE = b"data: [DONE]\n\n"

Fields = dict[str, Any]


class CountingMint:
    """The same time and the same ids in every run; no id twice."""

    def __init__(self) -> None:
        self._count = 0

    def now(self) -> int:
        return NOW

    def token(self, length: int) -> str:
        self._count += 1
        return f"{self._count:0{length}d}"


def chat(**fields: Any) -> ChatRequest:
    """A chat request of the given fields."""
    return read_chat_request(json.dumps(chat_body(**fields)).encode())


def chat_body(**fields: Any) -> Fields:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], **fields}


def image(**fields: Any) -> ImageRequest:
    """An image request of the given fields."""
    return read_image_request(json.dumps({"prompt": "a cat", **fields}).encode())


def context(request: ChatRequest | None = None, options: FormatOptions = FormatOptions()) -> ReplyContext:
    return ReplyContext(request or chat(stream=True), ROUTE, CountingMint(), options)


# -- replies ----------------------------------------------------------------------------------------------------------


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **fields: Any) -> Fields:
    """A chunk of one choice that is exact but for what the caller puts into it."""
    choice: Fields = {"index": index, "delta": {} if delta is None else delta, "logprobs": None}
    return envelope(choices=[{**choice, "finish_reason": finish}], **fields)


def envelope(kind: str = "chat.completion.chunk", **fields: Any) -> Fields:
    start: Fields = {
        "id": "chatcmpl-1",
        "object": kind,
        "created": NOW,
        "model": "gpt-4o",
        "system_fingerprint": "fp_1",
    }
    return {**start, **fields}


ROLE: Fields = chunk({"role": "assistant", "content": "", "refusal": None})
STOP: Fields = chunk({}, "stop")
USAGE: Fields = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def whole(message: Fields | None = None, finish: Any = "stop", **fields: Any) -> Fields:
    """A whole reply of one choice that is exact but for what the caller puts into it."""
    message = {"role": "assistant", "content": "Hello.", "refusal": None} if message is None else message
    choice: Fields = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return envelope("chat.completion", **{"choices": [choice], "usage": USAGE, **fields})


def dumps(value: Any) -> bytes:
    """JSON as servers write it: NaN and lone surrogates pass."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def sse(*payloads: Any, done: bool = True) -> bytes:
    """An event stream of the payloads; bytes are taken as they are."""
    events = [p if isinstance(p, bytes) else dumps(p) for p in payloads]
    return b"".join(b"data: " + e + b"\n\n" for e in events) + (DONE if done else b"")


# -- playing ----------------------------------------------------------------------------------------------------------


def played(pipe: Any, parts: Iterable[bytes], steadily: bool) -> Iterator[bytes]:
    """What a pipeline gives for each of these reads; `steadily`: as the native server asks it."""
    steady, flows = None, False
    for part in parts:
        out = steady(part) if steady is not None else None
        if out is None:
            out = pipe.feed(part)
            flows = flows or (steadily and out != b"")
            steady = pipe.steady() if flows else None
        yield out


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """`data` cut at the given places."""
    places = [0, *sorted({c for c in cuts if 0 < c < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def ways_to_cut(data: bytes, seed: int = 0) -> list[list[bytes]]:
    """Whole, byte by byte, and at random places."""
    rnd = random.Random(seed)
    some = [[rnd.randrange(len(data) + 1) for _ in range(rnd.randrange(1, 12))] for _ in range(6)]
    return [[data], pieces(data, range(len(data))), *(pieces(data, cuts) for cuts in some)]


class Played(NamedTuple):
    """What one exchange came to."""

    out: bytes
    error: TruelineError | None
    faults: dict[str, int]
    upstream_id: str | None = None

    @property
    def payloads(self) -> list[Any]:
        """The JSON of every event that was written but `[DONE]`."""
        events = self.out.decode().split("\n\n")
        assert events.pop() == "", self.out[-100:]
        datas = [line.removeprefix("data: ") for e in events for line in e.split("\n") if line.startswith("data: ")]
        return [json.loads(data) for data in datas if data != "[DONE]"]

    @property
    def body(self) -> Any:
        return json.loads(self.out)


def run(pipe: Pipeline, parts: Iterable[bytes], cut: TruelineError | None = None) -> Played:
    """Feed the parts, close, and see that the pipeline keeps its promises."""
    out = b"".join([*map(pipe.feed, parts), pipe.close(cut)])
    faults = dict(pipe.faults)
    assert pipe.done
    assert pipe.close(cut) == b"" and pipe.feed(b"data: {}\n\n") == b"", "nothing comes after the end"
    assert not (pipe.error and out), "what failed before it was written writes nothing"
    assert pipe.error or out, "an exchange ends in bytes or in an error"
    return Played(out, pipe.error, faults, pipe.upstream_id)


def play(
    data: bytes | Sequence[bytes],
    request: ChatRequest | ImageRequest | None = None,
    options: FormatOptions = FormatOptions(),
    cut: TruelineError | None = None,
) -> Played:
    """One upstream body, whole or in pieces, through the pipeline for the request (a streamed chat unless told)."""
    request = request or chat(stream=True)
    make: Any = image_pipeline if isinstance(request, ImageRequest) else chat_pipeline
    return run(make(request, ROUTE, CountingMint(), options), [data] if isinstance(data, bytes) else data, cut)


# -- the shared specification -----------------------------------------------------------------------------------------


def load_module(path: Path, name: str) -> ModuleType:
    """A script outside the project, as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- one rule by itself -----------------------------------------------------------------------------------------------


def through(
    rule: type[Rule],
    events: Sequence[Event],
    request: ChatRequest | None = None,
    options: FormatOptions = FormatOptions(),
) -> tuple[list[Event], dict[str, int]]:
    """What one rule makes of the events, and the faults that it notes."""
    around = context(request, options)
    one = rule(around)
    out: list[Event] = []
    for event in copy.deepcopy(events):
        result = one.see(event) if isinstance(event, rule.sees) else event
        out.extend(result if isinstance(result, list) else [] if result is None else [result])
        if out and isinstance(out[-1], Failure):
            break
    return out, around.faults
