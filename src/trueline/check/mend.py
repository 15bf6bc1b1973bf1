"""What Trueline makes of a reply: the exchange taken through its own pipeline, in this process.

It serves twice: the faults that the pipeline notes name what is wrong with a reply, and its output is the reply as
Trueline's clients would get it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..context import Route
from ..dialects.error_bodies import read_error
from ..errors import RequestError, TruelineError, UpstreamCutError
from ..messages import read_chat_request, read_completion_request, read_embedding_request, read_image_request
from ..mint import Mint
from ..pipeline import Models, Pipeline, chat_pipeline, completion_pipeline, embedding_pipeline, image_pipeline
from ..wire import jsonio
from .model import Exchange

__all__ = ["Mended", "mend"]


@dataclass(frozen=True, slots=True)
class Mended:
    """The reply as Trueline sends it."""

    body: bytes
    faults: Mapping[str, int] = field(default_factory=dict)
    status: int = 200
    done: bool = True
    """False: Trueline passes the body as it is."""


def mend(exchange: Exchange, mint: Mint) -> Mended:
    """Take the reply through the engine; never raises."""
    if exchange.status >= 400:
        return _refused(read_error(exchange.status, exchange.headers, exchange.body))
    try:
        pipe = _pipeline(exchange, mint)
    except RequestError as refused:
        # Trueline answers such a request itself; of a recording without its request nothing is known.
        known = exchange.request or exchange.origin
        return _refused(refused) if known and exchange.answered else Mended(exchange.body, done=False)
    if pipe is None or not exchange.answered:
        return Mended(exchange.body, done=False)
    out = pipe.feed(exchange.body)
    out += pipe.close(UpstreamCutError(exchange.why) if exchange.failure == "cut" else None)
    if pipe.error is not None:
        return _refused(pipe.error, pipe.faults)
    return Mended(out, dict(pipe.faults))


def _refused(error: TruelineError, faults: Mapping[str, int] | None = None) -> Mended:
    named = dict(faults or {}) | {fault: 1 for fault in error.faults if fault not in (faults or {})}
    return Mended(jsonio.encode(error.body()), named, error.status)


def _pipeline(exchange: Exchange, mint: Mint) -> Pipeline | None:
    """The pipeline for an endpoint; None where Trueline passes bytes.  Raises RequestError."""
    route, body = Route(upstream="checked"), jsonio.encode(exchange.request)
    match exchange.endpoint:
        case "chat":
            return chat_pipeline(read_chat_request(body), route, mint)
        case "images":
            return image_pipeline(read_image_request(body), route, mint)
        case "embeddings":
            return embedding_pipeline(read_embedding_request(body), route, mint)
        case "completions":
            return completion_pipeline(read_completion_request(body), route, mint)
        case "models":
            return Models()
        case "model":
            return Models(exchange.path.rpartition("/models/")[2])
    return None
