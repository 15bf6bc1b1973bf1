"""UpstreamClient: the pool, the dialler and the proxies put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from trueline.shell.upstream.call import Call, Request, ResponseSink
from trueline.shell.upstream.dial import AddressFilter, Dialler
from trueline.shell.upstream.headers import Headers, render_head
from trueline.shell.upstream.options import Limits, Timeouts, TLSOptions
from trueline.shell.upstream.pool import Pool, Route
from trueline.shell.upstream.proxies import Proxies
from trueline.shell.upstream.response import Response
from trueline.shell.upstream.target import Target
from trueline.shell.upstream.tls import DEFAULT_TLS

__all__ = ["UpstreamClient"]

_DEFAULT_LIMITS = Limits()
_DEFAULT_TIMEOUTS = Timeouts()


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
        proxy = None if self._proxies is None else self._proxies.for_target(target)
        prefix, authorization = "", None
        if proxy is not None and target.scheme == "http":
            prefix, authorization = "http://" + target.authority, proxy.authorization
        streamed = body is not None and not isinstance(body, (bytes, bytearray, memoryview))
        content = b"" if body is None else body if streamed else bytes(body)  # type: ignore[arg-type]
        if path[:1] not in ("", "/", "?"):
            raise ValueError("the path must start with a slash")
        whole_path = target.base_path + path
        if whole_path[:1] != "/":
            whole_path = "/" + whole_path
        head = render_head(
            method,
            prefix,
            whole_path,
            target.authority,
            headers,
            len(content) if body is not None and isinstance(content, bytes) else None,
            streamed=streamed,
            proxy_authorization=authorization,
        )
        secure = (tls or DEFAULT_TLS) if target.scheme == "https" else None
        call = Call(
            self._pool,
            Route.to(target, secure, proxy),
            Request(head, content, method == "HEAD"),
            timeouts,
            self._limits,
            sink,
        )
        call.start()
        return call

    async def close(self) -> None:
        """Drop all connections; calls that are running end with an error."""
        self._pool.close()
        await asyncio.sleep(0)  # the transports close in the loop's next turn
