"""Pictures and errors of the Stable Image API.

{"image": …, "finish_reason": "SUCCESS", "seed": 343940597}
{"id": …, "name": "content_moderation", "errors": ["Your request was flagged by our content moderation system, …"]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...messages import ImageRequest
from ...wire import jsonio
from ..error_bodies import read_error as read_any
from ..images import withheld
from ..provider import Painted, ProviderRequest, Waiting

__all__ = ["read_error", "read_images"]

_FILTERED: Final = "CONTENT_FILTERED"


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """The picture in a reply; those of the v1 API, which some hosts still have, are read as well."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is not a picture: it is no object.")
    given = payload.get("artifacts")
    found = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else [payload]
    images = [_picture(one) for one in found if one.get("finish_reason", one.get("finishReason")) != _FILTERED]
    made = [image for image in images if image is not None]
    if made:
        return Painted(made)
    if found and not images:
        return withheld("The picture was withheld by Stability's content filter.")
    return UpstreamFormatError("The upstream's reply holds no picture.")


def _picture(payload: dict[str, Any]) -> dict[str, Any] | None:
    data = payload.get("image") or payload.get("base64")
    if not isinstance(data, str) or not data:
        return None
    image = {"b64_json": data.partition(",")[2] if data.startswith("data:") else data}
    return {**image, "seed": payload["seed"]} if type(payload.get("seed")) is int else image


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a failing status: 403 is also what moderation answers with."""
    error = read_any(status, headers, body)
    try:
        payload = jsonio.decode(body)
    except jsonio.JSONError:
        return error
    if isinstance(payload, dict) and payload.get("name") == "content_moderation":
        return withheld(error.message, param="prompt")
    return error
