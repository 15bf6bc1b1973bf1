"""Streamed images: `image_generation.*` and `image_edit.*` events, `event` line and all (rules.md F4 and G)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import TruelineError, UpstreamFormatError
from ...messages import ImageRequest
from ...mint import Mint
from ...pictures import format_of, size_of
from ...wire import jsonio, sse
from ..error_bodies import error_in
from .meta import in_event, is_image_usage, known_of_event
from .reader import ImageReply, read_picture

__all__ = ["ImageEvents"]

Fields = dict[str, Any]

_TYPES = (
    "image_generation.partial_image",
    "image_generation.completed",
    "image_edit.partial_image",
    "image_edit.completed",
)

_NO_USAGE: Fields = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}
"""The schema requires a usage; `x_trueline: unknown` beside it says that nobody counted."""

_DEFAULTS = {"size": "auto", "quality": "auto", "background": "auto", "output_format": "png"}
"""What the schema requires of a picture, where neither it nor the request says more."""
_SEEN = {"size": size_of, "output_format": format_of}


class ImageEvents:
    """`read(payload) -> bytes` for each event of one stream; `finished` once a picture was completed."""

    def __init__(self, request: ImageRequest, mint: Mint, note: Callable[[str], None], keep: bool = True) -> None:
        self._request = request
        self._keep = keep  # fields that OpenAI does not have
        self._created = mint.now()
        self._note = note
        self._partial = 0
        self.finished = False

    def read(self, payload: Any, event: bytes | None) -> bytes | TruelineError:
        """The event to send on, b"" for what is none, or the error that it carries."""
        error = error_in(payload, event)
        if error is not None:
            return error
        if not isinstance(payload, dict):
            self._note("null-chunk" if payload is None else "non-chunk-object")
            return b""
        kind = payload.get("type") or (event or b"").decode("utf-8", "replace")
        picture = read_picture(payload, self._note)
        if kind not in _TYPES or (picture is None and kind.endswith(".partial_image")):
            self._note("non-chunk-object")
            return b""
        if picture is None:
            return UpstreamFormatError(
                "The upstream completed a picture and did not send it.", faults=("img-both-null",)
            )
        if kind.endswith(".completed"):
            self.finished = True
        elif self.finished:
            self._note("data-after-done")
            return b""
        if "type" in payload and payload["type"] != kind:
            self._note("img-meta-null")
        body = {"type": kind, **{name: value for name, value in payload.items() if name != "type"}, "b64_json": picture}
        if "error" in body:
            self._note("error-key-on-success")
            del body["error"]
        return self._write(kind, body)

    def from_whole(self, reply: ImageReply) -> bytes | TruelineError:
        """A whole reply to a stream request, as completed events (`img-stream-events`)."""
        self._note("img-stream-events")
        out = b""
        for image in reply.images:
            if image.b64_json is None:
                return UpstreamFormatError("The upstream answered the stream request with the URL of a picture.")
            kind = "image_generation.completed"
            body: Fields = {"type": kind, "b64_json": image.b64_json}
            if reply.created:
                body["created_at"] = reply.created
            for name in ("size", "quality", "background", "output_format", "usage"):
                if name in reply.extras:
                    body[name] = reply.extras[name]
            out += self._write(kind, body)
        self.finished = True
        return out

    def _write(self, kind: str, body: Fields) -> bytes:
        if type(body.get("created_at")) is not int:
            self._note("img-created-missing")
            body["created_at"] = self._created
        for name, default in _DEFAULTS.items():
            if not in_event(name, body.get(name)):
                self._note("img-meta-null")
                asked = self._request.body.get(name)
                seen = _SEEN[name](body["b64_json"]) if name in _SEEN else None
                body[name] = seen or (asked if in_event(name, asked) else default)
        if not in_event("safety_identifier", body.get("safety_identifier")):
            self._note("extra-foreign-type")
            body["upstream_safety_identifier"] = body.pop("safety_identifier")
        if kind.endswith(".partial_image") and type(body.get("partial_image_index")) is not int:
            self._note("img-meta-null")
            body["partial_image_index"] = self._partial
        self._partial += kind.endswith(".partial_image")
        if kind.endswith(".completed") and not is_image_usage(body.get("usage")):
            self._note("usage-missing-stream")
            body["usage"] = {**_NO_USAGE, "x_trueline": "unknown"}
        if not self._keep:
            given, body = body, known_of_event(body)
            if body != given:
                self._note("extra-fields")
        return b"event: " + kind.encode() + b"\n" + sse.write(jsonio.encode(body))
