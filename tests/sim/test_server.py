"""The server on real sockets: its endings, its pace, its counters, and many requests on one connection."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from sim.client import SECONDS, ask, chat, read_all, request_bytes
from trueline.sim import OptionError, SimOptions, SimServer, render_chat
from trueline.sim.reply import SimReply
from trueline.sim.writer import due, head_bytes

STREAM = chat(stream=True)


async def test_whole_and_stream() -> None:
    async with SimServer(SimOptions(seed=1)) as sim:
        whole = await ask(sim, chat())
        stream = await ask(sim, STREAM)

    assert whole.status == stream.status == 200
    assert whole.complete and stream.complete
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "one two three four five six"
    assert stream.body == render_chat(dict(STREAM), seed=1).body


async def test_what_is_recorded() -> None:
    async with SimServer() as sim:
        await ask(sim, chat(), x_mark="7")
        await ask(sim, None, "/v1/models?limit=2")

        assert [(each.method, each.path) for each in sim.requests] == [
            ("POST", "/v1/chat/completions"),
            ("GET", "/v1/models?limit=2"),
        ]
        assert sim.requests[0].headers["x-mark"] == "7"
        assert sim.requests[0].json["model"] == "gpt-4o"
        assert (sim.request_count, sim.connection_count) == (2, 2)


async def test_requests_share_a_connection_and_keep_their_order() -> None:
    """Three at once, the first of them a stream: answers come one after the other."""
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(
            request_bytes(STREAM, close=False)
            + request_bytes(chat("echo: second"), close=False)
            + request_bytes(chat("echo: third"))
        )
        answer = await read_all(reader)
        writer.close()

        assert answer.raw.count(b"HTTP/1.1 200 OK") == 3
        assert answer.raw.index(b"[DONE]") < answer.raw.index(b"second") < answer.raw.index(b"third")
        assert sim.connection_count == 1


async def test_a_request_may_come_byte_by_byte() -> None:
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        for byte in request_bytes(chat("echo: slow")):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        answer = await read_all(reader)
        writer.close()

    assert b"slow" in answer.body


@pytest.mark.parametrize("data", [b"\x00\x01\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"])
async def test_what_is_not_http_gets_400(data: bytes) -> None:
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(data)
        answer = await read_all(reader)
        writer.close()

    assert answer.status == 400


async def test_head_has_no_body() -> None:
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(b"HEAD /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n")
        answer = await read_all(reader)
        writer.close()

    assert answer.status == 200
    assert answer.body == b""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("options", [SimOptions(rate=1000.0), SimOptions(first_token=0.002)])
async def test_at_a_pace(options: SimOptions, stream: bool) -> None:
    """What comes is the same as without one; when it comes is `test_schedule`'s."""
    async with SimServer(options) as sim:
        answer = await ask(sim, chat(stream=stream))

    assert answer.complete
    assert b"three" in answer.body


async def test_many_requests_that_wait_for_a_stream() -> None:
    async with SimServer(SimOptions(hold_after=1)) as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        waiting = b"".join(request_bytes(None, "/v1/models/gpt-4o", close=False) for _ in range(500))
        writer.write(request_bytes(STREAM, close=False) + waiting + request_bytes(None, "/v1/models"))
        await sim.until(lambda: sim.open_streams == 1)
        sim.release()
        answer = await read_all(reader)
        writer.close()

    assert answer.raw.count(b"HTTP/1.1 200 OK") == 502


async def test_expect_continue() -> None:
    async with SimServer() as sim:
        answer = await ask(sim, chat(), expect="100-continue")

    assert answer.raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


