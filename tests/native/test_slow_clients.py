"""Clients that send too much, too slowly or nothing, and those that take nothing: bounded, and alone with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings
from proxy.talking import Talk, request_bytes
from shell.upstream.scripted import until
from trueline.settings.model import Limits
from trueline.shell.native import protocol
from trueline.sim import SimServer

HEAD = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nhost: proxy.test\r\n"
SMALL = Limits(header_bytes=2000, request_bytes=10_000)
IMPATIENT = 0.15
"""Seconds."""


async def ended(talk: Talk) -> None:
    while not await talk.closed():
        pass


FLOODS = {
    "a header without an end": HEAD + b"x-a: " + b"a" * 300_000,
    "a name without an end": HEAD + b"x" * 300_000,
    "a path without an end": b"POST /v1/" + b"a" * 300_000,
    "a method without an end": b"P" * 300_000,
    "a long header": HEAD + b"x-a: " + b"a" * 3000 + b"\r\n\r\n",
    "many long headers": HEAD + b"".join(b"x-%d: %b\r\n" % (i, b"a" * 100) for i in range(50)) + b"\r\n",
    "many short headers": HEAD + b"".join(b"x: y\r\n" for i in range(300)) + b"\r\n",
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_head_beyond_the_limit(name: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=SMALL)) as proxy:
        talk = await proxy.talk()
        try:
            await talk.write(FLOODS[name])
        except ConnectionError:
            pass
        if name != "a method without an end":
            reply = await talk.reply()
            assert (reply.status, reply.error["code"]) == (431, "request_head_too_large")
            assert "2000 bytes" in reply.error["message"] and "256 lines" in reply.error["message"]
        await ended(talk)
        assert (await proxy.chat()).status == 200
        assert len(sim.requests) == 1


BODIES = {
    "chunk extensions": b"1;" + b"x" * 400_000,
    "many chunk extensions": (b"1;" + b"x" * 100 + b"\r\n{\r\n") * 3000,
    "trailers": b"1\r\n{\r\n0\r\n" + b"x: y\r\n" * 60_000,
    "one trailer": b"1\r\n{\r\n0\r\nx: " + b"y" * 400_000,
}


@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_mostly_framing(name: str, path: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=SMALL)) as proxy:
        talk = await proxy.talk()
        head = HEAD.replace(CHAT.encode(), path.encode()) + b"content-type: application/json\r\n"
        try:
            await talk.write(head + b"transfer-encoding: chunked\r\n\r\n" + BODIES[name])
        except ConnectionError:
            pass
        reply = await talk.reply()
        assert (reply.status, "framing" in reply.error["message"]) == (400, True)
        await ended(talk)
        assert not sim.requests


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_beyond_the_limit_is_answered_although_it_is_still_being_sent(framing: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=SMALL)) as proxy:
        talk = await proxy.talk()
        if framing == "length":
            await talk.write(HEAD + b"content-length: 3000000\r\n\r\n")
        else:
            await talk.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        piece = b"a" * 3000
        for _ in range(200):
            await talk.write(piece if framing == "length" else b"bb8\r\n" + piece + b"\r\n")
        reply = await talk.reply()
        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
        assert not sim.requests


async def test_a_refused_body_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=SMALL)) as proxy:
        talk = await proxy.talk()
        await talk.write(HEAD + b"content-length: 99999999\r\n\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                await talk.write(b"a" * 65536)
        await until(lambda: not proxy.server.server_state.connections)


# -- too slowly ----------------------------------------------------------------------------------------------------

BEGINNINGS = {
    "nothing": (b"", None),
    "a request line": (b"POST /v1", 408),
    "half a head": (HEAD, 408),
    "half a body": (HEAD + b"content-length: 100\r\n\r\n{", 408),
    "half a chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{", 408),
    "half a large body": (HEAD + b"content-length: 1000000\r\n\r\n{", 408),
    "half a head of the second request": (request_bytes("POST", CHAT, body_of("echo: 1")) + HEAD, 408),
}


@pytest.mark.parametrize("name", BEGINNINGS)
async def test_a_request_that_does_not_go_on(name: str) -> None:
    data, status = BEGINNINGS[name]
    async with SimServer() as sim, running(settings(sim.url, client_timeout=IMPATIENT)) as proxy:
        talk = await proxy.talk()
        await talk.write(data)
        if data.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: proxy.test\r\ncontent-type"):
            assert (await talk.reply()).status == 200
        if status is not None:
            reply = await talk.reply()
            assert (reply.status, reply.error["code"]) == (status, "request_timeout")
        await ended(talk)
        assert (await proxy.chat()).status == 200


async def test_a_slow_upload_of_what_goes_on_to_asgi() -> None:
    async with SimServer() as sim, running(settings(sim.url, client_timeout=IMPATIENT)) as proxy:
        talk = await proxy.talk()
        await talk.write(b"POST /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{")
        await ended(talk)
        await until(lambda: proxy.running == 0)


async def test_a_body_may_take_longer_as_long_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that is given grows with what has come."""
    monkeypatch.setattr(protocol, "SLOWEST", 10)
    async with SimServer() as sim, running(settings(sim.url, client_timeout=IMPATIENT)) as proxy:
        talk = await proxy.talk()
        data = request_bytes("POST", CHAT, body_of("echo: " + "slow " * 200))
        head, _, body = data.partition(b"\r\n\r\n")
        await talk.write(head + b"\r\n\r\n" + body[:600])
        loop = asyncio.get_running_loop()
        late: asyncio.Future[None] = loop.create_future()
        loop.call_later(3 * IMPATIENT, late.set_result, None)
        await late
        await talk.write(body[600:])
        assert (await talk.reply()).status == 200


