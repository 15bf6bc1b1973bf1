"""Cohere's chat API, version 2: `POST /v2/chat`, answered with JSON or with server-sent events.

https://docs.cohere.com/reference/chat and https://docs.cohere.com/reference/chat-stream (seen 2026-11)
"""

from ..provider import ProviderDialect, ProviderEmbeddings, ProviderModels
from .embeddings import most_texts, read_embeddings, write_embeddings
from .models import read_models
from .reply import read_error, read_whole
from .request import write_request
from .stream import ChatReader

__all__ = ["DIALECT"]

DIALECT = ProviderDialect(
    "cohere",
    write_request,
    ChatReader,
    read_whole,
    read_error=read_error,
    usual=frozenset(("sse-event-line", "done-missing", "list-in-delta-no-index")),
    embeddings=ProviderEmbeddings(write_embeddings, read_embeddings, most_texts),
    models=ProviderModels("/v1/models?page_size=1000", read_models),
)
