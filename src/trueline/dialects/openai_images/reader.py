"""Image replies of any server (`faults.md` section 13): lenient, and never an exception."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...wire import jsonio
from ..error_bodies import error_in, plain_text
from .meta import settle

__all__ = ["Image", "ImageReply", "image_mime", "read_payload", "read_picture", "read_whole"]

Fields = dict[str, Any]
Note = Callable[[str], None]

_LIST_KEYS = ("data", "images", "artifacts", "output", "predictions", "image", "result")
_B64_KEYS = ("b64_json", "base64", "b64", "image_base64", "bytesBase64Encoded", "image")
_URL_KEYS = ("url", "image_url", "uri")
_ITEM_FIELDS = frozenset(("url", "b64_json", "revised_prompt", "object", "embedding", "index", *_B64_KEYS, *_URL_KEYS))
_OF_VECTOR = frozenset(("object", "embedding", "index"))
_ADDRESS = re.compile(r"/(?!9j/)|(?!data:)[A-Za-z][A-Za-z0-9+.-]{0,62}:")
"""A path, which is relative to the upstream, or any scheme; base64 has no colon, and a JPEG begins with `/9j/`.

No scheme is longer, and a picture may have letters only."""
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s_-]")
_MAGIC = (
    ("iVBOR", b"\x89PNG", "image/png"),
    ("/9j/", b"\xff\xd8\xff", "image/jpeg"),
    ("R0lG", b"GIF8", "image/gif"),
    ("UklGR", b"RIFF", "image/webp"),
)


class Image(Struct):
    """One picture; `b64_json` without a data prefix."""

    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None
    extras: Fields = {}


class ImageReply(Struct):
    created: Any
    images: list[Image]
    extras: Fields
    """Everything else of the reply, its metadata and usage among it."""
    payload: Any = None
    """What all of this was read from."""


def image_mime(start: str | bytes) -> str | None:
    """The media type of a picture by its first bytes, raw or in base64."""
    for text, raw, mime in _MAGIC:
        if start.startswith(text) if isinstance(start, str) else start.startswith(raw):
            return mime
    return None


def read_whole(body: bytes, note: Note) -> ImageReply | TruelineError:
    """The reply in `body`, which is JSON, or a picture itself (`img-binary-body`)."""
    if image_mime(body[:8]):
        note("img-binary-body")
        return ImageReply(None, [Image(b64_json=b64encode(body).decode())], {})
    try:
        payload = jsonio.decode(body.strip(), note)
    except jsonio.JSONError:
        shown = plain_text(body)
        faults = ("err-html",) if b"<" in body[:200] else ()
        return UpstreamFormatError(f"The upstream's reply is neither JSON nor a picture: {shown!r}.", faults=faults)
    return read_payload(payload, note)


def read_payload(payload: Any, note: Note) -> ImageReply | TruelineError:
    """The reply that a payload is."""
    if isinstance(payload, list):
        note("img-top-level-array")
        payload = {"data": payload}
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is not an image reply: it is no object.")
    error = error_in(payload)
    if error is not None:
        return error
    return _read(payload, note)


def _task(payload: Fields) -> str | None:
    """The id of a task that has only begun."""
    for fields in (payload, payload.get("output"), payload.get("data")):
        if isinstance(fields, dict):
            task = fields.get("task_id") or fields.get("taskId")
            if isinstance(task, (str, int)) and task:
                return str(task)[:100]
    return None


def _read(payload: Fields, note: Note) -> ImageReply | TruelineError:
    key, items = _find_items(payload, note)
    if key is None:
        task = _task(payload)
        if task is not None:
            return UpstreamFormatError(
                f"The upstream answered with a task ({task!r}) that has to be asked for its pictures later, "
                "which Trueline does not do.",
                faults=("img-async-task",),
            )
        names = ", ".join(map(repr, list(payload)[:6]))
        return UpstreamFormatError(
            f"The upstream's reply is not an image reply: it has {names or 'no fields'}, and no 'data'. "
            "Check the upstream's base URL and model."
        )
    images = [image for image in (_read_item(item, note) for item in items) if image is not None]
    if not items:
        return UpstreamFormatError("The upstream's reply holds no picture.")
    if not images:
        return _no_picture(items)
    if len(images) < len(items):
        note("img-partial-n")
    extras = {k: v for k, v in payload.items() if k not in ("created", key)}
    if "error" in extras:  # one that says something is a failure, and was found
        note("error-key-on-success")
        del extras["error"]
    extras = settle(extras, note)
    if "embedding" in str(payload.get("object")) or any(isinstance(i, dict) and "embedding" in i for i in items):
        note("img-embedding-shape")
        extras = {k: v for k, v in extras.items() if k not in ("id", "object", "model")}
    return ImageReply(payload.get("created"), images, extras, payload)


def _no_picture(items: list[Any]) -> TruelineError:
    """Why none of the entries is a picture: an error in one of them, all withheld, or no pictures to begin with."""
    for item in items:
        error = error_in({"error": item["error"]}) if isinstance(item, dict) and item.get("error") else None
        if error is not None:
            return error
    if all(map(_is_withheld, items)):
        return UpstreamReplyError(
            "The upstream made no picture: every one was withheld.",
            status=400,
            code="content_policy_violation",
            faults=("img-partial-n",),
        )
    first = items[0]
    what = "an object with " + ", ".join(map(repr, list(first)[:6])) if isinstance(first, dict) else "no object"
    return UpstreamFormatError(
        f"The upstream's reply is not an image reply: its first entry is {what}, and no picture."
    )


def _is_withheld(item: Any) -> bool:
    """Whether an entry stands for a picture that moderation took: null, empty, or null under a picture's key."""
    if not isinstance(item, dict):
        return item is None
    return (
        not item
        or item.get("respect_moderation") is False
        or any(item.get(k, "") is None for k in (*_B64_KEYS, *_URL_KEYS))
    )


