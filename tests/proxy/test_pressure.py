"""Slow readers of fast, endless streams: what is held for them is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings
from proxy.talking import Talk
from shell.upstream.scripted import Peer, serve, until

MOST = 24_000_000
"""Bytes: the kernel's buffers on two hops, and a good deal less than an endless stream."""
HELD = 1_500_000
"""Bytes in the proxy itself for one reader: what one read brought, mended."""
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}]}\n\n'  # noqa: E501


class Fountain:
    """Sends for ever, as fast as it is read, and counts."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self.head = head
        self.piece = b"%x\r\n%b\r\n" % (len(piece), piece) if b"chunked" in head else piece
        self.sent = 0
        self.gone = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(self.head)
        try:
            while True:
                await peer.send(self.piece)
                self.sent += len(self.piece)
        except ConnectionError:
            self.gone.set()

    async def blocked(self) -> int:
        """Wait until nobody takes any more; how much was taken so far."""
        sent, turns = -1, 0
        while turns < 2000:
            await asyncio.sleep(0)
            turns = turns + 1 if self.sent == sent else 0
            sent = self.sent
        return sent


def fountains() -> dict[str, tuple[str, Callable[[], Fountain]]]:
    many = CHUNK.replace(b"%s", b"word " * 20) * 50
    return {
        "chat": (CHAT, lambda: Fountain(SSE, many)),
        "one vast event": (CHAT, lambda: Fountain(SSE, CHUNK.replace(b"%s", b"word " * 20_000))),
        "passed events": ("/v1/threads/runs", lambda: Fountain(SSE, many)),
        "passed bytes": (
            "/v1/audio/speech",
            lambda: Fountain(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n", b"x" * 50_000),
        ),
    }


async def with_a_slow_reader(case: str, then: Callable[[Proxy, Fountain, Talk], Awaitable[None]]) -> None:
    path, make = fountains()[case]
    fountain = make()
    async with serve(fountain) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        talk = await proxy.talk(receive_buffer=65536)
        await talk.send("POST", path, body_of(stream=True))
        assert (await talk.head()).status == 200
        await then(proxy, fountain, talk)
        await until(lambda: proxy.running == 0)
        assert "status=499" in proxy.log.lines[-1]


@pytest.mark.parametrize("case", fountains())
async def test_what_is_held_is_bounded(case: str) -> None:
    async def then(proxy: Proxy, fountain: Fountain, talk: Talk) -> None:
        first = await fountain.blocked()
        assert first < MOST
        assert proxy.unsent < HELD
        read = 0
        while read < 3_000_000:  # as it reads on, more comes, and no more than that
            read += len(await talk.piece())
        assert first < await fountain.blocked() < first + read + MOST / 4
        talk.close()
        await fountain.gone.wait()

    await with_a_slow_reader(case, then)


@pytest.mark.parametrize("case", ["chat", "passed bytes"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_slow_reader_that_leaves_is_noticed(case: str, how: str) -> None:
    async def then(proxy: Proxy, fountain: Fountain, talk: Talk) -> None:
        await fountain.blocked()
        talk.reset() if how == "reset" else talk.close()
        await fountain.gone.wait()

    await with_a_slow_reader(case, then)


async def test_a_fast_reader_beside_a_slow_one() -> None:
    """Each has its own connection up: one that waits holds nobody else back."""
    path, make = fountains()["chat"]
    fountain = make()
    async with serve(fountain) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        slow, fast = await proxy.talk(receive_buffer=65536), await proxy.talk()
        await slow.send("POST", path, body_of(stream=True))
        await slow.head()
        await fountain.blocked()
        await fast.send("POST", path, body_of(stream=True))
        await fast.head()
        read = 0
        while read < 10_000_000:
            read += len(await fast.piece())