async def test_a_flood_of_half_open_requests_leaves_others_alone() -> None:
    async with SimServer() as sim, running(settings(sim.url, client_timeout=0.5)) as proxy:
        flood = [await proxy.talk() for _ in range(400)]
        for position, talk in enumerate(flood):
            await talk.write((HEAD, HEAD + b"content-length: 9\r\n\r\n{", b"P", b"")[position % 4])
        assert (await proxy.chat()).status == 200
        assert (await proxy.chat(stream=True)).content == "one two three four five six"

        await until(lambda: len(proxy.server.server_state.connections) <= 1)
        assert proxy.running == 0
        assert len(sim.requests) == 2


# -- those that take nothing, or leave ---------------------------------------------------------------------------------


async def never_read(proxy: Proxy, **fields: object) -> Talk:
    talk = await proxy.talk(receive_buffer=4096)
    talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
    words = 20_000 if fields.get("stream") else 800_000  # the kernel takes some of it off the proxy's hands
    await talk.send("POST", CHAT, body_of("echo: " + "many words " * words, **fields))
    return talk


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_takes_nothing_is_given_up(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url, client_timeout=0.4)) as proxy:
        await never_read(proxy, stream=stream)
        await until(lambda: proxy.unsent > 0)
        assert (await proxy.chat()).status == 200

        await until(lambda: proxy.unsent == 0)
        await until(lambda: proxy.running == 0)


LEAVING: dict[str, Callable[[Talk], None]] = {
    "closes": lambda talk: talk.close(),
    "resets": lambda talk: talk.reset(),
    "half-closes": lambda talk: talk.writer.write_eof(),
}


@pytest.mark.parametrize("way", LEAVING)
async def test_the_upstream_is_let_go_when_the_client(way: str) -> None:
    """Half of a connection is closed by clients that leave as well: nobody could tell them from one that listens."""
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        await talk.head()
        LEAVING[way](talk)

        await until(lambda: proxy.running == 0)
        await until(lambda: not sim.open_streams)
        assert "status=499" in proxy.log.text


async def test_a_client_that_leaves_pipelined_requests_behind() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        held = request_bytes("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        await talk.write(held + request_bytes("POST", CHAT, body_of()) * 3 + request_bytes("GET", "/health"))
        await talk.head()
        talk.reset()

        await until(lambda: proxy.running == 0)
        await until(lambda: not sim.open_streams)
        assert len(sim.requests) == 1
