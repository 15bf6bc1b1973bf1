"""Faults of reasoning: thoughts in the answer, or under another name (faults.md section 8)."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Json,
    Planter,
    choices_of,
    content_places,
    delta_chunk,
    each_choice,
    each_message,
    finish_place,
    part_of,
    text_parts,
)

__all__ = ["PLANTERS", "THOUGHTS"]

THOUGHTS = "The user asks something simple. I will answer briefly."
_TAGS = (
    ("<reasoning>", "</reasoning>"),
    ("<thinking>", "</thinking>"),
    ("<seed:think>", "</seed:think>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)


def _in_content(opening: Any, closing: Any, finish: str | None = None) -> Planter:
    """Thoughts in tags before the answer; the tags are cut over several chunks."""

    def before(ctx: Ctx) -> str:
        return f"{opening(ctx)}\n{THOUGHTS}\n{closing(ctx)}\n\n"

    def change(message: Json, ctx: Ctx) -> None:
        if isinstance(message.get("content"), str):
            message["content"] = before(ctx) + message["content"]

    def whole(body: Any, ctx: Ctx) -> Any:
        each_message(change).whole(body, ctx)  # type: ignore[misc]
        return _finish(body) if finish else body

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        places = content_places(made)
        if not places:
            return made
        text = before(ctx)
        pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
        extra = [delta_chunk(made, {"content": piece}) for piece in pieces]
        if finish:
            made = [_finish(chunk) for chunk in made]
        return [*made[: places[0]], *extra, *made[places[0] :]]

    return Planter(whole=whole, chunks=chunks)


def _finish(item: Any) -> Any:
    for choice in choices_of(item):
        if choice.get("finish_reason"):
            choice["finish_reason"] = "length"
    return item


def _fields(make: Any) -> Planter:
    """Thoughts beside the answer: `make(thoughts, ctx)` gives the fields that carry them."""

    def change(message: Json, ctx: Ctx) -> None:
        message.update(make(THOUGHTS, ctx))

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        place = min(1, finish_place(made))
        words = THOUGHTS.split(" ")
        pieces = [word if at == 0 else " " + word for at, word in enumerate(words)]
        extra = [delta_chunk(made, {"content": "", **make(piece, ctx)}) for piece in pieces]
        return [*made[:place], *extra, *made[place:]]

    return Planter(whole=each_message(change).whole, chunks=chunks)


def _other_names(text: str, ctx: Ctx) -> Json:
    forms: tuple[Json, ...] = (
        {"reasoning_text": text},
        {"thinking_content": text},
        {"thought": text},
        {"thinking": text},
        {"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": text, "signature": "c2ln"}]},
    )
    return ctx.pick(forms)


def _holds_answer(choice: Json, ctx: Ctx) -> None:
    for _, part in text_parts({"choices": [choice]}):
        part["reasoning_content"] = part["content"]
        part["content"] = "" if "message" in choice else None
    part_of(choice).setdefault("reasoning_content", None)


PLANTERS: dict[str, Planter] = {
    "think-in-content": _in_content(lambda ctx: "<think>", lambda ctx: "</think>"),
    "think-open-missing": _in_content(lambda ctx: "", lambda ctx: "</think>"),
    "think-unclosed": _in_content(lambda ctx: "<think>", lambda ctx: "", finish="length"),
    "reasoning-tag-variants": _in_content(lambda ctx: ctx.pick(_TAGS)[0], lambda ctx: ctx.pick(_TAGS)[1]),
    "reasoning-field-name": _fields(lambda text, ctx: {"reasoning": text}),
    "reasoning-mirrored": _fields(lambda text, ctx: {"reasoning": text, "reasoning_content": text}),
    "reasoning-other-names": _fields(_other_names),
    "reasoning-holds-answer": each_choice(_holds_answer),
}
