from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from shell.upstream.scripted import OK, Peer, Seen, client, echoing, serve
from trueline.shell.upstream import Limits


async def pieces(*items: bytes) -> AsyncIterator[bytes]:
    for item in items:
        yield item


LENGTH = [(b"Content-Length", b"5")]
WRONG = [(b"Content-Length", b"99")]


@pytest.mark.parametrize(
    ("make", "headers", "arrives", "length", "coding"),
    [
        (lambda: b"", [], b"", "0", None),
        (lambda: b"hello", WRONG, b"hello", "5", None),
        (lambda: bytearray(b"hello"), [], b"hello", "5", None),
        (lambda: b"x" * 1_000_000, [], b"x" * 1_000_000, "1000000", None),
        (lambda: pieces(b"he", b"", b"llo"), [], b"hello", None, "chunked"),
        (lambda: pieces(), [], b"", None, "chunked"),
        (lambda: pieces(b"he", b"llo"), LENGTH, b"hello", "5", None),
    ],
)
async def test_bodies(
    make: Callable[[], bytes | AsyncIterator[bytes]],
    headers: list[tuple[bytes, bytes]],
    arrives: bytes,
    length: str | None,
    coding: str | None,
) -> None:
    seen: list[Seen] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("POST", server.target, "/", headers, make())
        assert await response.read_all(10) == b"ok"
    (request,) = seen
    assert request.body == arrives
    assert (request.header("content-length"), request.header("transfer-encoding")) == (length, coding)


async def test_no_body_is_said_for_methods_that_have_one() -> None:
    async with serve(echoing) as server, client() as upstream:
        for method in ("GET", "POST", "DELETE"):
            response = await upstream.request(method, server.target, "/", [])
            assert await response.read_all(10) == b""
        assert server.connections == 1


async def test_a_large_stream_waits_for_the_upstream() -> None:
    made = 0
    blocked = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield b"x" * 50_000

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        blocked.set()
        while made < 20 or (before := made) != await later():
            pass
        assert before < 900, "the iterator ran ahead of a server that does not read"
        while await peer.reader.readline() != b"0\r\n":
            pass
        await peer.send(OK)

    async def later() -> int:
        for _ in range(200):
            await asyncio.sleep(0)
        return made

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("POST", server.target, "/", [], body())
        assert await response.read_all(10) == b"ok"


@pytest.mark.parametrize("iterator", [False, True])
async def test_an_answer_before_the_end_of_the_body(iterator: bool) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 10_000
                await asyncio.sleep(0)
        finally:
            closed.set()

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        body = endless() if iterator else b"x" * 30_000_000
        response = await upstream.request("POST", server.target, "/", [], body)
        assert (response.status, await response.read_all(10)) == (413, b"big")
        if iterator:
            await closed.wait()
        assert upstream._pool._kept == {}, "half a request was sent: the connection is of no more use"


async def test_an_early_success_does_not_stop_the_body() -> None:
    """Both directions may run at once."""
    heard = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await heard.wait()
        yield b"two"

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        assert await peer.reader.readexactly(8) == b"3\r\none\r\n"
        heard.set()
        assert await peer.reader.readexactly(13) == b"3\r\ntwo\r\n0\r\n\r\n"
        await peer.send(b"4\r\ndone\r\n0\r\n\r\n")
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("POST", server.target, "/", [], body())
        assert await response.read_all(10) == b"done"
        assert len(upstream._pool._kept) == 1


class Odd(Exception):
    pass


@pytest.mark.parametrize("length", [None, b"10"])
async def test_a_body_that_fails_ends_the_exchange_with_its_own_error(length: bytes | None) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise Odd

    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        await peer.gone()
        gone.set()

    headers = [(b"content-length", length)] if length else []
    async with serve(script) as server, client() as upstream:
        with pytest.raises(Odd):
            await upstream.request("POST", server.target, "/", headers, body())
        await gone.wait()


async def test_a_body_that_is_cancelled_does_not_hang_the_exchange() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise asyncio.CancelledError

    async with serve(lambda peer: peer.gone()) as server, client() as upstream:
        with pytest.raises(ConnectionAbortedError, match="body was cancelled"):
            await upstream.request("POST", server.target, "/", [], body())


@pytest.mark.parametrize(("length", "words"), [(b"3", "longer"), (b"9", "shorter")])
async def test_a_stream_must_have_the_length_it_was_said_to_have(length: bytes, words: str) -> None:
    async with serve(lambda peer: peer.gone()) as server, client() as upstream:
        with pytest.raises(ValueError, match=words):
            await upstream.request("POST", server.target, "/", [(b"content-length", length)], pieces(b"hello"))


async def test_cancelling_closes_the_iterator() -> None:
    started, closed = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            started.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with serve(lambda peer: peer.gone()) as server, client(Limits()) as upstream:
        task = asyncio.ensure_future(upstream.request("POST", server.target, "/", [], body()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await closed.wait()
