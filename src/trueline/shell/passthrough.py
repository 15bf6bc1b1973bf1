"""Every other path of the API: bytes both ways as they come, whatever they are; only errors are made OpenAI's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ..errors import TruelineError, UpstreamError
from ..wire import jsonio, sse
from .exchange import Exchange
from .routes import Choice, Routes
from .upstream import Response, UpstreamClient

__all__ = ["pass_through"]

_BODYLESS = ("GET", "HEAD", "OPTIONS", "DELETE")


async def pass_through(
    exchange: Exchange,
    routes: Routes,
    host: str | None,
    path: str,
    client_for: Callable[[Choice], UpstreamClient],
) -> None:
    """Send the request on and stream the reply back; errors of the upstream are normalised."""
    client = exchange.client
    body, model, length = await _take_body(exchange)
    choice = routes.for_host(host) if host is not None else None
    if choice is None:
        choice = routes.for_model(model) if model is not None else routes.default()
    if choice.model is not None and isinstance(body, bytes):
        body = jsonio.encode({**jsonio.decode(body), "model": choice.model})
    response = await exchange.call(
        client_for(choice), choice, client.method, path + client.query, body, identity=False, client_length=length
    )
    if response.status >= 400:
        await exchange.refuse_error(response, choice.backend)
    await _stream_back(exchange, response)


async def _take_body(exchange: Exchange) -> tuple[bytes | AsyncIterator[bytes] | None, str | None, bytes | None]:
    """The body to send on, the model that it names, and its length where that is known before it is read."""
    client = exchange.client
    declared = client.header(b"content-length")
    chunked = client.header(b"transfer-encoding") is not None
    kind = (client.header(b"content-type") or b"").lower()
    if (declared in (None, b"0") and not chunked) or b"json" in kind:
        body = await client.read()
        exchange.watch()
        if not body:
            return (None if client.method in _BODYLESS else b""), None, None
        model = _model_of(body)
        exchange.model = model
        return body, model, None

    async def upload() -> AsyncIterator[bytes]:
        async for piece in client.body():
            yield piece

    return upload(), None, declared


def _model_of(body: bytes) -> str | None:
    try:
        value = jsonio.decode_strict(body)
    except jsonio.JSONError:
        return None
    model = value.get("model") if isinstance(value, dict) else None
    return model if isinstance(model, str) else None


async def _stream_back(exchange: Exchange, response: Response) -> None:
    client = exchange.client
    kind = response.header(b"content-type")
    headers = exchange.head(kind, response.headers)
    length = response.header(b"content-length")
    if length is not None:
        headers.append((b"content-length", length))
    exchange.status = response.status
    if client.body_read:
        exchange.watch()
    await client.start(response.status, headers)
    try:
        while data := await response.read():
            await client.write(data)
    except UpstreamError as error:
        await _end_cut(exchange, error, kind or b"", length)
        return
    exchange.unwatch()
    await client.end()


async def _end_cut(exchange: Exchange, error: TruelineError, kind: bytes, length: bytes | None) -> None:
    """A reply that was cut must not look complete: an error event in an event stream, else no end at all."""
    exchange.status = error.status
    exchange.unwatch()
    if kind.startswith(b"text/event-stream") and length is None:
        event = b"event: error\n" if exchange.client.path.endswith("/responses") else b""
        await exchange.client.end(event + sse.write(jsonio.encode(error.body())) + (b"" if event else sse.DONE))
