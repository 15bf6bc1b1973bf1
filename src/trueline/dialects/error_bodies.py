"""Error bodies of any shape, in OpenAI's words (`faults.md` section 16).

A server says that it failed in one of some twenty shapes: under a failing status, inside a 200, or as an event of a
stream. `read_error` reads the first, `error_in` finds the other two.  The upstream's own message is kept; keys in it
are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import UpstreamReplyError, type_for_status
from ..finish_words import meaning
from ..wire import jsonio

__all__ = ["error_in", "plain_text", "read_error", "redact", "secrets_in", "without_secrets"]

MAX_MESSAGE = 4000

_PHRASES = {
    400: "Bad request",
    401: "Unauthorized",
    402: "Payment required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Unprocessable entity",
    429: "Too many requests",
    500: "Internal server error",
    501: "Not implemented",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}

_STATUS_BY_WORD = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "moderation_blocked": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
    "unavailable_error": 503,
    "timeout_error": 504,
    "BadRequestError": 400,
    "NotFoundError": 404,
    "AuthenticationError": 401,
}
"""What an error inside a 200 says of its status by word (Google's codes, OpenAI's and vLLM's types and codes)."""

_STATUS_BY_BUSINESS_CODE = {
    # MiniMax
    1002: 429,
    1039: 429,
    1004: 401,
    1008: 402,
    1026: 400,
    1027: 400,
    2013: 400,
    # Baidu
    4: 429,
    17: 429,
    18: 429,
    336501: 429,
    110: 401,
    111: 401,
    336003: 400,
    # Zhipu
    1301: 400,
    1302: 429,
    1303: 429,
    1305: 429,
    1113: 402,
}

_UNKNOWN_ENDPOINT = "Unexpected endpoint"
"""How LM Studio says 404."""

_GOOD = ("choices", "data", "usage", "b64_json")
"""What a reply or an event holds that is none of an error, whatever else it says."""

_HTTP_STATUS = {422: 400, 522: 504, 524: 504, 529: 503}
"""Statuses that OpenAI does not use, by the ruling in `faults.md` 0.3."""

_SECRETS = re.compile(
    r"\b((?:sk|pk|rk|gsk|xai|hf|r8|nvapi|pplx|csk|fw|tgp|key)[-_](?=[A-Za-z_\-]*[0-9])[A-Za-z0-9]{0,4})[\w\-]{12,}"
    r"|(Bearer\s+)[A-Za-z0-9._~+/\-]{12,}=*"
    r"|\b(AIza)[A-Za-z0-9_\-]{20,}",
)


class _Said(NamedTuple):
    """What an error body says, in its own words."""

    message: Any
    type: Any = None
    code: Any = None
    param: Any = None
    fault: str | None = None


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without the keys that this exchange used, whatever they look like."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return text


def redact(text: str) -> str:
    """`text` without API keys."""
    return _SECRETS.sub(lambda m: (m[1] or m[2] or m[3]) + "…[redacted]", text)


def secrets_in(text: str) -> Iterator[tuple[int, int]]:
    """Where `redact` would cut: start and end of what is secret of each API key in `text`."""
    for match in _SECRETS.finditer(text):
        yield match.end(match.lastindex or 0), match.end()


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """The OpenAI error for an upstream's reply with a status of 300 or more.

    `headers`: lower-case names.  A 4xx stays the 4xx that it was, but for 422 → 400 (`faults.md` 0.3, ruling 13).
    """
    said = _read_body(body, headers.get("content-type", ""), status)
    return _error(said, _mend_status(status), headers.get("retry-after"))


def error_in(payload: Any, event: bytes | None = None) -> UpstreamReplyError | None:
    """The error that a payload under status 200 carries, or None where it carries none.

    `event` is the name of the event, where the stream gave it one: `event: error` makes any payload an error.
    """
    if not isinstance(payload, dict):
        if event == b"error":
            return _error(_Said(payload, fault="err-string"), 502)
        return None
    said: _Said | None = None
    if event == b"error":
        said = _describe(payload) or _flat(payload)
    elif _is_error(payload.get("error")) or _has_failed(payload):
        said = _describe(payload)
    elif not any(payload.get(name) for name in _GOOD):
        said = _describe_foreign(payload)
    finish = payload.get("finish_reason")
    if said is None and isinstance(finish, str) and meaning(finish) == "error":
        said = _Said(
            f"The upstream ended its reply with an error (finish reason '{finish}').", fault="finish-error-value"
        )
    if said is None:
        return None
    error = _error(said, _status_inside(payload, said))
    if error.message.startswith(_UNKNOWN_ENDPOINT):
        error.faults += ("err-unknown-endpoint-200",)
    return error


def _is_error(error: Any) -> bool:
    """`{}`, `{"code": 0}` and empty strings ride on good replies (`error-key-on-success`)."""
    if isinstance(error, dict):
        return any(error.values())
    return bool(error)


def _has_failed(payload: dict[str, Any]) -> bool:
    base = payload.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") not in (0, None, "0"):
        return True
    return payload.get("object") == "error" or payload.get("type") == "error"


def _status_inside(payload: dict[str, Any], said: _Said) -> int:
    error = payload.get("error")
    candidates = [said.code, said.type, payload.get("code"), payload.get("status")]
    if isinstance(error, dict):
        candidates[:0] = [error.get("code"), error.get("status"), error.get("status_code"), error.get("type")]
    for value in candidates:
        if isinstance(value, str) and value in _STATUS_BY_WORD:
            return _STATUS_BY_WORD[value]
        number = _int(value)
        if number is not None and 400 <= number <= 599:
            return _mend_status(number)
        if number in _STATUS_BY_BUSINESS_CODE:
            return _STATUS_BY_BUSINESS_CODE[number]
    message = said.message if isinstance(said.message, str) else ""
    return 404 if message.startswith(_UNKNOWN_ENDPOINT) else 502


def _mend_status(status: int) -> int:
    if status in _HTTP_STATUS:
        return _HTTP_STATUS[status]
    if 520 <= status <= 527 or status > 599 or status < 400:
        return 502
    return status


def _int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return jsonio.integer(value) if isinstance(value, str) else None


def _error(said: _Said, status: int, retry_after: str | None = None) -> UpstreamReplyError:
    faults = [said.fault] if said.fault else []
    message = said.message if isinstance(said.message, str) else jsonio.encode(said.message).decode()
    code = said.code
    if code is not None and not isinstance(code, str):
        faults.append("err-code-int")
        code = str(int(code)) if isinstance(code, float) and code.is_integer() else jsonio.encode(code).decode()
    kind = said.type if isinstance(said.type, str) and said.type else None
    if status == 402 and code is None:
        code = "insufficient_quota"
    return UpstreamReplyError(
        jsonio.mend_surrogates(redact(message.strip())[:MAX_MESSAGE])
        or _PHRASES.get(status, f"Upstream error {status}"),
        status=status,
        type=kind or type_for_status(status),
        code=code or None,
        param=said.param if isinstance(said.param, str) else None,
        retry_after=retry_after,
        faults=tuple(faults),
    )


# -- the shapes -------------------------------------------------------------------------------------------------------


def _read_body(body: bytes, content_type: str, status: int) -> _Said:
    text = body.strip()
    if not text:
        return _Said(_PHRASES.get(status, f"Upstream error {status}"), fault="err-empty-body")
    if text[:6] == b"data: " or text[:5] == b"data:":
        text = text[5:].split(b"\n", 1)[0]
    try:
        payload = jsonio.decode(text)
    except jsonio.JSONError:
        return _Said(plain_text(text), fault="err-html" if b"<" in text[:200] else "err-string")
    if isinstance(payload, list) and payload:
        inner = _describe(payload[0]) if isinstance(payload[0], dict) else None
        return (inner or _Said(payload[0]))._replace(fault="err-array")
    if isinstance(payload, dict):
        return _describe(payload) or _flat(payload)
    # `404: Not Found` begins as a number does.
    return _Said(payload if isinstance(payload, (str, list)) else plain_text(text), fault="err-string")


def plain_text(body: bytes) -> str:
    """The readable beginning of a body that is not JSON: the title of a web page, or 200 characters of text."""
    text = body[:20000].decode("utf-8", "replace")
    if "<" in text[:200]:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.I | re.S)
        stripped = title[1] if title else re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.I | re.S)
        text = " ".join(stripped.split())
    return text[:200]


