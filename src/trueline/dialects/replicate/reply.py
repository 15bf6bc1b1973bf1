"""Predictions and errors of Replicate.

{"id": …, "status": "starting", "urls": {"get": …, "cancel": …}, …}
{"id": …, "status": "succeeded", "output": ["https://replicate.delivery/…"]}
{"id": …, "status": "failed", "error": "NSFW content detected. …"}
{"title": "Input validation failed", "detail": "- input: prompt is required\n", "status": 422}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...messages import ImageRequest
from ..error_bodies import error_in
from ..error_bodies import read_error as read_any
from ..images import POLL, picture, reason, withheld
from ..provider import Painted, ProviderRequest, Waiting

__all__ = ["read_error", "read_images"]

_RUNNING: Final = ("starting", "processing", "queued")
_ENDED: Final = ("canceled", "aborted")
_WITHHELD: Final = re.compile(
    r"nsfw|flagged as sensitive|\(E005\)|content policy|moderat|safety (?:system|filter)", re.I
)


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """How far a prediction is."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is no prediction: it is no object.")
    status, name = payload.get("status"), payload.get("id")
    if status in _RUNNING and isinstance(name, str) and name:
        path = f"/v1/predictions/{quote(name, safe='')}"
        return Waiting(
            ProviderRequest(path, b"", method="GET"), POLL, ProviderRequest(f"{path}/cancel", b"", method="POST")
        )
    if status == "failed":
        return _failed(payload.get("error"))
    if status in _ENDED:
        return UpstreamReplyError(f"The prediction was {status} before it ended.", status=502, code="upstream_canceled")
    output = payload.get("output")
    given = output if isinstance(output, list) else [output]
    made = [image for image in map(picture, given) if image is not None]
    if made:
        created = _created(payload.get("created_at"))
        return Painted(made, {} if created is None else {"created": created})
    error = error_in(payload)
    if error is not None:
        return error
    return UpstreamFormatError(f"The upstream's prediction holds no picture (status {str(status)[:50]!r}).")


def _failed(why: Any) -> UpstreamReplyError:
    message = reason(why, "The prediction failed, and Replicate does not say why.")
    return withheld(message) if _WITHHELD.search(message) else UpstreamReplyError(message, status=502)


def _created(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return int(moment.timestamp()) if moment.tzinfo and moment.year > 2000 else None
    except (ValueError, OverflowError):
        return None


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a failing status."""
    error = read_any(status, headers, body)
    return withheld(error.message) if status in (400, 422) and _WITHHELD.search(error.message) else error
