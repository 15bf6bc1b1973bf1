"""Errors of text-generation-inference and of the Inference API: `{"error", "error_type"}`, or plain text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from ...errors import UpstreamReplyError, type_for_status
from ...wire import jsonio
from .. import error_bodies

__all__ = ["failure", "read_error"]

_TOO_LONG: Final = re.compile(
    r"inputs?`? tokens \+ `?max_new_tokens|inputs?`? (tokens )?must have less than"
    r"|exceeds? the (maximum )?(context|input)",
    re.IGNORECASE,
)
_STATUS: Final = {
    "overloaded": 429,
    "validation": 400,
    "generation": 500,
    "incomplete_generation": 500,
    "incomplete_generation_stream": 500,
    "template_error": 400,
    "tool_error": 400,
}
"""Of errors inside a stream, whose status was sent long before."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """See ProviderDialect."""
    error = error_bodies.read_error(status, headers, body)
    error.faults = ()
    try:
        said = jsonio.decode(body)
    except jsonio.JSONError:
        said = None
    return _sharper(error, said if isinstance(said, dict) else {})


def failure(payload: Any, event: bytes | None = None) -> UpstreamReplyError | None:
    """The error that a payload under status 200 is, or None."""
    if not isinstance(payload, dict) or not payload.get("error"):
        return error_bodies.error_in(payload, event) if event == b"error" else None
    error = error_bodies.error_in(payload, b"error")
    if error is None:
        return None
    error.faults = ()
    status = _STATUS.get(str(payload.get("error_type")).lower())
    if status is None:
        status = payload.get("http_status_code") if type(payload.get("http_status_code")) is int else error.status
    return _sharper(_under(error, status if status is not None and 400 <= status < 600 else 500), payload)


def _under(error: UpstreamReplyError, status: int) -> UpstreamReplyError:
    error.status, error.type = status, type_for_status(status)
    return error


def _sharper(error: UpstreamReplyError, said: dict[str, Any]) -> UpstreamReplyError:
    kind = said.get("error_type")
    error.type = type_for_status(error.status)
    if isinstance(said.get("error"), list):
        error.message = "; ".join(map(str, said["error"]))
    if _TOO_LONG.search(error.message):
        error.code, error.param = "context_length_exceeded", "messages"
    elif kind == "overloaded":
        error.code = "rate_limit_exceeded" if error.status == 429 else "overloaded"
    elif error.status == 404:
        error.code, error.param = "model_not_found", "model"
    elif isinstance(kind, str) and kind:
        error.code = kind
    waits = said.get("estimated_time")
    if error.status == 503 and isinstance(waits, (int, float)) and 0 < waits < 86400 and error.retry_after is None:
        error.retry_after = str(math.ceil(waits))  # the model is being loaded
    return error
