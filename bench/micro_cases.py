"""What `bench micro` feeds to the engine, in process: replies by dialect and by number of faults.  Imports Trueline."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trueline.dialects.provider import dialect_of
from trueline.messages import (
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
)
from trueline.pipeline import (
    Pipeline,
    Route,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from trueline.tokens import tokenizer_for

from . import replies
from .replies import CREATED, STREAM_FAULTS, WHOLE_FAULTS, dumps

__all__ = ["EVENTS", "MESSAGES", "MICRO", "Micro", "asked_stream", "body"]

EVENTS = 400
WHOLES = 60
WORDS = (
    "the",
    "lighthouse",
    "was",
    "built",
    "in",
    "1851",
    "\u2014",
    "caf\u00e9",
    "\n\n",
    '"quoted"',
    "and",
    "so",
    "on.",
)
"""No two events in a row are the same, nor are two whole replies: remembering one does not answer the next."""


class FixedMint:
    """Time and ids that cost nothing."""

    def now(self) -> int:
        """A time."""
        return CREATED

    def token(self, n: int) -> str:
        """An id."""
        return "a" * n


@dataclass(frozen=True, slots=True)
class Micro:
    """A case: pipelines to make, what each is fed, and how many units that is."""

    name: str
    unit: str
    make: Callable[[], Pipeline]
    replies: list[list[bytes]]
    """What each pipeline of a round is fed."""
    units: int
    """Units of a round."""
    cut: bool = False
    """The pipelines are not closed: what counts is what comes first."""

    def run(self) -> None:
        """One round: everything through fresh pipelines."""
        make = self.make
        for feeds in self.replies:
            pipe = make()
            for data in feeds:
                pipe.feed(data)
            if not self.cut:
                pipe.close()


ROUTE, MINT = Route("bench"), FixedMint()
MESSAGES = {"model": "gpt-4o", "messages": [{"role": "user", "content": "When was the lighthouse built?"}]}


TOOL_USE = {"type": "tool_use", "id": "toolu_bench", "name": "find", "input": {}}


def body(**more: Any) -> bytes:
    """A request."""
    return dumps(more).encode()


def chat(streamed: bool) -> Callable[[], Pipeline]:
    request = read_chat_request(body(**MESSAGES, stream=streamed))
    return lambda: chat_pipeline(request, ROUTE, MINT)


def completion(streamed: bool) -> Callable[[], Pipeline]:
    request = read_completion_request(body(model="m", prompt="When was it built?", stream=streamed))
    return lambda: completion_pipeline(request, ROUTE, MINT)


def embedding() -> Callable[[], Pipeline]:
    request = read_embedding_request(body(model="m", input="When was it built?"))
    return lambda: embedding_pipeline(request, ROUTE, MINT)


def image() -> Callable[[], Pipeline]:
    request = read_image_request(body(model="dall-e-3", prompt="A lighthouse", response_format="b64_json"))
    return lambda: image_pipeline(request, ROUTE, MINT)


def chat_stream(faults: int, burst: bool = False) -> Micro:
    begin, end = replies.events(EVENTS, faults, WORDS)
    feeds = [b"".join([*begin, end])] if burst else [*begin, end]
    name = f"chat stream, {counted(faults)}" + (", all at once" if burst else "")
    return Micro(name, "event", chat(True), [feeds], EVENTS)


def asked_stream(name: str, reported: bool, **asked: Any) -> Micro:
    """A stream whose client asked for its usage, and for more."""
    request = read_chat_request(body(**MESSAGES, stream=True, stream_options={"include_usage": True}, **asked))
    texts = [f" {WORDS[number % len(WORDS)]}" for number in range(EVENTS)]
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [*(({"content": text}, None) for text in texts), ({}, "stop")]
    chunks = [{**json.loads(dumps(replies.chunk(0, delta, end))), "usage": None} for delta, end in deltas]
    if reported:
        tokens = tokenizer_for("gpt-4o").count("".join(texts))
        usage = {"prompt_tokens": 14, "completion_tokens": tokens, "total_tokens": 14 + tokens}
        chunks.append({**chunks[-1], "choices": [], "usage": usage})
    feeds = [f"data: {dumps(chunk)}\n\n".encode() for chunk in chunks]
    make = lambda: chat_pipeline(request, ROUTE, MINT)  # noqa: E731  # as short as it gets
    return Micro(f"chat stream, {name}", "event", make, [[*feeds, b"data: [DONE]\n\n"]], EVENTS)


def first_event(name: str, **asked: Any) -> Micro:
    """From a request with 100 KB of prompt to its first event; nobody has told yet whether usage will be reported."""
    words = " ".join(WORDS[number % len(WORDS)] for number in range(100 * 1024 // 8))
    raw = body(model="gpt-4o", messages=[{"role": "user", "content": words}], stream=True, **asked)
    chunk = {**json.loads(dumps(replies.chunk(0, {"role": "assistant", "content": ""}, None))), "usage": None}

    def make() -> Pipeline:
        pipe = chat_pipeline(read_chat_request(raw), ROUTE, MINT)
        pipe.defer()
        return pipe

    feeds = [[f"data: {dumps(chunk)}\n\n".encode()]] * WHOLES
    return Micro(f"first event behind 100 KB, {name}", "stream", make, feeds, WHOLES, cut=True)


def uncounted_whole() -> Micro:
    """Whole replies that lack their usage."""
    bodies = []
    for number in range(WHOLES):
        reply = json.loads(replies.whole(0, f"{number:016d}", 1 + number % 5, 10 + number))
        del reply["usage"]
        bodies.append([dumps(reply).encode()])
    return Micro("chat whole, usage not reported", "reply", chat(False), bodies, WHOLES)


def chat_whole(faults: int) -> Micro:
    bodies = [[replies.whole(faults, f"{number:016d}", 1 + number % 5, 10 + number)] for number in range(WHOLES)]
    return Micro(f"chat whole, {counted(faults)}", "reply", chat(False), bodies, WHOLES)


def tool_stream() -> Micro:
    """A call whose arguments come in many pieces."""
    call = {"index": 0, "id": "call_bench", "type": "function", "function": {"name": "find", "arguments": ""}}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}]
    pieces = ['{\\"a\\": [', *["1, "] * EVENTS, "2]}"]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    feeds = [f"data: {dumps(replies.chunk(at, delta, None))}\n\n".encode() for at, delta in enumerate(deltas)]
    end = f"data: {dumps(replies.chunk(0, {}, 'tool_calls'))}\n\ndata: [DONE]\n\n".encode()
    return Micro("chat stream, tool arguments", "event", chat(True), [[*feeds, end]], EVENTS)


def anthropic(kind: str, text: str, pieces: list[str], name: str, burst: bool = False) -> Micro:
    """A stream of Anthropic's, named and padded as they are, translated."""

    def event(number: int, **fields: Any) -> bytes:
        body = dumps(fields)[:-1] + " " * (number * 7 % 16) + "}"
        return f"event: {fields['type']}\ndata: {body}\n\n".encode()

    request = read_chat_request(body(**MESSAGES, stream=True))
    begun = {"type": "text", "text": ""} if kind == "text_delta" else TOOL_USE
    start = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    feeds = [
        event(0, type="message_start", message=start),
        event(0, type="content_block_start", index=0, content_block=begun),
        *(
            event(number, type="content_block_delta", index=0, delta={"type": kind, text: piece})
            for number, piece in enumerate(pieces)
        ),
        event(0, type="content_block_stop", index=0),
        event(0, type="message_delta", delta={"stop_reason": "end_turn" if kind == "text_delta" else "tool_use"},
              usage={"input_tokens": 9, "output_tokens": EVENTS}),
        event(0, type="message_stop"),
    ]  # fmt: skip
    dialect = dialect_of("anthropic")
    name = f"anthropic stream, {name}"
    feeds = [b"".join(feeds)] if burst else feeds
    return Micro(name, "event", lambda: chat_pipeline(request, ROUTE, MINT, dialect=dialect), [feeds], EVENTS)


