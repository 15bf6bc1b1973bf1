"""Faults of usage (faults.md section 6)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from trueline.sim.errors import SimError
from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    choices_of,
    delta_chunk,
    each,
    finish_place,
    is_usage,
    like_chunk,
    without,
)

__all__ = ["PLANTERS", "on_finish"]

_ASKED = ("include_usage",)


def _numbers(change: Any, **fields: Any) -> Planter:
    """A planter for the usage object itself, wherever there is one: `change(usage, ctx)` gives the new one."""

    def apply(item: Json, ctx: Ctx) -> None:
        if isinstance(item.get("usage"), dict):
            item["usage"] = change(item["usage"], ctx)

    return each(apply, needs=_ASKED, on=frozenset({"chat", "completions"}), **fields)


def _nulls(usage: Json, ctx: Ctx) -> Json:
    return usage | {"prompt_tokens": None, "total_tokens": None}


def _excluding_reasoning(usage: Json, ctx: Ctx) -> Json:
    details = {**(usage.get("completion_tokens_details") or {}), "reasoning_tokens": 60}
    total = (usage.get("prompt_tokens") or 0) + (usage.get("completion_tokens") or 0) + 60
    return usage | {"total_tokens": total, "completion_tokens_details": details}


def _wrong_total(usage: Json, ctx: Ctx) -> Json:
    wrong = {**usage, "total_tokens": (usage.get("total_tokens") or 0) + 68}
    missing = {name: value for name, value in usage.items() if name != "total_tokens"}
    return ctx.pick((wrong, missing))


def _cached_elsewhere(usage: Json, ctx: Ctx) -> Json:
    usage.pop("prompt_tokens_details", None)
    forms: tuple[Json, ...] = (
        {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 3},
        {"cached_tokens": 4},
        {"num_cached_tokens": 4},
        {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 0},
    )
    return usage | ctx.pick(forms)


def _other_names(usage: Json, ctx: Ctx) -> Json:
    renamed = {"input_tokens": usage.get("prompt_tokens"), "output_tokens": usage.get("completion_tokens")}
    return ctx.pick((renamed, renamed | {"total_tokens": usage.get("total_tokens"), "total_characters": 0}))


def _excluding_cached(usage: Json, ctx: Ctx) -> Json:
    cached = (usage.get("prompt_tokens") or 0) + 40
    details = {**(usage.get("prompt_tokens_details") or {}), "cached_tokens": cached}
    return usage | {"prompt_tokens_details": details}


def _other_types(usage: Json, ctx: Ctx) -> Json:
    form = ctx.pick((float, str))
    return {name: form(value) if isinstance(value, int) else value for name, value in usage.items()}


def _without_usage_chunk(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return [chunk for chunk in chunks if not is_usage(chunk)]


def _every_chunk(value: Any, last: bool) -> Any:
    """Put `value(ctx, k, total)` in the usage of each chunk; `last`: in the usage chunk as well."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for place, chunk in enumerate(made):
            if isinstance(chunk, dict) and (last or not is_usage(chunk)):
                chunk["usage"] = value(ctx, place + 1, len(made))
        return made

    return chunks


def _zeros(ctx: Ctx, place: int, total: int) -> Json:
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _running(ctx: Ctx, place: int, total: int) -> Json:
    usage = ctx.usage()
    done = min(place, usage.get("completion_tokens", 0)) if place < total else usage.get("completion_tokens", 0)
    return usage | {"completion_tokens": done, "total_tokens": usage.get("prompt_tokens", 0) + done}


def on_finish(put: Any, keep: bool = False) -> Any:
    """Take the usage chunk away (unless `keep`) and `put(chunk, usage)` it on the finish chunk."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        kept = made if keep else _without_usage_chunk(made, ctx)
        place = finish_place(kept)
        if place < len(kept):
            put(kept[place], ctx.usage())
        return kept

    return chunks


def _in_choice(chunk: Json, usage: Json) -> None:
    for choice in choices_of(chunk):
        choice["usage"] = usage


def _in_choice_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    made: list[Any] = on_finish(_in_choice)(chunks, ctx)
    for chunk in made:
        chunk.pop("usage", None) if isinstance(chunk, dict) else None
    return made


def _choice_beside(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for chunk in chunks:
        if is_usage(chunk):
            chunk["choices"] = choices_of(delta_chunk(chunks, {}))
    return chunks


def _chunk_without_choices(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for chunk in chunks:
        if is_usage(chunk):
            chunk.pop("choices", None)
            chunk.update({"choices": None} if ctx.options.variant % 2 else {})
    return chunks


def _unasked(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for chunk in chunks:
        if isinstance(chunk, dict):
            chunk.setdefault("usage", None)
    made: list[Any] = on_finish(lambda chunk, usage: chunk.update(usage=usage), keep=True)(chunks, ctx)
    return made


def _null_absent(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for chunk in chunks:
        if isinstance(chunk, dict) and chunk.get("usage", 0) is None:
            del chunk["usage"]
    return chunks


def _twice(chunks: list[Any], ctx: Ctx) -> list[Any]:
    usage = {**like_chunk(chunks, []), "usage": ctx.usage()}
    kept = _without_usage_chunk(chunks, ctx)
    return [*kept, usage, deepcopy(usage)]


def _flag_error() -> SimError:
    message = "Unknown field: stream_options: Extra inputs are not permitted"
    return SimError(400, message, param="stream_options", code="unknown_parameter")


PLANTERS: dict[str, Planter] = {
    "usage-missing-nonstream": Planter(whole=without("usage").whole),
    "usage-missing-stream": Planter(chunks=_without_usage_chunk, needs=_ASKED),
    "usage-empty-object": Planter(
        whole=_numbers(lambda usage, ctx: {}).whole,
        chunks=_every_chunk(lambda ctx, place, total: {}, last=True),
        needs=_ASKED,
    ),
    "usage-null-fields": _numbers(_nulls),
    "usage-placeholder-zero": Planter(chunks=_every_chunk(_zeros, last=False), needs=_ASKED),
    "usage-every-chunk-cumulative": Planter(chunks=_every_chunk(_running, last=True), needs=_ASKED),
    "usage-in-finish-chunk": Planter(chunks=on_finish(lambda chunk, usage: chunk.update(usage=usage)), needs=_ASKED),
    "usage-chunk-choices-nonempty": Planter(chunks=_choice_beside, needs=_ASKED),
    "usage-chunk-no-choices": Planter(chunks=_chunk_without_choices, needs=_ASKED),
    "usage-in-choice": Planter(chunks=_in_choice_chunks, needs=_ASKED),
    "usage-x-groq": Planter(chunks=on_finish(lambda chunk, usage: chunk.update(x_groq={"usage": usage})), needs=_ASKED),
    "usage-unasked": Planter(chunks=_unasked),
    "usage-null-absent": Planter(chunks=_null_absent, needs=_ASKED),
    "usage-dup": Planter(chunks=_twice, needs=_ASKED),
    "usage-only-chunk-dropped": Planter(chunks=_without_usage_chunk, needs=_ASKED),
    "usage-excl-reasoning": _numbers(_excluding_reasoning),
    "usage-total-mismatch": _numbers(_wrong_total),
    "usage-cached-elsewhere": _numbers(_cached_elsewhere),
    "usage-other-names": _numbers(_other_names),
    "usage-prompt-excl-cached": _numbers(_excluding_cached),
    "usage-float-string": _numbers(_other_types),
    "usage-flag-rejected": Planter(error=_flag_error, needs=_ASKED, spoils=True),
}
