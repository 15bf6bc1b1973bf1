"""DashScope's errors: `{"code", "message", "request_id"}`, also as an event where the content type says JSON.

https://www.alibabacloud.com/help/en/model-studio/error-code (seen 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...errors import UpstreamReplyError, type_for_status
from .. import error_bodies

__all__ = ["failure", "read_error"]

_CODES: Final = (
    ("InvalidApiKey", 401, "invalid_api_key"),
    ("Unauthorized", 401, "invalid_api_key"),
    ("Arrearage", 400, "insufficient_quota"),
    ("AccessDenied", 403, None),
    ("Forbidden", 403, None),
    ("Model.AccessDenied", 403, None),
    ("Workspace.AccessDenied", 403, None),
    ("AllocationQuota.FreeTierOnly", 403, "insufficient_quota"),
    ("ModelNotFound", 404, "model_not_found"),
    ("model_not_found", 404, "model_not_found"),
    ("InvalidModel", 400, "model_not_found"),
    ("WorkSpaceNotFound", 404, None),
    ("NotFound", 404, None),
    ("RequestTimeOut", 408, None),
    ("InternalError.Timeout", 500, None),
    ("Conflict", 409, None),
    ("BadRequest.TooLarge", 413, "request_too_large"),
    ("Throttling.AllocationQuota", 429, "insufficient_quota"),
    ("Throttling.BurstRate", 429, "rate_limit_exceeded"),
    ("Throttling.RateQuota", 429, "rate_limit_exceeded"),
    ("Throttling", 429, "rate_limit_exceeded"),
    ("LimitRequests", 429, "rate_limit_exceeded"),
    ("limit_requests", 429, "rate_limit_exceeded"),
    ("insufficient_quota", 429, "insufficient_quota"),
    ("PrepaidBillOverdue", 429, "insufficient_quota"),
    ("PostpaidBillOverdue", 429, "insufficient_quota"),
    ("CommodityNotPurchased", 429, "insufficient_quota"),
    ("DataInspectionFailed", 400, "content_filter"),
    ("data_inspection_failed", 400, "content_filter"),
    ("InternalError.Algo.InvalidParameter", 400, "invalid_parameter"),
    ("InternalError.Algo.DataInspectionFailed", 400, "content_filter"),
    ("InternalError", 500, None),
    ("InternalServerError", 500, None),
    ("internal_error", 500, None),
    ("SystemError", 500, None),
    ("ModelServiceFailed", 500, None),
    ("InvokePluginFailed", 500, None),
    ("AppProcessFailed", 500, None),
    ("RewriteFailed", 500, None),
    ("RetrivalFailed", 500, None),
    ("ResponseTimeout", 504, None),
    ("ModelServingError", 503, None),
    ("ModelUnavailable", 503, None),
    ("ServiceUnavailable", 503, None),
    ("InvalidParameter", 400, "invalid_parameter"),
    ("InvalidURL", 400, None),
    ("Invalid", 400, None),
    ("invalid", 400, None),
    ("BadRequest", 400, None),
    ("Unsupported", 400, None),
    ("FlowNotPublished", 400, None),
    ("FaqRuleBlocked", 400, "content_filter"),
    ("ClientDisconnect", 400, None),
    ("mismatched_model", 400, None),
)
"""How a code begins, the status that it has on its own, and OpenAI's code; the first that fits."""

_INNER: Final = re.compile(r"^\s*(?:<(\d{3})>\s*)?((?:InternalError|DataInspection|Throttling)[\w.]*)\s*:")
"""A code inside the message: `<400> InternalError.Algo.InvalidParameter: …`."""
_TOO_LONG: Final = re.compile(r"range of input length|input length should be|context (length|window)", re.I)
_DATA: Final = re.compile(rb"^data:[ \t]*(.*)$", re.MULTILINE)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """See ProviderDialect."""
    event = _DATA.search(body) if body.lstrip()[:1] not in (b"{", b"[") else None
    error = error_bodies.read_error(status, headers, event[1] if event is not None else body)
    return _sharper(error, status_known=True)


def failure(payload: Any, event: bytes | None = None) -> UpstreamReplyError | None:
    """The error that a payload under status 200 is, or None."""
    if not isinstance(payload, dict):
        return error_bodies.error_in(payload, event)
    code = payload.get("code") or payload.get("error_code")
    named = event == b"error" or (isinstance(code, str) and code and not isinstance(payload.get("output"), dict))
    error = error_bodies.error_in(payload, b"error" if named else event)
    if error is None:
        return None
    said = payload.get("status_code")
    if type(said) is int and 400 <= said < 600:
        error.status = said
        return _sharper(error, status_known=True)
    return _sharper(error, status_known=False)


def _sharper(error: UpstreamReplyError, status_known: bool) -> UpstreamReplyError:
    error.faults = ()
    given = error.code or ""
    inner = _INNER.match(error.message)
    for word in (inner[2] if inner is not None else "", given):
        row = next((row for row in _CODES if word.startswith(row[0])), None)
        if word and row is not None:
            if not status_known:
                error.status = row[1]
            error.code = row[2] or given or None
            break
    else:
        if not status_known:
            error.status = 500
    if inner is not None and inner[1] and not status_known and 400 <= int(inner[1]) < 600:
        error.status = int(inner[1])
    if _TOO_LONG.search(error.message):
        error.code, error.param = "context_length_exceeded", "messages"
    elif error.code == "model_not_found":
        error.param = "model"
    error.type = type_for_status(error.status)
    return error
