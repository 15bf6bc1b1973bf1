"""The upstream HTTP/1.1 client: pooled, exact about where a reply ends, and cheap.

    client    UpstreamClient: composition, the one public entrance
    target    Target: where an upstream lives             options   Timeouts, Limits, TLSOptions
    proxies   which requests go through which proxy       headers   request heads out, response heads in
    dial      DNS, TCP, CONNECT, TLS                      tls       contexts, and what a failed check means
    pool      idle connections, per origin                connection  one socket: parsing, framing, back-pressure
    call      one exchange: timers, decoding, retry       upload    request bodies
    decoding  gzip, deflate, br, zstd in bounded pieces   response  the awaitable face of a call

The core is callbacks: bytes go from the socket to a `ResponseSink` without a task switch.  `Response` is a sink that
can be awaited.  Nothing here knows what the bytes mean, follows a redirect, reads the environment or logs.
"""

from __future__ import annotations

from trueline.shell.upstream.call import Call, ResponseSink
from trueline.shell.upstream.client import UpstreamClient
from trueline.shell.upstream.options import Limits, Timeouts, TLSOptions
from trueline.shell.upstream.proxies import Proxies, Proxy
from trueline.shell.upstream.response import Response
from trueline.shell.upstream.target import Target

__all__ = [
    "Call",
    "Limits",
    "Proxies",
    "Proxy",
    "Response",
    "ResponseSink",
    "TLSOptions",
    "Target",
    "Timeouts",
    "UpstreamClient",
]
