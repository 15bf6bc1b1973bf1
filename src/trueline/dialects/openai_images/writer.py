"""Image replies as OpenAI writes them: pictures as URL or as base64, as asked, and each in one form only."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection
from typing import Any

from ...context import FormatOptions
from ...messages import ImageRequest
from .meta import KINDS, known
from .reader import Image, ImageReply, image_mime

__all__ = ["mend_form", "supply", "wanted_form", "write_whole"]

Fields = dict[str, Any]

_GPT_IMAGE = ("gpt-image", "chatgpt-image")
_PRIVATE = re.compile(
    r"/|https?://(localhost|0\.0\.0\.0|127\.[0-9.]+|10\.[0-9.]+|192\.168\.[0-9.]+|172\.(1[6-9]|2[0-9]|3[01])\.[0-9.]+"
    r"|169\.254\.[0-9.]+|\[::1?\]|\[f[cd][0-9a-f]{2}:[^]]*\]|\[fe80:[^]]*\]|[^/:?#]+\.(local|internal|lan))([:/?#]|\Z)",
    re.IGNORECASE,
)
"""Hosts that nobody reaches from outside their network, and paths without a host."""


def _bare_model(request: ImageRequest) -> str:
    return (request.model or "").rsplit("/", 1)[-1]


_TURNED = {"url": "img-b64-when-url", "b64_json": "img-url-when-b64"}


def wanted_form(request: ImageRequest, off: Collection[str] = ()) -> str | None:
    """`url` or `b64_json`, as the request or its model demands, or None where either is right (rules.md G).

    `off`: faults that are not mended; the form in which a picture came is right then.
    """
    form = _demanded(request)
    return None if form is not None and _TURNED[form] in off else form


def _demanded(request: ImageRequest) -> str | None:
    model = _bare_model(request)
    if model.startswith(_GPT_IMAGE):
        # OpenAI refuses to be asked for URLs of these; a server that was asked and gives one has done as it was told.
        return None if request.response_format == "url" else "b64_json"
    if request.response_format in ("url", "b64_json"):
        return request.response_format
    return "url" if model.startswith("dall-e") else None


def mend_form(image: Image, form: str | None, note: Any) -> str | None:
    """Bring one picture into `form`; returns the URL that has to be fetched for that, if one has to."""
    if form == "url" and image.url is None and image.b64_json is not None:
        note("img-b64-when-url")
        image.url = f"data:{image_mime(image.b64_json[:8]) or 'image/png'};base64,{image.b64_json}"
        image.b64_json = None
    elif form == "b64_json" and image.b64_json is None and image.url is not None:
        if not image.url.startswith("data:"):
            return image.url
        note("img-data-prefix")
        image.b64_json, image.url = image.url.partition(",")[2], None
    return None


def supply(image: Image, data: bytes, note: Any) -> None:
    """The bytes of a picture whose URL had to be fetched."""
    note("img-url-when-b64")
    image.b64_json, image.url = b64encode(data).decode(), None


def write_whole(reply: ImageReply, request: ImageRequest, options: FormatOptions, note: Any) -> Fields:
    """The JSON object: `created`, `data`, then what GPT image models and vendors add."""
    form = wanted_form(request, options.off)
    if form is None and reply.images:
        form = "b64_json" if reply.images[0].b64_json is not None else "url"
    keep = options.extras == "keep"
    extras = reply.extras if keep else {k: known(k, v) for k, v in reply.extras.items() if k in KINDS}
    if extras != reply.extras or (not keep and any(image.extras for image in reply.images)):
        note("extra-fields")
    if options.model_name == "requested" and request.model and extras.get("model", request.model) != request.model:
        note("model-differs")
        extras = {**extras, "model": request.model}
    body: Fields = {"created": reply.created, "data": [_image(i, form, request, options, note) for i in reply.images]}
    for key, value in extras.items():
        body.setdefault(key, value)
    return body


def _image(image: Image, form: str | None, request: ImageRequest, options: FormatOptions, note: Any) -> Fields:
    body: Fields = {}
    if image.revised_prompt is not None:
        if _bare_model(request).startswith("dall-e-2"):
            note("img-revised-prompt")  # that model has none
        else:
            body["revised_prompt"] = image.revised_prompt
    if image.url is not None and image.b64_json is not None:
        fault = "img-url-when-b64" if form == "b64_json" else "img-b64-when-url"
        if fault in options.off:
            body["url"] = image.url
            form = "b64_json"
        else:
            note(fault)
    if form == "b64_json" and image.b64_json is not None:
        body["b64_json"] = image.b64_json
    elif image.url is not None:
        body["url"] = image.url
        if _PRIVATE.match(image.url):
            note("img-url-private")
    else:
        body["b64_json"] = image.b64_json
    if options.extras == "keep":
        for key, value in image.extras.items():
            body.setdefault(key, value)
    return body
