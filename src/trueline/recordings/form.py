"""The file of one recorded exchange: JSON, bodies as text where they are text, with the reads that they came in.

    {"trueline_recording": 1, "id": …, "at": "2025-11-03T10:15:00.123Z", "ms": 812.4,
     "request": {"method", "path", "headers", "body"},            the client's
     "calls":   [{"upstream", "method", "path", "headers", "body",
                  "status", "reply_headers", "reply", "head_ms", "end", "why"}],
     "reply":   {"status", "headers", "body"},                    as it left
     "faults":  {id: count}, "error": code or null, "format": {…}}

A body is `{"text" or "base64", "size", "reads": [[ms, bytes], …], "truncated"}`: milliseconds since the exchange began,
and the bytes of each read.  `size` is what there was; `truncated` bodies hold the beginning only.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

import msgspec

from .scrub import scrub_body, scrub_header

__all__ = [
    "VERSION",
    "Body",
    "Call",
    "Ending",
    "Recording",
    "RecordingError",
    "Request",
    "Sent",
    "headers_of",
    "read_recording",
]

VERSION = 1
OVERLAP = 1024
"""Bytes beyond a limit that are still looked at, so that no half of a key is kept."""

Headers = list[tuple[str, str]]
Ending = Literal["complete", "cut", "left"]
"""How an upstream's reply ended: by itself, by a failure, or because it was not wanted any more."""


class RecordingError(ValueError):
    """A file that says that it is a recording, and cannot be read; the message says why."""


class Body(msgspec.Struct, omit_defaults=True):
    """The bytes of one direction."""

    size: int = 0
    text: str | None = None
    base64: str | None = None
    reads: list[tuple[float, int]] = []
    truncated: bool = False

    @classmethod
    def of(
        cls,
        data: bytes,
        reads: Sequence[tuple[float, int]] = (),
        *,
        limit: int,
        secrets: Collection[bytes] = (),
        size: int | None = None,
    ) -> Body:
        """The body to keep of `data`: without secrets, and no more than `limit` bytes of it.

        `data` may itself be the beginning of `size` bytes; it is best when it goes `OVERLAP` beyond the limit.
        """
        marks: list[int] = []
        at = 0
        for _, length in reads:
            at += length
            marks.append(min(at, len(data)))
        whole = len(data) if size is None else size
        clean, moved = scrub_body(data, secrets, marks)
        truncated = len(data) < whole or len(clean) > limit
        clean = _cut(clean, limit)
        kept: list[tuple[float, int]] = []
        begun = 0
        for (ms, _), end in zip(reads, moved, strict=True):
            end = min(end, len(clean))
            if end > begun:
                kept.append((round(ms, 3), end - begun))
                begun = end
        text = _text(clean)
        coded = b64encode(clean).decode() if text is None else None
        return cls(whole, text, coded, kept, truncated)

    @property
    def data(self) -> bytes:
        """The bytes.  Raises RecordingError."""
        if self.text is not None:
            return self.text.encode()
        try:
            return b64decode(self.base64 or "", validate=True)
        except ValueError:
            raise RecordingError("a body in it is no base64") from None

    @property
    def pieces(self) -> list[bytes]:
        """The bytes, read by read.  Raises RecordingError."""
        data, pieces, at = self.data, [], 0
        for _, length in self.reads:
            pieces.append(data[at : at + length])
            at += length
        pieces.append(data[at:])
        return [piece for piece in pieces if piece]


def _cut(data: bytes, limit: int) -> bytes:
    """`data`, no longer than the limit, and not cut within a character."""
    if len(data) <= limit:
        return data
    while limit and data[limit] & 0xC0 == 0x80:
        limit -= 1
    return data[:limit]


def _text(data: bytes) -> str | None:
    """The text that becomes these bytes again."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


class Request(msgspec.Struct, omit_defaults=True):
    """What was asked."""

    method: str = "GET"
    path: str = "/"
    headers: Headers = []
    body: Body = msgspec.field(default_factory=Body)


class Sent(msgspec.Struct, omit_defaults=True):
    """What the client was sent."""

    status: int = 0
    headers: Headers = []
    body: Body = msgspec.field(default_factory=Body)


class Call(msgspec.Struct, omit_defaults=True):
    """One request to an upstream, and its reply: `body` went, `reply` came."""

    upstream: str = ""
    method: str = "GET"
    path: str = "/"
    """Behind the upstream's base URL."""
    headers: Headers = []
    body: Body = msgspec.field(default_factory=Body)
    status: int = 0
    """0: there was no reply."""
    reply_headers: Headers = []
    reply: Body = msgspec.field(default_factory=Body)
    head_ms: float = 0.0
    """Milliseconds from the request to the head of the reply."""
    end: Ending = "complete"
    why: str = ""
    """What cut it."""


class Recording(msgspec.Struct):
    """One exchange."""

    trueline_recording: int = VERSION
    id: str = ""
    at: str = ""
    """When it began: UTC, ISO 8601."""
    ms: float = 0.0
    request: Request = msgspec.field(default_factory=Request)
    calls: list[Call] = []
    reply: Sent = msgspec.field(default_factory=Sent)
    faults: dict[str, int] = {}
    error: str | None = None
    """The code of the error that the exchange ended in."""
    format: dict[str, Any] = {}
    """The format settings that it was mended by."""

    @property
    def call(self) -> Call | None:
        """The call that the reply comes from: the first one that was answered.  Later ones fetched pictures."""
        return next((call for call in self.calls if call.status), None)

    def encode(self) -> bytes:
        """The content of its file."""
        return msgspec.json.encode(self) + b"\n"


def read_recording(data: bytes) -> Recording | None:
    """The recording in a file; None for a file that is none.  Raises RecordingError: it is one, and broken."""
    if data[:1] != b"{" or b'"trueline_recording"' not in data[:200]:
        return None
    try:
        recording = msgspec.json.decode(data, type=Recording)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"it is no whole recording: {error}") from None
    if recording.trueline_recording != VERSION:
        raise RecordingError(f"it is of form {recording.trueline_recording}; this Trueline reads form {VERSION}")
    return recording


def headers_of(pairs: Iterable[tuple[bytes, bytes]], secrets: Collection[bytes] = ()) -> Headers:
    """Headers as they are kept: names lower-case, no secrets."""
    texts = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)
    return [(name, scrub_header(name, value, secrets)) for name, value in texts]