def _find_items(payload: Fields, note: Note) -> tuple[str | None, list[Any]]:
    for key in _LIST_KEYS:
        value = payload.get(key)
        if isinstance(value, list):
            if key != "data":
                note("img-images-key")
            return key, value
        if isinstance(value, str) and value and key != "data":
            note("img-single-field")
            return key, [value]
        if isinstance(value, dict):
            inner_key, items = _find_items(value, note)
            if inner_key is not None:
                note("envelope-wrapped")
                return key, items
    return None, []


def _read_item(item: Any, note: Note) -> Image | None:
    if isinstance(item, str) and item:
        note("img-list-of-strings")
        return _from_string(item, note)
    if not isinstance(item, dict):
        return None
    named = _ITEM_FIELDS if "embedding" in str(item.get("object")) or "embedding" in item else _ITEM_FIELDS - _OF_VECTOR
    image = Image(extras={k: v for k, v in item.items() if k not in named})
    for key in (*_B64_KEYS, *_URL_KEYS):
        value = item.get(key)
        if isinstance(value, dict):
            value = value.get("url")
        if not isinstance(value, str) or not value:
            if key in item and key in ("url", "b64_json"):
                note("img-both-null")
            continue
        found = (
            Image(url=value) if key in _URL_KEYS and _NOT_BASE64.search(value, 0, 256) else _from_string(value, note)
        )
        if key not in ("url", "b64_json"):
            note("img-images-key")
        elif found.b64_json and image.b64_json:
            note("img-both-null")  # no URL, beside a picture
        image.url = image.url or found.url
        image.b64_json = image.b64_json or found.b64_json
    if image.url is None and image.b64_json is None:
        return None
    prompt = item.get("revised_prompt")
    if isinstance(prompt, str) and prompt:
        image.revised_prompt = prompt
    elif "revised_prompt" in item:
        note("img-revised-prompt")
    return image


def read_picture(event: Fields, note: Note) -> str | None:
    """The picture of an event in base64, or None where there is none."""
    image = _read_item({k: v for k, v in event.items() if k in _B64_KEYS}, _ignore)
    if image is None or image.b64_json is None:
        return None
    if image.b64_json != event.get("b64_json"):
        note("img-data-prefix")
    return image.b64_json


def _ignore(fault: str) -> None:
    return None


def _from_string(value: str, note: Note) -> Image:
    if _ADDRESS.match(value):
        return Image(url=value)
    if value.startswith("data:"):
        note("img-data-prefix")
        return Image(b64_json=value.partition(",")[2])
    return Image(b64_json=value)
