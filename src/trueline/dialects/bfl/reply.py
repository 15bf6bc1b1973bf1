"""Tasks, pictures and errors of FLUX.

{"id": …, "polling_url": "https://api.eu.bfl.ai/v1/get_result?id=…"}
{"id": …, "status": "Pending", "progress": 0.4, "result": null}
{"id": …, "status": "Ready", "result": {"sample": "https://delivery…", "seed": 1, "prompt": …}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ...errors import TruelineError, UpstreamFormatError, UpstreamReplyError
from ...messages import ImageRequest
from ..error_bodies import error_in
from ..error_bodies import read_error as read_any
from ..images import POLL, picture, reason, withheld
from ..provider import Painted, ProviderRequest, Waiting

__all__ = ["read_error", "read_images"]

_RUNNING: Final = frozenset(("pending", "queued", "processing", "reasoning", "preparing", "generating"))
_WITHHELD: Final = ("request moderated", "content moderated")


def read_images(payload: Any, request: ImageRequest, asked: ProviderRequest) -> Painted | Waiting | TruelineError:
    """How far a task is; `asked` is what told it."""
    if not isinstance(payload, dict):
        return UpstreamFormatError("The upstream's reply is no task: it is no object.")
    status = payload.get("status")
    word = status.lower() if isinstance(status, str) else None
    if asked.method == "POST" or word in _RUNNING:
        return _begun(payload, asked)
    result = payload.get("result")
    if word == "ready" and isinstance(result, dict):
        made = picture(result.get("sample"))
        if made is not None:
            return Painted([{**made, **({"seed": result["seed"]} if type(result.get("seed")) is int else {})}])
    if word in _WITHHELD:
        return withheld(f"The picture was withheld: {status}{_why(payload)}.")
    error = error_in(payload)
    if error is not None:
        return error
    return UpstreamReplyError(
        reason(f"The task ended without a picture: {str(status)[:100]}{_why(payload)}.", ""), status=502
    )


def _begun(payload: dict[str, Any], asked: ProviderRequest) -> Waiting | TruelineError:
    if asked.method == "GET":
        return Waiting(asked, POLL)
    url, task = payload.get("polling_url"), payload.get("id")
    if isinstance(url, str) and url:
        return Waiting(ProviderRequest(url, b"", method="GET"), POLL)
    if isinstance(task, str) and task:
        return Waiting(ProviderRequest(f"/v1/get_result?id={quote(task, safe='')}", b"", method="GET"), POLL)
    return error_in(payload) or UpstreamFormatError("The upstream's reply is no task: it has no 'polling_url'.")


def _why(payload: dict[str, Any]) -> str:
    """The reasons in `details`."""
    details = payload.get("details")
    reasons = details.get("Moderation Reasons") if isinstance(details, dict) else None
    if isinstance(reasons, list) and reasons:
        return f" ({', '.join(map(str, reasons))[:500]})"
    return f" ({str(details)[:500]})" if details else ""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a failing status; a task that is not found says so with 404 and its status."""
    error = read_any(status, headers, body)
    return withheld(error.message) if "moderated" in error.message.lower() else error
