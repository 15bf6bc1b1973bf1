"""Replies in the wrong mode or the wrong dialect (faults.md section 10), and logprobs of another time (section 12)."""

from __future__ import annotations

import time
from typing import Any

from trueline.sim.chat import ChatAnswer
from trueline.sim.faults.base import Ctx, Head, Json, Planter, choices_of, each, each_choice, part_of
from trueline.sim.images import image_url
from trueline.sim.reply import encode_event, encode_json
from trueline.sim.text import pieces

__all__ = ["PLANTERS"]

_MODEL = "sim-model"


def _chunk_whole(body: Any, ctx: Ctx) -> Any:
    if isinstance(body, dict):
        body["object"] = "chat.completion.chunk"
    for choice in choices_of(body):
        if "message" in choice:
            choice["delta"] = choice.pop("message")
    return body


def _image(body: Any, ctx: Ctx) -> Any:
    return {"created": ctx.ids.now, "data": [{"url": image_url(ctx.host, ctx.text())}]}


def _response_object(ctx: Ctx, status: str, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": [part]}
    usage = ctx.usage()
    tokens = {"input_tokens": usage.get("prompt_tokens"), "output_tokens": usage.get("completion_tokens")}
    return {
        "id": "resp_" + ctx.ids.hex(48),
        "object": "response",
        "created_at": ctx.ids.now,
        "status": status,
        "model": _MODEL,
        "output": [message] if text else [],
        "usage": tokens | {"total_tokens": usage.get("total_tokens")},
    }


def _response(body: Any, ctx: Ctx) -> Any:
    return _response_object(ctx, "completed", ctx.text())


def _response_frames(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    events: list[Json] = [{"type": "response.created", "response": _response_object(ctx, "in_progress", "")}]
    for piece in pieces(ctx.text()):
        events.append(
            {
                "type": "response.output_text.delta",
                "item_id": "msg_1",
                "output_index": 0,
                "content_index": 0,
                "delta": piece,
            }
        )
    events.append({"type": "response.completed", "response": _response_object(ctx, "completed", ctx.text())})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return [encode_event(event, name=event["type"]) for event in numbered]


def _ollama(ctx: Ctx, text: str, done: bool) -> Json:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(ctx.ids.now))
    made: Json = {"model": _MODEL, "created_at": stamp, "message": {"role": "assistant", "content": text}, "done": done}
    if done:
        usage = ctx.usage()
        made |= {
            "done_reason": "stop",
            "total_duration": 1_000_000,
            "prompt_eval_count": usage.get("prompt_tokens"),
            "eval_count": usage.get("completion_tokens"),
        }
    return made


def _anthropic(ctx: Ctx, text: str | None) -> Json:
    usage = ctx.usage()
    return {
        "id": "msg_" + ctx.ids.token(24),
        "type": "message",
        "role": "assistant",
        "model": _MODEL,
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": None if text is None else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": usage.get("prompt_tokens"), "output_tokens": usage.get("completion_tokens")},
    }


def _gemini(ctx: Ctx, text: str, finish: str | None) -> Json:
    usage = ctx.usage()
    candidate: Json = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    counts = {
        "promptTokenCount": usage.get("prompt_tokens"),
        "candidatesTokenCount": usage.get("completion_tokens"),
        "totalTokenCount": usage.get("total_tokens"),
    }
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": _MODEL}


def _native(body: Any, ctx: Ctx) -> Any:
    text = ctx.text()
    return ctx.pick((_ollama(ctx, text, True), _anthropic(ctx, text), _gemini(ctx, text, "STOP")))


def _ollama_frames(ctx: Ctx) -> list[bytes]:
    objects = [_ollama(ctx, piece, False) for piece in pieces(ctx.text())] + [_ollama(ctx, "", True)]
    return [encode_json(each) + b"\n" for each in objects]


