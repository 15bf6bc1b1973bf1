"""Errors of AWS: the exception's name is in a header, in `__type`, or the name of a stream's event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import UpstreamReplyError
from .. import error_bodies

__all__ = ["exception", "read_error"]

_MEANT: dict[str, tuple[int, str | None, str | None]] = {
    "accessdeniedexception": (403, "permission_error", None),
    "expiredtokenexception": (401, "authentication_error", "expired_token"),
    "unrecognizedclientexception": (401, "authentication_error", "invalid_api_key"),
    "invalidsignatureexception": (401, "authentication_error", "invalid_signature"),
    "missingauthenticationtokenexception": (401, "authentication_error", "invalid_api_key"),
    "throttlingexception": (429, "rate_limit_error", "rate_limit_exceeded"),
    "toomanyrequestsexception": (429, "rate_limit_error", "rate_limit_exceeded"),
    "servicequotaexceededexception": (429, "insufficient_quota", "insufficient_quota"),
    "modelnotreadyexception": (503, "server_error", "model_not_ready"),
    "modeltimeoutexception": (504, "server_error", "timeout"),
    "modelerrorexception": (502, "server_error", "model_error"),
    "modelstreamerrorexception": (502, "server_error", "model_error"),
    "internalserverexception": (500, "server_error", None),
    "internalservererror": (500, "server_error", None),
    "serviceunavailableexception": (503, "server_error", "overloaded"),
    "resourcenotfoundexception": (404, "invalid_request_error", "model_not_found"),
    "validationexception": (400, "invalid_request_error", None),
}
"""Status, type and code by the exception's name.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
"""

_TOO_LONG = ("input is too long", "too many input tokens", "prompt is too long", "maximum context length")


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """OpenAI's error for a failing reply of Bedrock."""
    error = error_bodies.read_error(status, headers, body)
    error.faults = ()
    kind = headers.get("x-amzn-errortype", "") or (error.code or error.type or "")
    _name(error, kind, keep_status=True)
    return error


def exception(kind: str, payload: Any) -> UpstreamReplyError:
    """The error for an exception inside a stream."""
    said = payload if isinstance(payload, dict) else {}
    message = said.get("message") or said.get("Message") or said.get("originalMessage")
    error = UpstreamReplyError(str(message) if message else f"Bedrock failed: {kind}.", status=502)
    _name(error, kind, keep_status=False)
    return error


def _name(error: UpstreamReplyError, kind: str, *, keep_status: bool) -> None:
    name = kind.partition(":")[0].rpartition("#")[2].strip().lower()
    meant = _MEANT.get(name)
    if meant is not None:
        status, type_, code = meant
        if not keep_status or (error.status >= 500) == (status >= 500):
            error.status = status
        error.type = type_ or error.type
        error.code = code
    if error.status == 400 and any(words in error.message.lower() for words in _TOO_LONG):
        error.code = "context_length_exceeded"