def _describe(payload: dict[str, Any]) -> _Said | None:
    """What any known shape says; None where the object has no error in it."""
    error = payload.get("error")
    if isinstance(error, dict) and error:
        return _nested(payload, error)
    if error and not isinstance(error, (dict, bool)):
        first = error[0] if isinstance(error, list) else error
        if isinstance(first, dict):
            return (_describe({"error": first}) or _Said(first))._replace(fault="err-array")
        message = payload.get("message") if error is not True else None
        return _Said(
            message if isinstance(message, str) and len(message) > len(str(first)) else first,
            payload.get("error_type") or payload.get("type"),
            payload.get("code"),
            fault="err-string",
        )
    return _describe_foreign(payload)


def _nested(payload: dict[str, Any], error: dict[str, Any]) -> _Said:
    inner = error.get("error")
    if isinstance(inner, dict) and inner:
        return _nested(payload, inner)._replace(fault="err-nested-json-string")
    message = error.get("message")
    if message is None:
        message = error.get("msg") or error.get("detail") or inner or error
    raw = (error.get("metadata") or {}).get("raw") if isinstance(error.get("metadata"), dict) else None
    unwrapped = _unwrap_json(message) or _unwrap_json(raw)
    if unwrapped is not None:
        return unwrapped
    missing = {"message", "type", "param", "code"} - error.keys()
    code = error.get("code")
    status_word = error.get("status")
    if isinstance(status_word, str) and not isinstance(code, str):
        code = status_word
    if isinstance(raw, str) and raw.strip() and raw not in str(message):
        message = f"{message}: {raw.strip()}"
    flat_type = payload.get("type") if payload.get("type") != "error" else None
    return _Said(
        message,
        error.get("type") or flat_type,
        code,
        error.get("param"),
        "err-fields-missing" if missing else None,
    )