# How it fails -> status line sent, connection reset, body complete.
FAILURES: list[tuple[str, bool, bool, bool]] = [
    ("cut", True, False, False),
    ("cut-event", True, False, False),
    ("reset", True, True, False),
    ("refuse", False, True, False),
    ("slow-headers", True, False, True),
    ("close-idle", True, False, True),
    ("http-503", True, False, True),
    ("error", True, False, True),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fail", "head", "reset", "complete"), [row for row in FAILURES if row[0] != "slow-headers"])
async def test_failures(fail: str, head: bool, reset: bool, complete: bool, stream: bool) -> None:
    async with SimServer(SimOptions(fail=fail)) as sim:
        answer = await ask(sim, chat(stream=stream))
        await sim.until(lambda: sim.open_connections == 0)

    assert answer.raw.startswith(b"HTTP/1.1") is head
    assert answer.reset is reset
    assert (head and answer.complete) is complete


@pytest.mark.parametrize("fail", ["cut", "cut-event", "reset", "error"])
async def test_events_before_the_failure(fail: str) -> None:
    clean = render_chat(dict(STREAM), seed=1)
    async with SimServer(SimOptions(fail=fail, fail_after=3, seed=1)) as sim:
        answer = await ask(sim, STREAM)

    body = answer.body
    assert body.startswith(b"".join(clean.chunks[:3]))
    rest = body[sum(map(len, clean.chunks[:3])) :]
    if fail == "error":
        assert rest.startswith(b'data: {"error":{"message"') and rest.endswith(b"}\n\ndata: [DONE]\n\n")
    elif fail == "cut-event":
        assert rest and clean.chunks[3].startswith(rest) and rest != clean.chunks[3]
    else:
        assert rest == b""


@pytest.mark.parametrize("fail", ["stall", "silent"])
async def test_what_never_ends_stays_open(fail: str) -> None:
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(request_bytes(chat(stream=True, x_sim={"fail": fail, "fail_after": 2})))
        await sim.until(lambda: sim.open_streams == 1)
        if fail == "stall":
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(b"one")

        assert (sim.open_connections, sim.open_streams) == (1, 1)
        writer.close()
        await sim.until(lambda: sim.open_connections == 0)
        assert sim.open_streams == 0


async def test_slow_headers_come_byte_by_byte() -> None:
    async with SimServer(SimOptions(fail="slow-headers")) as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(request_bytes(chat()))
        async with asyncio.timeout(SECONDS):
            assert await reader.read(65536) == b"H"
        writer.close()


async def test_garbage() -> None:
    async with SimServer(SimOptions(fail="garbage")) as sim:
        answer = await ask(sim, chat())

    assert not answer.raw.startswith(b"HTTP/")


async def test_every_second_request_fails() -> None:
    async with SimServer(SimOptions(fail="http-500", fail_every=2)) as sim:
        statuses = [(await ask(sim, chat())).status for _ in range(4)]

    assert statuses == [200, 500, 200, 500]


async def test_close_idle_closes_after_a_good_answer() -> None:
    """The head promises keep-alive, and the connection is closed all the same."""
    async with SimServer(SimOptions(fail="close-idle")) as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(request_bytes(chat(), close=False))
        answer = await read_all(reader)
        writer.close()

    assert b"connection: keep-alive" in answer.head
    assert answer.complete and answer.ended


async def test_a_reset_fault() -> None:
    async with SimServer() as sim:
        answer = await ask(sim, STREAM | {"x_sim": {"faults": ["abrupt-reset"]}})

    assert answer.reset
    assert answer.events and not answer.complete


async def test_hold_and_release() -> None:
    """Events come one by one, as the test says, with no clock."""
    async with SimServer(SimOptions(hold_after=1, seed=1)) as sim:
        chunks = render_chat(dict(STREAM), seed=1).chunks
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(request_bytes(STREAM))
        async with asyncio.timeout(SECONDS):
            await reader.readuntil(chunks[0])
            for chunk in chunks[1:4]:
                sim.release(1)
                assert await reader.readuntil(chunk)
            assert sim.open_streams == 1
            sim.release()
            rest = await reader.read()
        writer.close()

    assert rest.endswith(b"0\r\n\r\n")
    assert b"[DONE]" in rest


@pytest.mark.parametrize("stream", [False, True])
async def test_random_cuts_change_no_byte(stream: bool) -> None:
    options = SimOptions(random_cuts=True, seed=3)
    async with SimServer(options) as sim:
        answer = await ask(sim, chat(stream=stream))

    assert answer.complete
    assert answer.body == render_chat(chat(stream=stream), seed=3).body
    assert not stream or answer.raw.count(b"\r\n") > 2 * len(render_chat(dict(STREAM)).chunks)


async def test_an_endless_stream_goes_on_until_the_client_leaves() -> None:
    async with SimServer(SimOptions(endless=True, tokens=5)) as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(request_bytes(STREAM))
        async with asyncio.timeout(SECONDS):
            data = await reader.readexactly(8_000_000)  # more than any buffer holds
        assert b"[DONE]" not in data
        assert b'"finish_reason":"stop"' not in data
        writer.transport.abort()
        await sim.until(lambda: sim.open_connections == 0)


def unzip(packed: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return zlib.decompress(packed, 31)
    if encoding == "deflate":
        return zlib.decompress(packed)
    if encoding == "br":
        return bytes(brotli.decompress(packed))
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("stream", [False, True])
async def test_encodings(encoding: str, stream: bool) -> None:
    async with SimServer(SimOptions(encoding=encoding, seed=1)) as sim:
        packed = await ask(sim, chat(stream=stream), accept_encoding=f"x, {encoding}")
        plain = await ask(sim, chat(stream=stream))

    assert f"content-encoding: {encoding}".encode() in packed.head
    assert b"content-encoding" not in plain.head
    assert unzip(packed.body, encoding) == plain.body


async def test_pictures_are_served_at_their_url() -> None:
    async with SimServer() as sim:
        answer = await ask(sim, {"model": "dall-e-3", "prompt": "tea"}, "/v1/images/generations")
        url = json.loads(answer.body)["data"][0]["url"]
        assert url.startswith(sim.origin + "/")
        picture = await ask(sim, None, url.removeprefix(sim.origin))

    assert b"content-type: image/png" in picture.head
    assert picture.body.startswith(b"\x89PNG")


async def test_a_form_is_read() -> None:
    lines = ["--b", 'content-disposition: form-data; name="prompt"', "", "tea", "--b",
             'content-disposition: form-data; name="n"', "", "2", "--b",
             'content-disposition: form-data; name="image"; filename="a.png"', "", "\x89PNG", "--b--", ""]  # fmt: skip
    body = "\r\n".join(lines).encode()
    head = "POST /v1/images/edits HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b"
    async with SimServer() as sim:
        reader, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(f"{head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        answer = await read_all(reader)
        writer.close()

    assert len(json.loads(answer.body)["data"]) == 2


async def test_options_may_change_between_requests() -> None:
    async with SimServer() as sim:
        before = (await ask(sim, chat())).status
        sim.options = SimOptions(fail="http-429")
        after = await ask(sim, chat())

    assert (before, after.status) == (200, 429)
    assert b"retry-after: 20" in after.head


async def test_stop_drops_open_streams() -> None:
    sim = SimServer(SimOptions(hold_after=1))
    await sim.start()
    reader, writer = await asyncio.open_connection(sim.host, sim.port)
    writer.write(request_bytes(STREAM))
    await sim.until(lambda: sim.open_streams == 1)
    await sim.stop()
    await sim.stop()
    answer = await read_all(reader)
    writer.close()

    assert not answer.complete
    assert sim.open_streams == 0


async def test_until_gives_up() -> None:
    async with SimServer() as sim:
        with pytest.raises(TimeoutError):
            await sim.until(lambda: sim.request_count > 0, timeout=0.01)


def test_unknown_faults_are_refused_at_once() -> None:
    with pytest.raises(OptionError, match="Did you mean 'sse-crlf'"):
        SimServer(SimOptions(faults=("sse-clrf",)))


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, [0.0, 0.0, 0.0]),
        ({"first_token": 0.5}, [0.5, 0.5, 0.5]),
        ({"rate": 50.0}, [0.0, 0.02, 0.04]),
        ({"rate": 4.0, "first_token": 1.0}, [1.0, 1.25, 1.5]),
    ],
)
def test_schedule(options: dict[str, Any], times: list[float]) -> None:
    assert [due(event, SimOptions(**options)) for event in range(3)] == pytest.approx(times)


def test_head() -> None:
    sized = head_bytes(SimReply(200, {"a": "b"}, [b"xyz"]), keep_alive=True)
    streamed = head_bytes(SimReply(599, {}, [b"xyz"], stream=True), keep_alive=False)

    assert sized == b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\n"
    assert streamed == b"HTTP/1.1 599 Unknown\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
