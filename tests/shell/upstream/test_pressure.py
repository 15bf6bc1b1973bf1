"""Slow readers, readers that leave, and sinks that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard

from shell.upstream.scripted import OK, Peer, Record, Wire, client, echoing, serve, until
from trueline.errors import UpstreamCutError, UpstreamReplyTooLargeError
from trueline.shell.upstream import Call, Limits, Target, UpstreamClient

TARGET = Target.parse("http://host:1")
READ = 300_000  # more than either loop reads at once


async def spin() -> None:
    for _ in range(300):
        await asyncio.sleep(0)


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
    while True:
        await peer.send(chunk)


async def endless_zeros(peer: Peer) -> None:
    """Compressed a thousandfold: one read holds more than memory should."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n")
    compressor = zlib.compressobj(wbits=31)
    await peer.send(compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH))
    piece = compressor.compress(b"\0" * 5_000_000) + compressor.flush(zlib.Z_FULL_FLUSH)
    while True:
        await peer.send(piece)  # after a full flush the same bytes mean the same again


@pytest.mark.parametrize("script", [endless, endless_zeros])
async def test_a_slow_reader_bounds_what_is_held(script: Callable[[Peer], object]) -> None:
    limits = Limits(high_water=100_000, max_expansion=10_000)
    async with serve(script) as server, client(limits) as upstream:  # type: ignore[arg-type]
        response = await upstream.request("GET", server.target, "/", [])
        for _ in range(20):
            await until(lambda: response.buffered > 100_000)
            await spin()
            assert response.buffered < 100_000 + READ
            await response.read()
        response.close()


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
async def test_what_is_held_back_is_all_delivered(encode: Callable[[bytes], bytes]) -> None:
    """The end of the body has arrived long before its reader has taken the decoded bytes."""
    plain = b"0123456789" * 500_000
    encoded = encode(plain)

    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n"
        await peer.send(head % (b"gzip" if encode is gzip.compress else b"zstd", len(encoded)) + encoded)
        await peer.gone()

    async with serve(script) as server, client(Limits(high_water=100_000)) as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        assert not {b"content-encoding", b"content-length"} & {name for name, _ in response.headers}
        await until(lambda: response.buffered > 100_000)
        assert response.buffered < 100_000 + READ
        assert not response.ended
        assert await response.read_all(10_000_000) == plain
        assert len(upstream._pool._kept) == 1


async def test_a_body_beyond_its_limit() -> None:
    async with serve(endless) as server, client(Limits(max_body_bytes=500_000)) as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        with pytest.raises(UpstreamReplyTooLargeError, match="more than 500000 bytes"):
            while await response.read():
                pass
        assert upstream._pool._kept == {}


async def test_chunks_one_by_one_go_past_the_call_within_its_limit() -> None:
    wire = Wire(Limits(max_body_bytes=5))
    asking = asyncio.ensure_future(wire.client.request("GET", TARGET, "/", []))
    await until(lambda: wire.connections)
    await asyncio.sleep(0)
    connection, _ = wire.connections[0]
    connection.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
    response = await asking
    connection.data_received(b"2\r\nbc\r\n")
    connection.data_received(b"1\r\nd\r\n1\r\ne\r\n")
    assert response.read_nowait() == b"abcde"

    connection.data_received(b"1\r\nf\r\n")

    with pytest.raises(UpstreamReplyTooLargeError, match="more than 5 bytes"):
        await response.read()


async def test_read_all_has_a_limit_of_its_own() -> None:
    async with serve(endless) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        with pytest.raises(UpstreamReplyTooLargeError, match="more than 1000 bytes"):
            await response.read_all(1000)
        assert upstream._pool._kept == {}


async def test_read_nowait() -> None:
    wire = Wire()
    asking = asyncio.ensure_future(wire.client.request("GET", TARGET, "/", []))
    await until(lambda: wire.connections)
    await asyncio.sleep(0)
    connection, _ = wire.connections[0]
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
    response = await asking

    assert response.read_nowait() == b""
    connection.data_received(b"ab")
    connection.data_received(b"cd")
    assert response.read_nowait() == b"abcd"
    assert await response.read() == b""
    assert response.header(b"content-length") == b"4"
    assert response.header(b"x") is None
    await wire.client.close()


# ---- leaving


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"])
async def test_cancelling_the_task_drops_the_connection(head: bytes) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        asked.set()
        await peer.gone()
        gone.set()

    async def ask(upstream: UpstreamClient, target: Target) -> None:
        response = await upstream.request("POST", target, "/", [], b"{}")
        await response.read()

    async with serve(script) as server, client() as upstream:
        task = asyncio.ensure_future(ask(upstream, server.target))
        await asked.wait()
        await spin()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone.wait()
        assert upstream._pool._kept == {}


