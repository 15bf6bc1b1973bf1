"""DashScope's embeddings of texts.

https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

from ...errors import RequestError
from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..parameters import leave_out
from ..provider import Asked, ProviderRequest
from .meaning import usage

__all__ = ["most_texts", "read_embeddings", "write_embeddings"]

Fields = dict[str, Any]

_PASSED = {"dimensions": "dimension", "text_type": "text_type", "instruct": "instruct", "output_type": "output_type"}
_KNOWN = frozenset(("model", "input", "encoding_format", *_PASSED))


_MOST = 10
_MOST_OF_OLDER = 25


def most_texts(asked: Asked) -> int:
    """See ProviderEmbeddings."""
    return _MOST_OF_OLDER if asked.model.endswith(("-v1", "-v2")) else _MOST


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """See ProviderEmbeddings."""
    body = request.body
    for name, value in body.items():
        if name not in _KNOWN and value is not None:
            leave_out(asked, name)
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    if not all(isinstance(text, str) for text in texts):
        raise RequestError("Invalid 'input': DashScope takes texts, and no tokens.", param="input", code="invalid_type")
    parameters = {own: body[name] for name, own in _PASSED.items() if body.get(name) is not None}
    written = {"model": asked.model, "input": {"texts": texts}, "parameters": parameters}
    return ProviderRequest("/services/embeddings/text-embedding/text-embedding", jsonio.encode(written))


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See ProviderEmbeddings."""
    output = payload.get("output") if isinstance(payload, dict) else None
    found = output.get("embeddings") if isinstance(output, dict) else None
    if not isinstance(found, list):
        return payload
    data = []
    for position, one in enumerate(found):
        if not isinstance(one, dict):
            return payload
        index = one.get("text_index")
        beside = {name: one[name] for name in ("sparse_embedding",) if one.get(name) is not None}
        place = index if type(index) is int else position
        data.append({"object": "embedding", "index": place, "embedding": one.get("embedding"), **beside})
    reply: Fields = {"object": "list", "data": data, "model": request.model or ""}
    said = payload.get("usage")
    total = said.get("total_tokens") if isinstance(said, dict) else None
    counts = usage(said)
    if type(total) is int:
        reply["usage"] = {"prompt_tokens": total, "total_tokens": total}
    elif counts is not None:
        reply["usage"] = {"prompt_tokens": counts["prompt_tokens"], "total_tokens": counts["prompt_tokens"]}
    return reply
