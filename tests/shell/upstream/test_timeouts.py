from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from shell.upstream.scripted import Peer, Record, client, echoing, serve, until
from trueline.errors import UpstreamTimeoutError
from trueline.shell.upstream import Limits, Target, Timeouts

SHORT = 0.05
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def stalling(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"some")
    await peer.gone()


async def test_connect() -> None:
    """A listener whose queue is full: the kernel answers no further SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        async with client() as upstream:
            with pytest.raises(UpstreamTimeoutError, match=r"did not connect within 0\.05 s \(connect timeout\)"):
                target = Target.parse(f"http://127.0.0.1:{address[1]}")
                await upstream.request("GET", target, "/", [], timeouts=Timeouts(connect=SHORT))
        for filler in fillers:
            filler.close()


async def test_connect_covers_the_tls_handshake() -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with serve(mute) as server, client() as upstream:
        target = Target.parse(f"https://127.0.0.1:{server.port}")
        with pytest.raises(UpstreamTimeoutError, match="connect timeout"):
            await upstream.request("GET", target, "/", [], timeouts=Timeouts(connect=SHORT))


async def test_first_byte() -> None:
    async with serve(silent) as server, client() as upstream:
        with pytest.raises(
            UpstreamTimeoutError, match=r"did not answer within 0\.05 s \(first_byte timeout\)"
        ) as caught:
            await upstream.request("GET", server.target, "/?key=s3cret", [], timeouts=Timeouts(first_byte=SHORT))
        assert "s3cret" not in str(caught.value)
        assert f"127.0.0.1:{server.port}" in str(caught.value)


async def test_interim_responses_are_no_first_byte() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        with pytest.raises(UpstreamTimeoutError, match="first_byte"):
            await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(first_byte=SHORT))


async def test_stall() -> None:
    async with serve(stalling) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(stall=SHORT))
        assert await response.read() == b"some"
        with pytest.raises(UpstreamTimeoutError, match=r"sent no byte for 0\.05 s \(stall timeout\)"):
            await response.read()


@pytest.mark.parametrize("script", [silent, stalling])
async def test_total(script: object) -> None:
    async with serve(script) as server, client() as upstream:  # type: ignore[arg-type]
        with pytest.raises(UpstreamTimeoutError, match=r"longer than 0\.05 s in all \(total timeout\)"):
            response = await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(total=SHORT))
            await response.read()
            await response.read()


async def test_total_covers_connecting() -> None:
    async with serve(echoing) as server, client(Limits(max_connections_per_host=1)) as upstream:
        call = upstream.start("POST", server.target, "/", [(b"content-length", b"1")], waiting(), sink=Record())
        with pytest.raises(UpstreamTimeoutError, match="total timeout"):
            await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(total=SHORT))
        call.cancel()


async def waiting() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def test_time_in_which_the_reader_holds_us_back_is_no_stall() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        await peer.gone()

    async with serve(script) as server, client(Limits(high_water=1000)) as upstream:
        response = await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(stall=SHORT))
        await until(lambda: response._paused)
        fired = asyncio.Event()
        asyncio.get_running_loop().call_later(3 * SHORT, fired.set)
        await fired.wait()
        assert len(await response.read_all(4_000_000)) == 3_000_000


async def test_waiting_for_the_callers_own_body_is_no_upstream_timeout() -> None:
    go = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await go.wait()
        yield b"b"

    async with serve(echoing) as server, client() as upstream:
        asyncio.get_running_loop().call_later(3 * SHORT, go.set)
        response = await upstream.request(
            "POST", server.target, "/", [], body(), Timeouts(first_byte=SHORT, stall=SHORT)
        )
        assert await response.read_all(10) == b"ab"


@pytest.mark.parametrize("iterator", [False, True])
async def test_an_upstream_that_takes_no_more_of_the_request_stalls(iterator: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b"x" * 100_000

    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serve(script) as server, client() as upstream:
        body = pieces() if iterator else b"x" * 40_000_000
        with pytest.raises(UpstreamTimeoutError, match=r"took no byte of the request for 0\.05 s"):
            await upstream.request("POST", server.target, "/", [], body, Timeouts(stall=SHORT))


async def test_none_means_no_limit() -> None:
    none = Timeouts(connect=None, first_byte=None, stall=None, total=None)
    async with serve(echoing) as server, client() as upstream:
        response = await upstream.request("POST", server.target, "/", [], b"x", none)
        assert await response.read_all(10) == b"x"
