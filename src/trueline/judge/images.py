"""Image replies, whole and streamed (rules.md section G and F4)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from ..wire.sse import looks_like_sse
from .body import Event, Stream, judge_content_type, looks_like_html, read_object, read_stream
from .chat import Json, wanted_choices
from .diagnose import Diagnosis, at, judge_shape
from .findings import Docket, Extras, Finding
from .foreign import error_key, says_nothing
from .schema import ABSENT
from .shapes import IMAGE_EDIT_EVENT, IMAGE_EVENT, IMAGES

__all__ = ["judge_image_stream", "judge_images"]

_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"<svg")
_PRIVATE = re.compile(
    r"https?://(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[::1\]|\[f[cd]|[^/]*\.local[:/])"
)
_META = ("size", "quality", "background", "output_format")
_TASKS = ("task_id", "task_status", "job_id", "polling_url")
_LISTS = ("images", "artifacts", "output", "outputs", "urls", "predictions")
_SINGLES = ("image", "url", "b64_json", "base64", "image_url", "result", "output", "artifacts")

_TABLE: tuple[Diagnosis, ...] = (
    at("created", "img-created-missing", ABSENT, None),
    at("created", "created-float", test=lambda p: isinstance(p.value, float)),
    at("error", ""),
    at("data[]", "img-list-of-strings", test=lambda p: isinstance(p.value, str)),
    at("data[]", "img-partial-n", None),
    at("data[].url", "img-both-null", None),
    at("data[].b64_json", "img-both-null", None),
    at("data[].revised_prompt", "img-revised-prompt", None),
    at("data[].embedding", "img-embedding-shape"),
    *(at(name, "img-meta-null", None) for name in _META),
    at("usage*", "img-usage-foreign"),
)


def judge_images(
    request: Json, body: bytes, content_type: str | None = None, *, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of a whole image reply."""
    docket = Docket(extras)
    if body.startswith(_MAGIC):
        docket.note("img-binary-body", "", f"{len(body)} bytes of a picture")
        return docket.findings()
    judge_content_type(docket, content_type, "application/json")
    value = read_object(docket, body)
    if value is not ABSENT:
        _judge_object(docket, request, value)
    return docket.findings()


def _judge_object(docket: Docket, request: Json, value: Any) -> None:
    key = _foreign(value)
    if key is not None:
        docket.note(key, "", value)
        return
    if "error" in value:
        beside = "error-key-on-success" if says_nothing(value["error"]) else "err-in-200-body"
        docket.note(beside, "error", value["error"], level=docket.extra_level)
    judge_shape(docket, value, IMAGES, _TABLE)
    created = value.get("created")
    if isinstance(created, int | float) and created > 10_000_000_000:
        docket.note("created-ms", "created", created)
    items = value.get("data")
    images = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    n = wanted_choices(request)
    count = len(items) if isinstance(items, list) else 0
    if count != n:
        docket.note("img-partial-n" if count < n else "img-too-many", "data", f"{count} pictures, n is {n}")
    want = _wanted(request, images)
    for number, image in enumerate(images):
        _judge_image(docket, request, image, want, f"data[{number}]")
    if _is_gpt(request):
        _judge_gpt(docket, value)


def _foreign(value: Any) -> str | None:
    """The finding for a value that is no image reply at all."""
    if isinstance(value, list):
        return "img-top-level-array"
    if not isinstance(value, dict):
        return "not-object"
    key = error_key(value)
    if key is not None and not isinstance(value.get("data"), list):
        return key
    inner = [value, *(v for v in value.values() if isinstance(v, dict))]
    if any(name in each for each in inner for name in _TASKS):
        return "img-async-task"
    if isinstance(value.get("data"), list):
        return None
    for name in _LISTS:
        found = value.get(name)
        if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
            return "img-single-field" if name == "output" else "img-list-of-strings"
        if isinstance(found, list) and name == "images":
            return "img-images-key"
    return "img-single-field" if any(value.get(name) for name in _SINGLES) else None


def _is_gpt(request: Json) -> bool:
    return str(request.get("model") or "").startswith(("gpt-image", "chatgpt-image"))


def _wanted(request: Json, images: list[Json]) -> str:
    """`url` or `b64_json`: as asked, as the model always does, or as it came where nobody has said."""
    if _is_gpt(request):
        return "b64_json"
    asked = request.get("response_format")
    if asked in ("url", "b64_json"):
        return str(asked)
    if str(request.get("model") or "").startswith("dall-e"):
        return "url"
    return "b64_json" if images and "b64_json" in images[0] else "url"


