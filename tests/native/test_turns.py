"""What one request on a connection leaves to the next: keys, the client's pace, offers of other protocols."""

from __future__ import annotations

import pytest

from proxy.running import CHAT, body_of, running, settings
from proxy.talking import request_bytes
from shell.upstream.scripted import until
from trueline.sim import SimServer

KEY = "tl-own-0123456789abcdefg"
LONG = "echo: " + "many words " * 9000


def keyed(prompt: str, key: str = KEY) -> bytes:
    return request_bytes("POST", CHAT, body_of(prompt), authorization=f"Bearer {key}")


@pytest.mark.parametrize("prompt", ["echo: a", LONG], ids=["short", "long"])
async def test_keys_are_asked_for_in_every_request(prompt: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=(KEY,))) as proxy:
        talk = await proxy.talk()
        for key, status in ((KEY, 200), (KEY, 200), ("tl-other", 401)):
            await talk.write(keyed(prompt, key))
            assert (await talk.reply()).status == status

        for _ in range(3):
            talk = await proxy.talk()
            head, _, body = keyed(prompt).partition(b"\r\n\r\n")
            head = head.replace(b"content-length", b"x-was") + b"\r\ntransfer-encoding: chunked"
            await talk.write(head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
            assert (await talk.reply()).status == 200
        assert all("authorization" not in request.headers for request in sim.requests)


async def test_nothing_is_fetched_for_a_client_that_does_not_take_what_it_has() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk(receive_buffer=4096)
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        big = request_bytes("POST", CHAT, body_of("echo: " + "many words " * 800_000))
        await talk.write(big)
        await until(lambda: proxy.unsent > 0)
        for stream in (True, False, True):
            await talk.write(request_bytes("POST", CHAT, body_of(stream=stream)))
        await talk.write(request_bytes("GET", "/v1/models"))
        assert (await proxy.chat()).status == 200
        assert len(sim.requests) == 2

        talk.writer.transport.resume_reading()  # type: ignore[attr-defined]
        replies = [await talk.reply() for _ in range(5)]
        assert [reply.status for reply in replies] == [200] * 5
        assert replies[1].events[-1] == replies[3].events[-1] == b"[DONE]"
        assert len(sim.requests) == 6


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("path", [CHAT, "/v1/images/generations"])
async def test_an_offer_of_http2_is_declined_and_the_request_answered(path: str, framing: str) -> None:
    content = body_of("echo: hi") if path == CHAT else {"prompt": "a cat"}
    data = request_bytes(
        "POST", path, content, connection="Upgrade, HTTP2-Settings", upgrade="h2c", http2_settings="AAMAAAB"
    )
    if framing == "chunks":
        head, _, body = data.partition(b"\r\n\r\n")
        head = head.replace(b"content-length", b"x-was") + b"\r\ntransfer-encoding: chunked"
        data = head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    for cut in (len(data), 40, data.index(b"\r\n\r\n") + 9):
        async with SimServer() as sim, running(settings(sim.url)) as proxy:
            talk = await proxy.talk()
            await talk.write(data[:cut])
            await talk.write(data[cut:])
            assert (await talk.reply()).status == 200
            assert not {"upgrade", "http2-settings"} & sim.requests[0].headers.keys()

            await talk.send("POST", CHAT, body_of("echo: again"))
            assert (await talk.reply()).json["choices"][0]["message"]["content"] == "again"


async def test_a_stream_that_the_server_ends_is_no_fault_of_its_upstream() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        reply = await talk.head()
        proxy.app.state.gateway.close()

        reply = await talk.rest(reply)
        assert b"server_shutting_down" in reply.events[-2] and reply.events[-1] == b"[DONE]"
        assert "faults=- error=server_shutting_down" in proxy.log.text


async def test_garbage_behind_requests_is_refused_after_their_replies() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.write(
            b"".join(request_bytes("POST", CHAT, body_of(f"echo: {i}")) for i in range(3)) + b"GARBAGE\r\n"
        )
        assert [(await talk.reply()).json["choices"][0]["message"]["content"] for _ in range(3)] == ["0", "1", "2"]
        assert await talk.closed()


async def test_a_fragment_goes_no_further() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        assert (await proxy.ask("POST", CHAT + "?a=1#b", body_of())).status == 200
        assert sim.requests[0].path == "/v1/chat/completions?a=1"
