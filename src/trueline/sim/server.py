"""The model server on real sockets: `SimServer`, to be started by the command, by a test, or inside the proxy.

    async with SimServer(SimOptions(rate=50)) as sim:
        … sim.url is the base URL (with /v1) …
        sim.requests[-1].json, sim.open_streams

Everything about a reply is decided in `render.py`; here it is only sent: when, in which writes, and how it breaks off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from trueline.sim.connection import Connection, Recorded
from trueline.sim.options import SimOptions
from trueline.sim.render import faults_of, render
from trueline.sim.reply import SimReply
from trueline.sim.writer import ReplyWriter

__all__ = ["SimServer"]

_REMEMBERED = 10_000


class SimServer:
    """A model server on a socket.  Raises OptionError for faults and providers that do not exist."""

    def __init__(self, options: SimOptions | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.options = options or SimOptions()
        """May be replaced while the server runs; counts from the next request on."""
        faults_of(self.options)
        self.host = host
        self.port = port
        """The port asked for; after start() the one that is bound."""
        self.requests: deque[Recorded] = deque(maxlen=_REMEMBERED)
        self.request_count = 0
        self.connection_count = 0
        """Connections accepted so far."""
        self.writers: set[ReplyWriter] = set()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for clients, with /v1."""
        return self.origin + "/v1"

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    @property
    def open_streams(self) -> int:
        """Streams that have begun and not ended."""
        return sum(writer.reply.stream for writer in self.writers)

    async def start(self) -> None:
        """Bind and listen.  Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the socket and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None
        for _, future in self._waiting:
            future.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def until(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Wait for something to be true of this server (it is asked at each change).  Raises TimeoutError."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout):
                await future
        finally:
            self._waiting.remove(entry)

    def release(self, events: int | None = None) -> None:
        """Let the streams that wait (`hold_after`) send this many events more, or all the rest."""
        for writer in list(self.writers):
            writer.release(events)

    # What the connections report.

    def opened(self, connection: Connection) -> None:
        """A client has connected."""
        self._connections.add(connection)
        self.connection_count += 1
        self.changed()

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self.changed()

    def answer(self, recorded: Recorded) -> tuple[SimReply, SimOptions]:
        """The reply to a request, which is kept in `requests`."""
        self.requests.append(recorded)
        self.request_count += 1
        method = "GET" if recorded.method == "HEAD" else recorded.method
        reply, options = render(
            method, recorded.path, recorded.headers, recorded.body, self.options, self.origin, self.request_count
        )
        if recorded.method == "HEAD":
            reply.length, reply.chunks = len(reply.body), []
        return reply, options

    def changed(self) -> None:
        """Look again at what `until` waits for."""
        for condition, future in self._waiting:
            if not future.done() and condition():
                future.set_result(None)
