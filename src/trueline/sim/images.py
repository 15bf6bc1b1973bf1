"""Image replies as OpenAI gives them (spec/rules.md, section G), with a real picture made here."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from typing import Any

from trueline.sim.errors import SimError
from trueline.sim.ids import Ids
from trueline.sim.requests import need
from trueline.sim.text import count

__all__ = ["answer_image", "encoded_png", "image_url", "is_gpt_image", "png", "stream_image"]

Json = dict[str, Any]

_USAGE_OUTPUT = 1056
_SIZES = {"dall-e-2": ("256x256", "512x512", "1024x1024"), "dall-e-3": ("1024x1024", "1792x1024", "1024x1792")}


def png(seed: str, side: int = 16) -> bytes:
    """A small PNG picture: two colours that depend on the seed, in a chequered pattern."""
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).digest()
    colours = (digest[:3], digest[3:6])
    rows = b"".join(b"\0" + b"".join(colours[(x // 4 + y // 4) % 2] for x in range(side)) for y in range(side))

    def block(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", zlib.compress(rows)) + block(b"IEND", b"")


def encoded_png(seed: str) -> str:
    """The picture of a seed as base64: the same one that its URL serves."""
    return base64.b64encode(png(_name(seed))).decode()


def is_gpt_image(model: str) -> bool:
    """GPT image models answer b64_json only, with fields of their own."""
    return model.startswith(("gpt-image", "chatgpt-image"))


def _model_of(request: Json, edit: bool) -> str:
    if request.get("model") is None:
        return "gpt-image-1.5" if edit else "dall-e-2"
    return str(need(request, "model"))


def _check(request: Json, model: str) -> None:
    need(request, "prompt")
    n = request.get("n")
    most = 1 if model == "dall-e-3" else 10
    if n is not None and not (isinstance(n, int) and 1 <= n <= most):
        code = "integer_above_max_value" if isinstance(n, int) and n > most else "integer_below_min_value"
        raise SimError(400, f"Invalid 'n': expected a value between 1 and {most}, but got {n}.", param="n", code=code)
    if is_gpt_image(model) and request.get("response_format") is not None:
        message = "Unknown parameter: 'response_format'."
        raise SimError(400, message, param="response_format", code="unknown_parameter")
    if model == "dall-e-2":
        for name in ("quality", "style"):
            if name in request:
                raise SimError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    sizes = _SIZES.get(model)
    if sizes and request.get("size") not in (None, *sizes):
        message = f"Invalid value: '{request['size']}'. Supported values are: {', '.join(map(repr, sizes))}."
        raise SimError(400, message, param="size", code="invalid_value")


def _given(request: Json, name: str, default: str) -> str:
    """A parameter, where `auto` is the model's to choose."""
    value = request.get(name)
    return value if isinstance(value, str) and value != "auto" else default


def _meta(request: Json) -> Json:
    return {
        "background": _given(request, "background", "opaque"),
        "output_format": _given(request, "output_format", "png"),
        "quality": _given(request, "quality", "high"),
        "size": _given(request, "size", "1024x1024"),
    }


def _usage(request: Json, images: int) -> Json:
    prompt = count(str(request.get("prompt")))
    output = _USAGE_OUTPUT * images
    return {
        "total_tokens": prompt + output,
        "input_tokens": prompt,
        "output_tokens": output,
        "input_tokens_details": {"text_tokens": prompt, "image_tokens": 0},
    }


def answer_image(request: Json, edit: bool, host: str, ids: Ids) -> Json:
    """The whole reply.  URLs are at `host`, which serves them.  Raises SimError for a bad request."""
    model = _model_of(request, edit)
    _check(request, model)
    seeds = [f"{request.get('prompt')}/{index}" for index in range(request.get("n") or 1)]
    if is_gpt_image(model):
        meta = _meta(request)
        return {
            "created": ids.now,
            "background": meta.pop("background"),
            "data": [{"b64_json": encoded_png(seed)} for seed in seeds],
            **meta,
            "usage": _usage(request, len(seeds)),
        }
    if request.get("response_format") == "b64_json":
        data: list[Json] = [{"b64_json": encoded_png(seed)} for seed in seeds]
    else:
        data = [{"url": image_url(host, seed)} for seed in seeds]
    if model == "dall-e-3":
        data = [{"revised_prompt": f"A picture of: {request['prompt']}", **each} for each in data]
    return {"created": ids.now, "data": data}


def image_url(host: str, seed: str) -> str:
    """Where the server serves the picture of a seed: the name is the seed's digest, and seeds its picture."""
    return f"{host}/images/{_name(seed)}.png"


def _name(seed: str) -> str:
    return hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:24]


def stream_image(request: Json, edit: bool, ids: Ids) -> list[Json]:
    """The events of a streamed picture: the partial ones that were asked for, then the completed one."""
    model = _model_of(request, edit)
    _check(request, model)
    if not is_gpt_image(model):
        message = "The 'stream' parameter is only supported with GPT image models."
        raise SimError(400, message, param="stream", code="unsupported_parameter")
    kind = "image_edit" if edit else "image_generation"
    meta = {"created_at": ids.now, **_meta(request)}
    partial = request.get("partial_images") or 0
    events: list[Json] = [
        {
            "type": f"{kind}.partial_image",
            "b64_json": encoded_png(f"{request['prompt']}/partial {index}"),
            **meta,
            "partial_image_index": index,
        }
        for index in range(partial)
    ]
    final = encoded_png(f"{request['prompt']}/0")
    return [*events, {"type": f"{kind}.completed", "b64_json": final, **meta, "usage": _usage(request, 1)}]
