"""What the upstream does not keep is kept, and an upstream that goes on is let go of at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from limits.letters import Letters
from proxy.running import CHAT, Proxy, body_of, running, settings
from shell.upstream.scripted import Peer, serve, until
from trueline.repairs.limits import keeping
from trueline.shell.conduct import AGAIN, PROOFS
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


async def cut(proxy: Proxy) -> bool:
    """Whether a reply that is longer than asked for is cut."""
    reply = await proxy.chat(max_tokens=3)
    return "max_completion_tokens-ignored" in (reply.header("x-trueline-repairs") or "")


async def test_trust_is_looked_at_again_and_ends_with_a_reply_that_is_too_long() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(PROOFS):
            assert not await cut(proxy)
        sim.options = SimOptions(faults=("max_completion_tokens-ignored", "usage-missing-nonstream"))

        assert [await cut(proxy) for _ in range(AGAIN)] == [*[False] * (AGAIN - 1), True]
        assert await cut(proxy) and await cut(proxy)

        sim.options = SimOptions()
        for _ in range(PROOFS - 1):
            assert not await cut(proxy)
        sim.options = SimOptions(faults=("max_completion_tokens-ignored",))
        assert await cut(proxy), "one proof too few"


async def test_trust_ends_with_a_report_that_contradicts_it() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(PROOFS):
            assert not await cut(proxy)
        sim.options = SimOptions(faults=("max_completion_tokens-ignored",))

        assert [await cut(proxy) for _ in range(3)] == [False, True, True]


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[Letters]:
    made = Letters()
    monkeypatch.setattr(keeping, "tokenizer_of", lambda context: made)
    monkeypatch.setattr(keeping, "tokenizer_for", lambda model, files: made)
    yield made
    made.go.set()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_vocabulary_is_loaded_beside_the_loop(letters: Letters, stream: bool) -> None:
    faults = {"faults": ["max_completion_tokens-ignored"]}
    body = body_of("echo: " + "abcdefgh " * 20, stream=stream, max_tokens=6, x_sim=faults)
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body)
        await until(letters.begun.is_set)
        assert (await proxy.chat()).status == 200, "nobody else waits"
        letters.go.set()
        reply = await talk.reply()

        said = reply.chunks if stream else [reply.json]
        parts = [choice["delta" if stream else "message"] for each in said for choice in each["choices"]]
        assert "".join(part.get("content") or "" for part in parts) == "abcdefgh abc"
        assert b'"finish_reason":"length"' in reply.body.replace(b": ", b":")
        assert threading.get_ident() not in letters.threads
        await until(lambda: proxy.running == 0)


async def test_stop_strings_and_limits_over_the_wire() -> None:
    options = SimOptions(faults=("stop-ignored",))
    async with SimServer(options) as sim, running(settings(sim.url)) as proxy:
        for stream in (False, True):
            reply = await proxy.chat(**{**body_of("echo: one two three"), "stream": stream, "stop": ["answer"]})
            assert b"answer" not in reply.body
