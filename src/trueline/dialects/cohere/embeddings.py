"""Cohere's embeddings, version 2.

https://docs.cohere.com/reference/embed (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

from ...errors import RequestError
from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..parameters import leave_out
from ..provider import Asked, ProviderRequest
from .meaning import usage

__all__ = ["MOST", "most_texts", "read_embeddings", "write_embeddings"]

Fields = dict[str, Any]

MOST = 96
"""Texts of one request."""

_PASSED = ("input_type", "truncate", "max_tokens")
_KNOWN = frozenset(("model", "input", "encoding_format", "dimensions", *_PASSED))


def most_texts(asked: Asked) -> int:
    """See ProviderEmbeddings."""
    return MOST


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """See ProviderEmbeddings.  `input_type` is the client's, or that of a document to be found."""
    body = request.body
    for name, value in body.items():
        if name not in _KNOWN and value is not None:
            leave_out(asked, name)
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    if not all(isinstance(text, str) for text in texts):
        raise RequestError("Invalid 'input': Cohere takes texts, and no tokens.", param="input", code="invalid_type")
    written: Fields = {
        "model": asked.model,
        "texts": texts,
        "input_type": "search_document",
        "embedding_types": ["float"],
    }
    if body.get("dimensions") is not None:
        written["output_dimension"] = body["dimensions"]
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    return ProviderRequest("/v2/embed", jsonio.encode(written))


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See ProviderEmbeddings."""
    embeddings = payload.get("embeddings") if isinstance(payload, dict) else None
    vectors = embeddings.get("float") if isinstance(embeddings, dict) else embeddings
    if not isinstance(vectors, list):
        return payload
    data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    meta = payload.get("meta")
    counts = usage(meta)
    reply: Fields = {"object": "list", "data": data, "model": request.model or ""}
    if counts is not None:
        reply["usage"] = {"prompt_tokens": counts["prompt_tokens"], "total_tokens": counts["prompt_tokens"]}
    return reply
