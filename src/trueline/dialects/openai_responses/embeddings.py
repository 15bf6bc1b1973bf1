"""Embeddings beside the Responses API: they are OpenAI's own, and go on as they are."""

from __future__ import annotations

from typing import Any

from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..native import Asked, NativeRequest

__all__ = ["read_embeddings", "write_embeddings"]


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> NativeRequest:
    """See NativeEmbeddings."""
    return NativeRequest("/v1/embeddings", jsonio.encode({**request.body, "model": asked.model}))


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See NativeEmbeddings."""
    return payload
