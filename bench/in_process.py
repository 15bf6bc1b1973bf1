"""The native server in process, between a client and an upstream whose transports only remember what they are given.

What is left is all that Trueline itself does.  Imports Trueline.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from trueline.settings import load_settings
from trueline.shell.app import create_app
from trueline.shell.native import NativeProtocol

__all__ = ["Gateway", "Loop", "chunked"]


class Wire(asyncio.Transport):
    """A transport that takes everything at once."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.written: list[bytes] = []
        self.over = asyncio.Event()
        """What was expected has been written."""
        self.closed = False
        self._last = b""

    def expect(self, last: bytes) -> None:
        """Forget what was written, and wait for something that ends so."""
        self.written.clear()
        self.over.clear()
        self._last = last

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        if self.written[-1].endswith(self._last):
            self.over.set()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = pause_reading


class Loop(asyncio.SelectorEventLoop):
    """Connects to nobody, but for one upstream."""

    upstream: Any = None
    wire = Wire()

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """See asyncio: at once."""

    async def create_connection(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:
        """See asyncio."""
        sock.close()
        self.upstream = protocol_factory()
        self.upstream.connection_made(self.wire)
        return self.wire, self.upstream


class Gateway:
    """Trueline as it is served, with one client's connection."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        app = create_app(load_settings({"upstream": "http://127.0.0.1:9/v1", "log_level": "warning"}, {}, None))
        config = uvicorn.Config(app, http=NativeProtocol, ws="none", proxy_headers=False, log_config=None)
        config.load()
        self._lifespan = config.lifespan_class(config)
        loop.run_until_complete(self._lifespan.startup())
        state = ServerState()
        state.default_headers = [(b"date", b"Sun, 01 Jan 2026 00:00:00 GMT")]
        self._client, self._wire = NativeProtocol(config, state, {}, loop), Wire()
        self._client.connection_made(self._wire)

    async def answer(self, request: bytes, reads: list[bytes], last: bytes = b"") -> bytes:
        """What the client gets for a request that the upstream answers with these reads, up to what ends so."""
        self._wire.expect(last)
        self.loop.wire.expect(b"")
        self._client.data_received(request)
        await self.loop.wire.over.wait()  # at once, but for the first request, for which it connects
        for data in reads:
            self.loop.upstream.data_received(data)
        await self._wire.over.wait()  # at once, but where a vocabulary is loaded
        return b"".join(self._wire.written)

    def exchange(self, request: bytes, *reads: bytes) -> None:
        """The same, once it is connected, for what is answered at once."""
        self._client.data_received(request)
        for data in reads:
            self.loop.upstream.data_received(data)
        self._wire.written.clear()
        self.loop.wire.written.clear()

    def close(self) -> None:
        """End as a server ends."""
        self.loop.run_until_complete(self._lifespan.shutdown())


def chunked(data: bytes) -> bytes:
    """A piece of a body in chunks; nothing is its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)
