"""Tables of raw responses: whole, byte by byte and at random cuts, and the same over a socket."""

from __future__ import annotations

import asyncio
import gzip
import random
from typing import NamedTuple

import pytest

from shell.upstream.scripted import Peer, Record, Wire, client, serve, until
from trueline.errors import TruelineError, UpstreamCutError, UpstreamFormatError
from trueline.shell.upstream import Limits, Target

TARGET = Target.parse("http://host:1/v1")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Row(NamedTuple):
    name: str
    raw: bytes
    status: int
    body: bytes
    reused: bool
    """The connection is kept."""
    ends: bool = False
    """The response is only complete once the connection ends."""
    method: str = "POST"


GOOD = [
    Row("sized", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    Row("empty", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    Row("no reason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    Row("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok", True),
    Row("blank lines first", b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True),
    Row("latin-1 header", b"HTTP/1.1 200 OK\r\nX: \xff\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True),
    Row("close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    Row("1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    Row(
        "1.0 kept",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        True,
    ),
    Row("chunked", CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, b"hello", True),
    Row("no chunks", CHUNKED + b"0\r\n\r\n", 200, b"", True),
    Row("chunk extensions", CHUNKED + b'3;a=b;c="d"\r\nhel\r\n0\r\n\r\n', 200, b"hel", True),
    Row("blank after size", CHUNKED + b"3 \r\nhel\r\n0\r\n\r\n", 200, b"hel", True),
    Row("zeros before size", CHUNKED + b"0003\r\nhel\r\n000\r\n\r\n", 200, b"hel", True),
    Row("trailers", CHUNKED + b"3\r\nhel\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", 200, b"hel", True),
    Row(
        "length and chunks",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        200,
        b"ok",
        False,
    ),
    Row("until close", b"HTTP/1.1 200 OK\r\n\r\nhello", 200, b"hello", False, ends=True),
    Row("until close, 1.0", b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello", 200, b"hello", False, ends=True),
    Row("until close, empty", b"HTTP/1.1 200 OK\r\n\r\n", 200, b"", False, ends=True),
    Row("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    Row("204 with length", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, b"", True),
    Row("304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n", 304, b"", True),
    Row("304 chunked", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, b"", True),
    Row("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b"", True, method="HEAD"),
    Row("HEAD unknown", b"HTTP/1.1 200 OK\r\n\r\n", 200, b"", False, method="HEAD"),
    Row("HEAD chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, b"", True, method="HEAD"),
    Row(
        "HEAD gzip",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: x\r\n\r\n",
        200,
        b"",
        True,
        method="HEAD",
    ),
    Row("100", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True),
    Row(
        "102, 103",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        + CHUNKED
        + b"1\r\nx\r\n0\r\n\r\n",
        200,
        b"x",
        True,
    ),
    Row("redirect", b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", 302, b"", True),
    Row("500", b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", 500, b"no", True),
    Row(
        "gzip",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello" * 99),
        200,
        b"hello" * 99,
        False,
        ends=True,
    ),
    Row("gzip of nothing", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
]

CUT = UpstreamCutError
BAD_FORMAT = UpstreamFormatError
# raw, the error, a part of its message, the body bytes that came before
BAD: list[tuple[str, bytes, type[TruelineError], str, bytes]] = [
    ("nothing", b"", CUT, "without answering", b""),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-", CUT, "without answering", b""),
    ("only 100", b"HTTP/1.1 100 Continue\r\n\r\n", CUT, "without answering", b""),
    ("short body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", CUT, "before its reply was complete", b"hel"),
    ("no body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CUT, "before its reply was complete", b""),
    ("no last chunk", CHUNKED + b"3\r\nhel\r\n", CUT, "before its reply was complete", b"hel"),
    ("half the last chunk", CHUNKED + b"3\r\nhel\r\n0\r\n", CUT, "before its reply was complete", b"hel"),
    ("half a chunk", CHUNKED + b"5\r\nhel", CUT, "before its reply was complete", b"hel"),
    ("chunk size of letters", CHUNKED + b"3\r\nhel\r\nxyz\r\n", CUT, "malformed", b"hel"),
    ("chunk longer than its size", CHUNKED + b"2\r\nhello\r\n", CUT, "malformed", b"he"),
    ("huge chunk size", CHUNKED + b"f" * 20 + b"\r\nx", CUT, "malformed", b""),
    ("not HTTP", b"<html>hello</html>", BAD_FORMAT, "did not answer in HTTP/1.1", b""),
    ("HTTP/2", b"HTTP/2 200 OK\r\n\r\n", BAD_FORMAT, "did not answer in HTTP/1.1", b""),
    ("bad status", b"HTTP/1.1 abc OK\r\n\r\n", BAD_FORMAT, "did not answer in HTTP/1.1", b""),
    ("bad header name", b"HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n", BAD_FORMAT, "did not answer in HTTP/1.1", b""),
    ("NUL in header", b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", BAD_FORMAT, "did not answer in HTTP/1.1", b""),
    ("negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", BAD_FORMAT, "did not answer", b""),
    (
        "two lengths",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        BAD_FORMAT,
        "did not answer",
        b"",
    ),
    ("101", b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", BAD_FORMAT, "status 101", b""),
    ("coding", b"HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\n\r\n", BAD_FORMAT, "content-encoding", b""),
    ("many headers", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60, BAD_FORMAT, "more than 50 headers", b""),
    ("many interim", b"HTTP/1.1 103 E\r\nX: y\r\n\r\n" * 60, BAD_FORMAT, "more than 50 headers", b""),
    ("large head", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 5000, BAD_FORMAT, "4096 bytes", b""),
    ("large headers", b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 900 + b"\r\n") * 5, BAD_FORMAT, "4096 bytes", b""),
    ("many trailers", CHUNKED + b"1\r\nx\r\n0\r\n" + b"T: y\r\n" * 60, BAD_FORMAT, "more than 50 headers", b"x"),
]
LIMITS = Limits(max_headers=50, max_head_bytes=4096)


def cuts(raw: bytes, how: str) -> list[bytes]:
    if how == "whole":
        return [raw] if raw else []
    if how == "bytes":
        return [raw[n : n + 1] for n in range(len(raw))]
    chance = random.Random(raw)
    places = sorted(chance.sample(range(len(raw) + 1), min(len(raw), 6)))
    return [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True) if a < b]


async def exchange(raw: bytes, how: str, method: str = "POST", *, end: bool) -> tuple[Record, Wire]:
    wire, record = Wire(LIMITS), Record()
    wire.client.start(method, TARGET, "/x", [], b"{}" if method == "POST" else None, sink=record)
    await until(lambda: wire.connections)
    await asyncio.sleep(0)
    connection, transport = wire.connections[0]
    for piece in cuts(raw, how):
        if transport.aborted:
            break
        connection.data_received(piece)
    if end and not transport.aborted:
        connection.eof_received()
        connection.connection_lost(None)
    return record, wire


@pytest.mark.parametrize("how", ["whole", "bytes", "random"])
@pytest.mark.parametrize("row", GOOD, ids=[row.name for row in GOOD])
async def test_good(row: Row, how: str) -> None:
    record, wire = await exchange(row.raw, how, row.method, end=row.ends)

    assert record.error is None
    assert record.ended
    assert (record.status, record.body) == (row.status, row.body)
    assert wire.connections[0][1].aborted is not row.reused
    names = [name for name, _ in record.headers]
    assert names == [name.lower() for name in names]
    assert not {b"connection", b"transfer-encoding", b"keep-alive"} & set(names)
    await wire.client.close()


@pytest.mark.parametrize("row", [row for row in GOOD if row.reused], ids=[row.name for row in GOOD if row.reused])
async def test_the_next_response_on_the_same_connection(row: Row) -> None:
    record, wire = await exchange(row.raw, "whole", row.method, end=False)
    again = Record()
    wire.client.start("POST", TARGET, "/x", [], b"{}", sink=again)
    connection, _ = wire.connections[0]
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")

    assert record.ended and again.ended
    assert (len(wire.connections), again.body) == (1, b"again")
    await wire.client.close()


@pytest.mark.parametrize("how", ["whole", "bytes", "random"])
@pytest.mark.parametrize(("raw", "kind", "words", "body"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_bad(raw: bytes, kind: type[TruelineError], words: str, body: bytes, how: str) -> None:
    record, wire = await exchange(raw, how, end=True)

    assert type(record.error) is kind
    assert words in str(record.error)
    assert "host:1" in str(record.error)
    assert not record.ended
    assert record.body == body
    assert wire.connections[0][1].aborted or wire.connections[0][0].usable is False
    await wire.client.close()


@pytest.mark.parametrize(
    "surplus", [b"junk", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"HTTP/1.1 408 Timeout\r\n"]
)
@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("late", [False, True])
async def test_bytes_nobody_asked_for_end_the_connection(surplus: bytes, method: str, late: bool) -> None:
    body = b"" if method == "HEAD" else b"ok"
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body
    record, wire = await exchange(raw if late else raw + surplus, "whole", method, end=False)
    if late:
        wire.connections[0][0].data_received(surplus)

    assert record.ended
    assert record.body == body
    assert wire.connections[0][1].aborted
    await wire.client.close()


@pytest.mark.parametrize("start", [b"", CHUNKED + b"1\r\nx\r\n0\r\nT: ", CHUNKED + b"1\r\nx\r\n1;e="])
async def test_a_line_without_end_fills_no_memory(start: bytes) -> None:
    record, wire = await exchange(start or b"HTTP/1.1 200 OK\r\nX: ", "whole", end=False)
    reads = 0
    while record.error is None and reads < 100:
        wire.connections[0][0].data_received(b"y" * 500)
        reads += 1

    assert "4096 bytes" in str(record.error)
    assert reads < 10
    assert wire.connections[0][1].aborted
    await wire.client.close()


async def test_one_read_is_one_callback() -> None:
    record, wire = await exchange(CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n" * 50, "whole", end=False)

    assert record.data == [b"hello" * 50]
    await wire.client.close()


@pytest.mark.parametrize("row", GOOD, ids=[row.name for row in GOOD])
async def test_good_over_a_socket(row: Row) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(row.raw)
        if row.ends:
            peer.close()
        await peer.gone()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request(row.method, server.target, "/x", [], None)

        assert response.status == row.status
        assert await response.read_all(10_000) == row.body
        assert await response.read() == b""
        assert response.ended


@pytest.mark.parametrize(("raw", "kind", "words", "body"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_bad_over_a_socket(raw: bytes, kind: type[TruelineError], words: str, body: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)
        peer.close()

    got = b""
    async with serve(script) as server, client(LIMITS) as upstream:
        with pytest.raises(kind, match=words):
            response = await upstream.request("POST", server.target, "/x", [], b"{}")
            while piece := await response.read():
                got += piece
    assert got == body


async def test_a_reset_is_a_cut_even_where_the_body_ends_with_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await peer.reader.readexactly(1)
        peer.reset()

    async with serve(script) as server, client() as upstream:
        response = await upstream.request("GET", server.target, "/", [])
        assert await response.read() == b"hel"
        call = response._call
        assert call is not None and call._connection is not None
        call._connection.write(b"x")  # tells the script that its bytes were read
        with pytest.raises(UpstreamCutError, match="reset"):
            await response.read()
