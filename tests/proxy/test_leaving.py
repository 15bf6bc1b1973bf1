"""Clients that go away: their upstream request ends at once, and nobody else's does."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, timeouts, upstream
from proxy.talking import Talk
from shell.upstream.scripted import Peer, serve, until
from trueline.sim import SimServer

ENDS = ["close", "reset", "half"]
every_end = pytest.mark.parametrize("how", ENDS)


def leave(talk: Talk, how: str) -> None:
    if how == "reset":
        talk.reset()
    elif how == "half":
        talk.writer.write_eof()
    else:
        talk.close()


WAITING: list[tuple[str, str, Any]] = [
    ("POST", CHAT, body_of(x_sim={"fail": "silent"})),
    ("POST", CHAT, body_of(stream=True, x_sim={"fail": "silent"})),
    ("POST", "/v1/images/generations", {"prompt": "x", "x_sim": {"fail": "silent"}}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/x", None),
    ("POST", "/v1/embeddings", {"model": "x", "input": "y", "x_sim": {"fail": "silent"}}),
    ("POST", "/v1/completions", {"model": "x", "stream": True, "x_sim": {"fail": "silent"}}),
    ("POST", "/v1/audio/transcriptions", b"RIFF"),
    ("DELETE", "/v1/files/x", None),
]
IDS = ["chat", "stream", "image", "models", "model", "embeddings", "completions", "upload", "delete"]


@every_end
@pytest.mark.parametrize(("method", "path", "content"), WAITING, ids=IDS)
async def test_before_the_answer(method: str, path: str, content: Any, how: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        kind = {"content_type": "multipart/form-data; boundary=b"} if isinstance(content, bytes) else {}
        await talk.send(method, path, content, x_sim=json.dumps({"fail": "silent"}), **kind)
        await sim.until(lambda: sim.request_count == 1)
        leave(talk, how)

        await sim.until(lambda: sim.open_connections == 0)
        await until(lambda: proxy.running == 0)
        assert "status=499" in proxy.log.lines[-1] and "error=-" in proxy.log.lines[-1]
        assert (await proxy.chat()).status == 200


@every_end
@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
async def test_in_the_middle_of_a_stream(path: str, how: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        request = {**body_of(stream=True), "prompt": "echo: a b c d e f", "x_sim": {"hold_after": 3}}
        leaving, staying = await proxy.talk(), await proxy.talk()
        for talk in (leaving, staying):
            await talk.send("POST", path, request)
            await talk.head()
            await talk.event()
        assert sim.open_streams == 2

        leave(leaving, how)
        await sim.until(lambda: sim.open_streams == 1)
        await until(lambda: proxy.running == 1)
        assert "status=499" in proxy.log.lines[-1]

        sim.release()
        while await staying.event() != b"[DONE]":
            pass
        assert await staying.piece() == b""
        assert "status=200" in proxy.log.lines[-1]


async def test_many_leave_and_many_stay() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talks = [await proxy.talk() for _ in range(40)]
        for n, talk in enumerate(talks):
            await talk.send("POST", CHAT, body_of(f"echo: client {n} stays here", stream=True, x_sim={"hold_after": 2}))
        for talk in talks:
            await talk.head()
        for talk in talks[::2]:
            talk.close()
        await sim.until(lambda: sim.open_streams == 20 and sim.open_connections == 20)
        await until(lambda: proxy.running == 20)

        sim.release()
        for n, talk in list(enumerate(talks))[1::2]:
            said = ""
            while (event := await talk.event()) != b"[DONE]":
                said += json.loads(event)["choices"][0]["delta"].get("content") or ""
            assert said == f"client {n} stays here"


@every_end
async def test_within_its_own_request(how: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, b'{"model": ', content_type="application/json", content_length="500")
        await until(lambda: proxy.running == 1)
        leave(talk, how)

        await until(lambda: proxy.running == 0)
        assert sim.connection_count == 0
        assert "status=499" in proxy.log.lines[-1]


@every_end
@pytest.mark.parametrize("chunked", [False, True])
async def test_within_an_upload(how: str, chunked: bool) -> None:
    """The upstream sees no end of the body, so that it cannot take it for complete."""
    arrived, ended = asyncio.Event(), asyncio.Event()
    rest: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        await peer.reader.readuntil(b"beginning")
        arrived.set()
        try:
            rest.append(await peer.reader.read())
        except ConnectionError:
            pass
        ended.set()

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk()
        framing = {"transfer_encoding": "chunked"} if chunked else {"content_length": "500"}
        await talk.send("POST", "/v1/files", content_type="audio/wav", **framing)
        await talk.write(b"9\r\nbeginning\r\n" if chunked else b"beginning")
        await arrived.wait()
        leave(talk, how)

        await ended.wait()
        await until(lambda: proxy.running == 0)
        assert b"".join(rest) in (b"", b"\r\n")
        assert "status=499" in proxy.log.lines[-1]


@every_end
async def test_while_nobody_takes_its_upload(how: str) -> None:
    """What the client has sent stands between us and its leaving: the stall timeout ends this one."""
    gone, asked = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request(body=False)
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        asked.set()
        await dropped.wait()
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        await peer.gone()
        gone.set()

    dropped = asyncio.Event()
    async with serve(script) as server:
        up = upstream(f"http://127.0.0.1:{server.port}", timeouts=timeouts(stall=0.2))
        async with running(settings(up)) as proxy:
            talk = await proxy.talk()
            await talk.send("POST", "/v1/files", content_type="audio/wav", content_length="60000000")
            await asked.wait()
            await talk.fill(b"x" * 100_000, 60_000_000)
            talk.reset() if how == "reset" else talk.writer.transport.abort()

            await until(lambda: proxy.running == 0)
            dropped.set()
            await gone.wait()


@every_end
async def test_while_the_upstream_is_connected_to(how: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        async with running(settings(f"http://127.0.0.1:{listener.getsockname()[1]}")) as proxy:
            talk = await proxy.talk()
            await talk.send("POST", CHAT, body_of())
            await until(lambda: proxy.running == 1)
            leave(talk, how)
            await until(lambda: proxy.running == 0)
        for filler in fillers:
            filler.close()


@every_end
async def test_while_a_picture_is_fetched(how: str) -> None:
    fetching, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        body = b'{"created": 1, "data": [{"url": "/a.png"}]}'
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await peer.request()
        fetching.set()
        await peer.gone()
        gone.set()

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/images/generations", {"prompt": "x", "response_format": "b64_json"})
        await fetching.wait()
        leave(talk, how)

        await gone.wait()
        await until(lambda: proxy.running == 0)


@every_end
async def test_while_several_upstreams_are_asked(how: str) -> None:
    async with SimServer() as one, SimServer() as two:
        chosen = settings(upstream(one.url, name="one"), upstream(two.url, name="two"))
        async with running(chosen) as proxy:
            talk = await proxy.talk()
            await talk.send("GET", "/v1/models", None, x_sim=json.dumps({"fail": "silent"}))
            await one.until(lambda: one.request_count == 1)
            await two.until(lambda: two.request_count == 1)
            leave(talk, how)

            await one.until(lambda: one.open_connections == 0)
            await two.until(lambda: two.open_connections == 0)
            await until(lambda: proxy.running == 0)


async def test_a_client_that_leaves_when_it_has_everything_is_no_failure() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for stream in (False, True):
            talk = await proxy.talk()
            await talk.send("POST", CHAT, body_of(stream=stream), connection="close")
            reply = await talk.reply()
            assert reply.complete and await talk.closed()
            await until(lambda: proxy.running == 0)
            assert "status=200" in proxy.log.lines[-1]
        assert sim.connection_count == 1  # the upstream's connection was kept
