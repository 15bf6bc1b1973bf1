"""Faults of the envelope: id, object, created, model, fingerprint, tier, extras (faults.md section 1)."""

from __future__ import annotations

import time
from typing import Any

from trueline.sim.faults.base import Ctx, Head, Json, Planter, each, like_chunk, set_field, without

__all__ = ["PLANTERS"]

_BOTH: Any = frozenset({"chat", "completions"})
_KEPT_HEADERS = ("content-type", "cache-control", "retry-after")


def _changing_ids(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for chunk in chunks:
        if isinstance(chunk, dict):
            chunk["id"] = "chatcmpl-" + ctx.ids.token(29)
    return chunks


def _changing_created(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for place, chunk in enumerate(chunks):
        if isinstance(chunk, dict) and isinstance(chunk.get("created"), int):
            chunk["created"] += place
    return chunks


def _changing(name: str, value: Any) -> Planter:
    """Every chunk but the first one says something else under `name`."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for chunk in made[1:]:
            if isinstance(chunk, dict):
                chunk[name] = value(ctx)
        return made

    return Planter(chunks=chunks)


def _other_prefix(value: Any, ctx: Ctx) -> Any:
    forms = ("cmpl-" + ctx.ids.token(29), ctx.ids.hex(32))
    return ctx.pick(forms) if ctx.endpoint == "chat" else "chatcmpl-" + ctx.ids.token(29)


def _date(value: Any, ctx: Ctx) -> Any:
    if not isinstance(value, int):
        return value
    forms = (str(value), time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(value)), time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return ctx.pick(forms)


def _model_path(value: Any, ctx: Ctx) -> Any:
    return ctx.pick((f"accounts/sim/models/{value}", f"/models/{value}.gguf", f"openai/{value}"))


def _extras(item: Json, ctx: Ctx) -> None:
    item["provider"] = "Simulated"
    item["x_groq"] = {"id": "req_" + ctx.ids.token(26), **(item.get("x_groq") or {})}
    item["citations"] = ["https://example.com/a"]
    item["timings"] = {"prompt_ms": 12.5, "predicted_per_second": 81.0}
    item["kv_transfer_params"] = None
    for choice in item.get("choices") or []:
        if isinstance(choice, dict):
            choice["native_finish_reason"] = choice.get("finish_reason")
            choice["stop_reason"] = None


def _error_key(item: Json, ctx: Ctx) -> None:
    forms: tuple[Json, ...] = (
        {"error": {}},
        {"error": None},
        {"error": {"code": 0, "message": ""}},
        {"code": 0, "error_message": ""},
    )
    item.update(ctx.pick(forms))


def _wrapped(body: Any, ctx: Ctx) -> Any:
    forms: tuple[Json, ...] = (
        {"result": body, "success": True, "errors": [], "messages": []},
        {"data": body, "code": 0, "msg": "success"},
        {"result": {"response": ctx.text()}, "success": True, "errors": []},
    )
    return ctx.pick(forms)


def _wrapped_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return [ctx.pick(({"result": chunk, "success": True}, {"data": chunk, "code": 0})) for chunk in chunks]


def _all_null(body: Any, ctx: Ctx) -> Any:
    names = body if isinstance(body, dict) else {}
    error = {"message": "Provider returned error", "code": 502, "metadata": {"raw": "upstream connect error"}}
    return {name: None for name in names} | {"error": error}


def _foreign_types(item: Json, ctx: Ctx) -> None:
    """One of OpenAI's own names, with something else in it."""
    item["moderation"] = ctx.pick(({"flagged": False}, "none"))


def _lost(head: Head, ctx: Ctx) -> Head:
    return Head(head.status, {name: value for name, value in head.headers.items() if name in _KEPT_HEADERS})


def _completions_object(chunks: list[Any], ctx: Ctx) -> list[Any]:
    usage = {"usage": ctx.usage(), "object": "chat.completion.chunk"}
    if chunks and isinstance(chunks[-1], dict) and chunks[-1].get("usage"):
        chunks[-1].update(usage)
        return chunks
    return [*chunks, {**like_chunk(chunks, []), **usage}]


PLANTERS: dict[str, Planter] = {
    "id-missing": without("id", on=_BOTH),
    "id-empty": set_field("id", "", on=_BOTH),
    "id-null-string": set_field("id", "null", on=_BOTH),
    "id-changes-per-chunk": Planter(chunks=_changing_ids),
    "id-prefix-wrong": set_field("id", _other_prefix, on=_BOTH),
    "object-missing": without("object", on=_BOTH),
    "object-wrong-stream": Planter(chunks=set_field("object", "chat.completion").chunks),
    "object-wrong-nonstream": Planter(
        whole=set_field("object", lambda old, ctx: ctx.pick(("text_completion", "text_completion.chunk", ""))).whole
    ),
    "object-wrong-completions": Planter(chunks=_completions_object, on=frozenset({"completions"})),
    "object-literal-type": set_field("object", "", on=_BOTH),
    "created-missing": each(
        lambda item, ctx: item.update(created=0) if ctx.options.variant % 2 else item.pop("created", None), on=_BOTH
    ),
    "created-float": set_field("created", lambda old, ctx: old + 0.492141 if isinstance(old, int) else old, on=_BOTH),
    "created-ms": set_field("created", lambda old, ctx: old * 1000 if isinstance(old, int) else old, on=_BOTH),
    "created-string": set_field("created", _date, on=_BOTH),
    "created-varies": Planter(chunks=_changing_created),
    "model-changes": _changing("model", lambda ctx: "another-model"),
    "fingerprint-changes": _changing("system_fingerprint", lambda ctx: "fp_" + ctx.ids.hex(10)),
    "service-tier-changes": _changing("service_tier", lambda ctx: "flex"),
    "model-empty": set_field("model", lambda old, ctx: ctx.pick(("", None)), on=_BOTH),
    "model-differs": set_field("model", _model_path, on=_BOTH),
    "fingerprint-missing": without("system_fingerprint"),
    "service-tier-foreign": set_field("service_tier", lambda old, ctx: ctx.pick(("on_demand", "standard"))),
    "extra-fields": each(_extras),
    "extra-foreign-type": each(_foreign_types),
    "error-key-on-success": each(_error_key),
    "envelope-wrapped": Planter(whole=_wrapped, chunks=_wrapped_chunks),
    "envelope-all-null": Planter(whole=_all_null, spoils=True),
    "headers-lost": Planter(
        head=_lost, on=frozenset({"chat", "completions", "images", "embeddings", "models", "errors"})
    ),
}