def anthropic_text(burst: bool = False) -> Micro:
    pieces = [f" {WORDS[number % len(WORDS)]}" for number in range(EVENTS)]
    return anthropic("text_delta", "text", pieces, "exact" + (", all at once" if burst else ""), burst)


def anthropic_tool() -> Micro:
    return anthropic("input_json_delta", "partial_json", ['{"a": [', *["1, "] * EVENTS, "2]}"], "tool arguments")


def completion_stream(faulty: bool) -> Micro:
    def event(number: int, text: str, finish: str | None) -> bytes:
        choice: dict[str, Any] = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
        name = f"cmpl-{number}" if faulty else "cmpl-bench"
        if faulty:
            choice = {"text": text, "finish_reason": "eos" if finish else ""}
        whole = {"id": name, "object": "text_completion", "created": CREATED, "model": "m", "choices": [choice]}
        return f"data: {dumps(whole)}\n\n".encode()

    feeds = [event(number, f" {WORDS[number % len(WORDS)]}", None) for number in range(EVENTS)]
    name = f"completions stream, {counted(3 if faulty else 0)}"
    return Micro(name, "event", completion(True), [[*feeds, event(EVENTS, "", "stop"), b"data: [DONE]\n\n"]], EVENTS)


def embedding_whole(faulty: bool) -> Micro:
    vector = [0.0123456 + number / 1000 for number in range(1536)]
    row = {"embedding": vector} if faulty else {"object": "embedding", "index": 0, "embedding": vector}
    usage = {"prompt_tokens": 6, "total_tokens": 6}
    reply = {"data": [row], "model": "m"} if faulty else {"object": "list", "data": [row], "model": "m", "usage": usage}
    name = f"embeddings, 1536 numbers, {counted(4 if faulty else 0)}"
    return Micro(name, "reply", embedding(), [[dumps(reply).encode()]] * 10, 10)


