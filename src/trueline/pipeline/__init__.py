"""One exchange, bytes to bytes.

`feed(bytes) -> bytes` while the upstream sends, `close() -> bytes` when it has ended.  Whole and streamed replies
have the same two verbs; a stream gives bytes as they come, a whole reply when it is complete.  Where the exchange
fails before anything was written, `error` says how, and the caller answers with its status.
"""

from __future__ import annotations

from ..context import FormatOptions, ReplyContext, Route
from ..dialects.provider import ProviderDialect
from ..messages import ChatRequest, CompletionRequest, EmbeddingRequest, ImageRequest
from ..mint import Mint
from .base import MAX_REPLY, Pipeline, Tally
from .chat import ChatStream
from .dialect import OPENAI_COMPLETIONS, from_provider
from .embeddings import Embeddings
from .images import ImageStream, WholeImages
from .models import Models
from .passed import Passed
from .traced import TracedContext, Tracer
from .whole import WholeChat

__all__ = [
    "MAX_REPLY",
    "Embeddings",
    "FormatOptions",
    "ImageStream",
    "Models",
    "Passed",
    "Pipeline",
    "Route",
    "Tally",
    "Tracer",
    "WholeImages",
    "chat_pipeline",
    "completion_pipeline",
    "embedding_pipeline",
    "image_pipeline",
]


def chat_pipeline(
    request: ChatRequest,
    route: Route,
    mint: Mint,
    options: FormatOptions = FormatOptions(),
    *,
    tracer: Tracer | None = None,
    lanes: bool = True,
    dialect: ProviderDialect | None = None,
) -> Pipeline:
    """The pipeline for the reply to a chat request, whole or streamed as the request asked.

    `lanes=False`: every reply goes the general way.  `dialect`: what the upstream speaks, if not OpenAI's format.
    """
    context = _context(request, route, mint, options, tracer)
    if dialect is not None:
        context.translated, context.usual = True, dialect.usual
        spoken = from_provider(dialect)
        return ChatStream(context, spoken, lanes) if request.stream else WholeChat(context, spoken, lanes=False)
    return ChatStream(context, lanes=lanes) if request.stream else WholeChat(context, lanes=lanes)


def completion_pipeline(
    request: CompletionRequest,
    route: Route,
    mint: Mint,
    options: FormatOptions = FormatOptions(),
    *,
    tracer: Tracer | None = None,
) -> Pipeline:
    """The pipeline for the reply to a legacy completion request, whole or streamed as the request asked."""
    context = _context(request, route, mint, options, tracer)
    return ChatStream(context, OPENAI_COMPLETIONS) if request.stream else WholeChat(context, OPENAI_COMPLETIONS)


def embedding_pipeline(
    request: EmbeddingRequest,
    route: Route,
    mint: Mint,
    options: FormatOptions = FormatOptions(),
    *,
    dialect: ProviderDialect | None = None,
) -> Pipeline:
    """The pipeline for the reply to an embedding request; `dialect` as for chats."""
    return Embeddings(request, options, dialect.embeddings if dialect is not None else None)


def image_pipeline(
    request: ImageRequest,
    route: Route,
    mint: Mint,
    options: FormatOptions = FormatOptions(),
    *,
    dialect: ProviderDialect | None = None,
) -> Pipeline:
    """The pipeline for the reply to an image request, whole or streamed as the request asked.

    `dialect`: what the upstream speaks, if not OpenAI's format; its replies come as `dialects.images.joined` has them.
    """
    return (ImageStream if request.stream else WholeImages)(request, mint, options, dialect is not None)


def _context(
    request: ChatRequest | CompletionRequest, route: Route, mint: Mint, options: FormatOptions, tracer: Tracer | None
) -> ReplyContext:
    if tracer is None:
        return ReplyContext(request, route, mint, options)
    return TracedContext(request, route, mint, options, tracer)
