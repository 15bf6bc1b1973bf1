"""Google's errors (`google.rpc.Status`) in OpenAI's words.

{"error": {"code": 429, "message": …, "status": "RESOURCE_EXHAUSTED", "details": [{"@type": …RetryInfo, …}]}}
https://cloud.google.com/apis/design/errors (seen 2026-11-22)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ...errors import UpstreamReplyError, type_for_status
from ...wire import jsonio
from ..error_bodies import error_in, redact
from ..error_bodies import read_error as read_any

__all__ = ["blocked", "error_of", "read_error"]

Fields: TypeAlias = dict[str, Any]

_STATUSES: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto (seen 2026-11-22)"""
_CODES: Final[Mapping[str, str]] = {
    "API_KEY_INVALID": "invalid_api_key",
    "API_KEY_EXPIRED": "invalid_api_key",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
    "UNAUTHENTICATED": "invalid_api_key",
}
"""OpenAI's codes for Google's reasons and statuses; others stay Google's own."""
_TOO_LONG = re.compile(r"exceeds the maximum number of tokens|input token count", re.I)
_NO_MODEL = re.compile(r"^(publisher )?models?\b.*\bnot found\b", re.I | re.S)
_DELAY = re.compile(r"(\d{1,9}(?:\.\d+)?)s")


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a reply with a failing status; what is not Google's is read as any other's."""
    try:
        payload = jsonio.decode(body.strip().removeprefix(b"data:")) if body.strip() else None
    except jsonio.JSONError:
        payload = None
    if isinstance(payload, list) and payload:
        payload = payload[0]  # a stream without `alt=sse` fails as an array
    said = _status_of(payload)
    if said is None:
        return read_any(status, headers, body)
    error = _error(said, status)
    error.retry_after = headers.get("retry-after") or error.retry_after
    return error


def error_of(payload: Fields) -> UpstreamReplyError | None:
    """The error that a chunk or a reply under status 200 is, if it is one."""
    said = _status_of(payload)
    if said is not None:
        return _error(said, None)
    return None if "candidates" in payload else error_in(payload)


def blocked(feedback: Any) -> UpstreamReplyError | None:
    """The error of a prompt that was refused: there is no answer, and asking again changes nothing."""
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if not isinstance(reason, (str, int)) or isinstance(reason, bool) or not reason:
        return None
    why = feedback.get("blockReasonMessage")
    rated = (
        [
            str(rating.get("category"))
            for rating in feedback.get("safetyRatings") or []
            if isinstance(rating, dict) and rating.get("blocked") is True
        ]
        if isinstance(feedback.get("safetyRatings"), list)
        else []
    )
    named = f" ({', '.join(rated)})" if rated else ""
    return UpstreamReplyError(
        f"The prompt was blocked: {reason}{named}." + (f" {why}" if isinstance(why, str) and why else ""),
        status=400,
        code="content_filter",
        param="messages",
    )


def _status_of(payload: Any) -> Fields | None:
    """Google's `error`, which has a message, or a status and a code."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    known = type(error.get("code")) is int or error.get("status") in _STATUSES
    return error if known and "type" not in error else None


def _error(said: Fields, status: int | None) -> UpstreamReplyError:
    word = said.get("status")
    word = word if isinstance(word, str) and word else None
    if status is None:
        given = said.get("code")
        status = given if type(given) is int and 400 <= given <= 599 else _STATUSES.get(word or "", 502)
    status = 502 if status == 499 or status < 400 or status > 599 else status
    details = said.get("details")
    details = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    reasons = [one["reason"] for one in details if isinstance(one.get("reason"), str)]
    message = jsonio.mend_surrogates(redact(said["message"].strip())[:4000]) or f"Upstream error {status}"
    code = next((_CODES[one] for one in (*reasons, word or "") if one in _CODES), None) or word
    if status in (400, 413) and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    elif status == 404 and _NO_MODEL.search(message):
        code = "model_not_found"
    return UpstreamReplyError(
        message, status=status, type=type_for_status(status), code=code, retry_after=_retry_after(details)
    )


def _retry_after(details: list[Fields]) -> str | None:
    """Whole seconds of a `RetryInfo`."""
    for detail in details:
        delay = detail.get("retryDelay")
        found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found is not None:
            return str(math.ceil(float(found[1])))
    return None
