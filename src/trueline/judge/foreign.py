"""What a JSON value is that should have been a chat reply: an error, a wrapped one, or another API's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .findings import Docket
from .schema import ABSENT

__all__ = ["error_key", "foreign_key", "says_nothing", "unwrapped"]

Json = dict[str, Any]

_WRAPPERS = ("result", "data", "response", "output")
_MESSAGES = ("message", "msg", "error_msg", "error_message", "errmsg", "detail", "fault", "errors")
_CODES = ("code", "error_code", "errcode", "errno", "status", "success", "detail", "fault")
_ANTHROPIC = ("message", "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
              "content_block_stop")  # fmt: skip


def _text_of(obj: Json, name: str) -> str:
    value = obj.get(name)
    return value if isinstance(value, str) else ""


_FOREIGN: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("responses-shape-on-chat",
     lambda o: o.get("object") == "response" or _text_of(o, "type").startswith("response.")),
    ("native-shape", lambda o: _text_of(o, "type") in _ANTHROPIC),
    ("native-shape", lambda o: "candidates" in o or "usageMetadata" in o or "promptFeedback" in o),
    ("native-shape", lambda o: "done" in o and ("message" in o or "response" in o)),
    ("native-shape", lambda o: "stopReason" in o and "output" in o),
    ("native-shape", lambda o: "generated_text" in o or "generation" in o or "completion" in o),
    ("native-shape", lambda o: isinstance(o.get("message"), dict) and "content" in o["message"]),
    ("images-shape-on-chat",
     lambda o: isinstance(o.get("data"), list) and any(isinstance(d, dict) and d.keys() & {"url", "b64_json"}
                                                       for d in o["data"])),
)  # fmt: skip


def foreign_key(obj: Json) -> str | None:
    """The finding for an object of another API; None where it may be a chat reply."""
    if isinstance(obj.get("choices"), list):
        return None
    return next((key for key, test in _FOREIGN if test(obj)), None)


def unwrapped(docket: Docket, obj: Json, where: str = "") -> Json:
    """The reply inside a wrapper, which is noted; the object itself where there is none."""
    if "choices" in obj:
        return obj
    for name in _WRAPPERS:
        inner = obj.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("choices"), list):
            docket.note("envelope-wrapped", where, list(obj))
            return inner
    return obj


def says_nothing(error: Any) -> bool:
    """Whether an `error` names no failure: null, {}, or a code 0 with no message."""
    if isinstance(error, dict):
        return not any(error.values())
    return not error


def error_key(obj: Json) -> str | None:
    """The finding for an object under status 200 that is an error; None where it is none."""
    error = obj.get("error", ABSENT)
    if error is not ABSENT and not says_nothing(error):
        if isinstance(error, str) and "unexpected endpoint" in error.lower():
            return "err-unknown-endpoint-200"
        nulls = "choices" in obj and all(value is None for name, value in obj.items() if name != "error")
        return "envelope-all-null" if nulls else "err-in-200-body"
    if any(obj.get(name) for name in ("choices", "data", "usage", "b64_json")):
        return None
    base = obj.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return "err-200-baseresp"
    if obj.get("type") == "error" or obj.get("object") == "error":
        return "err-in-200-body"
    if any(obj.get(name) for name in _MESSAGES) and any(name in obj for name in _CODES):
        return "err-200-code-msg"
    return None
