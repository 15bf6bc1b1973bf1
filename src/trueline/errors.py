"""Every way in which an exchange can fail, each with the HTTP status and OpenAI's type, code and param.

    TruelineError
    ├── RequestError            400  the client's request; no upstream was called
    │   ├── AuthenticationError 401
    │   ├── NotFoundError       404  unknown path, model or upstream
    │   └── TooLargeError       413
    ├── DrainingError           503  the server is stopping
    └── UpstreamError           502  the upstream's fault
        ├── UpstreamReplyError  any  the upstream's own error, in OpenAI's words
        ├── UpstreamConnectError     502  DNS, refused, unreachable, proxy
        │   └── UpstreamTLSError     502  certificate or handshake
        ├── UpstreamTimeoutError     504  connect, first byte, stall or total
        ├── UpstreamCutError         502  the reply ended before it was complete
        ├── UpstreamReplyTooLargeError  502  beyond a size limit
        ├── InvalidAnswerError       502  an answer that is not what the request asked for
        └── UpstreamFormatError      502  a reply that is in no known format

Sources: OpenAI's recorded error bodies (`spec/rules.md` section X).  Messages are for people: they say what was
found, where, and what is allowed.  They never carry a key.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AuthenticationError",
    "DrainingError",
    "InvalidAnswerError",
    "NotFoundError",
    "RequestError",
    "TooLargeError",
    "TruelineError",
    "UpstreamConnectError",
    "UpstreamCutError",
    "UpstreamError",
    "UpstreamFormatError",
    "UpstreamReplyError",
    "UpstreamReplyTooLargeError",
    "UpstreamTLSError",
    "UpstreamTimeoutError",
    "type_for_status",
]

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


def type_for_status(status: int) -> str:
    """OpenAI's error type for an HTTP status that came without one (`faults.md` section 16)."""
    if status >= 500:
        return "server_error"
    return _TYPES.get(status, "invalid_request_error")


class TruelineError(Exception):
    """Base of all; `body()` is the JSON object that a client receives."""

    status: int = 500
    default_code: ClassVar[str | None] = None
    default_type: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        faults: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        self.type = type or self.default_type or type_for_status(self.status)
        self.code = code if code is not None else self.default_code
        self.param = param
        self.retry_after = retry_after
        """Value of the `Retry-After` header to send along: seconds or an HTTP date, as the upstream gave it."""
        self.faults = faults
        """Ids of the faults (`faults.py`) that were mended to make this error OpenAI's."""

    def body(self) -> dict[str, Any]:
        """`{"error": {"message", "type", "param", "code"}}`, all four keys always (rules.md X)."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class RequestError(TruelineError):
    status = 400
    default_type = "invalid_request_error"


class AuthenticationError(RequestError):
    status = 401
    default_code = "invalid_api_key"


class NotFoundError(RequestError):
    status = 404


class TooLargeError(RequestError):
    status = 413
    default_code = "request_too_large"


class DrainingError(TruelineError):
    status = 503
    default_code = "server_shutting_down"


class UpstreamError(TruelineError):
    status = 502


class UpstreamReplyError(UpstreamError):
    """The upstream answered with an error of its own; status, type, code and param are its own, normalised."""


class UpstreamConnectError(UpstreamError):
    default_code = "upstream_unreachable"


class UpstreamTLSError(UpstreamConnectError):
    default_code = "upstream_tls_failed"


class UpstreamTimeoutError(UpstreamError):
    status = 504
    default_code = "upstream_timeout"


class UpstreamCutError(UpstreamError):
    default_code = "upstream_cut"


class UpstreamReplyTooLargeError(UpstreamError):
    default_code = "upstream_reply_too_large"


class InvalidAnswerError(UpstreamError):
    """The answer does not keep to `response_format` or `tool_choice`; another try may."""

    default_code = "upstream_invalid_answer"
    retryable = True


class UpstreamFormatError(UpstreamError):
    default_code = "upstream_invalid_reply"
