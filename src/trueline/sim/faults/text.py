"""Faults of role and content (faults.md section 3), and what leaks into the text (section 12)."""

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
    each_delta,
    each_message,
    finish_place,
    insert_middle,
    like_chunk,
    part_of,
    text_parts,
)

__all__ = ["PLANTERS", "appended", "change_text", "cumulative", "prepended"]

_THOUGHT = "Let me think."
_ANNOTATION = {"type": "url_citation", "url_citation": {"url": "https://example.com/a", "title": "A"}}


def change_text(change: Any, **fields: Any) -> Planter:
    """A planter for the text of every choice that has some: `change(text, ctx)` gives what stands in its place."""

    def apply(choice: Json, ctx: Ctx) -> None:
        part = part_of(choice)
        if isinstance(part.get("content"), str) and part["content"]:
            part["content"] = change(part["content"], ctx)

    return each_choice(apply, **fields)


def appended(text: Any, **fields: Any) -> Planter:
    """A planter that puts more text at the end of the answer; `text(ctx)` gives it."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        extra = text(ctx)
        if not extra or not content_places(made):
            return made
        place = content_places(made)[-1] + 1
        return [*made[:place], delta_chunk(made, {"content": extra}), *made[place:]]

    def whole(message: Json, ctx: Ctx) -> None:
        if isinstance(message.get("content"), str):
            message["content"] += text(ctx)

    return Planter(whole=each_message(whole).whole, chunks=chunks, **fields)


def prepended(text: Any, **fields: Any) -> Planter:
    """A planter that puts more text before the answer; `text(ctx)` gives it."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        places = content_places(made)
        if not places:
            return made
        return [*made[: places[0]], delta_chunk(made, {"content": text(ctx)}), *made[places[0] :]]

    def whole(message: Json, ctx: Ctx) -> None:
        if isinstance(message.get("content"), str):
            message["content"] = text(ctx) + message["content"]

    return Planter(whole=each_message(whole).whole, chunks=chunks, **fields)


def _role_each(value: Any) -> Any:
    def change(part: Json, ctx: Ctx) -> None:
        part["role"] = ctx.pick(value)

    return change


def _foreign_role(part: Json, ctx: Ctx) -> None:
    if "role" in part:
        part["role"] = ctx.pick(("ASSISTANT", "model", "ai", "bot"))


def _no_content_key(message: Json, ctx: Ctx) -> None:
    if message.get("content") is None:
        message.pop("content", None)


def _null_first(delta: Json, ctx: Ctx) -> None:
    if delta.get("content") == "":
        delta["content"] = None


def _parts_whole(message: Json, ctx: Ctx) -> None:
    if isinstance(message.get("content"), str):
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": _THOUGHT}]}
        message["content"] = [thinking, {"type": "text", "text": message["content"]}]


def _parts_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    places = content_places(chunks)
    for place in places:
        for _, part in text_parts(chunks[place]):
            part["content"] = [{"type": "text", "text": part["content"]}]
    if places:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": _THOUGHT}]}
        chunks.insert(places[0], delta_chunk(chunks, {"content": [thinking]}))
    return chunks


