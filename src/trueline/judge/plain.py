"""Embeddings, lists of models, and legacy completions (rules.md sections M, L and R)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .body import Stream, judge_content_type, read_object, read_stream
from .chat import Json, dicts, wanted_choices
from .diagnose import Diagnosis, at, judge_shape
from .findings import Docket, Extras, Finding
from .foreign import error_key
from .schema import ABSENT
from .shapes import COMPLETION, EMBEDDINGS, MODEL, MODELS
from .usage import judge_usage

__all__ = ["judge_completions", "judge_embeddings", "judge_model", "judge_models"]

_COMPLETION_ID = re.compile(r"cmpl-[A-Za-z0-9]{29}")
_LATEST_CREATED = 10_000_000_000


def _read(body: bytes, content_type: str | None, extras: Extras) -> tuple[Docket, Any]:
    """A docket, and the JSON value unless it is an error, which is noted."""
    docket = Docket(extras)
    judge_content_type(docket, content_type, "application/json")
    value = read_object(docket, body)
    if isinstance(value, dict) and (key := error_key(value)) is not None:
        docket.note(key, "", value)
        value = ABSENT
    return docket, value


# -- embeddings

_EMBEDDING_TABLE: tuple[Diagnosis, ...] = (
    at("data", "emb-top-array", ABSENT, None),
    at("data[]", "emb-top-array"),
    at("data[].index", "emb-index-object-missing", ABSENT, None),
    at("data[].object", "emb-index-object-missing"),
    at("data[].embedding[]", "emb-nested", test=lambda p: isinstance(p.value, list)),
    at("data[].embedding[]", "emb-nan", None),
    at("model", "emb-usage-null", ABSENT, None),
    at("usage*", "emb-usage-null", ABSENT, None),
)


def judge_embeddings(
    request: Json, body: bytes, content_type: str | None = None, *, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of an embeddings reply."""
    docket, value = _read(body, content_type, extras)
    if value is ABSENT:
        return docket.findings()
    if not isinstance(value, dict) or ("data" not in value and value.keys() & {"embedding", "embeddings"}):
        docket.note("emb-top-array", "", value)
        return docket.findings()
    judge_shape(docket, value, EMBEDDINGS, _EMBEDDING_TABLE)
    items = dicts(value.get("data"))
    inputs = _inputs(request.get("input"))
    if len(items) != inputs:
        docket.note("emb-count", "data", f"{len(items)} vectors for {inputs} inputs")
    indexes = [item.get("index") for item in items]
    if all(isinstance(index, int) for index in indexes) and indexes != list(range(len(items))):
        docket.note("emb-order", "data", indexes)
    for number, item in enumerate(items):
        _judge_vector(docket, request, item.get("embedding"), f"data[{number}].embedding")
    usage = value.get("usage")
    if isinstance(usage, dict) and usage.get("prompt_tokens") != usage.get("total_tokens"):
        docket.note("emb-usage-total", "usage", usage)
    return docket.findings()


def _inputs(value: Any) -> int:
    """How many inputs a request has: a list of numbers is one text in tokens."""
    return len(value) if isinstance(value, list) and value and not isinstance(value[0], int) else 1


def _judge_vector(docket: Docket, request: Json, vector: Any, where: str) -> None:
    encoded = request.get("encoding_format") == "base64"
    size: float | None = None
    if isinstance(vector, str):
        if not encoded:
            docket.note("emb-base64-unasked", where, vector)
        try:
            size = len(base64.b64decode(vector, validate=True)) / 4
        except (binascii.Error, ValueError):
            size = 0.5
        if not size.is_integer():
            docket.note("emb-base64-broken", where, vector)
    elif isinstance(vector, list):
        size = float(len(vector))
        if encoded:
            docket.note("emb-base64-ignored", where, vector)
    wanted = request.get("dimensions")
    nested = isinstance(vector, list) and any(isinstance(item, list) for item in vector)
    if isinstance(wanted, int) and size is not None and size.is_integer() and size != wanted and not nested:
        docket.note("emb-dimensions", where, f"{int(size)} instead of {wanted}")


# -- models

_MODEL_ROWS = (
    at("{}created", "models-created-float-ms", test=lambda p: isinstance(p.value, float | str)),
    *(at("{}" + name, "models-fields-missing") for name in ("id", "object", "created", "owned_by")),
)
_MODEL_TABLE = tuple(row._replace(place=row.place.format("")) for row in _MODEL_ROWS)
_MODELS_TABLE: tuple[Diagnosis, ...] = (
    at("object", "models-object-missing"),
    at("data", "models-other-key"),
    *(row._replace(place=row.place.format("data[].")) for row in _MODEL_ROWS),
    at("data[]", "models-fields-missing"),
)


def judge_models(body: bytes, content_type: str | None = None, *, extras: Extras = "allow") -> list[Finding]:
    """What is wrong with the body of a list of models."""
    docket, value = _read(body, content_type, extras)
    if isinstance(value, list):
        docket.note("models-bare-array", "", value)
        value = {"object": "list", "data": value}
    if isinstance(value, dict):
        judge_shape(docket, value, MODELS, _MODELS_TABLE)
        models = dicts(value.get("data"))
        for number, model in enumerate(models):
            _judge_model(docket, model, f"data[{number}].")
        names = [repr(model.get("id")) for model in models]
        if len(set(names)) < len(names):
            docket.note("models-id-twice", "data", sorted({name for name in names if names.count(name) > 1}))
    elif value is not ABSENT:
        docket.note("not-object", "", value)
    return docket.findings()


