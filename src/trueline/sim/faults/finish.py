"""Faults of finish_reason (faults.md section 4)."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    choices_of,
    content_places,
    each_choice,
    finish_place,
    like_chunk,
    part_of,
)

__all__ = ["PLANTERS"]

_FOREIGN: dict[str, tuple[str, ...]] = {
    "stop": ("eos", "end_turn", "STOP", "eos_token", "Generated", "COMPLETE", "stop_sequence", "done"),
    "length": ("max_tokens", "MAX_TOKENS", "model_length", "LENGTH"),
    "tool_calls": ("tool_use", "TOOL_CALL", "tools"),
    "content_filter": ("SAFETY", "sensitive", "guardrail_intervened", "RECITATION"),
}


def _instead_of_null(value: Any) -> Planter:
    """While the text goes on, finish_reason has this value in the place of null."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for chunk in made:
            for choice in choices_of(chunk):
                if "finish_reason" in choice and choice["finish_reason"] is None:
                    if value is None:
                        del choice["finish_reason"]
                    else:
                        choice["finish_reason"] = value
        return made

    return Planter(chunks=chunks)


def _word(words: dict[str, tuple[str, ...]], **fields: Any) -> Planter:
    """Another word for a finish."""

    def change(choice: Json, ctx: Ctx) -> None:
        forms = words.get(choice.get("finish_reason") or "")
        if forms:
            choice["finish_reason"] = ctx.pick(forms)

    return each_choice(change, **fields)


def _camel(choice: Json, ctx: Ctx) -> None:
    word = choice.pop("finish_reason", None)
    if word is not None:
        choice.update(ctx.pick(({"finishReason": word.upper()}, {"finish_details": {"type": word}})))


def _null_whole(choice: Json, ctx: Ctx) -> None:
    choice["finish_reason"] = ctx.pick((None, ""))
    if ctx.options.variant % 3 == 2:
        del choice["finish_reason"]


_PROVIDER_ERROR = {"code": 502, "message": "Provider disconnected unexpectedly", "metadata": {"provider_name": "Sim"}}


def _error_whole(body: Any, ctx: Ctx) -> Any:
    for choice in choices_of(body):
        choice["finish_reason"] = "error"
        choice["error"] = _PROVIDER_ERROR
    return body


def _error_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = min(ctx.limit(len(chunks)), finish_place(chunks))
    choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"}
    return [*chunks[:place], like_chunk(chunks, [choice]) | {"error": _PROVIDER_ERROR}]


def _with_content(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """The last piece (text or arguments) and the finish share a chunk, choice by choice."""
    made = list(chunks)
    for chunk in chunks:
        for choice in choices_of(chunk):
            if not choice.get("finish_reason") or part_of(choice):
                continue
            for earlier in reversed(made[: made.index(chunk)]):
                before = [other for other in choices_of(earlier) if other.get("index") == choice.get("index")]
                if before:
                    choice["delta"] = part_of(before[0])
                    made.remove(earlier)
                    break
    return made


def _twice(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = finish_place(chunks)
    again = [like_chunk([chunk], [dict(choice) for choice in choices_of(chunk)]) for chunk in chunks[place : place + 1]]
    return [*chunks[: place + 1], *again, *chunks[place + 1 :]]


def _missing(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return [chunk for chunk in chunks if not any(choice.get("finish_reason") for choice in choices_of(chunk))]


def _lost_with_logprobs(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return _missing(chunks, ctx) if ctx.request.get("logprobs") else chunks


def _content_after(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = finish_place(chunks)
    before = [at for at in content_places(chunks) if at < place]
    if not before or place == len(chunks):
        return chunks
    last = chunks[before[-1]]
    rest = [chunk for at, chunk in enumerate(chunks) if at != before[-1]]
    return [*rest[:place], last, *rest[place:]]


def _shared(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return [
        chunk
        for chunk in chunks
        if not any(choice.get("finish_reason") and choice.get("index") for choice in choices_of(chunk))
    ]


PLANTERS: dict[str, Planter] = {
    "finish-key-absent": _instead_of_null(None),
    "finish-empty-string": _instead_of_null(""),
    "finish-null-string": _instead_of_null("null"),
    "finish-foreign-vocab": _word(_FOREIGN),
    "finish-stop-with-tools": _word({"tool_calls": ("stop",)}, needs=("tools",)),
    "finish-tool_calls-without-tools": _word({"stop": ("tool_calls",)}),
    "finish-tool_call-singular": _word({"tool_calls": ("tool_call", "tool_use")}, needs=("tools",)),
    "finish-function_call-for-tools": _word({"tool_calls": ("function_call",)}, needs=("tools",)),
    "finish-camel-or-details": each_choice(_camel),
    "finish-null-nonstream": Planter(whole=each_choice(_null_whole).whole),
    "finish-length-masked": _word({"length": ("stop",)}, needs=("max_tokens",)),
    "finish-length-false": _word({"stop": ("length",)}),
    "finish-error-value": Planter(whole=_error_whole, chunks=_error_chunks, spoils=True),
    "finish-with-content": Planter(chunks=_with_content),
    "finish-twice": Planter(chunks=_twice),
    "finish-missing": Planter(chunks=_missing),
    "finish-lost-with-logprobs": Planter(chunks=_lost_with_logprobs, needs=("logprobs",)),
    "content-after-finish": Planter(chunks=_content_after),
    "n-finish-shared": Planter(chunks=_shared, needs=("n",)),
}
