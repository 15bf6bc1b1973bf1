"""Faults of the end of a stream (faults.md section 5)."""

from __future__ import annotations

from typing import Any

from trueline.sim.faults.base import Ctx, Planter, finish_place, is_done, like_chunk
from trueline.sim.reply import DONE, encode_event

__all__ = ["PLANTERS"]

_STREAMS: Any = frozenset({"chat", "completions"})
_FORMS = (b'data: "[DONE]"\n\n', b"[DONE]\n\n", b"event: done\ndata: [DONE]\n\n", b"data:[DONE]\n\n")


def _done_as(*forms: bytes) -> Planter:
    """Another form of [DONE]."""

    def frames(made: list[bytes], ctx: Ctx) -> list[bytes]:
        form = ctx.pick(forms)
        replaced = [form if is_done(frame) else frame for frame in made]
        return [frame for frame in replaced if frame]

    return Planter(frames=frames, on=_STREAMS)


def _after_done(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    usage = like_chunk([], []) | {"object": "chat.completion.chunk", "usage": ctx.usage()}
    return [*frames, ctx.pick((encode_event(usage), b"data: bye\n\n", DONE))]


def _truncated(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    return [frame for frame in frames[: ctx.limit(len(frames))] if not is_done(frame)]


def _truncated_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return chunks[: min(ctx.limit(len(chunks)), max(finish_place(chunks), 1))]


PLANTERS: dict[str, Planter] = {
    "done-missing": _done_as(b""),
    "done-duplicated": _done_as(DONE + DONE),
    "done-variants": _done_as(*_FORMS),
    "done-no-blank-line": _done_as(b"data: [DONE]", b"data: [DONE]\n"),
    "done-glued-on-json": Planter(raw=lambda body, ctx: body + b"\n" + DONE),
    "data-after-done": Planter(frames=_after_done),
    "eof-truncated": Planter(chunks=_truncated_chunks, frames=_done_as(b"").frames, spoils=True),
    "empty-stream": Planter(frames=lambda frames, ctx: [], on=_STREAMS, spoils=True),
    "abrupt-reset": Planter(
        frames=_truncated, raw=lambda body, ctx: body[: len(body) // 2], ending="reset", on=_STREAMS, spoils=True
    ),
}
