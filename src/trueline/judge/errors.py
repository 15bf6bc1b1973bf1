"""Error bodies and headers (rules.md sections X and H)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..wire import jsonio
from .body import looks_like_html
from .diagnose import Diagnosis, at, judge_shape
from .findings import Docket, Finding
from .schema import ABSENT
from .shapes import ERROR

__all__ = ["judge_error", "judge_headers"]

Json = dict[str, Any]

_CLIENT = {"invalid_request_error"}
_TYPES: dict[int, set[str]] = {
    400: _CLIENT | {"image_generation_user_error"},
    401: _CLIENT | {"authentication_error"},
    403: _CLIENT | {"permission_error", "request_forbidden"},
    404: _CLIENT | {"not_found_error"},
    409: _CLIENT | {"conflict_error"},
    413: _CLIENT,
    415: _CLIENT,
    422: _CLIENT,
    429: {"requests", "tokens", "insufficient_quota", "rate_limit_exceeded", "rate_limit_error"},
    500: {"server_error", "internal_error", "api_error"},
    502: {"server_error"},
    503: {"server_error", "service_unavailable", "engine_overloaded"},
}
"""The types that OpenAI uses with a status, as recorded and as its SDKs know them."""

_REFUSED = {"stream_options": "usage-flag-rejected", "response_format": "img-response-format-rejected"}
_COMPRESSED = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}

_TABLE: tuple[Diagnosis, ...] = (
    at("error.code", "err-code-int", test=lambda p: isinstance(p.value, int)),
    *(at(f"error.{name}", "err-fields-missing", ABSENT) for name in ("type", "param", "code", "message")),
)


def _messages(*names: str) -> Callable[[Json], bool]:
    return lambda body: any(isinstance(body.get(name), str) and body[name] for name in names)


_FORMS: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("err-string", lambda body: isinstance(body.get("error"), str)),
    ("err-nested-json-string", lambda body: isinstance(body.get("error"), dict) and "error" in body["error"]),
    ("", lambda body: isinstance(body.get("error"), dict)),
    ("err-200-baseresp", lambda body: isinstance(body.get("base_resp"), dict)),
    ("err-fault", lambda body: "fault" in body),
    ("err-detail", lambda body: "detail" in body),
    ("err-cf-envelope", lambda body: isinstance(body.get("errors"), list)),
    ("err-200-code-msg", _messages("msg", "error_msg", "errmsg")),
    ("err-flat", _messages("message")),
)
"""The shapes of error bodies, the more telling ones first; "" is OpenAI's own."""


def judge_error(
    status: int,
    headers: Mapping[str, str] | None,
    body: bytes,
    request: Json | None = None,
    path: str = "",
) -> list[Finding]:
    """What is wrong with the body of an error.

    `headers`: None where they are not known.  `request` and `path`, where known, tell errors that should not be.
    """
    docket = Docket("forbid")
    names = {name.lower(): value for name, value in (headers or {}).items()}
    if headers is not None and "x-request-id" not in names:
        docket.note("headers-lost")
    value = _read(docket, status, body)
    if isinstance(value, dict):
        _judge_form(docket, status, value)
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        _judge_words(docket, status, error)
        param = str(error.get("param"))
        message = str(error.get("message"))
        if request and param in _REFUSED and _refused_wrongly(param, request, message):
            docket.note(_REFUSED[param], "error", error)
    if path.rstrip("/").endswith("/models") and status == 404:
        docket.note("models-endpoint-404", "", body)
    return docket.findings()


def _read(docket: Docket, status: int, body: bytes) -> Any:
    """The JSON value of an error body; what it is instead is noted."""
    if not body.strip():
        docket.note("err-empty-body", "", f"status {status}")
        return None
    if looks_like_html(body):
        docket.note("err-html", "", body)
        return None
    try:
        value = jsonio.decode(body, docket.note)
    except jsonio.JSONError:
        docket.note("err-not-json", "", body)
        return None
    if isinstance(value, list):
        docket.note("err-array", "", value)
    elif not isinstance(value, dict):
        docket.note("err-foreign", "", value)
    return value


def _judge_form(docket: Docket, status: int, body: Json) -> None:
    key = next((key for key, test in _FORMS if test(body)), "err-foreign")
    if key:
        docket.note(key, "", body, level="must")
        return
    if status < 400:
        docket.note("err-in-200-body", "", body)
    extra = {name for name in body["error"] if name not in ("message", "type", "param", "code")} | (
        set(body) - {"error"}
    )
    if extra:
        docket.note("err-extra-fields", "error", sorted(extra))
    known = {name: value for name, value in body["error"].items() if name not in extra}
    judge_shape(docket, {"error": known}, ERROR, _TABLE)


def _judge_words(docket: Docket, status: int, error: Json) -> None:
    """The message, type and code against the status."""
    message, code = str(error.get("message") or ""), error.get("code")
    raw = (error.get("metadata") or {}).get("raw") if isinstance(error.get("metadata"), dict) else None
    if message.lstrip().startswith(("{", "[{")) or str(raw or "").lstrip().startswith("{"):
        docket.note("err-nested-json-string", "error.message", raw or message)
    if status in _TYPES and str(error.get("type")) not in _TYPES[status] and "type" in error:
        docket.note("err-type", "error.type", error.get("type"))
    lowered = f"{message} {code} {error.get('type')} {error.get('status')}".lower()
    too_long = "maximum context length" in lowered or "context_length_exceeded" in lowered
    if too_long and code != "context_length_exceeded" and (code is None or isinstance(code, str)) and "code" in error:
        docket.note("err-context-code", "error.code", code)
    if status >= 500 and (too_long or error.get("type") == "invalid_request_error"):
        docket.note("err-500-for-4xx", "", f"status {status}: {message}")
    limited = any(word in lowered for word in ("rate limit", "rate_limit", "resource_exhausted", "too many requests"))
    if limited and status != 429:
        docket.note("err-429-as-other", "", f"status {status}: {message}")
    if status < 400 and "unexpected endpoint" in lowered:
        docket.note("err-unknown-endpoint-200", "", message)


def _refused_wrongly(param: str, request: Json, message: str) -> bool:
    """Whether OpenAI would have accepted the parameter."""
    if param == "stream_options":
        return bool(request.get("stream")) and "only allowed" not in message
    return "prompt" in request and not str(request.get("model") or "").startswith(("gpt-image", "chatgpt-image"))


def judge_headers(headers: Mapping[str, str], body: bytes) -> list[Finding]:
    """What is wrong with the headers of a reply; `body`: as it came, before any decoding."""
    docket = Docket()
    names = {name.lower(): value for name, value in headers.items()}
    if "x-request-id" not in names:
        docket.note("headers-lost", "", sorted(names))
    encoding = names.get("content-encoding", "identity").strip().lower()
    plain = body.lstrip()[:1] in (b"{", b"[", b"<") or body.lstrip().startswith((b"data:", b"event:", b":"))
    magic = _COMPRESSED.get(encoding)
    missing = magic is not None and body[: len(magic)] != magic
    if body and encoding != "identity" and (missing or (magic is None and plain)):
        docket.note("content-encoding-kept", "header content-encoding", encoding)
    return docket.findings()
