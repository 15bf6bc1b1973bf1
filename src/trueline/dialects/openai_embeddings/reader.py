"""Embedding replies of any server, as OpenAI's (rules.md section R, embeddings).

{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": […]}], "model": …, "usage": {…}}
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from math import isfinite
from sys import byteorder
from typing import Any

from ...errors import TruelineError, UpstreamFormatError
from ...messages import EmbeddingRequest

__all__ = ["joined", "read_embeddings", "without_extras"]

Fields = dict[str, Any]
Note = Callable[[str], None]

_LISTS = ("data", "embeddings", "embedding", "vectors", "results")
_LARGEST = 3.4028235e38
"""Of the 32-bit numbers that base64 carries; NaN is not smaller."""
_COUNTS = ("prompt_tokens", "total_tokens")


def read_embeddings(payload: Any, request: EmbeddingRequest, note: Note) -> Fields | TruelineError:
    """The exact reply, or the error that the payload amounts to: no vectors, too few, or not finite."""
    if isinstance(payload, list):
        note("emb-top-array")
        payload = {"data": payload}
    entries = _entries(payload, note) if isinstance(payload, dict) else None
    if entries is None:
        return UpstreamFormatError("The upstream's reply has no embeddings: check the upstream's base URL and model.")
    data: list[Fields] = []
    for position, entry in enumerate(entries):
        vector = _vector(entry, request.base64, note)
        if isinstance(vector, TruelineError):
            return vector
        data.append(_item(position, entry, vector, note))
    if request.inputs is not None and len(data) != request.inputs:
        return UpstreamFormatError(
            f"The upstream sent {len(data)} embeddings for {request.inputs} inputs.", faults=("emb-count",)
        )
    if sorted(item["index"] for item in data) != list(range(len(data))):
        note("emb-index-object-missing")
        for position, item in enumerate(data):
            item["index"] = position
    elif any(item["index"] != position for position, item in enumerate(data)):
        note("emb-order")
        data.sort(key=lambda item: item["index"])
    return _write(payload, data, request, note)


def _entries(payload: Fields, note: Note) -> list[Any] | None:
    for key in _LISTS:
        value = payload.get(key)
        if not isinstance(value, list):
            continue
        if key == "data" and all(isinstance(v, dict) for v in value):
            return value
        note("emb-top-array")
        numbers = bool(value) and all(isinstance(v, (int, float)) for v in value)
        return [value] if numbers else value
    return None


def _vector(entry: Any, base64: bool, note: Note) -> list[float] | str | TruelineError:
    vector = entry.get("embedding") if isinstance(entry, dict) else entry
    if isinstance(vector, dict):
        vector = vector.get("float") or vector.get("base64") or vector.get("values")
    if isinstance(vector, list) and len(vector) == 1 and isinstance(vector[0], list):
        note("emb-nested")
        vector = vector[0]
    if isinstance(vector, str):
        if base64:
            read = _decoded(vector)
            return read if isinstance(read, TruelineError) else vector
        note("emb-base64-unasked")
        return _decoded(vector)
    if not isinstance(vector, list) or not vector or any(isinstance(v, list) for v in vector):
        if isinstance(vector, list) and vector:
            note("emb-nested")
        return UpstreamFormatError("The upstream sent an embedding that is not one vector of numbers.")
    if not all(type(v) in (int, float) and -_LARGEST < v < _LARGEST for v in vector):
        return _not_finite()
    if not base64:
        return vector
    note("emb-base64-ignored")
    packed = array("f", vector)
    if byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode()


def _decoded(text: str) -> list[float] | TruelineError:
    try:
        numbers = array("f", b64decode(text, validate=True))
    except ValueError:
        return UpstreamFormatError("The upstream sent an embedding as text that is not base64 of 32-bit floats.")
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tolist() if all(map(isfinite, numbers)) else _not_finite()


def _not_finite() -> TruelineError:
    return UpstreamFormatError(
        "The upstream sent an embedding with values that are no finite numbers.", faults=("emb-nan",)
    )


def _item(position: int, entry: Any, vector: list[float] | str, note: Note) -> Fields:
    fields = entry if isinstance(entry, dict) else {}
    index = fields.get("index")
    if type(index) is not int or fields.get("object") != "embedding":
        note("emb-index-object-missing")
    return {
        "object": "embedding",
        "index": index if type(index) is int else position,
        "embedding": vector,
        **{k: v for k, v in fields.items() if k not in ("object", "index", "embedding")},
    }


def _write(payload: Fields, data: list[Fields], request: EmbeddingRequest, note: Note) -> Fields:
    if payload.get("object") != "list":
        note("emb-index-object-missing")
    model = payload.get("model")
    usage = payload.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    if not isinstance(model, str) or not model or not all(type(counts.get(k)) is int for k in _COUNTS):
        note("emb-usage-null")
    given = [counts[k] for k in (*_COUNTS, "input_tokens") if type(counts.get(k)) is int]
    if len(set(given)) > 1:
        note("usage-total-mismatch")
    tokens = max(given, default=0)  # nothing is completed: prompt and total are one number
    extras = {k: v for k, v in payload.items() if k not in ("object", "model", "usage", *_LISTS)}
    return {
        "object": "list",
        "data": data,
        "model": model if isinstance(model, str) and model else request.model or "unknown",
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            **{k: v for k, v in counts.items() if k not in _COUNTS},
        },
        **extras,
    }


def without_extras(reply: Fields) -> Fields:
    """The reply with OpenAI's fields only (`extras: drop`)."""
    return {
        "object": reply["object"],
        "data": [{k: item[k] for k in ("object", "index", "embedding")} for item in reply["data"]],
        "model": reply["model"],
        "usage": {k: reply["usage"][k] for k in _COUNTS},
    }


def joined(replies: Sequence[Fields]) -> Fields:
    """One reply of several exact ones, in the order of what was asked: all that they counted is one count."""
    data = [item for reply in replies for item in reply["data"]]
    counted = [reply["usage"] for reply in replies]
    first = replies[0]
    return {
        **first,
        "data": [{**item, "index": index} for index, item in enumerate(data)],
        "usage": {**first["usage"], **{name: sum(usage[name] for usage in counted) for name in _COUNTS}},
    }
