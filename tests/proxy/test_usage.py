"""Trueline knows what every exchange used, and says who counted: in a header, in the log and in the metrics."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings, upstream
from shell.upstream.scripted import until
from trueline.sim import SimOptions, SimServer
from trueline.tokens import ESTIMATE, tokenizer_for

ASKED = {"stream": True, "stream_options": {"include_usage": True}}
TAKES = {"stream_options": True}


def told(proxy: Proxy) -> tuple[str, int, int]:
    """What the last line of the log says of usage."""
    found = re.search(r" usage=(\w+) prompt_tokens=(\d+) completion_tokens=(\d+)", proxy.log.lines[-1])
    assert found is not None, proxy.log.lines[-1]
    return found[1], int(found[2]), int(found[3])


SOURCES: list[tuple[str, dict[str, Any], str]] = [
    ("as it is", {}, "reported"),
    ("a stream as it is", ASKED, "reported"),
    ("a wrong total", {"x_sim": {"faults": ["usage-total-mismatch"]}}, "mended"),
    ("other names", {**ASKED, "x_sim": {"faults": ["usage-other-names"]}}, "mended"),
    ("none", {"x_sim": {"faults": ["usage-missing-nonstream"]}}, "counted"),
    ("none in a stream", {**ASKED, "x_sim": {"faults": ["usage-missing-stream"]}}, "counted"),
    ("none, of an unknown model", {"model": "house-7b", "x_sim": {"faults": ["usage-missing-nonstream"]}}, "estimated"),
    ("nobody asked, of an unknown model", {"stream": True, "model": "house-7b"}, "estimated"),
]


@pytest.mark.parametrize(("asked", "source"), [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES])
async def test_who_counted(asked: dict[str, Any], source: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat(**asked)
        await until(lambda: proxy.running == 0)

        known, prompt, completion = told(proxy)
        assert (known, prompt > 0, completion > 0) == (source, True, True)
        early = (None, source) if asked.get("stream") else (source,)  # a stream may be here before its head leaves
        assert reply.header("x-trueline-usage") in early
        metrics = (await proxy.ask("GET", "/metrics")).body.decode()
        assert f'trueline_usage_total{{upstream="up",source="{source}"}} 1' in metrics
        assert f'trueline_tokens_total{{upstream="up",kind="prompt",source="{source}"}} {prompt}' in metrics
        assert f'trueline_tokens_total{{upstream="up",kind="completion",source="{source}"}} {completion}' in metrics


@pytest.mark.parametrize("loaded", [True, False])
async def test_a_short_stream_is_counted_where_that_is_cheap(loaded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tokenizer_for("gpt-4o")
    tokenizer.load()
    monkeypatch.setattr(tokenizer, "loaded", loaded)
    said = "один два три ======== four five six"
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat(f"echo: {said}", stream=True)
        await until(lambda: proxy.running == 0)

        counter = tokenizer if loaded else ESTIMATE
        assert told(proxy)[0] == ("counted" if loaded else "estimated")
        assert abs(told(proxy)[2] - counter.count(said)) <= 1


async def test_of_a_long_stream_no_text_is_kept() -> None:
    said = " ".join(["lighthouse", "Дом"] * 4000)
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat(f"echo: {said}", stream=True)
        await until(lambda: proxy.running == 0)

        assert told(proxy)[0] == "estimated" and told(proxy)[2] == ESTIMATE.count(said)


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
async def test_usage_is_asked_for_where_that_is_taken_and_does_not_leave(path: str) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities=TAKES))) as proxy:
        body = {**body_of(stream=True), "prompt": "echo: one two three"}
        reply = await proxy.ask("POST", path, body)
        await until(lambda: proxy.running == 0)

        assert sim.requests[-1].json["stream_options"] == {"include_usage": True}
        assert all("usage" not in chunk and chunk["choices"] for chunk in reply.chunks)
        assert told(proxy)[0] == "reported" and "faults=- " in proxy.log.lines[-1]
        assert reply.header("x-trueline-request") == "usage asked"


async def test_other_options_of_the_stream_stay() -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities=TAKES))) as proxy:
        await proxy.chat(stream=True, stream_options={"include_obfuscation": False})

        assert sim.requests[-1].json["stream_options"] == {"include_obfuscation": False, "include_usage": True}


async def test_a_whole_reply_is_not_asked_twice() -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities=TAKES))) as proxy:
        await proxy.chat()

        assert "stream_options" not in sim.requests[-1].json


async def test_who_refuses_the_question_is_asked_without_it() -> None:
    options = SimOptions(refuses=("stream_options",))
    async with SimServer(options) as sim, running(settings(upstream(sim.url, capabilities=TAKES))) as proxy:
        for _ in range(2):
            reply = await proxy.chat(stream=True)
            assert reply.status == 200 and reply.content == "one two three four five six"

        assert ["stream_options" in seen.json for seen in sim.requests] == [True, False, False]


@pytest.mark.parametrize("fail", ["cut", "reset", "error"])
@pytest.mark.parametrize("asked", [ASKED, {"stream": True}], ids=["asked", "not asked"])
async def test_what_was_sent_before_a_cut_is_counted(asked: dict[str, Any], fail: str) -> None:
    tokenizer_for("gpt-4o").load()  # for the log alone, none is loaded
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat("echo: a b c d e f g h", **asked, x_sim={"fail": fail, "fail_after": 5})
        await until(lambda: proxy.running == 0)

        assert b'"usage":{' not in reply.body
        source, prompt, completion = told(proxy)
        assert source == "counted"
        assert prompt > 0 and 0 < completion < 8


async def test_what_was_sent_to_who_left_is_counted() -> None:
    tokenizer_for("gpt-4o").load()
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of("echo: a b c d e f", stream=True, x_sim={"hold_after": 3}))
        await talk.head()
        await talk.event()
        await talk.event()
        talk.close()
        await until(lambda: proxy.running == 0)

        assert "status=499" in proxy.log.lines[-1] and told(proxy)[0] == "counted"


async def test_a_request_is_kept_as_long_as_it_may_have_to_be_counted() -> None:
    long = "lighthouse " * 20_000
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        missing = {"x_sim": {"faults": ["usage-missing-nonstream"]}}
        for asked, source in ((missing, "counted"), ({}, "reported"), (missing, "estimated"), (missing, "counted")):
            reply = await proxy.chat(long, **asked)

            assert reply.header("x-trueline-usage") == source
            assert source == "reported" or reply.json["usage"]["prompt_tokens"] > 20_000


async def test_an_error_used_nothing() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat(x_sim={"faults": ["err-string"]})
        await until(lambda: proxy.running == 0)

        assert reply.status >= 400 and " usage=" not in proxy.log.lines[-1]
        assert reply.header("x-trueline-usage") is None
