"""Faults of HTTP and SSE framing (faults.md section 9)."""

from __future__ import annotations

import json
from typing import Any

from trueline.sim.faults.base import (
    Ctx,
    Head,
    Json,
    Planter,
    choices_of,
    content_places,
    delta_chunk,
    each,
    each_message,
    finish_place,
    is_done,
    text_parts,
)

__all__ = ["PLANTERS", "among", "content_type", "each_frame", "payload"]

_STREAMS: Any = frozenset({"chat", "completions"})
_ALL: Any = frozenset({"chat", "completions", "images", "embeddings", "models", "errors"})
_HUGE = 256 * 1024


def payload(frame: bytes) -> bytes:
    """What stands after `data: ` in a frame; empty where there is nothing."""
    _, found, data = frame.partition(b"data: ")
    return data.rstrip(b"\r\n") if found else b""


def each_frame(change: Any, **fields: Any) -> Planter:
    """A planter for every SSE event: `change(frame, ctx)` gives the bytes in its place."""
    return Planter(frames=lambda frames, ctx: [change(frame, ctx) for frame in frames], on=_STREAMS, **fields)


def among(extra: Any) -> Planter:
    """A planter that puts other frames at the start and in the middle; `extra(ctx)` gives one."""

    def frames(made: list[bytes], ctx: Ctx) -> list[bytes]:
        place = max(1, len(made) // 2)
        return [extra(ctx), *made[:place], extra(ctx), *made[place:]]

    return Planter(frames=frames, on=_STREAMS)


def content_type(*forms: str | None, **fields: Any) -> Any:
    """A head planter that sends another content-type, or none."""

    def head(made: Head, ctx: Ctx) -> Head:
        form = ctx.pick(forms)
        headers = {name: value for name, value in made.headers.items() if name != "content-type"}
        return Head(made.status, headers if form is None else {**headers, "content-type": form})

    return head


def _comments(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    texts = (b": OPENROUTER PROCESSING", b": keep-alive", b": ping - 2026-01-31 12:00:00.000000+00:00", b":")
    comment = ctx.pick(texts) + b"\n\n"
    place = max(1, len(frames) // 2)
    return [comment, comment, *frames[:place], comment, *frames[place:]]


def _multiline(frame: bytes, ctx: Ctx) -> bytes:
    data = payload(frame)
    if not data.startswith(b"{"):
        return frame
    lines = json.dumps(json.loads(data), indent=2, ensure_ascii=b"\\u" in data).split("\n")
    return b"".join(b"data: %b\n" % line.encode() for line in lines) + b"\n"


def _with_ids(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    retry = b"retry: 3000\n\n"
    return [retry, *(b"id: %d\n%b" % (place, frame) for place, frame in enumerate(frames))]


def _event_lines(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    name = ctx.pick((b"message", b"completion", b"chunk"))
    return [b"event: %b\n%b" % (name, frame) for frame in frames]


def _ndjson(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    return [
        payload(frame) + b"\n" for frame in frames if payload(frame).startswith((b"{", b"[")) and not is_done(frame)
    ]


def _json_array(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    objects = [payload(frame) for frame in frames if payload(frame).startswith(b"{")]
    opened = [(b"[" if place == 0 else b",\r\n") + data for place, data in enumerate(objects)]
    return [*opened, b"]"] if opened else [b"[]"]


def _two_per_line(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    made: list[bytes] = []
    for frame in frames:
        data = payload(frame)
        if made and data.startswith(b"{") and payload(made[-1]).startswith(b"{") and made[-1].count(b'"object"') < 2:
            made[-1] = b"data: %b%b\n\n" % (payload(made[-1]), data)
        else:
            made.append(frame)
    return made


def _inside_characters(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    """The same bytes, cut within each character of several bytes (and within events that have none)."""
    made, start = [], 0
    body = b"".join(frames)
    for place, byte in enumerate(body):
        if byte & 0xC0 == 0x80:
            made.append(body[start:place])
            start = place
    return [*made, body[start:]] if made else _inside_json(frames, ctx)


def _inside_json(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    """The same bytes, cut in the middle of every event: each write ends one event and begins the next."""
    body = b"".join(frames)
    places, end = [0], 0
    for frame in frames:
        places.append(end + len(frame) // 2)
        end += len(frame)
    return [body[a:b] for a, b in zip(places, [*places[1:], end], strict=True) if a < b]


def _huge(chunks: list[Any], ctx: Ctx) -> list[Any]:
    thoughts = ("I am thinking at length. " * (_HUGE // 25 + 1))[:_HUGE]
    place = min(1, finish_place(chunks))
    return [*chunks[:place], delta_chunk(chunks, {"reasoning_content": thoughts}), *chunks[place:]]


def _replaced(text: str) -> str:
    """A character of several bytes that was decoded in two halves."""
    at = next((place for place, letter in enumerate(text) if ord(letter) > 127), None)
    return text + "\ufffd" if at is None else text[:at] + "\ufffd\ufffd" + text[at + 1 :]


def _replaced_message(message: Json, ctx: Ctx) -> None:
    if isinstance(message.get("content"), str):
        message["content"] = _replaced(message["content"])


def _replaced_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    for place in content_places(chunks)[:1]:
        for _, part in text_parts(chunks[place]):
            part["content"] = _replaced(part["content"])
    return chunks


def _surrogate_message(message: Json, ctx: Ctx) -> None:
    if isinstance(message.get("content"), str):
        message["content"] += " \udcaf"


def _surrogate_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    """A smile whose two UTF-16 halves come in two deltas; or a half alone."""
    halves = ctx.pick((("\ud83d", "\ude00"), (" \udcaf",)))
    places = content_places(chunks)
    place = places[-1] + 1 if places else finish_place(chunks)
    return [*chunks[:place], *(delta_chunk(chunks, {"content": half}) for half in halves), *chunks[place:]]


def _tabbed_message(message: Json, ctx: Ctx) -> None:
    if isinstance(message.get("content"), str):
        message["content"] += "\t"


def _tabbed_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = finish_place(chunks)
    return [*chunks[:place], delta_chunk(chunks, {"content": "\t"}), *chunks[place:]]


def _unescaped(sent: bytes, ctx: Ctx) -> bytes:
    return sent.replace(b"\\t", b"\t")


def _infinite(item: Json, ctx: Ctx) -> None:
    for choice in choices_of(item):
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict):
            for entry in logprobs.get("content") or []:
                entry["logprob"] = float("nan") if ctx.options.variant % 2 else float("-inf")
    item["metrics"] = {"queue": float("nan")}


def _kept_encoding(head: Head, ctx: Ctx) -> Head:
    return Head(head.status, {**head.headers, "content-encoding": ctx.pick(("gzip", "br", "deflate"))})


def _latin(head: Head, ctx: Ctx) -> Head:
    plain = head.headers.get("content-type", "application/json").split(";")[0]
    return Head(head.status, {**head.headers, "content-type": f"{plain}; charset=iso-8859-1"})


PLANTERS: dict[str, Planter] = {
    "huge-line": Planter(chunks=_huge),
    "replacement-chars": Planter(whole=each_message(_replaced_message).whole, chunks=_replaced_chunks),
    "lone-surrogate": Planter(whole=each_message(_surrogate_message).whole, chunks=_surrogate_chunks, escapes=True),
    "nan-infinity": each(_infinite, needs=("logprobs",), escapes=True),
    "sse-multiline-data": each_frame(_multiline),
    "two-json-per-line": Planter(frames=_two_per_line, on=_STREAMS),
    "ndjson-stream": Planter(frames=_ndjson, head=content_type("application/x-ndjson"), on=_STREAMS),
    "json-array-stream": Planter(frames=_json_array, head=content_type("application/json"), on=_STREAMS),
    "sse-double-prefix": each_frame(lambda frame, ctx: b"data: " + frame),
    "sse-no-space": each_frame(lambda frame, ctx: frame.replace(b"data: ", b"data:", 1)),
    "sse-comment": Planter(frames=_comments, on=_STREAMS),
    "sse-comment-as-data": among(lambda ctx: b"data: : OPENROUTER PROCESSING\n\n"),
    "sse-event-line": Planter(frames=_event_lines, on=_STREAMS),
    "sse-event-only-frame": among(lambda ctx: b"event: ping\n\n"),
    "sse-id-retry": Planter(frames=_with_ids, on=_STREAMS),
    "sse-empty-data": among(lambda ctx: ctx.pick((b"data:\n\n", b'data: ""\n\n', b"data: \n\n"))),
    "sse-non-json-data": among(lambda ctx: ctx.pick((b"data: the model is warming up\n\n", b"data: <ping/>\n\n"))),
    "bom": Planter(frames=lambda frames, ctx: [b"\xef\xbb\xbf" + b"".join(frames[:1]), *frames[1:]], on=_STREAMS),
    "sse-single-newline": each_frame(lambda frame, ctx: frame[:-1] if frame.endswith(b"\n\n") else frame),
    "sse-crlf": each_frame(lambda frame, ctx: frame.replace(b"\n", ctx.pick((b"\r\n", b"\r")))),
    "leading-blank-lines": Planter(raw=lambda body, ctx: b"\n\n\n" + body, on=_ALL),
    "utf8-split": Planter(frames=_inside_characters, on=_STREAMS),
    "json-split-read": Planter(frames=_inside_json, on=_STREAMS),
    "buffered-stream": Planter(frames=lambda frames, ctx: [b"".join(frames)], on=_STREAMS),
    "ctype-missing": Planter(head=content_type(None, "text/plain", "application/json"), on=_STREAMS),
    "ctype-charset": Planter(head=_latin, on=_ALL),
    "content-encoding-kept": Planter(head=_kept_encoding, on=_ALL),
    "control-characters": Planter(
        whole=each_message(_tabbed_message).whole,
        chunks=_tabbed_chunks,
        raw=_unescaped,
        frames=lambda frames, ctx: [_unescaped(frame, ctx) for frame in frames],
    ),
}