def judge_model(body: bytes, content_type: str | None = None, *, extras: Extras = "allow") -> list[Finding]:
    """What is wrong with the body of one model."""
    docket, value = _read(body, content_type, extras)
    if isinstance(value, list):
        docket.note("models-bare-array", "", value)
    elif isinstance(value, dict):
        judge_shape(docket, value, MODEL, _MODEL_TABLE)
        _judge_model(docket, value, "")
    elif value is not ABSENT:
        docket.note("not-object", "", value)
    return docket.findings()


def _judge_model(docket: Docket, model: Json, where: str) -> None:
    created = model.get("created")
    if isinstance(created, int) and created > _LATEST_CREATED:
        docket.note("models-created-float-ms", f"{where}created", created)


# -- legacy completions

_COMPLETION_TABLE: tuple[Diagnosis, ...] = (
    at("id", "id-missing", ABSENT, None),
    at("object", "object-missing", ABSENT, None, ""),
    at("object", "object-wrong-completions"),
    at("created", "created-missing", ABSENT, None),
    at("created", "created-float", test=lambda p: isinstance(p.value, float)),
    at("created", "created-string", test=lambda p: isinstance(p.value, str)),
    at("model", "model-empty", ABSENT, None),
    at("choices", "completions-usage-chunk", test=lambda p: bool(isinstance(p.parent, dict) and p.parent.get("usage"))),
    at("choices", "choices-missing", ABSENT),
    at("choices", "choices-null"),
    at("choices[].text", "completions-chat-shape", test=lambda p: bool(p.parent.keys() & {"message", "delta"})),
    at("choices[].text", "completions-text-null", ABSENT, None),
    at("choices[].part", "completions-chat-shape"),
    at("choices[].logprobs", "logprobs-missing-key", ABSENT),
    at("usage", "", None),
)


def judge_completions(
    request: Json, body: bytes, content_type: str | None = None, *, stream: bool = False, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of a legacy completion, whole or streamed."""
    if not stream:
        docket, value = _read(body, content_type, extras)
        if isinstance(value, dict):
            _judge_completion(docket, request, value, "")
            _judge_end(docket, request, [value], whole=True)
        elif value is not ABSENT:
            docket.note("not-object", "", value)
        return docket.findings()
    docket = Docket(extras)
    read = read_stream(docket, body)
    judge_content_type(docket, content_type, "text/event-stream")
    if isinstance(read, Stream):
        _judge_completion_stream(docket, request, read)
    elif read is not ABSENT:
        docket.note("json-for-stream", "", read)
    return docket.findings()


def _judge_completion_stream(docket: Docket, request: Json, stream: Stream) -> None:
    chunks: list[Json] = []
    for event in stream.events:
        if not isinstance(event.value, dict):
            docket.note("null-chunk" if event.value is None else "non-chunk-object", event.where, event.value)
        elif (key := error_key(event.value)) is not None:
            docket.note("err-mid-stream" if key == "err-in-200-body" else key, event.where, event.value)
        else:
            _judge_completion(docket, request, event.value, event.where)
            chunks.append(event.value)
            if event.value.get("id") != chunks[0].get("id"):
                docket.note("id-changes-per-chunk", event.where, event.value.get("id"))
            usage = event.value.get("usage")
            zero = isinstance(usage, dict) and event.value.get("choices") and not any(usage.values())
            if zero:
                docket.note("completions-usage-chunk", event.where, usage)
    finished = any(choice.get("finish_reason") for chunk in chunks for choice in dicts(chunk.get("choices")))
    if not chunks:
        docket.note("empty-stream")
    elif stream.broken or not (finished or stream.done):
        docket.note("eof-truncated")
    else:
        if not stream.done:
            docket.note("done-missing")
        _judge_end(docket, request, chunks, whole=False)


def _judge_completion(docket: Docket, request: Json, value: Json, where: str) -> None:
    judge_shape(docket, value, COMPLETION, _COMPLETION_TABLE, where)
    identity, created = value.get("id"), value.get("created")
    if isinstance(identity, str) and not _COMPLETION_ID.fullmatch(identity):
        key = "id-empty" if not identity else "id-null-string" if identity in ("null", "None") else "id-prefix-wrong"
        docket.note("completions-id" if identity.startswith("chatcmpl-") else key, where, identity)
    if isinstance(created, int | float) and created > _LATEST_CREATED:
        docket.note("created-ms", where, created)
    if created == 0:
        docket.note("created-missing", where, created, level="exact")
    model = value.get("model")
    asked = request.get("model")
    if model == "":
        docket.note("model-empty", where, model, level="exact")
    elif isinstance(model, str) and isinstance(asked, str) and not model.startswith(asked.removesuffix("-latest")):
        docket.note("model-differs", where, model)


def _judge_end(docket: Docket, request: Json, chunks: list[Json], whole: bool) -> None:
    """Each choice finishes once; usage comes with a whole reply, and else where it was asked for."""
    choices = [choice for chunk in chunks for choice in dicts(chunk.get("choices"))]
    finishes = [choice.get("index") for choice in choices if choice.get("finish_reason")]
    prompts = request.get("prompt")
    many = len(prompts) if isinstance(prompts, list) and prompts and isinstance(prompts[0], str | list) else 1
    wanted = many * wanted_choices(request)
    if len(finishes) != wanted:
        docket.note("completions-finish", "", f"{len(finishes)} finish reasons for {wanted} choices")
    options = request.get("stream_options")
    asked = isinstance(options, dict) and bool(options.get("include_usage"))
    reported = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    if whole and not reported:
        docket.note("usage-missing-nonstream")
    elif not whole and asked and not reported:
        docket.note("usage-missing-stream")
    elif not whole and not asked and reported and not docket.has("completions-usage-chunk", "object-wrong-completions"):
        docket.note("usage-unasked", "", reported[0])
    for usage in reported[-1:]:
        judge_usage(docket, usage, details=False)