def _anthropic_frames(ctx: Ctx) -> list[bytes]:
    usage = ctx.usage()
    events: list[Json] = [
        {"type": "message_start", "message": _anthropic(ctx, None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces(ctx.text())
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": usage.get("completion_tokens")},
        },
        {"type": "message_stop"},
    ]
    return [encode_event(event, name=event["type"]) for event in events]


def _gemini_frames(ctx: Ctx) -> list[bytes]:
    words = pieces(ctx.text())
    last = len(words) - 1
    return [encode_event(_gemini(ctx, word, "STOP" if at == last else None)) for at, word in enumerate(words)]


def _native_frames(frames: list[bytes], ctx: Ctx) -> list[bytes]:
    return ctx.pick((_ollama_frames, _anthropic_frames, _gemini_frames))(ctx)


def _native_head(head: Head, ctx: Ctx) -> Head:
    if not ctx.stream:
        return head
    form = ctx.pick(("application/x-ndjson", "text/event-stream", "text/event-stream"))
    return Head(head.status, {**head.headers, "content-type": form})


def _legacy_logprobs(choice: Json, ctx: Ctx) -> None:
    entries = (choice.get("logprobs") or {}).get("content") or []
    if entries:
        choice["logprobs"] = {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [{top["token"]: top["logprob"] for top in entry["top_logprobs"]} for entry in entries],
            "text_offset": [],
        }


def _unasked(choice: Json, ctx: Ctx) -> None:
    """Logprobs for the first token of a text, though none were asked for."""
    text = part_of(choice).get("content")
    if isinstance(text, str) and text and not choice.get("logprobs"):
        token = pieces(text)[0]
        entry = {"token": token, "logprob": -0.25, "bytes": list(token.encode("utf-8", "replace")), "top_logprobs": []}
        choice["logprobs"] = {"content": [entry], "refusal": None}


def _lowest(choice: Json, ctx: Ctx) -> None:
    logprobs = choice.get("logprobs")
    for entry in (logprobs.get("content") or []) if isinstance(logprobs, dict) else []:
        entry["logprob"] = ctx.pick(("-inf", "-Infinity", -1e39))


def _no_bytes(choice: Json, ctx: Ctx) -> None:
    logprobs = choice.get("logprobs")
    for entry in (logprobs.get("content") or []) if isinstance(logprobs, dict) else []:
        entry.pop("bytes", None)


def _more_top(choice: Json, ctx: Ctx) -> None:
    logprobs = choice.get("logprobs")
    for entry in (logprobs.get("content") or []) if isinstance(logprobs, dict) else []:
        more = [{"token": str(n), "logprob": -9.0 - n, "bytes": [48 + n]} for n in range(8)]
        entry["top_logprobs"] = [*(entry.get("top_logprobs") or []), *more]


def _one_choice(body: Any, ctx: Ctx) -> Any:
    if choices_of(body):
        body["choices"] = choices_of(body)[:1]
    return body


def _one_choice_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    return [chunk for chunk in chunks if not any(choice.get("index") for choice in choices_of(chunk))]


def _no_limit(ctx: Ctx) -> str:
    limited = isinstance(ctx.answer, ChatAnswer) and ctx.answer.choices[0].finish == "length"
    return " and the answer goes on, past the limit that was set, to its own end." if limited else ""


def _unlimited_whole(body: Any, ctx: Ctx) -> Any:
    for choice in choices_of(body):
        message = choice.get("message")
        if isinstance(message, dict) and isinstance(message.get("content"), str) and _no_limit(ctx):
            message["content"] += _no_limit(ctx)
            choice["finish_reason"] = "stop"
            usage = body.get("usage")
            if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
                more = len(_no_limit(ctx).split())
                usage |= {name: usage[name] + more for name in ("completion_tokens", "total_tokens") if name in usage}
    return body


def _unlimited_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    made: list[Any] = []
    for chunk in chunks:
        for choice in choices_of(chunk):
            if choice.get("finish_reason") == "length":
                choice["finish_reason"] = "stop"
                more = {**choice, "delta": {"content": _no_limit(ctx)}, "finish_reason": None}
                made.append({**chunk, "choices": [more]})
        made.append(chunk)
    return made


PLANTERS: dict[str, Planter] = {
    "n-ignored": Planter(whole=_one_choice, chunks=_one_choice_chunks, needs=("n",)),
    "max_completion_tokens-ignored": Planter(whole=_unlimited_whole, chunks=_unlimited_chunks, needs=("max_tokens",)),
    "logprobs-legacy": each_choice(_legacy_logprobs, needs=("logprobs",)),
    "logprobs-unasked": each_choice(_unasked),
    "logprobs-entry": each_choice(_no_bytes, needs=("logprobs",)),
    "logprobs-top": each_choice(_more_top, needs=("logprobs",)),
    "logprobs-inf": each_choice(_lowest, needs=("logprobs",)),
    "logprobs-object-of-nulls": each_choice(lambda choice, ctx: choice.update(logprobs={"content": None})),
    "logprobs-missing-key": each(
        lambda item, ctx: [choice.pop("logprobs", None) for choice in choices_of(item)],
        on=frozenset({"chat", "completions"}),
    ),
    "sse-for-nonstream": Planter(mode="stream"),
    "json-for-stream": Planter(mode="whole"),
    "chunk-for-nonstream": Planter(whole=_chunk_whole),
    "images-shape-on-chat": Planter(whole=_image),
    "responses-shape-on-chat": Planter(whole=_response, frames=_response_frames),
    "native-shape": Planter(whole=_native, frames=_native_frames, head=_native_head),
}
