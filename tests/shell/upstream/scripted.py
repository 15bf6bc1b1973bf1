"""Upstreams that do as they are told: a real server per script, and a transport without a socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from trueline.shell.upstream import Limits, ResponseSink, Target, UpstreamClient
from trueline.shell.upstream.connection import Connection
from trueline.shell.upstream.pool import Pool, Route

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Seen:
    """A request as it arrived."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    raw: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Peer:
    """The server's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request(self, *, body: bool = True) -> Seen:
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (item.partition(":") for item in rest if item)]
        seen = Seen(line, headers, raw=head)
        if body:
            seen.body = await self.body(seen)
        return seen

    async def body(self, seen: Seen) -> bytes:
        if seen.header("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(seen.header("content-length") or 0))
        parts = []
        while size := int(await self.reader.readline(), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(parts)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has closed its side."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Server:
    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    connections: int = 0
    errors: list[BaseException] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target.parse(f"{self.scheme}://{self.host}:{self.port}")


@asynccontextmanager
async def serve(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run `script` for every connection; what goes wrong in it fails the test."""
    server = Server(scheme="https" if context else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        try:
            await script(Peer(reader, writer, server.connections))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, which is for the test to notice
        except Exception as error:
            server.errors.append(error)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)
    assert server.errors == []


@asynccontextmanager
async def client(limits: Limits | None = None, **options: object) -> AsyncIterator[UpstreamClient]:
    made = UpstreamClient(limits or Limits(), **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something that has no event of its own is true; the test's timeout ends it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


def answering(*answers: bytes) -> Script:
    """A script that gives one answer per request and then closes."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)
        peer.close()

    return script


async def echoing(peer: Peer) -> None:
    """Answers every request with its own body, keeping the connection."""
    while True:
        seen = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(seen.body), seen.body))


class FakeTransport(asyncio.Transport):
    """Takes what is written; the test plays the network."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True
        self.aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Wire:
    """A client whose connections are fake transports."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.connections: list[tuple[Connection, FakeTransport]] = []
        self.client = UpstreamClient(self.limits)
        self.client._pool = Pool(self._dial, self.limits)

    async def _dial(self, route: Route, pool: Pool) -> Connection:
        connection = Connection(asyncio.get_running_loop(), pool, route.where, self.limits)
        transport = FakeTransport()
        connection.attach(transport)
        self.connections.append((connection, transport))
        return connection


@dataclass
class Record(ResponseSink):
    """A sink that writes down what it is told."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    ended: bool = False
    error: Exception | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        assert self.status == 0
        self.status, self.headers = status, headers

    def on_data(self, data: bytes) -> None:
        assert data and self.status and not self.done.is_set()
        self.data.append(data)

    def on_end(self) -> None:
        assert not self.done.is_set()
        self.ended = True
        self.done.set()

    def on_error(self, error: Exception) -> None:
        assert not self.done.is_set()
        self.error = error
        self.done.set()

    @property
    def body(self) -> bytes:
        return b"".join(self.data)
