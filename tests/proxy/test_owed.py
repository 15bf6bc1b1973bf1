"""Counts that take long are made elsewhere: nothing waits for one but the reply that needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from proxy import running as ways
from proxy.running import CHAT, Proxy, body_of, running, settings
from shell.upstream.scripted import until
from trueline.repairs import counted
from trueline.repairs.tally import Numbers
from trueline.shell import work
from trueline.sim import SimServer

WHOLE = body_of(x_sim={"faults": ["usage-missing-nonstream"]})
STREAM = body_of(stream=True, stream_options={"include_usage": True}, x_sim={"faults": ["usage-missing-stream"]})
SECONDS = 30


class Counter:
    """Stands for a tokenizer that takes its time."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.failure: Exception | None = None
        self.threads: set[int] = set()

    def count(self, context: Any, prompt: bool, completion: bool) -> Numbers:
        self.threads.add(threading.get_ident())
        self.begun.set()
        assert self.go.wait(SECONDS)
        if self.failure is not None:
            raise self.failure
        return Numbers(1001, 202, True)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    made = Counter()
    monkeypatch.setattr(work, "PATIENCE", SECONDS)
    monkeypatch.setattr(counted, "is_quick", lambda context: False)
    monkeypatch.setattr(counted, "count", made.count)
    yield made
    made.go.set()


async def ask(proxy: Proxy, body: Any) -> Any:
    talk = await proxy.talk()
    await talk.send("POST", CHAT, body)
    return talk


async def test_a_whole_reply_waits_and_others_do_not(counter: Counter) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await ask(proxy, WHOLE)
        await until(counter.begun.is_set)
        assert (await proxy.chat()).status == 200
        counter.go.set()
        reply = await talk.reply()

        assert reply.json["usage"] == {
            "prompt_tokens": 1001, "completion_tokens": 202, "total_tokens": 1203, "x_trueline": "counted",
        }  # fmt: skip
        assert reply.header("x-trueline-usage") == "counted"
        assert threading.get_ident() not in counter.threads
        await until(lambda: proxy.running == 0)
        assert proxy.log.lines[-1].endswith("usage=counted prompt_tokens=1001 completion_tokens=202")


async def test_a_stream_says_all_before_it_waits(counter: Counter) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await ask(proxy, STREAM)
        await until(counter.begun.is_set)
        head = await talk.head()
        said = b""
        while b'"finish_reason":"stop"' not in said:
            said += await talk.event()
        counter.go.set()
        reply = await talk.rest(head)

        assert head.status == 200 and reply.body.endswith(b"data: [DONE]\n\n")
        assert reply.header("x-trueline-usage") is None  # the head left before it was counted
        assert b'"choices":[],"usage":{"prompt_tokens":1001,"completion_tokens":202' in reply.body
        assert (await proxy.chat()).status == 200


@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
async def test_who_leaves_waits_for_nothing(counter: Counter, body: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await ask(proxy, body)
        await until(counter.begun.is_set)
        talk.close()
        await until(lambda: proxy.running == 0)

        assert "status=499" in proxy.log.lines[-1]
        counter.go.set()
        assert (await proxy.chat()).status == 200


@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
async def test_a_count_that_fails_is_an_estimate(counter: Counter, body: Any) -> None:
    counter.failure = ValueError("no such vocabulary")
    counter.go.set()
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        reply = await proxy.ask("POST", CHAT, body)
        usage = reply.chunks[-1]["usage"] if "stream" in body else reply.json["usage"]

        assert usage["x_trueline"] == "estimated" and usage["completion_tokens"] > 0
        assert "no such vocabulary" in proxy.log.text


@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
async def test_where_time_is_over_an_estimate_leaves(counter: Counter, body: Any) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await ask(proxy, body)
        await until(counter.begun.is_set)
        if ways.WAY_IN == "native":
            for exchange in list(proxy.app.state.gateway.metrics.running):
                exchange.drain()
        else:
            for task in list(proxy.server.server_state.tasks):
                task.cancel()
        reply = await asyncio.wait_for(talk.reply(), SECONDS)

        assert reply.status == 200
        assert b'"x_trueline":"estimated"' in reply.body
        assert "stream" not in body or reply.body.endswith(b"data: [DONE]\n\n")
        counter.go.set()


@pytest.mark.parametrize("body", [WHOLE, STREAM], ids=["whole", "stream"])
async def test_a_count_that_takes_too_long_is_an_estimate(
    counter: Counter, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PATIENCE", 0)
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", CHAT, body)
        counter.go.set()
        usage = reply.chunks[-1]["usage"] if "stream" in body else reply.json["usage"]

        assert usage["x_trueline"] == "estimated" and 0 < usage["completion_tokens"] < 202
        await until(lambda: proxy.running == 0)
        assert " usage=estimated " in proxy.log.lines[-1]


async def test_the_vocabulary_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    monkeypatch.setattr(work, "PATIENCE", 0)
    monkeypatch.setattr(counted, "is_loaded", lambda context: False)
    monkeypatch.setattr(counted, "is_quick", lambda context: bool(loaded))
    monkeypatch.setattr(counted, "load", lambda context: loaded.append(threading.get_ident()))
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for body in (WHOLE, STREAM):
            loaded.clear()
            reply = await proxy.ask("POST", CHAT, body)

            assert reply.status == 200 and loaded and threading.get_ident() not in loaded
