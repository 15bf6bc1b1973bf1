"""Errors of the Messages API in OpenAI's words: under a failing status, as an event, and as an exception of AWS.

https://platform.claude.com/docs/en/api/errors (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...errors import UpstreamReplyError, type_for_status
from .. import error_bodies
from ..error_bodies import redact

__all__ = ["exception", "in_stream", "read_error"]


class _Meaning(NamedTuple):
    status: int
    type: str
    code: str | None = None


_MEANINGS: Final = {
    "invalid_request_error": _Meaning(400, "invalid_request_error"),
    "authentication_error": _Meaning(401, "authentication_error", "invalid_api_key"),
    "billing_error": _Meaning(402, "insufficient_quota", "insufficient_quota"),
    "permission_error": _Meaning(403, "permission_error"),
    "not_found_error": _Meaning(404, "invalid_request_error"),
    "conflict_error": _Meaning(409, "conflict_error"),
    "request_too_large": _Meaning(413, "invalid_request_error", "request_too_large"),
    "rate_limit_error": _Meaning(429, "rate_limit_error", "rate_limit_exceeded"),
    "api_error": _Meaning(500, "server_error"),
    "timeout_error": _Meaning(504, "server_error", "timeout"),
    "overloaded_error": _Meaning(503, "server_error", "overloaded_error"),
}
_EXCEPTIONS: Final = {
    "accessdeniedexception": 403,
    "internalserverexception": 500,
    "modelerrorexception": 502,
    "modelnotreadyexception": 503,
    "modelstreamerrorexception": 502,
    "modeltimeoutexception": 504,
    "resourcenotfoundexception": 404,
    "servicequotaexceededexception": 429,
    "serviceunavailableexception": 503,
    "throttlingexception": 429,
    "validationexception": 400,
}
"""The status of an exception in the event stream of InvokeModel, by its name in lower case."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a reply with a failing status; 529 is 503."""
    return _sharper(error_bodies.read_error(status, headers, body))


def in_stream(payload: Any, event: bytes | None = None) -> UpstreamReplyError | None:
    """The error that a payload is, or None."""
    error = error_bodies.error_in(payload, event)
    if error is None:
        return None
    meaning = _MEANINGS.get(error.type)
    if meaning is not None:
        error.status = meaning.status
    return _sharper(error)


def exception(name: str, payload: Any) -> UpstreamReplyError:
    """The error that an exception frame of AWS is."""
    status = _EXCEPTIONS.get(name.lower(), 502)
    message = payload.get("message") or payload.get("Message") if isinstance(payload, dict) else None
    said = message if isinstance(message, str) and message else f"The upstream ended the stream: {name or 'error'}."
    return UpstreamReplyError(redact(said), status=status, type=type_for_status(status), code=name or None)


def _sharper(error: UpstreamReplyError) -> UpstreamReplyError:
    """Type and code in OpenAI's words, where the API's own say as much; that it has a format of its own is no fault."""
    meaning = _MEANINGS.get(error.type)
    if meaning is None:
        return error
    error.faults = ()
    error.type = meaning.type
    error.code = error.code or meaning.code
    if error.status == 404 and error.message.startswith("model:"):
        error.code = "model_not_found"
    elif error.status == 400 and "prompt is too long" in error.message:
        error.code = "context_length_exceeded"
    return error
