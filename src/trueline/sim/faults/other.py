"""Faults of embeddings, model lists and legacy completions (faults.md section 14)."""

from __future__ import annotations

import base64
import struct
from typing import Any

from trueline.sim.errors import SimError
from trueline.sim.faults.base import Ctx, Json, Planter, choices_of, each_choice, like_chunk, set_field

__all__ = ["PLANTERS", "floats_of", "items_of", "on_items"]

_EMBEDDINGS: Any = frozenset({"embeddings"})
_MODELS: Any = frozenset({"models"})
_COMPLETIONS: Any = frozenset({"completions"})


def items_of(body: Any) -> list[Json]:
    """The entries of a list reply; one model is its own list."""
    found = body.get("data", [body]) if isinstance(body, dict) else body
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def on_items(change: Any, **fields: Any) -> Planter:
    """A planter for each entry of a list reply."""

    def whole(body: Any, ctx: Ctx) -> Any:
        for item in items_of(body):
            change(item, ctx)
        return body

    return Planter(whole=whole, **fields)


def floats_of(embedding: Any) -> list[Any]:
    """The numbers of an embedding, from a list or from base64."""
    if not isinstance(embedding, str):
        return embedding if isinstance(embedding, list) else []
    raw = base64.b64decode(embedding)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _as_floats(item: Json, ctx: Ctx) -> None:
    item["embedding"] = floats_of(item.get("embedding"))


def _as_base64(item: Json, ctx: Ctx) -> None:
    values = floats_of(item.get("embedding"))
    item["embedding"] = base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def _nested(item: Json, ctx: Ctx) -> None:
    values = floats_of(item.get("embedding"))
    item["embedding"] = [values] if not ctx.options.variant % 2 else [values, values]


def _top_array(body: Any, ctx: Ctx) -> Any:
    vectors = [floats_of(item.get("embedding")) for item in items_of(body)]
    forms: tuple[Any, ...] = (
        [{"index": index, "embedding": values} for index, values in enumerate(vectors)],
        {"embeddings": vectors},
        {"embedding": vectors[0] if vectors else []},
        vectors,
    )
    return ctx.pick(forms)


def _no_usage(body: Any, ctx: Ctx) -> Any:
    if not isinstance(body, dict):
        return body
    if ctx.options.variant % 2:
        return {"object": body.get("object"), "data": body.get("data")}
    return {**body, "model": None, "usage": {"prompt_tokens": None, "total_tokens": None}}


def _no_index(item: Json, ctx: Ctx) -> None:
    item.pop("index", None)
    item.pop("object", None)


def _reversed(body: Any, ctx: Ctx) -> Any:
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        body["data"].reverse()
    return body


def _not_a_number(item: Json, ctx: Ctx) -> None:
    item["embedding"] = [ctx.pick((float("nan"), None)), *floats_of(item.get("embedding"))[1:]]


def _bare(body: Any, ctx: Ctx) -> Any:
    return items_of(body) if isinstance(body, dict) and "data" in body else body


def _no_object(body: Any, ctx: Ctx) -> Any:
    if isinstance(body, dict) and "data" in body:
        body.pop("object", None)
    return body


def _native_list(body: Any, ctx: Ctx) -> Any:
    names = [item.get("id") for item in items_of(body)]
    forms: tuple[Json, ...] = (
        {"models": [{"name": f"models/{name}", "displayName": name} for name in names]},
        {"models": [{"name": name, "model": name, "size": 1} for name in names]},
    )
    return ctx.pick(forms)


def _id_only(item: Json, ctx: Ctx) -> None:
    kept = {"id": item.get("id")} | ({"created_at": "2026-01-31T12:00:00Z"} if ctx.options.variant % 2 else {})
    item.clear()
    item.update(kept)


def _odd_created(item: Json, ctx: Ctx) -> None:
    created = item.get("created")
    if isinstance(created, int):
        item["created"] = ctx.pick((created + 0.5, created * 1000, str(created)))


def _one_less(body: Any, ctx: Ctx) -> Any:
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        body["data"].pop()
    return body


def _as_chat(choice: Json, ctx: Ctx) -> None:
    text = choice.pop("text", "")
    choice["delta" if ctx.stream else "message"] = {"role": "assistant", "content": text}


def _null_text_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """The finish comes in a chunk of its own, with no text."""
    made: list[Any] = []
    for chunk in chunks:
        made.append(chunk)
        for choice in choices_of(chunk):
            if choice.get("finish_reason"):
                last = {"index": choice.get("index"), "logprobs": None, "finish_reason": choice["finish_reason"]}
                choice["finish_reason"] = None
                made.append(like_chunk([chunk], [last if ctx.options.variant % 2 else {**last, "text": None}]))
    return made


def _usage_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for chunk in chunks:
        if isinstance(chunk, dict):
            chunk["usage"] = dict(zeros)
    usage = {**like_chunk(chunks, []), "usage": ctx.usage()}
    usage.pop("choices")
    return [*chunks, usage]


def _no_models() -> SimError:
    return SimError(404, "Invalid URL (GET /v1/models)")


PLANTERS: dict[str, Planter] = {
    "emb-base64-ignored": on_items(_as_floats, on=_EMBEDDINGS, needs=("base64",)),
    "emb-base64-unasked": on_items(_as_base64, on=_EMBEDDINGS),
    "emb-nan": on_items(_not_a_number, on=_EMBEDDINGS, escapes=True),
    "emb-nested": on_items(_nested, on=_EMBEDDINGS),
    "emb-index-object-missing": on_items(_no_index, on=_EMBEDDINGS),
    "emb-order": Planter(whole=_reversed, on=_EMBEDDINGS, needs=("inputs",)),
    "emb-count": Planter(whole=_one_less, on=_EMBEDDINGS, needs=("inputs",)),
    "emb-usage-null": Planter(whole=_no_usage, on=_EMBEDDINGS),
    "emb-top-array": Planter(whole=_top_array, on=_EMBEDDINGS),
    "models-created-float-ms": on_items(_odd_created, on=_MODELS),
    "models-fields-missing": on_items(_id_only, on=_MODELS),
    "models-object-missing": Planter(whole=_no_object, on=_MODELS),
    "models-other-key": Planter(whole=_native_list, on=_MODELS),
    "models-bare-array": Planter(whole=_bare, on=_MODELS),
    "models-endpoint-404": Planter(error=_no_models, on=_MODELS, spoils=True),
    "completions-chat-shape": each_choice(_as_chat, on=_COMPLETIONS),
    "completions-usage-chunk": Planter(chunks=_usage_chunks, on=_COMPLETIONS),
    "completions-text-null": Planter(chunks=_null_text_chunks, on=_COMPLETIONS),
    "completions-id": set_field("id", lambda old, ctx: "chatcmpl-" + ctx.ids.token(29), on=_COMPLETIONS),
}
