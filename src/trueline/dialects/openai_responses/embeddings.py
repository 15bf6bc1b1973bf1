"""Embeddings beside the Responses API: they are OpenAI's own, and go on as they are."""

from __future__ import annotations

from typing import Any

from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..provider import Asked, ProviderRequest

__all__ = ["read_embeddings", "write_embeddings"]


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """See ProviderEmbeddings."""
    return ProviderRequest("/v1/embeddings", jsonio.encode({**request.body, "model": asked.model}))


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See ProviderEmbeddings."""
    return payload
