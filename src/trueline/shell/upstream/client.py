"""UpstreamClient: the pool, the dialler and the proxies put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from trueline.shell.upstream.call import Call, Request, ResponseSink
from trueline.shell.upstream.dial import AddressFilter, Dialler
from trueline.shell.upstream.headers import Headers, complete_head, prepare_head, render_head
from trueline.shell.upstream.options import Limits, Timeouts, TLSOptions
from trueline.shell.upstream.pool import Pool, Route
from trueline.shell.upstream.proxies import Proxies, Proxy
from trueline.shell.upstream.response import Response
from trueline.shell.upstream.target import Target
from trueline.shell.upstream.tls import DEFAULT_TLS

__all__ = ["Prepared", "UpstreamClient"]

_DEFAULT_LIMITS = Limits()
_DEFAULT_TIMEOUTS = Timeouts()


class Prepared(NamedTuple):
    """A request but for its body."""

    head: bytes
    route: Route
    timeouts: Timeouts


class UpstreamClient:
    """Talks to upstreams over kept-alive connections.  One per event loop; it may be made before the loop runs.

    `address_allowed` is asked for every IP address before it is connected to (not for addresses behind a proxy): the
    guard for hosts that requests choose.
    """

    def __init__(
        self,
        limits: Limits = _DEFAULT_LIMITS,
        *,
        proxies: Proxies | None = None,
        address_allowed: AddressFilter | None = None,
    ) -> None:
        self._limits = limits
        self._proxies = proxies
        self._pool = Pool(Dialler(limits, address_allowed), limits)

    async def request(
        self,
        method: str,
        target: Target,
        path: str,
        headers: Headers,
        body: bytes | AsyncIterator[bytes] | None = None,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        tls: TLSOptions | None = None,
    ) -> Response:
        """Send a request and wait for the head of the response; redirects are returned as they are.

        `path` (with its query) is appended to the target's base path as it is: `..` in it is the caller's to refuse.
        `host`, `content-length`, `transfer-encoding` and, where missing, `accept-encoding` are set here; hop-by-hop
        headers in `headers` are dropped.  An async iterator is sent in chunks, or as it is where `headers` give a
        content-length; it cannot be sent twice, so such a request is never retried.  Cancelling the request drops its
        connection; a response that is not read to its end must be closed.

        Raises:
            ValueError: the method, path or a header cannot be sent.
            UpstreamConnectError, UpstreamTLSError, UpstreamTimeoutError, UpstreamCutError, UpstreamFormatError.
            Exception: whatever the body iterator raises.
        """
        response = Response(self._limits, target.origin)
        call = self.start(method, target, path, headers, body, timeouts, tls, sink=response)
        await response.wait_for_head(call)
        return response

    def start(
        self,
        method: str,
        target: Target,
        path: str,
        headers: Headers,
        body: bytes | AsyncIterator[bytes] | None = None,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        tls: TLSOptions | None = None,
        *,
        sink: ResponseSink,
    ) -> Call:
        """As `request`, with the response and its errors going to `sink` by callbacks.

        Raises:
            ValueError: the method, path or a header cannot be sent.
        """
        streamed = body is not None and not isinstance(body, (bytes, bytearray, memoryview))
        content = b"" if body is None else body if streamed else bytes(body)  # type: ignore[arg-type]
        prefix, authorization, proxy = self._way(target)
        head = render_head(
            method,
            prefix,
            _whole_path(target, path),
            target.authority,
            headers,
            len(content) if body is not None and isinstance(content, bytes) else None,
            streamed=streamed,
            proxy_authorization=authorization,
        )
        request = Request(head, content, method == "HEAD")
        return self._call(_route(target, tls, proxy), request, timeouts, sink)

    def prepare(
        self,
        method: str,
        target: Target,
        path: str,
        headers: Headers,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        tls: TLSOptions | None = None,
    ) -> Prepared:
        """What requests have in common that differ in their bodies alone, for `start_prepared`.

        Raises:
            ValueError: the method, path or a header cannot be sent.
        """
        prefix, authorization, proxy = self._way(target)
        where = _whole_path(target, path)
        head = prepare_head(method, prefix, where, target.authority, headers, proxy_authorization=authorization)
        return Prepared(head, _route(target, tls, proxy), timeouts)

    def start_prepared(self, prepared: Prepared, more: bytes, body: bytes, *, sink: ResponseSink) -> Call:
        """As `start`; `more`: header lines, each with CR LF before it, that are known to be well-formed."""
        head, route, timeouts = prepared
        request = Request(complete_head(head, more, len(body)), body, False)
        call = Call(self._pool, route, request, timeouts, self._limits, sink)
        call.start()
        return call

    def _way(self, target: Target) -> tuple[str, bytes | None, Proxy | None]:
        """What the request line begins with, and what a proxy is told, where there is one."""
        proxy = None if self._proxies is None else self._proxies.for_target(target)
        if proxy is not None and target.scheme == "http":
            return "http://" + target.authority, proxy.authorization, proxy
        return "", None, proxy

    def _call(self, route: Route, request: Request, timeouts: Timeouts, sink: ResponseSink) -> Call:
        call = Call(self._pool, route, request, timeouts, self._limits, sink)
        call.start()
        return call

    async def close(self) -> None:
        """Drop all connections; calls that are running end with an error."""
        self._pool.close()
        await asyncio.sleep(0)  # the transports close in the loop's next turn


def _whole_path(target: Target, path: str) -> str:
    if path[:1] not in ("", "/", "?"):
        raise ValueError("the path must start with a slash")
    whole = target.base_path + path
    return whole if whole[:1] == "/" else "/" + whole


def _route(target: Target, tls: TLSOptions | None, proxy: Proxy | None) -> Route:
    return Route.to(target, (tls or DEFAULT_TLS) if target.scheme == "https" else None, proxy)
