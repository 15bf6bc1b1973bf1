"""Every other path of the API: bytes both ways as they come, whatever they are; only errors are made OpenAI's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from ..dialects.error_bodies import error_in
from ..errors import UpstreamReplyError
from ..pipeline import Passed
from ..wire import jsonio
from .awaited import AwaitedExchange
from .headers import pairs_of
from .routes import Choice, Routes
from .translated import not_spoken
from .upstream import Response, UpstreamClient

__all__ = ["pass_through"]

_BODYLESS = ("GET", "HEAD", "OPTIONS", "DELETE")
_NEVER_A_BODY = (204, 304)
_JSON = b"application/json"
MAX_ERROR = 16 * 1024
"""Bytes up to which a JSON body may turn out to be an error under status 200."""


async def pass_through(
    exchange: AwaitedExchange,
    routes: Routes,
    host: str | None,
    path: str,
    client_for: Callable[[Choice], UpstreamClient],
) -> None:
    """Send the request on and stream the reply back; errors of the upstream are normalised."""
    client = exchange.client
    body = await _take_body(exchange)
    exchange.model = body.model
    choice = routes.for_host(host) if host is not None else None
    if choice is None:
        choice = routes.for_model(body.model) if body.model is not None else routes.default()
    if choice.backend.dialect != "openai":
        raise not_spoken(choice.backend, f"{client.method} /v1{path}")
    content = body.content
    if choice.model is not None and body.fields is not None:
        content = jsonio.encode({**body.fields, "model": choice.model})
    response = await exchange.call(
        client_for(choice),
        choice,
        client.method,
        path + client.query,
        content,
        identity=body.streams or b"event-stream" in (client.header(b"accept") or b""),
        content_type=_JSON if body.mislabelled else None,
        client_length=body.length,
    )
    exchange.options = choice.backend.options
    if response.status >= 400:
        await exchange.refuse_error(response, choice.backend)
    start = b""
    if _may_be_error(response):
        start = await response.read_all(MAX_ERROR)
        found = _error_instead(start)
        if found is not None:
            error = exchange.upstream_error(found.status, start, choice.backend)
            error.faults = tuple(dict.fromkeys((*(found.faults or ("err-in-200-body",)), *error.faults)))
            raise error
    await _stream_back(exchange, response, start)


def _may_be_error(response: Response) -> bool:
    """Is it a short JSON body?  An error under status 200 is one, and to wait for it delays nobody."""
    length = response.header(b"content-length") or b""
    kind = response.header(b"content-type") or b""
    return length.isdigit() and 0 < int(length) <= MAX_ERROR and kind.lower().startswith(_JSON)


def _error_instead(body: bytes) -> UpstreamReplyError | None:
    """The error that came under status 200 where a reply belongs.

    An object with an id is a reply, such as a job that failed; so is whatever has no error in it, or no failing code.
    """
    try:
        payload = jsonio.decode_strict(body)
    except jsonio.JSONError:
        return None
    if not isinstance(payload, dict) or payload.get("id") or payload.get("object") not in (None, "error"):
        return None
    code = payload.get("code")
    failed = isinstance(code, int) and 400 <= code < 600
    return error_in(payload) if failed or payload.get("error") or payload.get("base_resp") else None


class _Body(NamedTuple):
    """What is sent on, and what is known of it."""

    content: bytes | AsyncIterator[bytes] | None
    length: bytes | None = None
    """The content-length of an upload that is not read here."""
    fields: dict[str, Any] | None = None
    """The JSON object in it."""
    mislabelled: bool = False
    """It is JSON under curl's default content type."""

    @property
    def model(self) -> str | None:
        model = self.fields.get("model") if self.fields else None
        return model if isinstance(model, str) else None

    @property
    def streams(self) -> bool:
        return bool(self.fields and self.fields.get("stream"))


async def _take_body(exchange: AwaitedExchange) -> _Body:
    client = exchange.client
    declared = client.header(b"content-length")
    kind = (client.header(b"content-type") or b"").lower()
    form = kind.startswith(b"application/x-www-form-urlencoded")
    if (declared in (None, b"0") and client.header(b"transfer-encoding") is None) or b"json" in kind or form:
        body = await exchange.body()
        if not body:
            return _Body(None if client.method in _BODYLESS else b"")
        fields = _fields_of(body)
        return _Body(body, None, fields, form and fields is not None)

    async def upload() -> AsyncIterator[bytes]:
        async with aclosing(client.body()) as pieces:
            async for piece in pieces:
                yield piece
        exchange.watch()

    return _Body(upload(), declared)


def _fields_of(body: bytes) -> dict[str, Any] | None:
    try:
        value = jsonio.decode_strict(body)
    except jsonio.JSONError:
        return None
    return value if isinstance(value, dict) else None


async def _stream_back(exchange: AwaitedExchange, response: Response, start: bytes = b"") -> None:
    """Send the reply on; `start` has been read of it."""
    client = exchange.client
    kind = response.header(b"content-type")
    length = response.header(b"content-length") if response.status not in _NEVER_A_BODY else None
    headers = pairs_of(exchange.head(kind, same_body=True))
    if length is not None:
        headers.append((b"content-length", length))
    exchange.status = response.status
    passed = exchange.pipe = Passed(kind or b"", length is None, client.path)
    await client.start(response.status, headers)
    while data := start or await response.read():
        start = b""
        passed.feed(data)
        exchange.received += len(data)
        await client.write(data)
    exchange.unwatch()
    await client.end()