def _unwrap_json(message: Any) -> _Said | None:
    """An upstream's upstream: its error as JSON text inside the message (`err-nested-json-string`)."""
    if not isinstance(message, str) or message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        payload = jsonio.decode(message.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    said = _describe(payload) if isinstance(payload, dict) else None
    return said._replace(fault="err-nested-json-string") if said else None


def _describe_foreign(payload: dict[str, Any]) -> _Said | None:
    """The first of the shapes without an `error` object that fits (table, in order)."""
    for read in _SHAPES:
        said = read(payload)
        if said is not None:
            return said
    return None


def _base_resp(p: dict[str, Any]) -> _Said | None:
    base = p.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") not in (0, None, "0"):
        return _Said(
            base.get("status_msg") or "The upstream failed.", None, base["status_code"], None, "err-200-baseresp"
        )
    return None


def _detail(p: dict[str, Any]) -> _Said | None:
    detail = p.get("detail") if "detail" in p else p.get("details")
    if isinstance(detail, list) and detail:
        text = "; ".join(_detail_item(item) for item in detail)
        return _Said(
            text, param=_param(detail[0].get("loc")) if isinstance(detail[0], dict) else None, fault="err-detail"
        )
    elif isinstance(detail, dict):
        said = _describe(detail)
        return (said or _Said(detail))._replace(fault="err-detail")
    return _Said(detail, fault="err-detail") if isinstance(detail, str) else None


def _param(place: Any) -> str | None:
    """A place in the body as OpenAI names it: `["body", "messages", 3, "role"]` is `messages[3].role`."""
    if not isinstance(place, list) or place[:1] != ["body"] or not all(type(p) in (str, int) for p in place):
        return None
    named = "".join(f"[{p}]" if type(p) is int else f".{p}" for p in place[1:])
    return named[1:] if named[:1] == "." else None


def _detail_item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = item.get("loc")
    place = ".".join(map(str, where)) + ": " if isinstance(where, list) and where else ""
    return f"{place}{item.get('msg') or item.get('message') or item}"


def _errors_list(p: dict[str, Any]) -> _Said | None:
    errors = p.get("errors")
    if not isinstance(errors, list) or not errors:
        return None
    texts = [str(e.get("message") or e) if isinstance(e, dict) else str(e) for e in errors]
    first = errors[0].get("code") if isinstance(errors[0], dict) else p.get("name")
    return _Said("; ".join(texts), None, first, None, "err-cf-envelope")


def _fault(p: dict[str, Any]) -> _Said | None:
    fault = p.get("fault")
    if not isinstance(fault, dict):
        return None
    detail = fault.get("detail")
    code = detail.get("errorcode") if isinstance(detail, dict) else None
    return _Said(fault.get("faultstring") or fault, None, code, None, "err-fault")


def _tencent(p: dict[str, Any]) -> _Said | None:
    response = p.get("Response")
    error = response.get("Error") if isinstance(response, dict) else None
    return (
        _Said(error.get("Message"), None, error.get("Code"), None, "err-200-code-msg")
        if isinstance(error, dict)
        else None
    )


def _header(p: dict[str, Any]) -> _Said | None:
    header = p.get("header")
    if isinstance(header, dict) and header.get("code") not in (0, None):
        return _Said(header.get("message"), None, header["code"], None, "err-200-code-msg")
    return None


def _aws(p: dict[str, Any]) -> _Said | None:
    kind = p.get("__type")
    if not isinstance(kind, str):
        return None
    return _Said(p.get("message") or p.get("Message") or kind, None, kind.rsplit("#", 1)[-1], None, "err-flat")


def _code_and_message(p: dict[str, Any]) -> _Said | None:
    """`{"code": n, "msg": …}` and its many spellings; a code of 0 or 200 is no error."""
    if "choices" in p or "usage" in p:
        return None
    said = _flat(p)
    code = said.code
    failed = p.get("error") is True or p.get("success") is False or "error" in (p.get("object"), p.get("type"))
    if said.message is p or not (
        failed or code not in (None, 0, "0", 200, "200", "") or set(p) <= {"message", "msg", "err"}
    ):
        return None
    return said


def _flat(p: dict[str, Any]) -> _Said:
    """An object that is known to be an error and has no `error` in it; without any message it is the message."""
    message = next((p[k] for k in _MESSAGE_KEYS if isinstance(p.get(k), str) and p[k]), None)
    code = next((p[k] for k in _CODE_KEYS if p.get(k) is not None), None)
    kind = p.get("type") if p.get("type") != "error" else None
    fault = "err-flat" if "message" in p or message is None else "err-200-code-msg"
    return _Said(p if message is None else message, kind, code, p.get("param"), fault)


_MESSAGE_KEYS = (
    "message",
    "Message",
    "msg",
    "error_msg",
    "err_msg",
    "errmsg",
    "error_message",
    "html-message",
    "err",
    "status_msg",
)
_CODE_KEYS = ("code", "error_code", "errcode", "errno", "status_code", "statusCode", "status", "name")

_SHAPES: tuple[Callable[[dict[str, Any]], _Said | None], ...] = (
    _base_resp,
    _detail,
    _errors_list,
    _fault,
    _tencent,
    _header,
    _aws,
    _code_and_message,
)
