"""Which connections are kept, and the one retry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shell.upstream.scripted import OK, Peer, Record, Wire, answering, client, echoing, serve, until
from trueline.errors import UpstreamConnectError, UpstreamCutError, UpstreamTimeoutError
from trueline.shell.upstream import Limits, Target, Timeouts, TLSOptions, UpstreamClient


async def ask(upstream: UpstreamClient, target: Target, body: bytes | None = b"{}") -> bytes:
    response = await upstream.request("POST", target, "/x", [], body)
    return await response.read_all(1000)


async def test_requests_one_after_another_share_a_connection() -> None:
    async with serve(echoing) as server, client() as upstream:
        for n in range(5):
            assert await ask(upstream, server.target, b"%d" % n) == b"%d" % n
        assert server.connections == 1


@pytest.mark.parametrize(
    ("base", "path", "sent"),
    [
        ("/v1", "/chat?x=1", "/v1/chat?x=1"),
        ("/v1/", "/chat", "/v1/chat"),
        ("/v1", "", "/v1"),
        ("/v1", "?x", "/v1?x"),
        ("", "/chat", "/chat"),
        ("", "", "/"),
        ("/", "?x", "/?x"),
    ],
)
async def test_paths(base: str, path: str, sent: str) -> None:
    lines = []

    async def script(peer: Peer) -> None:
        lines.append((await peer.request()).line)
        await peer.send(OK)

    async with serve(script) as server, client() as upstream:
        target = Target.parse(f"http://127.0.0.1:{server.port}{base}")
        await (await upstream.request("GET", target, path, [])).read_all(10)
    assert lines == [f"GET {sent} HTTP/1.1"]


async def test_what_cannot_be_sent_is_refused_before_connecting() -> None:
    async with client() as upstream:
        target = Target.parse("http://nowhere.invalid/v1")
        for path, headers in [("chat", []), ("/a b", []), ("/", [(b"x", b"a\r\nb")])]:
            with pytest.raises(ValueError, match=r"path|header x"):
                await upstream.request("GET", target, path, headers)
        assert upstream._pool._hosts == {}


async def test_what_differs_in_its_route_shares_nothing() -> None:
    wire = Wire()
    for url, tls in [
        ("http://a:1", None),
        ("http://a:1/other", TLSOptions(verify=False)),  # the same: http has no TLS
        ("http://b:1", None),
        ("http://a:2", None),
        ("https://a:1", None),
        ("https://a:1", TLSOptions()),  # the same
        ("https://a:1", TLSOptions(verify=False)),
    ]:
        known = len(wire.connections)
        record = Record()
        wire.client.start("GET", Target.parse(url), "/", [], sink=record, tls=tls)
        for _ in range(3):
            await asyncio.sleep(0)
        for connection, _ in wire.connections[known:] or wire.connections:
            if connection._receiver is not None:
                connection.data_received(OK)
        assert record.ended
    assert len(wire.connections) == 5
    await wire.client.close()


async def test_parallel_requests_have_a_connection_each_and_the_youngest_is_taken_first() -> None:
    async with serve(echoing) as server, client(Limits(max_idle_per_host=2)) as upstream:
        assert await asyncio.gather(*(ask(upstream, server.target, b"%d" % n) for n in range(4))) == [
            b"0",
            b"1",
            b"2",
            b"3",
        ]
        assert server.connections == 4
        assert len(upstream._pool._kept) == 2  # the others were beyond the idle limit
        await asyncio.gather(*(ask(upstream, server.target) for _ in range(2)))
        assert server.connections == 4


async def test_idle_connections_expire() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.gone()
        gone.set()

    async with serve(script) as server, client(Limits(idle_expiry=0.02)) as upstream:
        await ask(upstream, server.target)
        await gone.wait()
        assert upstream._pool._kept == {} and upstream._pool._hosts == {}


async def test_a_connection_limit_makes_requests_wait_for_each_other() -> None:
    most = running = 0

    async def script(peer: Peer) -> None:
        nonlocal most, running
        while True:
            seen = await peer.request()
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            close = b"connection: close\r\n" if seen.body == b"3" else b""
            await peer.send(b"HTTP/1.1 200 OK\r\n%bcontent-length: 1\r\n\r\n%b" % (close, seen.body))

    async with serve(script) as server, client(Limits(max_connections_per_host=2)) as upstream:
        bodies = [b"%d" % n for n in range(8)]
        assert await asyncio.gather(*(ask(upstream, server.target, body) for body in bodies)) == bodies
        assert most <= 2
        assert server.connections == 3  # one was closed by the server, and its place was taken


async def test_waiting_for_a_free_connection_is_part_of_connecting() -> None:
    async with serve(echoing) as server, client(Limits(max_connections_per_host=1)) as upstream:
        held = Record()
        call = upstream.start("POST", server.target, "/", [(b"content-length", b"1")], never(), sink=held)
        with pytest.raises(UpstreamTimeoutError, match="connect timeout"):
            await upstream.request("GET", server.target, "/", [], timeouts=Timeouts(connect=0.02))
        waiting = asyncio.ensure_future(ask(upstream, server.target, b"next"))
        await asyncio.sleep(0)
        call.cancel()
        assert await waiting == b"next"


async def never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def test_a_waiter_that_is_cancelled_when_served_passes_it_on() -> None:
    wire = Wire(Limits(max_connections_per_host=1))
    target = Target.parse("http://a:1")
    records = [Record(), Record(), Record()]
    calls = [wire.client.start("GET", target, "/", [], sink=record) for record in records]
    for _ in range(3):
        await asyncio.sleep(0)
    connection, _ = wire.connections[0]
    connection.data_received(OK)  # serves the second call, which is cancelled before it can run
    calls[1].cancel()
    for _ in range(4):
        await asyncio.sleep(0)
    connection.data_received(OK)

    assert [record.ended for record in records] == [True, False, True]
    assert len(wire.connections) == 1
    await wire.client.close()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("body", [None, b"", b"{}", b"x" * 600_000])
async def test_a_connection_that_died_idle_is_replaced_once(how: str, body: bytes | None) -> None:
    """The server reads the second request and dies without a word: what a proxy sees of the keep-alive race."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen = await peer.request()
        heard.append(seen.body)
        await peer.send(OK)
        if peer.number == 1:
            await peer.request(body=False)
            getattr(peer, how)()
        else:
            await peer.gone()

    async with serve(script) as server, client() as upstream:
        await ask(upstream, server.target)
        assert await ask(upstream, server.target, body) == b"ok"
        assert server.connections == 2
        assert heard == [b"{}", body or b""]