def image_whole(faulty: bool) -> Micro:
    picture = "iVBORw0K" * 4_096
    reply: dict[str, Any] = {"created": CREATED, "data": [{"b64_json": picture}]}
    if faulty:
        reply = {"images": [{"b64_json": f"data:image/png;base64,{picture}"}]}
    name = f"images, 32 KB, {counted(3 if faulty else 0)}"
    return Micro(name, "reply", image(), [[dumps(reply).encode()]] * 10, 10)


def counted(faults: int) -> str:
    return {0: "exact", 1: "1 fault"}.get(faults, f"{faults} faults")


MICRO: tuple[Micro, ...] = (
    chat_stream(0), chat_stream(1), chat_stream(3), chat_stream(len(STREAM_FAULTS)),
    chat_stream(0, True), chat_stream(len(STREAM_FAULTS), True), tool_stream(),
    anthropic_text(), anthropic_text(True), anthropic_tool(),
    asked_stream("usage reported", True),
    asked_stream("usage reported, limit far off", True, max_tokens=16 * EVENTS),
    asked_stream("usage reported, limit near", True, max_tokens=2 * EVENTS),
    asked_stream("usage reported, limit nearer", True, max_tokens=int(1.6 * EVENTS)),
    asked_stream("usage reported, limit all but reached", True, max_tokens=int(1.45 * EVENTS)),
    asked_stream("usage reported, limits far off", True, max_tokens=16 * EVENTS, stop=["###", "END"]),
    asked_stream("usage reported, stop strings", True, stop=["\n\n###", "END"]),
    asked_stream("usage reported, limits on", True, max_tokens=4 * EVENTS, stop=["\n\n###", "END"]),
    asked_stream("usage not reported", False),
    asked_stream("usage not reported, limits on", False, max_tokens=4 * EVENTS, stop=["\n\n###", "END"]),
    first_event("nothing to count"), first_event("usage to count", stream_options={"include_usage": True}),
    chat_whole(0), chat_whole(1), chat_whole(len(WHOLE_FAULTS)), uncounted_whole(),
    completion_stream(False), completion_stream(True),
    embedding_whole(False), embedding_whole(True), image_whole(False), image_whole(True),
)  # fmt: skip
