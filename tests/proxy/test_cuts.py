"""Replies that break off or carry an error: nothing that was cut ever looks complete."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings, timeouts, upstream
from proxy.talking import Reply
from shell.upstream.scripted import Peer, Script, serve
from trueline.settings import Limits
from trueline.sim import SimServer

SHORT = 0.05
CUTS = {"cut": "upstream_cut", "cut-event": "upstream_cut", "reset": "upstream_cut", "stall": "upstream_timeout"}
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def check_broken(reply: Reply, code: str | None) -> None:
    """A stream with an honest end: an error event, `[DONE]`, and no finish."""
    assert (reply.status, reply.complete) == (200, True)
    assert reply.events[-1] == b"[DONE]"
    assert [event for event in reply.events if event == b"[DONE]"] == [b"[DONE]"]
    error = json.loads(reply.events[-2])
    assert list(error) == ["error"] and list(error["error"]) == ["message", "type", "param", "code"]
    assert error["error"]["type"] == "server_error"
    assert error["error"]["code"] == code
    assert reply.finish is None


@pytest.mark.parametrize("fail", CUTS)
async def test_a_stream_that_is_cut(fail: str) -> None:
    async with SimServer() as sim:
        up = upstream(sim.url, timeouts=timeouts(stall=SHORT if fail == "stall" else 5.0))
        async with running(settings(up)) as proxy:
            reply = await proxy.chat(stream=True, x_sim={"fail": fail, "fail_after": 4})

            check_broken(reply, CUTS[fail])
            assert reply.content == "one two three"
            assert f"status=200 ms={_ms(proxy.log.lines[-1])} upstream=up" in proxy.log.lines[-1]
            assert f"error={CUTS[fail]}" in proxy.log.lines[-1]
            await sim.until(lambda: sim.open_connections == 0)


def _ms(line: str) -> str:
    return line.partition("ms=")[2].partition(" ")[0]


@pytest.mark.parametrize("fail", CUTS)
async def test_a_stream_that_is_cut_before_its_first_event(fail: str) -> None:
    async with SimServer() as sim:
        up = upstream(sim.url, timeouts=timeouts(stall=SHORT if fail == "stall" else 5.0))
        async with running(settings(up)) as proxy:
            reply = await proxy.chat(stream=True, x_sim={"fail": fail, "fail_after": 0})

            assert reply.status == (504 if fail == "stall" else 502)
            assert reply.error["code"] == CUTS[fail]


@pytest.mark.parametrize("fail", ["cut", "reset", "stall"])
@pytest.mark.parametrize("path", [CHAT, "/v1/images/generations", "/v1/models"])
async def test_a_whole_reply_that_is_cut(fail: str, path: str) -> None:
    async with SimServer() as sim:
        up = upstream(sim.url, timeouts=timeouts(stall=SHORT if fail == "stall" else 5.0))
        async with running(settings(up)) as proxy:
            if path == "/v1/models":
                reply = await proxy.ask("GET", path, None, x_sim=json.dumps({"fail": fail}))
            else:
                reply = await proxy.ask("POST", path, {**body_of(), "prompt": "x", "x_sim": {"fail": fail}})

            assert reply.status == (504 if fail == "stall" else 502)
            assert reply.error["code"] == CUTS[fail]


@pytest.mark.parametrize("fail", ["refuse", "silent", "garbage"])
@pytest.mark.parametrize("stream", [False, True])
async def test_no_answer(fail: str, stream: bool) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, timeouts=timeouts(first_byte=SHORT)))) as proxy:
        reply = await proxy.chat(stream=stream, x_sim={"fail": fail})

        assert reply.status == (504 if fail == "silent" else 502)
        assert reply.error["code"]
        assert (await proxy.chat()).status == 200


async def test_an_error_in_the_middle() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat(stream=True, x_sim={"fail": "error", "fail_after": 4})

        check_broken(reply, None)
        assert reply.content == "one two three"
        assert "err-mid-stream:1" in proxy.log.lines[-1]


def streaming(*events: bytes, end: bool = True) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        body = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)
        await peer.send(SSE + body + (b"0\r\n\r\n" if end else b""))
        peer.close()

    return script


ERROR = {"message": "The model crashed", "type": "server_error", "param": None, "code": "crashed"}
FIRST = [
    (b'data: {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}\n\n', 429, "Slow down"),
    (b'event: error\ndata: {"message": "broken"}\n\n', 502, "broken"),
    (b'data: {"error": {"message": "no such model", "code": 404}}\n\ndata: [DONE]\n\n', 404, "no such model"),
    (b'data: {"error": "out of memory"}\n\n', 502, "out of memory"),
]


@pytest.mark.parametrize(("event", "status", "message"), FIRST)
async def test_an_error_as_the_first_event_is_a_status(event: bytes, status: int, message: str) -> None:
    async with serve(streaming(event)) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        reply = await proxy.chat(stream=True)

        assert reply.status == status
        assert message in reply.error["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"error": ERROR}, 502, "crashed"),
        ({"error": {"message": "who are you", "code": "invalid_api_key"}}, 401, "invalid_api_key"),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, 429, "1002"),
    ],
)
async def test_an_error_inside_a_200(body: Any, status: int, code: str, stream: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        content = json.dumps(body).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await peer.send(head % len(content) + content)

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        reply = await proxy.chat(stream=stream)

        assert (reply.status, reply.error["code"]) == (status, code)
        assert reply.header("x-trueline-repairs")


# ---- passed through


PASSED_SSE = "/v1/threads/runs"
EVENT = b'data: {"n": 1}\n\n'


@pytest.mark.parametrize("end", ["cut", "reset", "stall"])
async def test_a_passed_stream_that_is_cut_ends_in_an_error_event(end: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(SSE + b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
        if end == "stall":
            await peer.gone()
        elif end == "reset":
            await peer.request(body=False)  # until the test has read the event
            peer.reset()
        peer.close()

    async with serve(script) as server:
        up = upstream(f"http://127.0.0.1:{server.port}/v1", timeouts=timeouts(stall=SHORT))
        async with running(settings(up)) as proxy:
            reply = await proxy.ask("POST", PASSED_SSE, {"model": "x", "prompt": "y", "stream": True})

            assert reply.complete and reply.events[0] == b'{"n": 1}'
            check_broken(reply, "upstream_cut" if end == "cut" else "upstream_timeout")


async def test_a_passed_stream_of_responses_ends_in_their_own_error_event() -> None:
    script = streaming(b'event: response.created\ndata: {"type": "response.created"}\n\n', end=False)
    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        reply = await proxy.ask("POST", "/v1/responses", {"model": "x", "input": "y", "stream": True})

        assert reply.complete and len(reply.events) == 2
        name, _, data = reply.events[1].partition(b"\ndata: ")
        assert name == b"event: error"
        error = json.loads(data)
        assert error["type"] == "error" and error["code"] == "upstream_cut" == error["error"]["code"]
        assert error["message"] == error["error"]["message"]


async def test_a_passed_stream_that_is_cut_within_an_event_has_no_end() -> None:
    script = streaming(EVENT, b'data: {"n": 2, "te', end=False)
    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", PASSED_SSE, {"model": "x", "stream": True})
        reply = await talk.reply()

        assert reply.body == EVENT + b'data: {"n": 2, "te'
        assert not reply.complete
        assert await talk.closed()


FRAMINGS = {
    "a length": b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 1000\r\n\r\n" + b"x" * 500,
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1f4\r\n" + b"x" * 500 + b"\r\n",
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 500,
    "an event stream with a length": SSE.replace(b"transfer-encoding: chunked", b"content-length: 1000")
    + EVENT * 20
    + b"x" * (500 - 20 * len(EVENT)),
}


@pytest.mark.parametrize("case", FRAMINGS)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_passed_body_that_is_cut_never_looks_complete(case: str, reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(FRAMINGS[case])
        if reset:
            await peer.reader.read(1)
            peer.reset()
        peer.close()

    async with serve(script) as server:
        up = upstream(f"http://127.0.0.1:{server.port}/v1", timeouts=timeouts(stall=SHORT))
        async with running(settings(up)) as proxy:
            talk = await proxy.talk()
            await talk.send("GET", "/v1/files/x/content")
            reply = await talk.reply()

            assert reply.status == 200
            assert len(reply.body) == 500
            assert not reply.complete
            assert await talk.closed()
            assert "error=upstream_" in proxy.log.lines[-1]


# ---- beyond the limit


async def test_a_reply_beyond_the_limit() -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=Limits(reply_bytes=3000))) as proxy:
        reply = await proxy.chat(x_sim={"tokens": 5000})
        assert (reply.status, reply.error["code"]) == (502, "upstream_reply_too_large")

        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"tokens": 500, "hold_after": 2}))
        reply = await talk.head()
        assert await talk.event()
        sim.release()
        check_broken(await talk.rest(reply), "upstream_reply_too_large")
        await sim.until(lambda: sim.open_connections == 0)


async def test_a_passed_reply_beyond_the_limit() -> None:
    script = streaming(*[EVENT] * 20, b": " + b"x" * 3000 + b"\n\n")
    async with serve(script) as server:
        limits = Limits(reply_bytes=1000)
        async with running(settings(f"http://127.0.0.1:{server.port}", limits=limits)) as proxy:
            talk = await proxy.talk()
            await talk.send("GET", "/v1/files/x/content")
            reply = await talk.reply()

            assert reply.status == 200
            assert b"upstream_reply_too_large" in reply.body or not reply.complete
