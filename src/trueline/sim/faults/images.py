"""Faults of image replies, and of images in chat (faults.md section 13)."""

from __future__ import annotations

import base64
from typing import Any

from trueline.sim.errors import SimError
from trueline.sim.faults.base import Ctx, Head, Json, Planter, delta_chunk, each_message, finish_place
from trueline.sim.images import encoded_png, image_url

__all__ = ["PLANTERS", "images_of", "on_body", "on_data"]

_PREFIX = "data:image/png;base64,"


def on_data(change: Any, **fields: Any) -> Planter:
    """A planter for every image of the reply."""

    def whole(body: Any, ctx: Ctx) -> Any:
        for item in images_of(body):
            change(item, ctx)
        return body

    return on_body(whole, **fields)


def on_body(change: Any, **fields: Any) -> Planter:
    """A planter for the whole image reply."""
    return Planter(whole=change, on=frozenset({"images"}), **fields)


def images_of(body: Any) -> list[Json]:
    """The entries of `data`."""
    found = body.get("data") if isinstance(body, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _no_created(body: Any, ctx: Ctx) -> Any:
    if isinstance(body, dict):
        body.pop("created", None)
    return body


def _seed(item: Json, ctx: Ctx) -> str:
    """What the picture was painted from, as `answer_image` does."""
    seeds = [f"{ctx.request.get('prompt')}/{index}" for index in range(ctx.request.get("n") or 1)]
    sent = (item.get("url"), item.get("b64_json"))
    return next((seed for seed in seeds if image_url(ctx.host, seed) in sent or encoded_png(seed) in sent), seeds[0])


def _encoded(item: Json, ctx: Ctx) -> str:
    return encoded_png(_seed(item, ctx))


def _url(item: Json, ctx: Ctx) -> str:
    return image_url(ctx.host, _seed(item, ctx))


def _only_url(item: Json, ctx: Ctx) -> None:
    item["url"] = _url(item, ctx)
    item.pop("b64_json", None)


def _only_encoded(item: Json, ctx: Ctx) -> None:
    item["b64_json"] = _encoded(item, ctx)
    item.pop("url", None)


def _both_keys(item: Json, ctx: Ctx) -> None:
    empty = ctx.pick((None, ""))
    item.setdefault("url", empty)
    item.setdefault("b64_json", empty)


def _prefixed(item: Json, ctx: Ctx) -> None:
    item["b64_json"] = _PREFIX + _encoded(item, ctx)
    item.pop("url", None)


def _strings(body: Any, ctx: Ctx) -> Any:
    items = images_of(body)
    forms: tuple[Json, ...] = (
        {"images": [_encoded(item, ctx) for item in items]},
        {"images": [_PREFIX + _encoded(item, ctx) for item in items]},
        {"data": [_url(item, ctx) for item in items]},
    )
    return ctx.pick(forms)


def _images_key(body: Any, ctx: Ctx) -> Any:
    return {"images": [{"url": _url(item, ctx)} for item in images_of(body)], "timings": {"inference": 1.2}, "seed": 7}


def _top_array(body: Any, ctx: Ctx) -> Any:
    return [{"base64": _encoded(item, ctx), "finishReason": "SUCCESS", "seed": 1} for item in images_of(body)]


def _single(body: Any, ctx: Ctx) -> Any:
    first = (images_of(body) or [{}])[0]
    forms: tuple[Json, ...] = (
        {"image": _encoded(first, ctx)},
        {"result": {"image": _encoded(first, ctx)}, "success": True},
        {"artifacts": [{"base64": _encoded(first, ctx), "finishReason": "SUCCESS"}]},
        {"output": [_url(first, ctx)]},
    )
    return ctx.pick(forms)


def _binary(body: bytes, ctx: Ctx) -> bytes:
    return base64.b64decode(encoded_png(_seed({}, ctx)))


def _binary_head(head: Head, ctx: Ctx) -> Head:
    return Head(head.status, {**head.headers, "content-type": "image/png"})


def _embedding_shape(body: Any, ctx: Ctx) -> Any:
    data = [
        {"embedding": None, "index": index, "url": f"http://localhost:8080/generated-images/{index}.png"}
        for index, _ in enumerate(images_of(body))
    ]
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return {"created": ctx.ids.now, "id": ctx.ids.hex(32), "data": data, "usage": usage}


def _private(item: Json, ctx: Ctx) -> None:
    hosts = ("http://192.168.1.20:8188", "http://localhost:7860", "http://10.0.0.5")
    item["url"] = f"{ctx.pick(hosts)}/view?filename=sim.png"
    item.pop("b64_json", None)


def _null_meta(body: Any, ctx: Ctx) -> Any:
    return {**body, "output_format": None, "size": None, "quality": None} if isinstance(body, dict) else body


def _foreign_usage(body: Any, ctx: Ctx) -> Any:
    forms: tuple[Json, ...] = ({"prompt_tokens": 5, "total_tokens": 5}, {"images": 1, "cost": 0.04}, {})
    return {**body, "usage": ctx.pick(forms)} if isinstance(body, dict) else body


def _revised(item: Json, ctx: Ctx) -> None:
    item["revised_prompt"] = ""


def _partly(body: Any, ctx: Ctx) -> Any:
    items = images_of(body)
    if ctx.options.variant % 2:
        return {**body, "data": items[:-1], "errors": [{"message": "filtered"}]}
    return {**body, "data": [*items[:-1], None]}


def _task(body: Any, ctx: Ctx) -> Any:
    return {"output": {"task_id": ctx.ids.hex(32), "task_status": "PENDING"}, "request_id": ctx.ids.hex(32)}


def _chat_images(ctx: Ctx) -> Json:
    url = _PREFIX + encoded_png(ctx.text())
    return {"images": [{"type": "image_url", "image_url": {"url": url}, "index": 0}]}


def _in_chat(message: Json, ctx: Ctx) -> None:
    if ctx.options.variant % 2:
        message["content"] = f"![image]({_PREFIX}{encoded_png(ctx.text())})"
    else:
        message.update({"content": None, **_chat_images(ctx)})


def _in_chat_chunks(chunks: list[Any], ctx: Ctx) -> list[Any]:
    place = finish_place(chunks)
    return [*chunks[:place], delta_chunk(chunks, _chat_images(ctx)), *chunks[place:]]


def _rejected() -> SimError:
    message = "Unknown parameter: 'response_format'."
    return SimError(400, message, param="response_format", code="unknown_parameter")


PLANTERS: dict[str, Planter] = {
    "img-created-missing": on_body(_no_created),
    "img-url-when-b64": on_data(_only_url, needs=("b64",)),
    "img-b64-when-url": on_data(_only_encoded),
    "img-both-null": on_data(_both_keys),
    "img-data-prefix": on_data(_prefixed, needs=("b64",)),
    "img-url-private": on_data(_private),
    "img-revised-prompt": on_data(_revised),
    "img-meta-null": on_body(_null_meta),
    "img-usage-foreign": on_body(_foreign_usage),
    "img-partial-n": on_body(_partly, needs=("n",)),
    "img-list-of-strings": on_body(_strings),
    "img-images-key": on_body(_images_key),
    "img-top-level-array": on_body(_top_array),
    "img-single-field": on_body(_single),
    "img-embedding-shape": on_body(_embedding_shape),
    "img-async-task": on_body(_task, spoils=True),
    "img-binary-body": Planter(raw=_binary, head=_binary_head, on=frozenset({"images"})),
    "img-stream-events": Planter(mode="whole", on=frozenset({"images"}), needs=("image_stream",)),
    "img-response-format-rejected": Planter(error=_rejected, on=frozenset({"images"}), needs=("b64",), spoils=True),
    "img-in-chat": Planter(whole=each_message(_in_chat).whole, chunks=_in_chat_chunks),
}
