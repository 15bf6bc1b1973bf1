"""What exchanges cost: in a header, the log and the metrics; and nothing where no price is known."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings, upstream
from shell.upstream.scripted import Peer, serve
from trueline.prices import Price, shown
from trueline.sim import SimOptions, SimServer
from trueline.sim.render import render_chat

PRICE = Price(input=Decimal("2.5"), output=Decimal(10), cached=Decimal("1.25"))
PRICES = {"gpt-4o": PRICE}
HEADER = "x-trueline-cost-usd"


def dollars(usage: dict[str, Any], price: Price = PRICE) -> str:
    assert price.output is not None
    said = usage.get("completion_tokens", 0)
    return shown((usage["prompt_tokens"] * price.input + said * price.output) / 1_000_000)


async def metric(proxy: Proxy) -> list[str]:
    reply = await proxy.ask("GET", "/metrics")
    lines = reply.body.decode().splitlines()
    return [line for line in lines if line.startswith("trueline_cost_usd_total{")]


async def test_a_whole_reply_carries_its_cost() -> None:
    async with SimServer() as sim, running(settings(sim.url, prices=PRICES)) as proxy:
        replies = [await proxy.chat() for _ in range(4)]  # the general way, and then a lane

        costs = [dollars(reply.json["usage"]) for reply in replies]
        assert [reply.header(HEADER) for reply in replies] == costs
        assert [line.rpartition("cost_usd=")[2] for line in proxy.log.lines] == costs
        total = shown(sum(map(Decimal, costs), Decimal(0)))
        assert await metric(proxy) == [f'trueline_cost_usd_total{{upstream="up",model="gpt-4o"}} {total}']


@pytest.mark.parametrize("asked", [True, False])
async def test_a_streams_cost_is_in_the_log(asked: bool) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if asked else {}
    async with SimServer() as sim, running(settings(sim.url, prices=PRICES)) as proxy:
        whole = await proxy.chat()
        reply = await proxy.chat(stream=True, **options)

        assert reply.header(HEADER) is None
        assert len(proxy.log.lines) == 2
        line = proxy.log.lines[-1]
        assert "cost_usd=" in line
        if asked:
            assert line.endswith(f"cost_usd={dollars(reply.chunks[-1]['usage'])}")
            assert reply.chunks[-1]["usage"]["total_tokens"] == whole.json["usage"]["total_tokens"]
        assert len(await metric(proxy)) == 1


async def test_other_replies_with_a_usage_have_a_cost() -> None:
    price = Price(input=Decimal("0.02"))
    async with SimServer() as sim, running(settings(sim.url, prices={"ada": price})) as proxy:
        reply = await proxy.ask("POST", "/v1/embeddings", {"model": "ada", "input": "one two three"})

        tokens = reply.json["usage"]["prompt_tokens"]
        assert reply.header(HEADER) == shown(tokens * price.input / 1_000_000)


PICTURE = {
    "created": 1,
    "data": [{"b64_json": "aGk="}],
    "usage": {
        "input_tokens": 60,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
        "output_tokens": 1000,
        "total_tokens": 1060,
    },
}


async def test_pictures_have_the_cost_of_their_tokens() -> None:
    body = json.dumps(PICTURE).encode()

    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await peer.send(head % len(body) + body)

    async with serve(script) as server:
        own = Price(input=Decimal(5), output=Decimal(40), image=Decimal(10))
        chosen = settings(f"http://{server.target.authority}/v1", prices={"gpt-image-1": own})
        async with running(chosen) as proxy:
            reply = await proxy.ask("POST", "/v1/images/generations", {"model": "gpt-image-1", "prompt": "x"})

    assert reply.header(HEADER) == "0.04055"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("prices", [{}, {"other": PRICE}, {"two/gpt-4o": PRICE}])
async def test_no_price_no_number(stream: bool, prices: dict[str, Price]) -> None:
    async with SimServer() as sim, running(settings(sim.url, prices=prices)) as proxy:
        reply = await proxy.chat(stream=stream)

        assert reply.status == 200
        assert reply.header(HEADER) is None
        assert "cost" not in proxy.log.text
        assert await metric(proxy) == []


async def test_a_failure_costs_nothing() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 429 Too Many\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")

    async with (
        serve(script) as server,
        running(settings(f"http://{server.target.authority}/v1", prices=PRICES)) as proxy,
    ):
        reply = await proxy.chat()

        assert reply.status == 429
        assert reply.header(HEADER) is None
        assert "cost_usd" not in proxy.log.text
        assert await metric(proxy) == []


async def test_the_price_is_that_of_the_model_at_the_upstream() -> None:
    own = {"up/deep": Price(input=Decimal(1), output=Decimal(0)), "deep": PRICE, "smart": PRICE}
    async with SimServer() as sim:
        chosen = settings(upstream(sim.url), models={"smart": ("up", "deep")}, prices=own)
        async with running(chosen) as proxy:
            reply = await proxy.ask("POST", CHAT, body_of(model="smart"))

    assert reply.header(HEADER) == shown(Decimal(reply.json["usage"]["prompt_tokens"]) / 1_000_000)


async def test_a_provider_has_the_prices_of_the_table() -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, provider="openai"))) as proxy:
        known, unknown = await proxy.chat(), await proxy.chat(model="nobody-knows")

    assert known.header(HEADER) == dollars(known.json["usage"])
    assert unknown.header(HEADER) is None


ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5-20251101",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 100,
        "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 50,
        "output_tokens": 10,
    },
}


async def test_another_api_has_its_prices_too() -> None:
    """Anthropic counts what was cached beside its prompt, OpenAI within: each token is paid once."""
    body = json.dumps(ANTHROPIC).encode()

    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await peer.send(head % len(body) + body)

    async with serve(script) as server:
        url = f"http://{server.target.authority}/v1"
        claude = upstream(url, provider="anthropic", dialect="anthropic", auth="x-api-key", key="sk-ant-key")
        async with running(settings(claude)) as proxy:
            reply = await proxy.chat(model="claude-opus-4-5")

    assert reply.status == 200
    assert reply.json["usage"]["prompt_tokens"] == 350
    assert reply.header(HEADER) == "0.0011625"


def naming(tier: str | None, *, stream: bool) -> bytes:
    """A reply that names a service tier, as an upstream sends it."""
    more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    reply = render_chat(body_of(**more)).body
    space = b"" if stream else b" "
    assert b'"service_tier":%b"default"' % space in reply
    body = reply.replace(b'"service_tier":%b"default"' % space, b'"service_tier":%b' % json.dumps(tier).encode())
    kind = b"text/event-stream" if stream else b"application/json"
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "named", "known"),
    [
        (None, None, True),
        (None, "default", True),
        ("auto", "default", True),
        (None, "on_demand", True),
        ("standard_only", None, True),
        ("flex", "default", False),
        ("flex", None, False),
        ("auto", "priority", False),
        (None, "flex", False),
        (None, "batch", False),
    ],
)
async def test_another_service_tier_has_another_price(
    asked: str | None, named: str | None, known: bool, stream: bool
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(naming(named, stream=stream))

    fields: dict[str, Any] = {"service_tier": asked} if asked else {}
    if stream:
        fields["stream_options"] = {"include_usage": True}
    async with (
        serve(script) as server,
        running(settings(f"http://{server.target.authority}/v1", prices=PRICES)) as proxy,
    ):
        for _ in range(4):  # the general way, and then a lane
            reply = await proxy.chat(stream=stream, **fields)
            assert reply.status == 200
            assert stream or (reply.header(HEADER) is not None) == known

        assert ["cost_usd=" in line for line in proxy.log.lines] == [known] * 4


async def test_what_a_text_says_of_tiers_is_no_tier() -> None:
    async with SimServer() as sim, running(settings(sim.url, prices=PRICES)) as proxy:
        reply = await proxy.chat('echo: {"service_tier":"flex"}')

        assert "flex" in reply.json["choices"][0]["message"]["content"]
        assert reply.header(HEADER) == dollars(reply.json["usage"])


@pytest.mark.parametrize("way", ["error", "retry"])
async def test_an_answer_of_no_use_is_paid_for(way: str) -> None:
    wanted: dict[str, Any] = {"response_format": {"type": "json_object"}}
    async with SimServer(SimOptions(text="no JSON")) as sim, running(settings(sim.url, prices=PRICES)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(**wanted), x_trueline_format=f"enforce.on_invalid={way}")

        assert reply.status == 502
        spent = reply.header(HEADER)
        assert spent is not None and proxy.log.lines[-1].endswith(f"cost_usd={spent}")
        one = await proxy.ask("POST", CHAT, body_of(**wanted), x_trueline_format="enforce.on_invalid=pass")
        assert Decimal(spent) == (1 if way == "error" else 3) * Decimal(one.header(HEADER) or 0)