def _judge_image(docket: Docket, request: Json, image: Json, want: str, where: str) -> None:
    other = "url" if want == "b64_json" else "b64_json"
    empty = [name for name in ("url", "b64_json") if name in image and not image[name]]
    if empty:
        docket.note("img-both-null", f"{where}.{empty[0]}", image, level="must" if other in image else "exact")
    elif want not in image:
        wrong = "img-url-when-b64" if want == "b64_json" else "img-b64-when-url"
        docket.note(wrong if other in image else "img-none", where, list(image))
    elif other in image:
        docket.note("img-both", where, list(image))
    encoded, url = image.get("b64_json"), image.get("url")
    if isinstance(encoded, str) and encoded.startswith("data:"):
        docket.note("img-data-prefix", f"{where}.b64_json", encoded)
    _judge_base64(docket, encoded, f"{where}.b64_json")
    if isinstance(url, str) and _PRIVATE.match(url):
        docket.note("img-url-private", f"{where}.url", url)
    revised = image.get("revised_prompt", ABSENT)
    # By OpenAI's schema it may be absent for any model.
    if revised == "" or (revised is not ABSENT and _is_gpt(request)):
        docket.note("img-revised-prompt", f"{where}.revised_prompt", revised)


def _judge_base64(docket: Docket, encoded: Any, where: str) -> None:
    """What no strict decoder takes is no picture; `data:` before it is another finding."""
    if not isinstance(encoded, str):
        return
    try:
        base64.b64decode(encoded.partition(",")[2] if encoded.startswith("data:") else encoded, validate=True)
    except (binascii.Error, ValueError):
        docket.note("img-base64-broken", where, encoded)


def _judge_gpt(docket: Docket, value: Json) -> None:
    missing = [name for name in ("usage", *_META) if name not in value]
    if missing:
        docket.note("img-fields-missing", "", f"missing: {', '.join(missing)}")
    usage = value.get("usage")
    if isinstance(usage, dict) and usage:
        counts = [usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")]
        numbers = [count for count in counts if isinstance(count, int | float)]
        if len(numbers) == 3 and numbers[0] + numbers[1] != numbers[2]:
            docket.note("img-usage-total", "usage", usage)


def judge_image_stream(
    request: Json, body: bytes, content_type: str | None = None, *, edit: bool = False, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of a streamed image reply; `edit`: of an edit, whose events have other names."""
    docket = Docket(extras)
    if body.startswith(_MAGIC) or (body.strip() and not looks_like_sse(body) and not looks_like_html(body)):
        found = judge_images(request, body, None, extras=extras)
        if not any(finding.key.startswith(("err-", "img-binary")) for finding in found):
            docket.note("img-stream-events", "", body)
        return [*docket.findings(), *found]
    stream = read_stream(docket, body, named=True)
    judge_content_type(docket, content_type, "text/event-stream")
    if isinstance(stream, Stream):
        _judge_events(docket, stream, edit)
    return docket.findings()


def _judge_events(docket: Docket, stream: Stream, edit: bool) -> None:
    types = [_judge_event(docket, event, edit) for event in stream.events]
    if stream.done:
        docket.note("img-event-done")
    if "error" in types:
        return
    if stream.broken or not any(str(type).endswith(".completed") for type in types):
        docket.note("eof-truncated" if stream.events else "empty-stream")
    elif not str(types[-1]).endswith(".completed") or types != sorted(
        types, key=lambda t: str(t).endswith(".completed")
    ):
        docket.note("img-event-order", "", types)


def _judge_event(docket: Docket, event: Event, edit: bool) -> Any:
    """Judge one event; its type, or "error"."""
    value = event.value
    if not isinstance(value, dict):
        docket.note("null-chunk" if value is None else "non-chunk-object", event.where, value)
        return None
    if event.name == "error" or error_key(value) is not None:
        docket.note("err-mid-named-event" if event.name == "error" else "err-mid-stream", event.where, value)
        return "error"
    if "type" not in value:
        docket.note("non-chunk-object", event.where, value)
        return None
    if event.name != value["type"]:
        docket.note("img-event-name", event.where, event.name)
    judge_shape(docket, value, IMAGE_EDIT_EVENT if edit else IMAGE_EVENT, _EVENT_TABLE, event.where)
    _judge_base64(docket, value.get("b64_json"), f"{event.where}, b64_json")
    return value["type"]


_EVENT_TABLE: tuple[Diagnosis, ...] = (
    *(at(name, "img-meta-null", None) for name in _META),
    at("usage", "usage-missing-stream", ABSENT, None),
    at("usage*", "img-usage-foreign"),
)
