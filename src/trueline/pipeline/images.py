"""Image replies, streamed and whole."""

from __future__ import annotations

from typing import Any

from ..context import FormatOptions
from ..dialects.error_bodies import error_in, without_secrets
from ..dialects.openai_images import (
    ImageEvents,
    ImageReply,
    mend_form,
    read_payload,
    read_whole,
    supply,
    wanted_form,
    write_whole,
)
from ..dialects.sharper import sharpen
from ..errors import TruelineError, UpstreamCutError, UpstreamReplyTooLargeError
from ..faults import LEFT_ALONE
from ..messages import ImageRequest
from ..mint import Mint
from ..wire import jsonio, sse
from .base import MAX_REPLY, OwesNothing, begins_blank

__all__ = ["ImageStream", "WholeImages"]

_MAX_CREATED = 1e11
_NO_DATE = 1e20
_TELLING = 16
"""Bytes after which a body without a colon or a newline cannot begin with a field of an event stream."""


_USUAL = frozenset(
    (
        *("img-created-missing", "img-url-when-b64", "img-b64-when-url", "img-data-prefix"),
        *("img-stream-events", "img-meta-null", "usage-missing-stream"),
    )
)
"""Faults of OpenAI's format that are the own form of APIs that make pictures: of those they are not noted."""


class _Images(OwesNothing):
    def __init__(self, options: FormatOptions, translated: bool = False) -> None:
        self._options = options
        self.error: TruelineError | None = None
        self.done = False
        self.faults: dict[str, int] = {}
        self.upstream_id: str | None = None
        self.secrets: tuple[str, ...] = ()
        self._body: list[bytes] = []
        self._size = 0
        self._usual = _USUAL if translated else frozenset()
        self._payload: Any = None

    def take(self, payload: Any) -> None:
        """A whole reply that was read already, in place of its bytes."""
        self._payload = payload

    def note(self, fault: str) -> None:
        if fault in self._usual:
            return
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def release(self) -> None:
        """See Pipeline."""

    def _keep(self, data: bytes) -> None:
        self._body.append(data)
        self._size += len(data)
        if self._size > MAX_REPLY:
            self._fail(UpstreamReplyTooLargeError(f"The upstream's reply is larger than {MAX_REPLY} bytes."))

    def _fail(self, error: TruelineError) -> bytes:
        sharpen(error, self._options.options)
        for fault in error.faults:
            self.note(fault)
        self.error = error
        self.done = True
        return b""

    def _mend_created(self, reply: ImageReply, mint: Mint) -> None:
        created = reply.created
        if type(created) in (int, float) and 0 < created < _NO_DATE:
            if created > _MAX_CREATED:
                self.note("created-ms")
                created /= 1000 if created < _MAX_CREATED * 1000 else 1e6
            elif isinstance(created, float):
                self.note("created-float")
            reply.created = int(created)
            return
        self.note("img-created-missing")
        reply.created = mint.now()


class WholeImages(_Images):
    """An image reply as one JSON object.

    Pictures that came as a URL where base64 was asked for are listed in `missing` after `close`, which then returns
    nothing: the caller fetches each, hands it to `supply`, and takes the reply from `finish`.
    """

    content_type = b"application/json"

    def __init__(self, request: ImageRequest, mint: Mint, options: FormatOptions, translated: bool = False) -> None:
        super().__init__(options, translated)
        self._request = request
        self._mint = mint
        self._reply = ImageReply(None, [], {})
        self._raw = b""
        self.missing: list[str] = []

    def feed(self, data: bytes) -> bytes:
        if not self.done:
            self._keep(data)
        return b""

    def close(self, cut: TruelineError | None = None) -> bytes:
        if self.done:
            return b""
        self.done = True
        if cut is not None:
            return self._fail(cut)
        reply = self._read() if self._payload is None else read_payload(self._payload, self.note)
        if isinstance(reply, TruelineError):
            if self._raw.strip() and (reply.status != 502 or not reply.code):
                self.note("err-in-200-body")
            return self._fail(reply)
        if len(reply.images) < self._request.n and "img-partial-n" not in self.faults:
            self.note("img-partial-n")
        self._reply = reply
        self._mend_created(reply, self._mint)
        form = wanted_form(self._request, self._options.off)
        for image in reply.images:
            url = mend_form(image, form, self.note)
            if url is not None:
                self.missing.append(url)
        return b"" if self.missing else self.finish()

    def _read(self) -> ImageReply | TruelineError:
        self._raw = b"".join(self._body)
        self._body = []
        if not self._raw.strip():
            return UpstreamCutError("The upstream's reply is empty.", code="upstream_empty_reply")
        if begins_blank(self._raw):
            self.note("leading-blank-lines")
        return read_whole(self._raw, self.note)

    def supply(self, url: str, data: bytes) -> None:
        """The bytes behind one of the `missing` URLs."""
        for image in self._reply.images:
            if image.url == url and image.b64_json is None:
                supply(image, data, self.note)

    def finish(self) -> bytes:
        """The reply, once nothing is missing; it is kept no longer."""
        body = write_whole(self._reply, self._request, self._options, self.note)
        exact = (
            bool(self._raw)
            and self.faults.keys() <= LEFT_ALONE
            and jsonio.same(body, self._reply.payload, len(self._raw))
        )
        out = self._raw if exact else jsonio.encode(body)
        self._raw, self._reply, self._payload = b"", ImageReply(None, [], {}), None
        return out