def cumulative(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """Each delta repeats the text before it."""
    said: dict[Any, str] = {}
    for chunk in chunks:
        for choice, part in text_parts(chunk):
            index = choice.get("index")
            part["content"] = said[index] = said.get(index, "") + part["content"]
    return chunks


def _full_repeat(chunks: list[Any], ctx: Ctx) -> list[Any]:
    said: dict[Any, str] = {}
    for chunk in chunks:
        for choice, part in text_parts(chunk):
            said[choice.get("index")] = said.get(choice.get("index"), "") + part["content"]
    for chunk in chunks[finish_place(chunks) :]:
        for choice in choices_of(chunk):
            if choice.get("finish_reason"):
                text = said.get(choice.get("index"), "")
                if ctx.options.variant % 2:
                    choice["message"] = {"role": "assistant", "content": text}
                else:
                    choice["delta"] = {"content": text}
    return chunks


def _empty_deltas(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return insert_middle(chunks, *(delta_chunk(chunks, {"content": ""} if odd % 2 else {}) for odd in range(8)))


def _one_char(chunks: list[Any], ctx: Ctx) -> list[Any]:
    made: list[Any] = []
    for chunk in chunks:
        if not text_parts(chunk):
            made.append(chunk)
        for choice, part in text_parts(chunk):
            for letter in part["content"]:
                made.append(like_chunk([chunk], [{**choice, "delta": {**part, "content": letter}}]))
    return made


def _annotated(message: Json, ctx: Ctx) -> None:
    """Annotations that are no URL citations."""
    message["annotations"] = ctx.pick(([{"source": "doc-1", "quote": "tea"}], [{"type": "file", "id": 7}], ["doc-1"]))


def _annotated_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    extra: Json = {}
    _annotated(extra, ctx)
    return insert_middle(chunks, delta_chunk(chunks, extra))


def _listed(chunks: list[Any], ctx: Ctx) -> list[Any]:
    lists: tuple[Json, ...] = (
        {"annotations": [_ANNOTATION]},
        {"reasoning_details": [{"type": "reasoning.text", "text": _THOUGHT}]},
        {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
    )
    return insert_middle(chunks, delta_chunk(chunks, ctx.pick(lists)), delta_chunk(chunks, ctx.pick(lists)))


def _text_with_call(choice: Json, ctx: Ctx) -> None:
    part = part_of(choice)
    if part.get("tool_calls") and "role" in part:
        part["content"] = "Let me look that up."


def _stop_word(ctx: Ctx) -> str:
    stop = ctx.request.get("stop")
    word = stop if isinstance(stop, str) else stop[0] if isinstance(stop, list) and stop else ""
    return str(word)


def _prefill(ctx: Ctx) -> str:
    last = next((m for m in reversed(ctx.request.get("messages") or []) if isinstance(m, dict)), {})
    return str(last.get("content") or "") + " "


def _fenced(text: str, ctx: Ctx) -> str:
    return f"```json\n{text}\n```"


def _fenced_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    chunks = prepended(lambda ctx: "```json\n").chunks(chunks, ctx)  # type: ignore[misc]
    return appended(lambda ctx: "\n```").chunks(chunks, ctx)  # type: ignore[misc]


def _no_first_content(delta: Json, ctx: Ctx) -> None:
    if "role" in delta and not delta.get("content"):
        delta.pop("content", None)


def _text_with_role(made: list[Any], ctx: Ctx) -> list[Any]:
    """The first text of each choice leaves in the chunk of its role."""
    roles: dict[Any, Json] = {}
    kept: list[Any] = []
    for chunk in made:
        choice = next(iter(choices_of(chunk)), {})
        delta, index = part_of(choice), choice.get("index")
        if delta.get("role"):
            roles[index] = delta
        elif delta.get("content") and index in roles:
            roles.pop(index)["content"] = delta["content"]
            continue
        kept.append(chunk)
    return kept


PLANTERS: dict[str, Planter] = {
    "role-missing-first": each_delta(lambda delta, ctx: delta.pop("role", None)),
    "role-null-or-empty": Planter(
        whole=each_message(_role_each(("", None))).whole, chunks=each_delta(_role_each(("", None))).chunks
    ),
    "role-repeated": each_delta(_role_each(("assistant",))),
    "role-missing-nonstream": each_message(lambda message, ctx: message.pop("role", None)),
    "role-foreign": each_choice(lambda choice, ctx: _foreign_role(part_of(choice), ctx)),
    "content-key-missing": each_message(_no_content_key, needs=("tools",)),
    "refusal-key-missing": each_message(lambda message, ctx: message.pop("refusal", None)),
    "content-null-first-delta": each_delta(_null_first),
    "first-content-missing": each_delta(_no_first_content),
    "first-content-text": Planter(chunks=_text_with_role),
    "content-parts-list": Planter(whole=each_message(_parts_whole).whole, chunks=_parts_chunks),
    "content-object": change_text(lambda text, ctx: ctx.pick(({"text": text}, {"answer": text}, 42, True))),
    "content-cumulative": Planter(chunks=cumulative),
    "final-full-repeat": Planter(chunks=_full_repeat),
    "empty-deltas": Planter(chunks=_empty_deltas),
    "one-char-chunks": Planter(chunks=_one_char),
    "list-in-delta-no-index": Planter(chunks=_listed),
    "annotations-null": each_choice(lambda choice, ctx: part_of(choice).update(annotations=None)),
    "annotations-foreign": Planter(whole=each_message(_annotated).whole, chunks=_annotated_chunks),
    "content-and-tool-same-delta": Planter(chunks=each_choice(_text_with_call).chunks, needs=("tools",)),
    "whitespace-around": prepended(lambda ctx: "\n\n"),
    "stop-echoed": appended(_stop_word, needs=("stop",)),
    "stop-ignored": appended(
        lambda ctx: _stop_word(ctx) + " and the text goes on" if _stop_word(ctx) else "", needs=("stop",)
    ),
    "special-token-leak": appended(lambda ctx: ctx.pick(("<|im_end|>", "</s>", "<|eot_id|>", "<|endoftext|>"))),
    "prefill-echo": prepended(_prefill, needs=("prefill",)),
    "json-mode-broken": appended(lambda ctx: " Is there anything else?", needs=("json",)),
    "json-mode-fenced": Planter(whole=change_text(_fenced).whole, chunks=_fenced_chunks, needs=("json",)),
}