async def test_cancelling_while_connecting() -> None:
    async with serve(echoing) as server, client() as upstream:
        for turns in range(12):
            task = asyncio.ensure_future(upstream.request("POST", server.target, "/", [], b"{}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await spin()
        idle = [len(host.idle) for host in upstream._pool._hosts.values()]  # some loop was faster than its cancelling
        assert [host.count for host in upstream._pool._hosts.values()] == idle
        assert len(upstream._pool._kept) == sum(idle)


@pytest.mark.parametrize("leave", ["close", "with", "finish"])
async def test_leaving_before_the_end_drops_the_connection(leave: str) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        try:
            await endless(peer)
        finally:
            gone.set()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        await response.read()
        if leave == "with":
            async with response:
                pass
        else:
            getattr(response, leave)()
        await gone.wait()
        await until(lambda: not upstream._pool._kept)
        with pytest.raises(RuntimeError, match="closed before its end"):
            await response.read()
        response.close()


async def test_closing_after_the_end_keeps_the_connection() -> None:
    async with serve(echoing) as server, client() as upstream:
        for _ in range(2):
            response = await upstream.request("POST", server.target, "/", [], b"x")
            await response.read_all(10)
            response.close()
        assert server.connections == 1


async def test_finish_waits_for_the_end_of_http() -> None:
    """`[DONE]` was read, and the last chunk comes a moment later."""
    wire, record = Wire(), Record()
    call = wire.client.start("GET", TARGET, "/", [], sink=record)
    for _ in range(3):
        await asyncio.sleep(0)
    connection, transport = wire.connections[0]
    connection.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
    call.finish()
    call.finish()
    assert not transport.aborted
    connection.data_received(b"0\r\n\r\n")

    assert not transport.aborted
    assert (record.body, record.ended) == (b"x", False)
    again = Record()
    wire.client.start("GET", TARGET, "/", [], sink=again)
    connection.data_received(OK)
    assert again.ended
    await wire.client.close()


@pytest.mark.parametrize("then", ["much", "late", "before the head"])
async def test_finish_waits_neither_long_nor_for_much(then: str) -> None:
    wire, record = Wire(), Record()
    call = wire.client.start("GET", TARGET, "/", [], sink=record)
    for _ in range(3):
        await asyncio.sleep(0)
    connection, transport = wire.connections[0]
    if then != "before the head":
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx")
    call.finish()
    if then == "much":
        connection.data_received(b"x" * 100_000)
    elif then == "late":
        connection._expired()

    assert transport.aborted
    assert record.error is None and not record.ended
    await wire.client.close()


# ---- sinks


class Acting(Record):
    """Does something to its own call in each callback."""

    def act(self, act: Callable[[], None], when: str) -> Acting:
        self.todo = {when: act}
        return self

    def _do(self, when: str) -> None:
        self.todo.pop(when, lambda: None)()

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        super().on_head(status, headers)
        self._do("head")

    def on_data(self, data: bytes) -> None:
        super().on_data(data)
        self._do("data")


@pytest.mark.parametrize("when", ["head", "data"])
@pytest.mark.parametrize("method", ["cancel", "finish", "pause"])
async def test_a_sink_may_act_in_its_callbacks(when: str, method: str) -> None:
    wire, sink = Wire(), Acting()
    calls: list[Call] = []
    sink.act(lambda: getattr(calls[0], method)(), when)
    calls.append(wire.client.start("GET", TARGET, "/", [], sink=sink))
    for _ in range(3):
        await asyncio.sleep(0)
    connection, transport = wire.connections[0]
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")

    assert transport.aborted is (method == "cancel")
    assert transport.reading is (method != "pause")
    if method == "pause":
        calls[0].pause()
        calls[0].resume()
        calls[0].resume()
        assert transport.reading
        connection.data_received(b"cd")
        assert sink.ended and sink.body == b"abcd"
    elif method == "finish":
        connection.data_received(b"cd")
        assert not transport.aborted and not sink.ended
    calls[0].cancel()
    calls[0].pause()
    calls[0].resume()
    await wire.client.close()


@pytest.mark.parametrize("when", ["head", "data"])
async def test_a_sink_that_fails_only_fails_itself(when: str) -> None:
    def fail() -> None:
        raise KeyError(when)

    wire, sink = Wire(), Acting().act(fail, when)
    wire.client.start("GET", TARGET, "/", [], sink=sink)
    for _ in range(3):
        await asyncio.sleep(0)
    connection, transport = wire.connections[0]
    connection.data_received(OK)

    assert isinstance(sink.error, KeyError)
    assert transport.aborted
    await wire.client.close()


async def test_no_callback_before_start_has_returned() -> None:
    async with serve(echoing) as server, client() as upstream:
        for _ in range(2):
            record = Record()
            upstream.start("POST", server.target, "/", [], b"x", sink=record)
            assert record.status == 0
            await record.done.wait()
            assert record.ended


async def test_only_one_task_may_read() -> None:
    async with serve(endless_head) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        first = asyncio.ensure_future(response.read())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await response.read()
        response.close()
        with pytest.raises(RuntimeError, match="closed"):
            await first


async def endless_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
    await peer.gone()


@pytest.mark.parametrize("ends", ["in the middle", "before its end"])
async def test_a_compressed_stream_that_is_cut(ends: str) -> None:
    encoded = gzip.compress(b"hello" * 1000)[:-3]
    length = len(encoded) + (5 if ends == "before its end" else 0)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % length + encoded)
        peer.close()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        assert await response.read() == b"hello" * 1000
        with pytest.raises(UpstreamCutError):
            await response.read()


async def test_a_body_that_is_not_encoded_after_all_is_noted() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}")

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        assert await response.read_all(10) == b"{}"
        assert response.faults == ("content-encoding-kept",)
