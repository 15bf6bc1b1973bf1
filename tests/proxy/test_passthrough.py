"""Every other path: any method, any body, both ways as it comes."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import brotli
import pytest
import zstandard

from proxy.running import Proxy, running, settings
from shell.upstream.scripted import Peer, Script, Seen, serve, until
from trueline.sim import SimServer

BINARY = bytes(range(256)) * 400


@asynccontextmanager
async def before(script: Script) -> AsyncIterator[Proxy]:
    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}/v1")) as proxy:
        yield proxy


class Echo:
    """Answers with the body it got, and keeps what it saw."""

    def __init__(self, head: bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n") -> None:
        self.head = head
        self.seen: list[Seen] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            seen = await peer.request()
            self.seen.append(seen)
            body = b"" if seen.line.startswith("HEAD") else seen.body
            await peer.send(self.head + b"content-length: %d\r\n\r\n" % len(seen.body) + body)


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [None, b"", BINARY])
async def test_any_method_with_any_body(method: str, body: bytes | None) -> None:
    echo = Echo()
    async with before(echo) as proxy:
        reply = await proxy.ask(method, "/v1/anything/at%20all?x=1&y=%2F", body)

        assert (reply.status, reply.complete) == (200, True)
        assert reply.body == (b"" if method == "HEAD" else body or b"")
        assert reply.header("content-length") == str(len(body or b""))
        assert echo.seen[-1].line == f"{method} /v1/anything/at%20all?x=1&y=%2F HTTP/1.1"
        assert echo.seen[-1].body == (body or b"")
        length = echo.seen[-1].header("content-length")
        assert length == (str(len(body)) if body else "0" if method in ("POST", "PUT", "PATCH") else length)
        assert length in (None, "0", str(len(body or b"")))


KINDS = ["application/json", "text/plain", "multipart/form-data; boundary=b", "audio/wav", "application/x-ndjson", ""]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunked", [False, True])
async def test_any_content_type(kind: str, chunked: bool) -> None:
    echo = Echo()
    async with before(echo) as proxy:
        talk = await proxy.talk()
        given = {"content_type": kind} if kind else {}
        if chunked:
            await talk.send("POST", "/v1/x", transfer_encoding="chunked", **given)
            for at in range(0, len(BINARY), 9000):
                piece = BINARY[at : at + 9000]
                await talk.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await talk.write(b"0\r\n\r\n")
        else:
            await talk.send("POST", "/v1/x", BINARY, **given)
        reply = await talk.reply()

        assert reply.body == BINARY
        assert echo.seen[-1].body == BINARY
        assert echo.seen[-1].header("content-type") == (kind or None)
        streamed = chunked and kind not in ("application/json", "application/x-ndjson")
        assert echo.seen[-1].header("content-length") == (None if streamed else str(len(BINARY)))


async def test_an_upload_that_waits_for_permission_to_go_on() -> None:
    echo = Echo()
    async with before(echo) as proxy:
        talk = await proxy.talk()
        await talk.send(
            "POST", "/v1/files", content_type="audio/wav", content_length=str(len(BINARY)), expect="100-continue"
        )
        async with asyncio.timeout(5):
            assert await talk.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await talk.write(BINARY)

        assert (await talk.reply()).body == BINARY
        assert echo.seen[-1].header("expect") is None


# ---- uploads


async def test_an_upload_goes_up_while_it_comes() -> None:
    """The upstream sees each piece before the client sends the next one."""
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        for _ in range(5):
            await seen.put(await peer.reader.readexactly(10))
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with before(script) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/files", content_type="multipart/form-data; boundary=b", content_length="50")
        for n in range(5):
            await talk.write(b"piece %04d" % n)
            assert await seen.get() == b"piece %04d" % n
        assert (await talk.reply()).status == 200


async def test_an_upload_is_not_kept() -> None:
    """An upstream that does not read: the client is held back after a bounded number of bytes."""
    total = 60_000_000
    go = asyncio.Event()
    read = 0

    async def script(peer: Peer) -> None:
        nonlocal read
        await peer.request(body=False)
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await go.wait()
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        while read < total:
            read += len(await peer.reader.read(1_000_000))
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with before(script) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/files", content_type="audio/wav", content_length=str(total))
        piece = b"x" * 100_000
        sent = await talk.fill(piece, total)
        assert sent < 20_000_000, "somebody keeps what the upstream has not taken"
        go.set()
        while sent < total:
            await talk.write(piece)
            sent += len(piece)
        assert (await talk.reply()).status == 200
        assert read == total


async def test_a_refusal_while_the_upload_is_under_way() -> None:
    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        body = b'{"error": {"message": "File too large", "type": "invalid_request_error", "param": null, "code": null}}'
        await peer.send(b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await peer.gone()

    async with before(script) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/files", b"", content_type="audio/wav", content_length="5000000")
        reply = await talk.reply()

        assert (reply.status, reply.error["message"]) == (413, "File too large")


async def test_an_answer_while_the_upload_is_under_way() -> None:
    """Both directions at once, as speech goes in and text comes out."""

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(5):
            data = await peer.reader.readexactly(4)
            await peer.send(b"4\r\n%b\r\n" % data.upper())
        await peer.send(b"0\r\n\r\n")

    async with before(script) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/audio/live", content_type="audio/wav", content_length="20")
        await talk.write(b"aaaa")
        assert (await talk.head()).status == 200
        assert await talk.piece() == b"AAAA"
        for n in range(4):
            await talk.write(b"bb%02d" % n)
            assert await talk.piece() == b"BB%02d" % n
        assert await talk.piece() == b""


# ---- what comes down


def compress(encoding: str) -> bytes:
    by_name = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}
    return bytes(by_name[encoding](BINARY))


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("accepted", ["gzip, br, zstd", "identity", None])
async def test_compressed_bodies_come_down_decoded(encoding: str, accepted: str | None) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        body = compress(encoding)
        head = "HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncontent-encoding: {}\r\ncontent-length: {}\r\n\r\n"
        await peer.send(head.format(encoding, len(body)).encode() + body)
        await peer.gone()

    async with before(script) as proxy:
        reply = await proxy.ask(
            "GET", "/v1/files/1/content", None, **({"accept_encoding": accepted} if accepted else {})
        )

        assert reply.complete and reply.body == BINARY
        assert reply.header("content-encoding") is None
        assert reply.header("content-length") is None
        assert reply.header("content-type") == "audio/wav"


async def test_a_large_body_comes_down_whole() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(BINARY) * 100))
        for _ in range(100):
            await peer.send(BINARY)
        await peer.gone()

    async with before(script) as proxy:
        reply = await proxy.ask("GET", "/v1/files/1/content")

        assert reply.complete and reply.body == BINARY * 100
        assert reply.header("content-length") == str(len(BINARY) * 100)
        assert reply.header("content-type") is None


async def test_a_body_that_ends_with_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.0 200 OK\r\n\r\n" + BINARY)
        peer.close()

    async with before(script) as proxy:
        reply = await proxy.ask("GET", "/v1/files/1/content")

        assert reply.complete and reply.body == BINARY


NO_BODY = {
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "204 with a length": b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n',
    "304 with a length": b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\ncontent-length: 500\r\n\r\n',
}


@pytest.mark.parametrize("case", NO_BODY)
async def test_replies_without_a_body(case: str) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(NO_BODY[case])

    async with before(script) as proxy:
        talk = await proxy.talk()
        for _ in range(2):  # the connection is still good
            await talk.send("DELETE", "/v1/files/1", if_none_match='"1"')
            reply = await talk.reply()
            assert reply.status == int(case[:3])
            assert reply.header("etag") == ('"1"' if case.startswith("304") else None)


async def test_part_of_a_file() -> None:
    async def script(peer: Peer) -> None:
        seen = await peer.request()
        assert seen.header("range") == "bytes=0-9"
        await peer.send(
            b"HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-9/100\r\ncontent-length: 10\r\n\r\n0123456789"
        )

    async with before(script) as proxy:
        reply = await proxy.ask("GET", "/v1/files/1/content", None, range="bytes=0-9")

        assert (reply.status, reply.header("content-range")) == (206, "bytes 0-9/100")
        assert reply.body == b"0123456789"


# ---- streams


@pytest.mark.parametrize("path", ["/v1/threads/runs", "/v1/responses"])
async def test_events_come_down_when_they_come(path: str) -> None:
    go: asyncio.Queue[bytes] = asyncio.Queue()
    asked: list[Seen] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        while event := await go.get():
            await peer.send(b"%x\r\n%b\r\n" % (len(event), event))
        await peer.send(b"0\r\n\r\n")

    async with before(script) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", path, {"model": "x", "stream": True})
        reply = await talk.head()
        for n in range(5):
            event = b'event: e\r\ndata: {"n":  %d}\r\n\r\n' % n  # byte for byte, whatever its form
            go.put_nowait(event)
            assert await talk.piece() == event
        go.put_nowait(b"")
        assert await talk.piece() == b""

    assert reply.header("content-type") == "text/event-stream"
    assert asked[0].header("accept-encoding") == "identity"  # no event waits in a compressor


async def test_only_streams_ask_for_no_compression() -> None:
    echo = Echo()
    async with before(echo) as proxy:
        await proxy.ask("POST", "/v1/moderations", {"model": "x"})
        await proxy.ask("GET", "/v1/responses/1", None, accept="text/event-stream")

        assert "gzip" in (echo.seen[0].header("accept-encoding") or "")
        assert echo.seen[1].header("accept-encoding") == "identity"


@pytest.mark.parametrize("stream", [False, True])
async def test_completions_of_a_model_server(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", "/v1/completions", {"model": "x", "prompt": "echo: a b", "stream": stream})

        assert reply.complete
        objects = reply.chunks if stream else [reply.json]
        assert "".join(each["choices"][0]["text"] for each in objects) == "a b"


# ---- JSON with a model


async def test_an_alias_is_replaced_and_nothing_else() -> None:
    echo = Echo()
    async with serve(echo) as server:
        chosen = settings(f"http://127.0.0.1:{server.port}", models={"fast": ("up", "real")})
        async with running(chosen) as proxy:
            body = '{"input": ["é", 1.50, 12345678901234567890123], "model": "fast", "x": {"model": "fast"}}'
            await proxy.ask("POST", "/v1/moderations", body.encode(), content_type="application/json; charset=utf-8")

    sent = echo.seen[-1]
    assert json.loads(sent.body) == json.loads(body) | {"model": "real"}
    assert sent.header("content-type") == "application/json; charset=utf-8"
    assert sent.header("content-length") == str(len(sent.body))


@pytest.mark.parametrize("body", [b"{'a'}", b"[1]", b"", b'{"model": 5}', b'{"model": "other", "a": 1.50 }'])
async def test_other_json_passes_byte_for_byte(body: bytes) -> None:
    """What is wrong with it is for the upstream to say."""
    echo = Echo()
    async with before(echo) as proxy:
        await proxy.ask("POST", "/v1/moderations", body, content_type="application/json")

    assert echo.seen[-1].body == body


async def test_a_connection_is_kept_after_every_kind_of_reply() -> None:
    echo = Echo()
    async with serve(echo) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk()
        for method, body in (("GET", None), ("POST", BINARY), ("HEAD", None), ("DELETE", None), ("PUT", b"{}")):
            await talk.send(method, "/v1/x", body, content_type="application/octet-stream")
            assert (await talk.reply()).complete
        await until(lambda: proxy.running == 0)
        # HEAD replies are framed as their GET would be, which the next request must not trip over
        assert server.connections == 1


# ---- errors under status 200


def told() -> Echo:
    """A server that answers with what it was sent, as JSON."""
    return Echo(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        (b'{"error":"Unexpected endpoint or method. (GET /v1/x)"}', 404, "err-unknown-endpoint-200"),
        (b'{"error":{"message":"no such file","code":404}}', 404, "err-code-int"),
        (b'{"code":500,"msg":"it broke","data":null}', 500, "err-200-code-msg"),
        (b'{"base_resp":{"status_code":1004,"status_msg":"login fail"}}', 401, "err-200-baseresp"),
    ],
)
async def test_an_error_under_status_200_gets_its_own(body: bytes, status: int, fault: str) -> None:
    async with before(told()) as proxy:
        reply = await proxy.ask("POST", "/v1/x", body)

        assert reply.status == status
        assert set(reply.json["error"]) == {"message", "type", "param", "code"}
        assert fault in (reply.header("x-trueline-repairs") or "")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"ftjob-1","object":"fine_tuning.job","error":{"code":"invalid","message":"a bad file"}}',
        b'{"object":"response","status":"failed","error":{"code":"server_error","message":"x"}}',
        b'{"id":"resp_1","error":null}',
        b'{"error":null,"ok":true}',
        b'{"message":"deleted"}',
        b'{"detail":"three of four"}',
        b'{"code":0,"msg":"ok"}',
        b'{"base_resp":{"status_code":0}}',
        b'{"data": [1.50] }',
        b'[{"error":"x"}]',
        b'"error"',
        b"no JSON",
    ],
)
async def test_what_is_no_error_passes_byte_for_byte(body: bytes) -> None:
    async with before(told()) as proxy:
        reply = await proxy.ask("POST", "/v1/x", body)

        assert (reply.status, reply.body, reply.complete) == (200, body, True)
