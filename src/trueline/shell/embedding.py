"""Embeddings of upstreams that take fewer texts in a call than a client sent: several calls, and one reply.

All of them are needed: the first that fails is the answer, and ends the others.
"""

from __future__ import annotations

from ..dialects.provider import ProviderRequest
from ..messages import EmbeddingRequest
from ..pipeline import MAX_REPLY, Embeddings, Pipeline
from .awaited import AwaitedExchange
from .together import together
from .translated import Translator

__all__ = ["embedded"]

AT_ONCE = 8
"""Calls for one request at the same time; others wait for their turn."""


async def embedded(
    exchange: AwaitedExchange,
    translator: Translator,
    request: EmbeddingRequest,
    shares: list[EmbeddingRequest],
    pipe: Pipeline,
) -> bytes:
    """The reply to `request`, of which `shares` were made.  Raises what the exchange fails with."""
    assert isinstance(pipe, Embeddings)
    sent = [await translator.written(share) for share in shares]
    request.let_go()

    async def one(share: EmbeddingRequest, asked: ProviderRequest) -> bytes:
        response = await translator.send(asked)
        with exchange.waiting():
            body = await response.read_all(MAX_REPLY)
        exchange.received += len(body)
        part = pipe.part(share)
        out = part.feed(body) + part.close()
        for fault in part.faults:
            pipe.note(fault)
        exchange.keep_examples(body, part.faults)
        if part.error is not None:
            raise part.error
        return out

    exchange.pipe = pipe
    pipe.secrets = exchange.secrets
    exchange.faults = pipe.faults
    replies = await together([one(*each) for each in zip(shares, sent, strict=True)], AT_ONCE)
    out = pipe.take(replies)
    if pipe.error is not None:
        raise pipe.error
    return out
