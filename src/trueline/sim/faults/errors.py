"""Faults of errors: their statuses, shapes and places (faults.md section 11).

Those on `errors` shape whatever error the server gives.  Asked for by name, on a request that is good, they give one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from trueline.sim.errors import SimError, context_length_exceeded, for_status
from trueline.sim.faults.base import Ctx, Head, Json, Planter, delta_chunk, finish_place, is_done
from trueline.sim.faults.framing import content_type
from trueline.sim.reply import encode_event

__all__ = ["PLANTERS", "error_of", "shaped"]

_ERRORS: Any = frozenset({"errors"})
_STREAMED = {"message": "The engine stopped unexpectedly", "type": "server_error", "param": None, "code": None}


def error_of(body: Any) -> Json:
    """The error object of an error body, with all its keys."""
    found = body.get("error") if isinstance(body, dict) else None
    empty: Json = {"message": str(found), "type": None, "param": None, "code": None}
    return empty | found if isinstance(found, dict) else empty


def shaped(change: Any, status: int | None = None, error: Callable[[], SimError] = context_length_exceeded) -> Planter:
    """A planter for error bodies: `change(error, ctx)` gives the whole body."""
    return Planter(
        whole=lambda body, ctx: change(error_of(body), ctx),
        head=None if status is None else lambda head, ctx: Head(status, head.headers),
        on=_ERRORS,
        error=error,
        spoils=True,
    )


def _int_status(ctx: Ctx) -> int:
    return int(ctx.clean.status) if isinstance(ctx.clean, SimError) else 400


def _flat(error: Json, ctx: Ctx) -> Any:
    forms: tuple[Json, ...] = (
        {"object": "error", **error, "type": "BadRequestError", "param": None, "code": _int_status(ctx)},
        {"message": error["message"], "type": error["type"], "code": error["code"]},
        {"code": _int_status(ctx), "message": error["message"]},
    )
    return ctx.pick(forms)


def _detail(error: Json, ctx: Ctx) -> Any:
    listed = [{"loc": ["body", "messages", 0, "content"], "msg": error["message"], "type": "value_error"}]
    forms: tuple[Any, ...] = (error["message"], listed, {"error": error["message"]}, {"message": error["message"]})
    return {"detail": ctx.pick(forms)}


def _string(error: Json, ctx: Ctx) -> Any:
    forms: tuple[Json, ...] = ({"error": error["message"]}, {"code": "Client error", "error": error["message"]})
    return ctx.pick(forms)


def _array(error: Json, ctx: Ctx) -> Any:
    return [{"error": {"code": _int_status(ctx), "message": error["message"], "status": "INVALID_ARGUMENT"}}]


def _fault(error: Json, ctx: Ctx) -> Any:
    return {"fault": {"faultstring": error["message"], "detail": {"errorcode": "steps.sim.Rejected"}}}


def _code_msg(error: Json, ctx: Ctx) -> Any:
    text = error["message"]
    forms: tuple[Json, ...] = (
        {"code": 500, "msg": text, "data": None},
        {"error_code": 336003, "error_msg": text, "id": "as-1"},
        {"errcode": 40001, "errmsg": text},
        {"errno": 7, "msg": text},
        {"success": False, "errors": [{"code": 10000, "message": text}]},
    )
    return ctx.pick(forms)


def _nested(error: Json, ctx: Ctx) -> Any:
    inner = json.dumps({"error": error})
    forms: tuple[Json, ...] = (
        {"error": {**error, "message": inner}},
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": inner}}},
        {"error": {"error": error}},
    )
    return ctx.pick(forms)


def _cloudflare(error: Json, ctx: Ctx) -> Any:
    return {"result": None, "success": False, "errors": [{"code": 5007, "message": error["message"]}], "messages": []}


def _in_200(error: Json, ctx: Ctx) -> Any:
    return {"error": {"message": error["message"], "code": _int_status(ctx)}, "user_id": "user_sim"}


def _html_page(body: bytes, ctx: Ctx) -> bytes:
    title = ctx.pick(("502 Bad Gateway", "Welcome to the console", "504 Gateway Time-out"))
    return f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>".encode()


def _html_head(head: Head, ctx: Ctx) -> Head:
    made = Head(ctx.pick((502, 200, 504)), dict(head.headers))
    made.headers["content-type"] = "text/html; charset=utf-8"
    return made


def _base_resp(body: Any, ctx: Ctx) -> Any:
    codes = ((1004, "login fail"), (1002, "rate limit"), (1008, "insufficient balance"), (2013, "invalid params"))
    code, text = ctx.pick(codes)
    return {"id": None, "choices": None, "base_resp": {"status_code": code, "status_msg": text}}


def _moderated(body: Any, ctx: Ctx) -> Any:
    for choice in body.get("choices") or [] if isinstance(body, dict) else []:
        choice["finish_reason"] = "sensitive"
        if isinstance(choice.get("message"), dict):
            choice["message"]["content"] = ""
    return {**body, "input_sensitive": True, "input_sensitive_type": 1} if isinstance(body, dict) else body


def _moderated_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = finish_place(chunks)
    return [
        delta_chunk(chunks, {"role": "assistant", "content": ""}),
        delta_chunk(chunks, {}, finish="sensitive"),
        *chunks[place + 1 :],
    ]


def _first_event(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    error = context_length_exceeded().body()["error"]
    forms: tuple[Json, ...] = ({"error": {**error, "code": 400}}, {"error": error}, {"error": error["message"]})
    return [encode_event(ctx.pick(forms)), *(frame for frame in frames if is_done(frame))]


def _broken(frames: list[bytes], ctx: Ctx, event: bytes) -> list[bytes]:
    good = [frame for frame in frames if not is_done(frame)]
    return [*good[: min(ctx.limit(len(good)), max(len(good) - 1, 1))], event]


def _mid_stream(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    forms: tuple[Any, ...] = (_STREAMED, {"message": "CUDA error", "code": 500}, "the engine stopped")
    return _broken(frames, ctx, encode_event({"error": ctx.pick(forms)}))


def _named_event(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    forms: tuple[Any, ...] = ({"error": _STREAMED}, _STREAMED, {"code": 500, "message": "failed"})
    return _broken(frames, ctx, encode_event(ctx.pick(forms), name="error"))


def _lost_error(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = min(ctx.limit(len(chunks)), max(finish_place(chunks), 1))
    return [*chunks[:place], delta_chunk(chunks, {"content": ""})]


def _without_done(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    return [frame for frame in frames if not is_done(frame)]


def _only(status: int, planter: Planter) -> Planter:
    """The planter for errors of one status alone; others stay as they are."""

    def whole(body: Any, ctx: Ctx) -> Any:
        return planter.whole(body, ctx) if planter.whole and _int_status(ctx) == status else body

    def head(made: Head, ctx: Ctx) -> Head:
        return planter.head(made, ctx) if planter.head and _int_status(ctx) == status else made

    return replace(planter, whole=whole, head=head)


def _unknown_endpoint(error: Json, ctx: Ctx) -> Any:
    return {"error": "Unexpected endpoint or method. (GET /v1/sim)"}


_RATE_CODES = ((503, "capacity_exceeded"), (498, "capacity_exceeded"), (400, "RESOURCE_EXHAUSTED"), (403, "1302"))


def _not_429(error: Json, ctx: Ctx) -> Any:
    message = "Rate limit exceeded: too many requests, please try again later"
    return {"error": {"message": message, "type": "capacity", "code": ctx.pick(_RATE_CODES)[1]}}


def _not_429_head(head: Head, ctx: Ctx) -> Head:
    hidden = ("retry-after", "retry-after-ms")
    kept = {name: value for name, value in head.headers.items() if name not in hidden}
    return Head(ctx.pick(_RATE_CODES)[0], kept)


PLANTERS: dict[str, Planter] = {
    "err-fields-missing": shaped(lambda error, ctx: {"error": {"message": error["message"]}}),
    "err-code-int": shaped(lambda error, ctx: {"error": {**error, "code": _int_status(ctx)}}),
    "err-context-code": shaped(lambda error, ctx: {"error": {**error, "code": None, "param": None}}),
    "err-string": shaped(_string),
    "err-detail": shaped(_detail),
    "err-flat": shaped(_flat),
    "err-array": shaped(_array),
    "err-fault": shaped(_fault),
    "err-nested-json-string": shaped(_nested),
    "err-cf-envelope": shaped(_cloudflare),
    "err-500-for-4xx": shaped(lambda error, ctx: {"error": {**error, "type": "internal_error"}}, 500),
    "err-200-for-4xx": shaped(lambda error, ctx: {"error": error}, 200),
    "err-in-200-body": shaped(_in_200, 200, lambda: for_status(429)),
    "err-200-code-msg": shaped(_code_msg, 200),
    "err-unknown-endpoint-200": _only(404, shaped(_unknown_endpoint, 200, lambda: for_status(404))),
    "err-429-as-other": _only(
        429, Planter(whole=_not_429, head=_not_429_head, on=_ERRORS, error=lambda: for_status(429), spoils=True)
    ),
    "err-200-baseresp": Planter(
        whole=_base_resp,
        head=lambda head, ctx: Head(200, head.headers),
        on=_ERRORS,
        error=lambda: for_status(401),
        spoils=True,
    ),
    "err-html": Planter(raw=_html_page, head=_html_head, on=_ERRORS, error=lambda: for_status(502), spoils=True),
    "err-empty-body": Planter(
        raw=lambda body, ctx: b"", head=content_type(None), on=_ERRORS, error=lambda: for_status(503), spoils=True
    ),
    "err-moderation-200": Planter(whole=_moderated, chunks=_moderated_chunks, spoils=True),
    "err-200-first-event": Planter(frames=_first_event, spoils=True),
    "err-mid-stream": Planter(frames=_mid_stream, spoils=True),
    "err-mid-named-event": Planter(frames=_named_event, spoils=True),
    "err-mid-lost": Planter(chunks=_lost_error, frames=_without_done, spoils=True),
}
