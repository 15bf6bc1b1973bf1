"""OpenAI's embeddings with Gemini's `batchEmbedContents`, and with `predict` and `embedContent` of Vertex.

https://ai.google.dev/api/embeddings (seen 2026-11-22)
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api (seen 2026-11-22)
"""

from __future__ import annotations

import re
from array import array
from base64 import b64encode
from sys import byteorder
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ...messages import EmbeddingRequest
from ...wire import jsonio
from ..parameters import leave_out, unsupported
from ..provider import Asked, ProviderEmbeddings, ProviderRequest
from .place import is_vertex, model_path

__all__ = ["EMBEDDINGS", "most_texts", "read_embeddings", "write_embeddings"]

Fields: TypeAlias = dict[str, Any]

_CONTENT_MODELS: Final = re.compile(r"gemini-embedding-(?!001)|maas")
"""Models of Vertex that have `embedContent`; it takes one input, as the SDK of Google knows."""
_MOST: Final = 100
_MOST_OF_VERTEX: Final = 250
"""Of `predict`, but for `gemini-embedding-001`, which takes one."""
_OWN: Final = {
    "task_type": "taskType",
    "taskType": "taskType",
    "title": "title",
    "auto_truncate": "autoTruncate",
    "autoTruncate": "autoTruncate",
}
_KNOWN: Final = frozenset(("model", "input", "dimensions", "encoding_format", *_OWN))


def most_texts(asked: Asked) -> int:
    """See ProviderEmbeddings."""
    if not is_vertex(asked):
        return _MOST
    return 1 if "gemini-embedding" in asked.model or _CONTENT_MODELS.search(asked.model) else _MOST_OF_VERTEX


def write_embeddings(request: EmbeddingRequest, asked: Asked) -> ProviderRequest:
    """The native request.  Raises RequestError for what cannot be expressed, such as input that is tokens."""
    body = request.body
    texts = _texts(body.get("input"))
    for name, value in body.items():
        if name not in _KNOWN and value is not None:
            leave_out(asked, name)
    config: Fields = {_OWN[name]: body[name] for name in _OWN if body.get(name) is not None}
    if body.get("dimensions") is not None:
        config["outputDimensionality"] = body["dimensions"]
    path = model_path(asked)
    if not is_vertex(asked):
        config.pop("autoTruncate", None)
        model = path[path.index("models/") :]
        requests = [{"model": model, "content": {"parts": [{"text": text}]}, **config} for text in texts]
        return ProviderRequest(f"{path}:batchEmbedContents", jsonio.encode({"requests": requests}))
    if _CONTENT_MODELS.search(asked.model):
        if len(texts) > 1:
            raise unsupported("input", "This model takes one text in a request.", "input")
        made: Fields = {"content": {"parts": [{"text": texts[0]}]}}
        return ProviderRequest(
            f"{path}:embedContent", jsonio.encode({**made, "embedContentConfig": config} if config else made)
        )
    of_each = {
        name: config.pop(word) for word, name in (("taskType", "task_type"), ("title", "title")) if word in config
    }
    predict: Fields = {"instances": [{"content": text, **of_each} for text in texts]}
    if config:
        predict["parameters"] = config
    return ProviderRequest(f"{path}:predict", jsonio.encode(predict))


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise RequestError("Invalid 'input': expected a string or an array of strings.", param="input")
    if not all(isinstance(text, str) for text in texts):
        raise unsupported("input", "Tokens are no input of this API: send the text.", "input")
    return texts


def read_embeddings(payload: Any, request: EmbeddingRequest) -> Any:
    """OpenAI's reply; what is none of Gemini's goes on as it is."""
    if not isinstance(payload, dict):
        return payload
    entries = next(
        (payload[name] for name in ("embeddings", "predictions") if isinstance(payload.get(name), list)), None
    )
    if entries is None:
        entries = [payload["embedding"]] if isinstance(payload.get("embedding"), dict) else None
    if entries is None:
        return payload
    inner = [one.get("embeddings", one) if isinstance(one, dict) else one for one in entries]
    made: Fields = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(one, request.base64)}
            for index, one in enumerate(inner)
        ],
        "model": request.model or "unknown",
    }
    tokens = _tokens(payload, inner)
    if tokens is not None:
        made["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return made


def _vector(entry: Any, base64: bool) -> Any:
    values = entry.get("values") if isinstance(entry, dict) else None
    if not base64 or not isinstance(values, list) or not all(type(one) in (int, float) for one in values):
        return values
    try:
        numbers = array("f", values)
    except OverflowError:
        return values
    if byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def _tokens(payload: Fields, entries: list[Any]) -> int | None:
    """What was read, as the reply says, or the sum of what it says of each input."""
    usage = payload.get("usageMetadata")
    said = usage.get("promptTokenCount") if isinstance(usage, dict) else None
    if type(said) is int:
        return said
    counts = []
    for entry in entries:
        statistics = entry.get("statistics") if isinstance(entry, dict) else None
        count = statistics.get("token_count", statistics.get("tokenCount")) if isinstance(statistics, dict) else None
        if type(count) not in (int, float):
            return None
        counts.append(int(count))  # type: ignore[arg-type]  # one of the two
    return sum(counts) if counts else None


EMBEDDINGS: Final = ProviderEmbeddings(write_embeddings, read_embeddings, most_texts)
