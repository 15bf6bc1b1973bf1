"""A proxy that does nothing for its client: the least that one on the same loop and the same parser can cost.

Requests are parsed and decoded, whole replies decoded and encoded again, streams passed as they come.  It has no
limits, no timeouts and no errors: it is a measure, not a gateway.

    python -m bench.floor PORT UPSTREAM_PORT
"""

from __future__ import annotations

import asyncio
import sys

import httptools
import msgspec
import uvloop

__all__: list[str] = []

idle: list[Upstream] = []


class Upstream(asyncio.Protocol):
    """A connection that is used again."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.client: asyncio.Transport | None = None
        self.body: list[bytes] = []
        self.chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        client = self.client
        self.parser.feed_data(data)
        if self.chunked and client is not None:
            client.write(data)

    def on_message_begin(self) -> None:
        self.chunked = False
        self.body = []

    def on_header(self, name: bytes, _: bytes) -> None:
        self.chunked = self.chunked or name.lower() == b"transfer-encoding"

    def on_body(self, body: bytes) -> None:
        if not self.chunked:
            self.body.append(body)

    def on_message_complete(self) -> None:
        client, self.client = self.client, None
        if client is not None and not self.chunked:
            body = msgspec.json.encode(msgspec.json.decode(b"".join(self.body)))
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            client.write(head + body)
        idle.append(self)


class Client(asyncio.Protocol):
    """A connection to a client."""

    def __init__(self, upstream_port: int) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.upstream_port = upstream_port
        self.upstream: Upstream | None = None
        self.url = b""
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self.upstream is not None and self.upstream.client is self.transport:
            self.upstream.client = None
            self.upstream.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        pass

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        body, self.body = b"".join(self.body), []
        if self.url == b"/health":
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            return
        msgspec.json.decode(body)
        head = b"POST %b HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        request = head % (self.url, len(body)) + body
        while idle:
            upstream = idle.pop()
            if not upstream.transport.is_closing():
                self.send(upstream, request)
                return
        asyncio.get_running_loop().create_task(self.dial(request))

    def send(self, upstream: Upstream, request: bytes) -> None:
        self.upstream = upstream
        upstream.client = self.transport
        upstream.transport.write(request)

    async def dial(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_connection(Upstream, "127.0.0.1", self.upstream_port)
        self.send(upstream, request)


async def main(port: int, upstream_port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Client(upstream_port), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
