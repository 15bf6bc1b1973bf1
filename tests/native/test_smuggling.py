"""Requests that two servers could read differently are refused before any upstream hears of them (RFC 9112, 11)."""

from __future__ import annotations

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings
from proxy.talking import Talk, request_bytes
from trueline.sim import SimServer

BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"echo: hi"}]}'
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n"


def request(head: bytes, body: bytes = BODY, *, path: bytes = CHAT.encode(), version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST " + path + b" " + version + b"\r\nhost: proxy.test\r\n" + head + b"\r\n" + body


def chunks(*pieces: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + last


REFUSED = {
    # conflicting and odd lengths
    "two lengths": (400, request(LENGTH + b"content-length: 5\r\n")),
    "the same length twice": (400, request(LENGTH * 2)),
    "a list of lengths": (400, request(b"content-length: 68, 68\r\n")),
    "length and chunks": (400, request(b"content-length: 5\r\n" + CHUNKED, chunks(BODY))),
    "chunks and length": (400, request(CHUNKED + b"content-length: 5\r\n", chunks(BODY))),
    "a signed length": (400, request(b"content-length: +68\r\n")),
    "a negative length": (400, request(b"content-length: -1\r\n")),
    "a hexadecimal length": (400, request(b"content-length: 0x44\r\n")),
    "an empty length": (400, request(b"content-length: \r\n")),
    "a length beyond counting": (400, request(b"content-length: 99999999999999999999999\r\n")),
    # transfer codings
    "identity": (501, request(b"transfer-encoding: identity\r\n", chunks(BODY))),
    "an unknown coding": (501, request(b"transfer-encoding: xchunked\r\n", chunks(BODY))),
    "gzip and chunked": (501, request(b"transfer-encoding: gzip, chunked\r\n", chunks(BODY))),
    "chunked and identity": (400, request(b"transfer-encoding: chunked, identity\r\n", chunks(BODY))),
    "chunked twice": (400, request(CHUNKED * 2, chunks(BODY))),
    "a blank before the colon": (400, request(b"transfer-encoding : chunked\r\n", chunks(BODY))),
    "a vertical tab": (400, request(b"transfer-encoding: \x0bchunked\r\n", chunks(BODY))),
    # lines
    "a folded header": (400, request(b"x-a: b\r\n c\r\n" + LENGTH)),
    "a folded first header": (400, b"POST " + CHAT.encode() + b" HTTP/1.1\r\n host: a\r\n" + LENGTH + b"\r\n" + BODY),
    "bare line feeds": (400, request(LENGTH).replace(b"\r\n", b"\n")),
    "one bare line feed": (400, request(b"x-a: b\n" + LENGTH)),
    "a bare carriage return": (400, request(b"x-a: b\r" + LENGTH)),
    "a NUL": (400, request(b"x-a: b\0c\r\n" + LENGTH)),
    "a header without a colon": (400, request(b"x-a b\r\n" + LENGTH)),
    "a header without a name": (400, request(b": b\r\n" + LENGTH)),
    # chunks
    "a chunk extension with a bare line feed": (400, request(CHUNKED, b"44;a\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk size with 0x": (400, request(CHUNKED, b"0x44\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk size with a blank": (400, request(CHUNKED, b"44 \r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a negative chunk size": (400, request(CHUNKED, b"-1\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk size beyond counting": (400, request(CHUNKED, b"ffffffffffffffffff\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk longer than it says": (400, request(CHUNKED, b"43\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "chunks with bare line feeds": (400, request(CHUNKED, b"44\n" + BODY + b"\n0\n\n")),
    "a length among the trailers": (400, request(CHUNKED, chunks(BODY, last=b"0\r\ncontent-length: 7\r\n\r\n"))),
    # request lines and hosts
    "HTTP/0.9": (505, b"GET /v1/models\r\n\r\n"),
    "HTTP/1.2": (400, request(LENGTH, version=b"HTTP/1.2")),
    "HTTP/2 without asking": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a blank in the path": (400, request(LENGTH, path=b"/v1/chat/com pletions")),
    "CONNECT": (400, b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
    "no host": (400, b"POST " + CHAT.encode() + b" HTTP/1.1\r\n" + LENGTH + b"\r\n" + BODY),
    "two hosts": (400, request(b"host: other.test\r\n" + LENGTH)),
    # the same for what goes on to ASGI
    "two lengths, elsewhere": (400, request(LENGTH + b"content-length: 5\r\n", path=b"/v1/responses")),
    "gzip and chunked, elsewhere": (501, request(b"transfer-encoding: gzip, chunked\r\n", b"", path=b"/v1/responses")),
    "a chunk longer than it says, elsewhere": (
        400,
        request(
            CHUNKED + b"content-type: application/json\r\n", b"43\r\n" + BODY + b"\r\n0\r\n\r\n", path=b"/v1/responses"
        ),
    ),
}

TAKEN = {
    "chunks": request(CHUNKED, chunks(BODY[:9], BODY[9:])),
    "chunk extensions": request(CHUNKED, b'44;a=b;c="d"\r\n' + BODY + b"\r\n0\r\n\r\n"),
    "trailers": request(CHUNKED, chunks(BODY, last=b"0\r\nx-checksum: 1\r\n\r\n")),
    "a tab before the value": request(b"transfer-encoding:\tchunked\r\n", chunks(BODY)),
    "an absolute URL": request(LENGTH, path=b"http://proxy.test" + CHAT.encode()),
    "blank lines first": b"\r\n\r\n" + request(LENGTH),
    "a query": request(LENGTH, path=CHAT.encode() + b"?api-version=1"),
}


async def refused(proxy: Proxy, data: bytes) -> tuple[int, dict[str, object]]:
    talk = await proxy.talk()
    await talk.write(data)
    reply = await talk.reply()
    assert reply.header("connection") == "close"
    assert await talk.closed()
    return reply.status, reply.error


@pytest.mark.parametrize("name", REFUSED)
async def test_what_could_be_read_in_two_ways_is_refused(name: str) -> None:
    status, data = REFUSED[name]
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        got, error = await refused(proxy, data)

        assert (got, error["type"]) == (status, "invalid_request_error")
        assert not sim.requests
        assert (await proxy.chat()).status == 200


@pytest.mark.parametrize("name", TAKEN)
async def test_what_is_odd_but_clear_is_taken(name: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.write(TAKEN[name])
        reply = await talk.reply()
        assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, "hi")

        await talk.send("POST", CHAT, body_of("echo: again"))
        assert (await talk.reply()).json["choices"][0]["message"]["content"] == "again"


async def test_the_upstream_is_told_one_length_and_no_coding() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.write(TAKEN["chunk extensions"])
        assert (await talk.reply()).status == 200

        headers = sim.requests[0].headers
        assert (headers["content-length"], "transfer-encoding" in headers) == (str(len(BODY)), False)


async def test_bytes_after_a_request_do_not_spoil_its_reply() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.write(request(LENGTH) + b"GARBAGE")
        reply = await talk.reply()

        assert (reply.status, reply.complete) == (200, True)
        assert await talk.closed()


@pytest.mark.parametrize("cut", [1, 7, 64])
@pytest.mark.parametrize("name", ["two lengths", "a folded header", "chunks with bare line feeds", "two hosts"])
async def test_it_is_refused_however_it_is_cut(name: str, cut: int) -> None:
    status, data = REFUSED[name]
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        try:
            for at in range(0, len(data), cut):
                await talk.write(data[at : at + cut])
        except ConnectionError:
            pass  # it was refused before all of it was sent
        assert (await talk.reply()).status == status
        assert not sim.requests


async def pipelined(talk: Talk, *prompts: str, path: str = CHAT) -> None:
    await talk.write(b"".join(request_bytes("POST", path, body_of(prompt)) for prompt in prompts))


async def test_pipelined_requests_are_answered_in_order_of_both_kinds() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        requests = [
            request_bytes("POST", CHAT, body_of("echo: 0")),
            request_bytes("GET", "/health"),
            request_bytes("POST", CHAT, b"{"),
            request_bytes("POST", CHAT, body_of("echo: 3", stream=True)),
            request_bytes("GET", "/v1/models"),
            request_bytes("GET", "/nowhere"),
            request_bytes("POST", CHAT, body_of("echo: 6")),
        ]
        await talk.write(b"".join(requests))
        replies = [await talk.reply() for _ in requests]

        assert [reply.status for reply in replies] == [200, 200, 400, 200, 200, 404, 200]
        assert replies[0].json["choices"][0]["message"]["content"] == "0"
        assert replies[3].content == "3" and replies[3].events[-1] == b"[DONE]"
        assert replies[4].json["object"] == "list"
        assert replies[6].json["choices"][0]["message"]["content"] == "6"


async def test_hundreds_of_pipelined_requests() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        bad = request_bytes("POST", CHAT, b"{")
        await talk.write(bad * 700)
        assert {(await talk.reply()).status for _ in range(700)} == {400}

        await pipelined(talk, *(f"echo: {i}" for i in range(40)))
        contents = [(await talk.reply()).json["choices"][0]["message"]["content"] for _ in range(40)]
        assert contents == [str(i) for i in range(40)]
