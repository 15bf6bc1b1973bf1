"""Errors of the Responses API: under a failing status, as an event, and as the end of a reply.

https://platform.openai.com/docs/api-reference/responses-streaming/error (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ...errors import UpstreamReplyError, type_for_status
from .. import error_bodies

__all__ = ["failed", "in_payload", "read_error"]

Fields: TypeAlias = dict[str, Any]

_STATUS: Final = {
    "server_error": 500,
    "internal_error": 500,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "vector_store_timeout": 504,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "model_not_found": 404,
    **dict.fromkeys(
        (
            *("invalid_prompt", "context_length_exceeded", "data_residency_mismatch", "bio_policy", "cyber_policy"),
            *("misalignment_policy_violation", "content_filter", "content_policy_violation", "invalid_image"),
            *("invalid_image_format", "invalid_base64_image", "invalid_image_url", "image_too_large"),
            *("image_too_small", "image_parse_error", "image_content_policy_violation", "invalid_image_mode"),
            *("image_file_too_large", "unsupported_image_media_type", "empty_image_file", "failed_to_download_image"),
            "image_file_not_found",
        ),
        400,
    ),
}
"""By code, the status that the error would have had."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for a reply with a failing status."""
    return error_bodies.read_error(status, headers, body)


def in_payload(payload: Any, event: bytes | None = None) -> UpstreamReplyError | None:
    """The error that a payload is, or None."""
    if isinstance(payload, dict) and payload.get("type") == "error":
        inner = payload.get("error")
        return failed(inner if isinstance(inner, dict) and inner else payload)
    error = error_bodies.error_in(payload, event)
    return error if error is None else _placed(error)


def failed(said: Any, what: str = "The upstream's model failed to answer.") -> UpstreamReplyError:
    """The error that a failed reply names; `what` where it says nothing."""
    said = said if isinstance(said, dict) else {}
    message = said.get("message")
    given = {"message": message if isinstance(message, str) and message else what}
    error = error_bodies.error_in({"error": {**{name: said.get(name) for name in ("type", "code", "param")}, **given}})
    made = error or UpstreamReplyError(what, status=502, type="server_error")
    if made.type in ("error", "response.failed"):
        made.type = type_for_status(made.status)
    return _placed(made)


def _placed(error: UpstreamReplyError) -> UpstreamReplyError:
    """With the status that its code means; the form of these errors is no fault."""
    status = _STATUS.get(error.code or "")
    if status is not None:
        error.status = status
        if error.type == error.code or error.type not in ("invalid_request_error", "server_error", "rate_limit_error"):
            error.type = type_for_status(status)
    error.faults = ()
    return error
