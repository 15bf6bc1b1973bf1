"""Faults of the choices: empty, null, missing, misnumbered, or split (faults.md section 2)."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    choices_of,
    delta_chunk,
    each,
    each_choice,
    finish_place,
    insert_middle,
    is_content,
    is_usage,
    like_chunk,
    part_of,
)

__all__ = ["PLANTERS"]

_FILTERS = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def _prompt_filter(chunks: list[Any], ctx: Ctx) -> list[Any]:
    first = {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERS}],
    }
    return [first, *chunks]


def _empty_middle(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return insert_middle(chunks, like_chunk(chunks, []))


def _unasked_usage(chunks: list[Any], ctx: Ctx) -> list[Any]:
    if any(is_usage(chunk) for chunk in chunks):
        return chunks
    return [*chunks, {**like_chunk(chunks, []), "usage": ctx.usage()}]


def _null_choices(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return insert_middle(chunks, {**like_chunk(chunks, None), "metrics": {"queue_ms": 3}})


def _missing_choices(chunks: list[Any], ctx: Ctx) -> list[Any]:
    metadata = like_chunk(chunks, [])
    del metadata["choices"]
    return insert_middle(chunks, {**metadata, "metrics": {"queue_ms": 3}})


def _null_delta(chunks: list[Any], ctx: Ctx) -> list[Any]:
    offsets = {"check_offset": 0, "start_offset": 0, "end_offset": 12}
    bare = {"index": 0, "finish_reason": None, "content_filter_offsets": offsets, "content_filter_results": _FILTERS}
    return insert_middle(chunks, like_chunk(chunks, [bare]), like_chunk(chunks, [{**bare, "delta": None}]))


def _rename(old: str, new: str) -> Any:
    def change(choice: Json, ctx: Ctx) -> None:
        if old in choice:
            choice[new] = choice.pop(old)

    return change


def _text(choice: Json, ctx: Ctx) -> None:
    part = part_of(choice)
    for key in ("message", "delta"):
        choice.pop(key, None)
    choice["text"] = part.get("content") or ""


def _split_whole(body: Any, ctx: Ctx) -> Any:
    for choice in choices_of(body)[:1]:
        message = choice.get("message")
        if isinstance(message, dict) and message.get("tool_calls"):
            first = {**choice, "message": {"role": "assistant", "content": "Let me look."}, "finish_reason": "stop"}
            body["choices"] = [first, {**choice, "index": 1}]
    return body


def _split_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    if not any(part_of(choice).get("tool_calls") for chunk in chunks for choice in choices_of(chunk)):
        return chunks
    for chunk in chunks:
        for choice in choices_of(chunk):
            choice["index"] = 1
    text = [
        delta_chunk(chunks, {"role": "assistant", "content": "Let me"}),
        delta_chunk(chunks, {"content": " look."}),
    ]
    place = finish_place(chunks)
    return [*text, *chunks[:place], delta_chunk(chunks, {}, finish="stop"), *chunks[place:]]


def _two_in_one(chunks: list[Any], ctx: Ctx) -> list[Any]:
    made: list[Any] = []
    for chunk in chunks:
        mine = choices_of(chunk)
        before = choices_of(made[-1]) if made else []
        known = {choice.get("index") for choice in before}
        if mine and before and all(choice.get("index") not in known for choice in mine):
            made[-1]["choices"] = [*before, *mine]
        else:
            made.append(chunk)
    return made


def _control_frames(chunks: list[Any], ctx: Ctx) -> list[Any]:
    frames = ({"type": "ping"}, {"warning": "the model is loading"})
    return insert_middle([frames[0], *chunks], frames[1])


def _filter_results(item: Json, ctx: Ctx) -> None:
    item["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
    for choice in choices_of(item):
        choice["content_filter_results"] = _FILTERS if is_content(item) else {}


PLANTERS: dict[str, Planter] = {
    "choices-empty-first": Planter(chunks=_prompt_filter),
    "choices-empty-mid": Planter(chunks=_empty_middle),
    "choices-empty-usage-unasked": Planter(chunks=_unasked_usage),
    "choices-null": Planter(chunks=_null_choices),
    "choices-missing": Planter(chunks=_missing_choices),
    "choice-index-missing": each_choice(lambda choice, ctx: choice.pop("index", None)),
    "choice-index-all-zero": each_choice(lambda choice, ctx: choice.update(index=0), needs=("n",)),
    "message-not-delta": Planter(chunks=each_choice(_rename("delta", "message")).chunks),
    "delta-missing-null": Planter(chunks=_null_delta),
    "delta-not-message": Planter(whole=each_choice(_rename("message", "delta")).whole),
    "text-not-message": each_choice(_text),
    "choices-split-by-kind": Planter(whole=_split_whole, chunks=_split_chunks, needs=("tools",)),
    "choices-two-in-one-chunk": Planter(chunks=_two_in_one, needs=("n",)),
    "non-chunk-object": Planter(chunks=_control_frames),
    "null-chunk": Planter(chunks=lambda chunks, ctx: insert_middle(chunks, None)),
    "content-filter-results": each(_filter_results),
}
