"""Queue states, pictures and errors of fal.

{"status": "IN_QUEUE", "request_id": …, "status_url": …, "response_url": …, "cancel_url": …}
{"status": "COMPLETED", "request_id": …, "response_url": …}
{"images": [{"url": …, "width": 1024, "height": 768, "content_type": "image/png"}], "has_nsfw_concepts": [false]}
{"detail": [{"loc": ["body", "prompt"], "msg": …, "type": "content_policy_violation"}]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...messages import ImageRequest
from ...wire import jsonio
from ..error_bodies import error_in
from ..error_bodies import read_error as read_any
from ..images import POLL, picture, reason, withheld
from ..provider import Painted, ProviderRequest, Waiting

__all__ = ["read_error", "read_images"]

Fields = dict[str, Any]

_RUNNING: Final = ("IN_QUEUE", "IN_PROGRESS")
_POLICY: Final = "content_policy_violation"
_BALANCE: Final = re.compile(r"exhausted balance|insufficient (?:balance|credits?)|top up your balance", re.I)


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """A state of the queue, or the pictures; `asked` is what told it."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is no image reply: it is no object.")
    status = payload.get("status")
    if status in _RUNNING:
        return _queued(payload, asked)
    if status == "COMPLETED" and "images" not in payload:
        if payload.get("error"):
            return _failed(payload)
        url = payload.get("response_url")
        given = isinstance(url, str) and url
        where = url if given else asked.path.partition("?")[0].removesuffix("/status")
        if not given and where == asked.path:
            return UpstreamFormatError("The upstream's queue does not say where the pictures are.")
        return Waiting(ProviderRequest(str(where), b"", method="GET"), 0.0)
    return _pictures(payload)


def _queued(payload: Fields, asked: ProviderRequest) -> Waiting | TruelineError:
    if asked.method == "GET":
        return Waiting(asked, POLL, _cancel(payload.get("cancel_url"), asked.path))
    url, name = payload.get("status_url"), payload.get("request_id")
    if not isinstance(url, str) or not url:
        if not isinstance(name, str) or not name:
            return UpstreamFormatError("The upstream's queue does not say where its request is.")
        url = f"{_app(asked.path)}/requests/{quote(name, safe='')}/status"
    return Waiting(ProviderRequest(url, b"", method="GET"), POLL, _cancel(payload.get("cancel_url"), url))


def _cancel(url: Any, status: str) -> ProviderRequest | None:
    where = url if isinstance(url, str) and url else status.partition("?")[0].removesuffix("/status") + "/cancel"
    return ProviderRequest(where, b"", method="PUT")


def _app(path: str) -> str:
    """The part of a model's path that its requests are under: the owner and the app."""
    parts = path.strip("/").split("/")
    return "/" + "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])


def _pictures(payload: Fields) -> Painted | TruelineError:
    given = payload.get("images")
    found = given if isinstance(given, list) else [payload.get("image")]
    flags = payload.get("has_nsfw_concepts")
    flagged = flags if isinstance(flags, list) else []
    made = [picture(one) for position, one in enumerate(found) if flagged[position : position + 1] != [True]]
    images = [image for image in made if image is not None]
    if images:
        seed = {"seed": payload["seed"]} if type(payload.get("seed")) is int else {}
        return Painted(images, seed)
    if found and not made:
        return withheld("The picture was withheld by fal's safety checker.")
    if payload.get("detail"):
        return _failed({"error": payload["detail"]})
    return error_in(payload) or UpstreamFormatError("The upstream's reply holds no picture.")


def _failed(payload: Fields) -> UpstreamReplyError:
    said = payload.get("error")
    items = said if isinstance(said, list) else [said]
    texts = [str(one.get("msg") or one.get("message") or one) if isinstance(one, dict) else str(one) for one in items]
    kinds = [payload.get("error_type"), *(one.get("type") for one in items if isinstance(one, dict))]
    message = reason("; ".join(texts), "The request failed, and fal does not say why.")
    return withheld(message) if _POLICY in kinds else UpstreamReplyError(message, status=502)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a failing status: 422 is the content checker's too, 403 that of an empty account."""
    error = read_any(status, headers, body)
    try:
        payload = jsonio.decode(body)
    except jsonio.JSONError:
        payload = None
    detail = payload.get("detail") if isinstance(payload, dict) else None
    items = detail if isinstance(detail, list) else []
    kinds = [one.get("type") for one in items if isinstance(one, dict)] + [headers.get("x-fal-error-type")]
    if _POLICY in kinds:
        return withheld(error.message, param=error.param)
    if status in (402, 403) and _BALANCE.search(error.message):
        return UpstreamReplyError(error.message, status=402, code="insufficient_quota", retry_after=error.retry_after)
    return error
