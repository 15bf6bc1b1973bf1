"""What happens on a TLS connection after its handshake, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from shell.upstream.scripted import Peer, client, serve, until
from trueline.errors import UpstreamCutError
from trueline.shell.upstream import Limits, Target, TLSOptions

MB = 1_000_000
READ = 300_000  # more than either loop reads at once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `ca.pem` and `server.pem`."""
    path = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path / "server.pem"))
    return path


@pytest.fixture(scope="module")
def tls(folder: Path) -> TLSOptions:
    return TLSOptions(ca_file=str(folder / "ca.pem"))


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def context(request: pytest.FixtureRequest, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = request.param
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_without_a_length_ends_only_as_announced(
    context: ssl.SSLContext, tls: TLSOptions, announced: bool
) -> None:
    """Anybody on the way can end a TCP connection: where TLS has not said so, the body was cut."""
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await arrived.wait()
        if announced:
            peer.close()
            await peer.gone()
        else:
            peer.writer.transport.abort()

    async with serve(script, context) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [], tls=tls)
        assert await response.read() == b"hello"
        arrived.set()
        if announced:
            assert await response.read() == b""
        else:
            with pytest.raises(UpstreamCutError, match="before its reply was complete"):
                await response.read()
        assert upstream._pool._kept == {}


@pytest.mark.parametrize("announced", [True, False])
async def test_an_idle_connection_that_ends_is_forgotten(
    context: ssl.SSLContext, tls: TLSOptions, announced: bool
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await arrived.wait()
        peer.close() if announced else peer.writer.transport.abort()
        await peer.gone()

    async with serve(script, context) as server, client() as upstream:
        for _ in range(2):
            arrived = asyncio.Event()
            response = await upstream.request("GET", server.target, "/", [], tls=tls)
            assert await response.read_all(10) == b"ok"
            arrived.set()
            await until(lambda: not upstream._pool._kept)
        assert server.connections == 2


async def test_large_bodies_both_ways(context: ssl.SSLContext, tls: TLSOptions) -> None:
    async def script(peer: Peer) -> None:
        assert len((await peer.request()).body) == 20 * MB
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (50 * MB))
        for _ in range(50):
            await peer.send(bytes(MB))
        await peer.gone()

    async with serve(script, context) as server, client(Limits(high_water=100_000)) as upstream:
        response = await upstream.request("POST", server.target, "/", [], bytes(20 * MB), tls=tls)
        got = 0
        while data := await response.read():
            got += len(data)
            assert response.buffered < 100_000 + READ
        assert got == 50 * MB
        assert len(upstream._pool._kept) == 1


async def test_a_slow_reader_bounds_what_is_held(context: ssl.SSLContext, tls: TLSOptions) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(bytes(50_000))

    async with serve(script, context) as server, client(Limits(high_water=100_000)) as upstream:
        response = await upstream.request("GET", server.target, "/", [], tls=tls)
        for _ in range(20):
            await until(lambda: response.buffered > 100_000)
            for _ in range(50):
                await asyncio.sleep(0)
            assert response.buffered < 100_000 + READ
            await response.read()
        response.close()


async def test_a_slow_server_bounds_what_is_sent(context: ssl.SSLContext, tls: TLSOptions) -> None:
    """A body is asked for no faster than the server takes it."""
    given = 0
    waited = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(20):
            given += MB
            yield bytes(MB)

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        for _ in range(300):
            await asyncio.sleep(0)
        assert given < 15 * MB
        waited.set()
        assert await peer.reader.readexactly(20 * MB) == bytes(20 * MB)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await peer.gone()

    async with serve(script, context) as server, client() as upstream:
        length = [(b"content-length", b"%d" % (20 * MB))]
        response = await upstream.request("POST", server.target, "/", length, body(), tls=tls)
        assert waited.is_set()
        assert await response.read_all(10) == b"ok"


# ---- a server that does as it is told between two lines


class Commanded:
    """`openssl s_server`: what it is given it sends, but for a line with a command."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.port = 0

    async def says(self, *words: bytes) -> bytes:
        """Wait until it has said all of this, in any order; the last line that it took."""
        wanted = set(words)
        while line := await self.stdout.readline():
            wanted -= {each for each in wanted if each in line}
            if not wanted:
                return line
        raise AssertionError(f"it has ended without saying {wanted}")

    def give(self, line: bytes) -> None:
        self.stdin.write(line + b"\n")


@asynccontextmanager
async def commanded(folder: Path, *options: str) -> AsyncIterator[Commanded]:
    pipe = asyncio.subprocess.PIPE
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-crlf", "-cert", "server.pem", *options]
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=pipe, stdout=pipe)
    server = Commanded(process)
    try:
        server.port = int((await server.says(b"ACCEPT")).rpartition(b":")[2])
        yield server
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("version", "command"), [("-tls1_3", b"K"), ("-tls1_2", b"r")], ids=["key update", "renegotiation"]
)
async def test_a_server_that_changes_the_keys(folder: Path, tls: TLSOptions, version: str, command: bytes) -> None:
    """While the connection is idle, or while the next request is on its way."""
    async with commanded(folder, version) as server, client() as upstream:
        target = Target.parse(f"https://127.0.0.1:{server.port}")
        for body, said in [(b"first\n", ()), (b"second\n", (b"SSL_do_handshake",)), (b"third\n", ())]:
            asking = asyncio.ensure_future(upstream.request("POST", target, "/", [], body, tls=tls))
            await server.says(body, *said)
            for line in (b"HTTP/1.1 200 OK", b"content-length: 5", b"", b"one"):
                server.give(line)
            assert await (await asking).read_all(10) == b"one\r\n"
            assert len(upstream._pool._kept) == 1
            if body == b"first\n":
                server.give(command)
