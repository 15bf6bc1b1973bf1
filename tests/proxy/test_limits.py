"""What the upstream does not keep is kept, and an upstream that goes on is let go of at once."""

from __future__ import annotations

import asyncio
import json

from proxy.running import body_of, running, settings
from shell.upstream.scripted import Peer, serve, until
from trueline.shell.conduct import PROOFS
from trueline.sim import SimOptions, SimServer

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(text: str) -> bytes:
    delta = {"role": "assistant", "content": text}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    data = b"data: " + json.dumps(body).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_an_upstream_that_goes_on_is_dropped() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + event("One two") + event(" thr") + event("ee four"))
        await peer.gone()  # without an end: it would go on for ever
        gone.set()

    async with serve(script) as server, running(settings(f"http://127.0.0.1:{server.port}")) as proxy:
        reply = await proxy.chat(stream=True, stop=["three"])

        assert reply.status == 200
        assert b'"finish_reason":"stop"' in reply.body and reply.body.endswith(b"data: [DONE]\n\n")
        assert b"thr" not in reply.body
        await asyncio.wait_for(gone.wait(), 5)
        await until(lambda: proxy.running == 0)


async def test_an_upstream_that_keeps_its_limits_is_trusted() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(PROOFS):
            reply = await proxy.chat(max_tokens=3)
            assert json.loads(reply.body)["choices"][0]["finish_reason"] == "length"
        sim.options = SimOptions(faults=("max_completion_tokens-ignored",))
        before = await proxy.chat(max_tokens=3)
        assert "max_completion_tokens-ignored" not in (before.header("x-trueline-repairs") or "")


async def test_stop_strings_and_limits_over_the_wire() -> None:
    options = SimOptions(faults=("stop-ignored",))
    async with SimServer(options) as sim, running(settings(sim.url)) as proxy:
        for stream in (False, True):
            reply = await proxy.chat(**{**body_of("echo: one two three"), "stream": stream, "stop": ["answer"]})
            assert b"answer" not in reply.body
