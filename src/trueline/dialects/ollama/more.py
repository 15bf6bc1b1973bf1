"""Ollama's embeddings and its list of models.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

from ...errors import RequestError
from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..parameters import leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["read_embeddings", "read_models", "write_embeddings"]

Fields = dict[str, Any]

_PASSED = ("dimensions", "truncate", "keep_alive", "options")
_KNOWN = frozenset(("model", "input", "encoding_format", *_PASSED))


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """See ProviderEmbeddings."""
    body = request.body
    for name, value in body.items():
        if name not in _KNOWN and value is not None:
            leave_out(asked, name)
    given = body["input"]
    if isinstance(given, list) and not all(isinstance(text, str) for text in given):
        raise RequestError("Invalid 'input': Ollama takes texts, and no tokens.", param="input", code="invalid_type")
    written: Fields = {"model": asked.model, "input": given}
    written |= {name: body[name] for name in _PASSED if body.get(name) is not None}
    return ProviderRequest("/api/embed", jsonio.encode(written))


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See ProviderEmbeddings."""
    vectors = payload.get("embeddings") if isinstance(payload, dict) else None
    if not isinstance(vectors, list):
        return payload
    data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    reply: Fields = {"object": "list", "data": data, "model": payload.get("model") or request.model or ""}
    count = payload.get("prompt_eval_count")
    if type(count) is int:
        reply["usage"] = {"prompt_tokens": count, "total_tokens": count}
    return reply


def read_models(payload: Any) -> Any:
    """See ProviderModels."""
    models = payload.get("models") if isinstance(payload, dict) else None
    if not isinstance(models, list):
        return payload
    names = [model.get("model") or model.get("name") for model in models if isinstance(model, dict)]
    found = [name for name in names if isinstance(name, str) and name]
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "ollama"} for name in found],
    }
