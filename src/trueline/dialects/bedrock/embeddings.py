"""Embeddings of the models that Bedrock invokes: Amazon's Titan, one text a call, and Cohere's.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html (seen 2026-11)
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html (seen 2026-11)
"""

from __future__ import annotations

from typing import Any

from ...errors import RequestError
from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..cohere.embeddings import MOST
from ..cohere.embeddings import read_embeddings as read_cohere
from ..parameters import in_path, leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["most_texts", "read_embeddings", "write_embeddings"]

Fields = dict[str, Any]

_KNOWN = frozenset(("model", "input", "encoding_format", "dimensions", "input_type", "truncate", "normalize"))


def most_texts(asked: Asked) -> int:
    """See ProviderEmbeddings."""
    return MOST if _is_cohere(asked) else 1


def _is_cohere(asked: Asked) -> bool:
    return "cohere." in asked.model


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """See ProviderEmbeddings."""
    body = request.body
    for name, value in body.items():
        if name not in _KNOWN and value is not None:
            leave_out(asked, name)
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    if not all(isinstance(text, str) for text in texts):
        raise RequestError("Invalid 'input': Bedrock takes texts, and no tokens.", param="input", code="invalid_type")
    written = _cohere(texts, body) if _is_cohere(asked) else _titan(texts, body, asked)
    return ProviderRequest(f"/model/{in_path(asked.model, '')}/invoke", jsonio.encode(written))


def _titan(texts: list[str], body: Fields, asked: Asked) -> Fields:
    if len(texts) != 1:
        raise RequestError(
            f"Invalid 'input': {asked.model} takes one text in a request, but got {len(texts)}.",
            param="input",
            code="invalid_value",
        )
    written: Fields = {"inputText": texts[0]}
    for parameter in ("dimensions", "normalize"):
        if body.get(parameter) is not None:
            if "titan-embed-text-v1" in asked.model:
                leave_out(asked, parameter)
            else:
                written[parameter] = body[parameter]
    return written


def _cohere(texts: list[str], body: Fields) -> Fields:
    written: Fields = {"texts": texts, "input_type": body.get("input_type") or "search_document"}
    written["embedding_types"] = ["float"]
    if body.get("dimensions") is not None:
        written["output_dimension"] = body["dimensions"]
    if body.get("truncate") is not None:
        written["truncate"] = body["truncate"]
    return written


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """See ProviderEmbeddings."""
    if not isinstance(payload, dict) or not isinstance(payload.get("embedding"), list):
        return read_cohere(payload, request)
    item = {"object": "embedding", "index": 0, "embedding": payload["embedding"]}
    reply: Fields = {"object": "list", "data": [item], "model": request.model or ""}
    count = payload.get("inputTextTokenCount")
    if type(count) is int:
        reply["usage"] = {"prompt_tokens": count, "total_tokens": count}
    return reply