class ImageStream(_Images):
    """An image generation for a client that asked for events."""

    content_type = b"text/event-stream; charset=utf-8"

    def __init__(self, request: ImageRequest, mint: Mint, options: FormatOptions, translated: bool = False) -> None:
        super().__init__(options, translated)
        self._mint = mint
        self._sse = sse.SSEReader(self._noted)
        self._wanted = request.n
        self._events = ImageEvents(request, mint, self.note, options.extras == "keep")
        self._written = False
        self._failed = False
        self._whole: bool | None = None

    def _noted(self, fault: str) -> None:
        if fault != "sse-event-line":  # image streams do carry event lines (rules.md F4)
            self.note(fault)

    def feed(self, data: bytes) -> bytes:
        if self.done:
            self._drop(data)
            return b""
        if self._whole is None:
            start = b"".join((*self._body, data)).lstrip()
            if len(start) < _TELLING and b"\n" not in start and b":" not in start:
                self._body = [start]
                return b""
            self._whole = not sse.looks_like_sse(start)
            data, self._body = start, []
        if self._whole:
            self._keep(data)
            return b""
        try:
            return self._take(self._sse.feed(data))
        except UpstreamReplyTooLargeError as error:
            return self._answer(error)

    def _drop(self, data: bytes) -> None:
        """What comes behind the end is not answered, and what is wrong with it is counted wherever it was cut."""
        try:
            if self._whole is False:
                self._sse.feed(data)
        except UpstreamReplyTooLargeError:
            pass  # the client has its answer

    def close(self, cut: TruelineError | None = None) -> bytes:
        if self.done:
            return b""
        if self._whole is not False:
            return self._answer(cut) if cut is not None else self._close_whole()
        out = self._take(self._sse.close())
        if self._failed:
            return out
        if self._events.finished and cut is None:
            self.done = True
            return out
        cut = cut or UpstreamCutError(
            "The upstream's reply was cut: no picture was completed.", faults=("eof-truncated",)
        )
        return out + self._answer(cut)

    def _close_whole(self) -> bytes:
        body = b"".join(self._body)
        if self._payload is not None:
            reply = read_payload(self._payload, self.note)
        elif not body.strip():
            return self._answer(UpstreamCutError("The upstream's reply is empty.", code="upstream_empty_reply"))
        else:
            reply = read_whole(body, self.note)
        if isinstance(reply, TruelineError):
            if reply.status != 502 or not reply.code:
                self.note("err-in-200-body")
            return self._answer(reply)
        if self._payload is not None and len(reply.images) < self._wanted and "img-partial-n" not in self.faults:
            self.note("img-partial-n")
        self._mend_created(reply, self._mint)
        out = self._events.from_whole(reply)
        if isinstance(out, TruelineError):
            return self._answer(out)
        self.done = self._written = True
        return out

    def _take(self, frames: list[sse.Frame]) -> bytes:
        out: list[bytes] = []
        for frame in frames:
            data = frame.data.strip()
            if not data or data[:6] == b"[DONE]":
                self.note("done-variants" if data else "sse-empty-data")
                continue
            try:
                payload: Any = jsonio.decode(data, self.note)
            except jsonio.JSONError:
                self.note("sse-non-json-data")
                error = error_in(data[:2000].decode("utf-8", "replace"), frame.event)
                if error is not None:
                    out.append(self._answer(error))
                    break
                continue
            written = self._events.read(payload, frame.event)
            if isinstance(written, TruelineError):
                out.append(self._answer(written))
                break
            self._written = self._written or bool(written)
            out.append(written)
        return b"".join(out)

    def _answer(self, error: TruelineError) -> bytes:
        self._failed = True
        if not self._written:
            return self._fail(error)
        sharpen(error, self._options.options)
        for fault in error.faults:
            self.note(fault)
        self.done = True
        error.message = without_secrets(error.message, self.secrets)
        return b"event: error\n" + sse.write(jsonio.encode(error.body()))
