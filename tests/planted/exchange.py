"""A reply of the simulator with chosen faults, read as the proxy reads it: no sockets, no time, no chance."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.kit import ROUTE, CountingMint, pieces
from planted.facts import Facts, facts_of, picture
from trueline.context import FormatOptions
from trueline.dialects.error_bodies import read_error
from trueline.errors import TruelineError, UpstreamCutError
from trueline.messages import (
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
)
from trueline.pipeline import (
    Models,
    Pipeline,
    WholeImages,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from trueline.sim import PLANTERS, SimReply, render_json
from trueline.sim.examples import NEEDS

__all__ = ["Ask", "Outcome", "asks_for", "clean", "planted", "read_reply", "shown"]

Json = dict[str, Any]

_PROMPT = "Say something about tea."
_IMAGE = ("/v1/images/generations", {"model": "dall-e-2", "prompt": _PROMPT})
BASES: dict[str, tuple[str, Json | None]] = {
    "chat": ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": _PROMPT}]}),
    "completions": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": _PROMPT}),
    "images": _IMAGE,
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": _PROMPT}),
    "models": ("/v1/models", None),
}
"""Endpoint -> path and request."""

USAGE: Json = {"stream_options": {"include_usage": True}}
UNASKED = {"usage-unasked", "choices-empty-usage-unasked"}
"""Faults that show only where no usage was asked for; everywhere else it is, for usage to be compared as well."""
MAX_VARIANTS = 12


@dataclass(frozen=True)
class Ask:
    """One request, as JSON text so that it can be a key."""

    endpoint: str
    stream: bool
    path: str
    body: str

    @property
    def request(self) -> Json | None:
        """A fresh copy: the simulator changes what it is given."""
        loaded: Json | None = json.loads(self.body)
        return loaded


@dataclass(frozen=True)
class Outcome:
    """What a client gets, and what was noted."""

    facts: Facts
    """Of a reply (see `facts.py`), or of an error: status, message, type, param and code."""
    faults: dict[str, int]
    status: int
    content_type: str
    out: bytes
    """The body."""
    body: Json | None = None
    """The request."""

    @property
    def refusal(self) -> tuple[int, str | None] | None:
        """Status and code of an error; status 0 for one in the middle of a stream; None for a reply."""
        if self.status >= 400:
            return self.status, self.facts["code"]
        mid = self.facts.get("error")
        return (0, mid["code"]) if mid else None


def asks_for(*faults: str) -> list[Ask]:
    """The requests, of every endpoint and mode that all of the faults know, in whose replies they can show."""
    known = [{*PLANTERS[fault].on} for fault in faults]
    endpoints = [name for name in BASES if all(name in on or "errors" in on for on in known)]
    return [ask for endpoint in endpoints for ask in _asks(endpoint, faults)]


def _asks(endpoint: str, faults: tuple[str, ...]) -> Iterator[Ask]:
    path, base = BASES[endpoint]
    if base is None:
        yield Ask(endpoint, False, path, "null")
        return
    request = dict(base)
    for fault in faults:
        for need in PLANTERS[fault].needs:
            request |= NEEDS[need] if (endpoint, need) != ("completions", "logprobs") else {"logprobs": 2}
    request.pop("stream_options", None)
    if endpoint not in ("chat", "completions"):
        yield Ask(endpoint, bool(request.get("stream")), path, json.dumps(request))
        if request.get("model") == "dall-e-2" and "response_format" not in request:
            yield Ask(endpoint, False, path, json.dumps(request | NEEDS["b64"]))
        return
    yield Ask(endpoint, False, path, json.dumps(request))
    more = {} if UNASKED.intersection(faults) else USAGE
    yield Ask(endpoint, True, path, json.dumps({**request, "stream": True, **more}))


@cache
def clean(ask: Ask, error: str | None = None) -> SimReply:
    """The simulator's reply without faults; `error`: the failure that this fault dresses up, in OpenAI's words."""
    reply = render_json(ask.path, ask.request)
    made = PLANTERS[error].error if error else None
    if made is None:
        return reply
    failure = made()
    return SimReply(failure.status, {**reply.headers, **failure.headers}, [json.dumps(failure.body()).encode()])


def shown(ask: Ask, *faults: str) -> Iterator[tuple[int, SimReply]]:
    """(variant, reply) of each form in which the faults show in the reply to this request."""
    seen: set[Any] = {_bytes(clean(ask))}
    for variant in range(MAX_VARIANTS):
        reply = render_json(ask.path, ask.request, faults, variant=variant)
        if _bytes(reply) not in seen:
            seen.add(_bytes(reply))
            yield variant, reply


def _bytes(reply: SimReply) -> Any:
    return reply.status, reply.body, len(reply.chunks), reply.ending


def planted(ask: Ask, *faults: str, variant: int = 0) -> SimReply:
    """The simulator's reply with the faults."""
    return render_json(ask.path, ask.request, faults, variant=variant)


def read_reply(
    ask: Ask, reply: SimReply, options: FormatOptions = FormatOptions(), dice: random.Random | None = None
) -> Outcome:
    """The reply as the proxy passes it on; event by event, or in random cuts where there are dice."""
    if reply.status >= 300:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        error = read_error(reply.status, headers, reply.body)
        return _failed(error, dict.fromkeys(error.faults, 1))
    pipe = pipeline_for(ask, options)
    out = b"".join(pipe.feed(part) for part in (pieces(reply.body, _cuts(reply, dice)) if dice else reply.chunks))
    complete = reply.ending in ("end", "close")
    out += pipe.close(None if complete else UpstreamCutError("The upstream's reply was cut."))
    if isinstance(pipe, WholeImages) and pipe.missing and pipe.error is None:
        for url in list(pipe.missing):
            pipe.supply(url, picture(url))
        out += pipe.finish()
    assert pipe.done
    assert bool(out) != bool(pipe.error), "bytes or an error"
    if pipe.error is not None:
        return _failed(pipe.error, dict(pipe.faults))
    kind = pipe.content_type.decode()
    return Outcome(facts_of(ask.path, out, "event-stream" in kind), dict(pipe.faults), 200, kind, out, ask.request)


def _failed(error: TruelineError, faults: dict[str, int]) -> Outcome:
    body = error.body()
    out = json.dumps(body).encode()
    return Outcome({"status": error.status, **body["error"]}, faults, error.status, "application/json", out)


def pipeline_for(ask: Ask, options: FormatOptions = FormatOptions()) -> Pipeline:
    """The pipeline for the reply to a request."""
    raw, mint = ask.body.encode(), CountingMint()
    if ask.endpoint == "chat":
        return chat_pipeline(read_chat_request(raw), ROUTE, mint, options)
    if ask.endpoint == "completions":
        return completion_pipeline(read_completion_request(raw), ROUTE, mint, options)
    if ask.endpoint == "images":
        return image_pipeline(read_image_request(raw), ROUTE, mint, options)
    if ask.endpoint == "embeddings":
        return embedding_pipeline(read_embedding_request(raw), ROUTE, mint, options)
    return Models()


def _cuts(reply: SimReply, dice: random.Random) -> list[int]:
    size = len(reply.body)
    return [dice.randrange(size + 1) for _ in range(dice.randrange(20))]
