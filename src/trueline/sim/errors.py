"""OpenAI's own errors, as far as a model server gives them."""

from __future__ import annotations

from typing import Any

__all__ = ["SimError", "context_length_exceeded", "for_status"]


class SimError(Exception):
    """A reply that is an error: an HTTP status and OpenAI's error object."""

    def __init__(
        self,
        status: int,
        message: str,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """`{"error": {…}}` with all four keys."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


_RATE_LIMITED = (
    "Rate limit reached for gpt-4o in organization org-sim on requests per min (RPM): Limit 3, Used 3, Requested 1. "
    "Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more."
)
_SERVER = "The server had an error while processing your request. Sorry about that!"
_OVERLOADED = "The engine is currently overloaded, please try again later."

_BY_STATUS: dict[int, tuple[str, str, str | None]] = {
    400: ("The request was not understood.", "invalid_request_error", None),
    401: ("Incorrect API key provided: sk-sim.", "invalid_request_error", "invalid_api_key"),
    403: (
        "Country, region, or territory not supported",
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    404: (
        "The model `sim` does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    429: (_RATE_LIMITED, "requests", "rate_limit_exceeded"),
    500: (_SERVER, "server_error", None),
    502: (_SERVER, "server_error", None),
    503: (_OVERLOADED, "server_error", None),
}


def for_status(status: int) -> SimError:
    """OpenAI's error for a status; 429 tells when to retry."""
    near = status if status in _BY_STATUS else 500 if status >= 500 else 400
    message, type, code = _BY_STATUS[near]
    headers = {"retry-after": "20", "retry-after-ms": "20000"} if status == 429 else {}
    return SimError(status, message, type, None, code, headers)


def context_length_exceeded() -> SimError:
    """The error that every model server gives sooner or later; the error faults shape it when nothing else failed."""
    return SimError(
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. "
        "Please reduce the length of the messages.",
        "invalid_request_error",
        "messages",
        "context_length_exceeded",
    )
