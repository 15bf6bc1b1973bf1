"""Bodies of many megabytes through one worker: whole, and in memory that is a few times theirs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from load.process import Worker, peak_mb, worker
from proxy.talking import Talk
from shell.upstream.scripted import Peer, serve

MB = 1_000_000
REQUEST, REPLY = 10, 15
"""Megabytes; `scripts/bench --only big` takes 20 and 50 of them."""
REST_MB = 70.0
"""What the process has without them, and what is on its way."""
TIMES = 3.5
"""How many times a body's size may be held: as it came, as text, and as it leaves."""
PICTURE = "iVBORw0K" * (MB // 8)
CHAT = b'{"model":"m","messages":[{"role":"user","content":[%b]}],"seed" : 7}' % b",".join(
    [b'{"type":"image_url","image_url":{"url":"data:image/png;base64,%b"}}' % PICTURE.encode()] * REQUEST
)
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1763800000,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}'
)
PICTURES = b'{"created":1763800000,"data":[%b]}' % b",".join([b'{"b64_json":"%b"}' % PICTURE.encode()] * REPLY)
SPOILED = PICTURES.replace(b'"created"', b'"made"', 1)


@asynccontextmanager
async def served(reply: bytes, folder: Path, way_in: str, seen: list[bytes]) -> AsyncIterator[Worker]:
    async def script(peer: Peer) -> None:
        while True:
            seen.append(hashlib.sha256((await peer.request()).body).digest())
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(reply)
            await peer.send(head + reply)

    async with serve(script) as server:
        with await asyncio.to_thread(worker, f"http://127.0.0.1:{server.port}/v1", folder, way_in) as proxy:
            yield proxy


async def ask(proxy: Worker, path: str, body: bytes) -> bytes:
    talk = await Talk.open("127.0.0.1", proxy.port)
    try:
        await talk.send("POST", path, body, content_type="application/json")
        async with asyncio.timeout(60):
            reply = await talk.reply()
    finally:
        talk.close()
    assert reply.status == 200 and reply.complete
    return reply.body


def check_peak(proxy: Worker, megabytes: int) -> None:
    peak = peak_mb(proxy.pid)
    assert peak is None or peak < REST_MB + TIMES * megabytes


@pytest.mark.parametrize("way_in", ["native", "asgi"])
def test_large_requests(way_in: str, tmp_path: Path) -> None:
    async def run() -> None:
        seen: list[bytes] = []
        async with served(ANSWER, tmp_path, way_in, seen) as proxy:
            for _ in range(2):
                await ask(proxy, "/v1/chat/completions", CHAT)
            check_peak(proxy, REQUEST)
        assert seen[-2:] == [hashlib.sha256(CHAT).digest()] * 2

    asyncio.run(run())


@pytest.mark.parametrize("reply", [PICTURES, SPOILED], ids=["exact", "mended"])
@pytest.mark.parametrize("way_in", ["native", "asgi"])
def test_large_replies(way_in: str, reply: bytes, tmp_path: Path) -> None:
    async def run() -> None:
        async with served(reply, tmp_path, way_in, []) as proxy:
            for _ in range(2):
                body = await ask(proxy, "/v1/images/generations", b'{"prompt":"a","n":%d}' % REPLY)
                assert body == PICTURES if reply is PICTURES else len(body) > REPLY * MB
            check_peak(proxy, REPLY)

    asyncio.run(run())