async def test_the_retry_is_not_retried() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(OK)
            await peer.request()
        peer.close()

    async with serve(script) as server, client() as upstream:
        await ask(upstream, server.target)
        with pytest.raises(UpstreamCutError, match="closed the connection without answering"):
            await ask(upstream, server.target)
        assert server.connections == 2


async def test_a_fresh_connection_is_not_retried() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.close()

    async with serve(script) as server, client() as upstream:
        with pytest.raises(UpstreamCutError, match="without answering"):
            await ask(upstream, server.target)
        assert server.connections == 1


@pytest.mark.parametrize(
    "start", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"]
)
async def test_after_a_byte_of_the_response_nothing_is_retried(start: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(start)
        peer.close()

    async with serve(script) as server, client() as upstream:
        await ask(upstream, server.target)
        with pytest.raises(UpstreamCutError):
            await ask(upstream, server.target)
        assert server.connections == 1


async def test_a_body_that_cannot_be_sent_twice_is_not_retried() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        peer.close()

    async with serve(script) as server, client() as upstream:
        await ask(upstream, server.target)
        with pytest.raises(UpstreamCutError):
            await upstream.request("POST", server.target, "/", [], body())
        assert server.connections == 1


async def test_a_timeout_on_a_reused_connection_is_not_retried() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        await ask(upstream, server.target)
        with pytest.raises(UpstreamTimeoutError, match=r"within 0\.02 s \(first_byte timeout\)"):
            await upstream.request("POST", server.target, "/", [], b"{}", Timeouts(first_byte=0.02))
        assert server.connections == 1


async def test_a_connection_closed_by_the_server_leaves_the_pool() -> None:
    async with serve(answering(OK)) as server, client() as upstream:
        await ask(upstream, server.target)
        await until(lambda: not upstream._pool._kept)
        assert upstream._pool._hosts == {}
        assert await ask(upstream, server.target) == b"ok"
        assert server.connections == 2


async def test_closing_the_client_ends_what_is_running() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        await response.read()
        await upstream.close()
        with pytest.raises(UpstreamCutError, match="the upstream client was closed"):
            await response.read()
        with pytest.raises(RuntimeError, match="closed"):
            await ask(upstream, server.target)


async def test_closing_the_client_ends_what_is_connecting() -> None:
    wire = Wire()
    record = Record()
    wire.client.start("GET", Target.parse("http://a:1"), "/", [], sink=record)
    await wire.client.close()
    await record.done.wait()

    assert isinstance(record.error, UpstreamConnectError | UpstreamCutError)
