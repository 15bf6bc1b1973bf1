"""The header by which one request chooses the form of its reply, and the one that says where the usage is from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.running import CHAT, body_of, running, settings, upstream
from trueline.context import FormatOptions
from trueline.sim import SimOptions, SimServer

EOS = b'"finish_reason":"eos"'
FAULTY = SimOptions(faults=("finish-foreign-vocab", "extra-fields"))


@pytest.mark.parametrize("stream", [False, True])
async def test_one_request_by_its_header(stream: bool) -> None:
    async with SimServer(FAULTY) as sim, running(settings(sim.url)) as proxy:
        usual = await proxy.ask("POST", CHAT, body_of(stream=stream))
        chosen = await proxy.ask(
            "POST", CHAT, body_of(stream=stream), x_trueline_format="off=finish-foreign-vocab, id=openai"
        )

        assert EOS not in usual.body
        assert EOS in chosen.body
        assert chosen.header("x-trueline-upstream-id") is not None
        assert "x-trueline-format" not in sim.requests[-1].headers


async def test_the_header_adds_to_what_the_upstream_has() -> None:
    async with SimServer(FAULTY) as sim:
        local = replace(upstream(sim.url), format=FormatOptions(off=("finish-foreign-vocab",)))
        async with running(settings(local)) as proxy:
            reply = await proxy.ask("POST", CHAT, body_of(), x_trueline_format="model_name=requested")

            assert EOS in reply.body


@pytest.mark.parametrize("header", ["extras=no", "nothing", "off=id-missing"])
async def test_a_bad_header_is_a_400_and_no_upstream_is_called(header: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), x_trueline_format=header)

        error = json.loads(reply.body)["error"]
        assert reply.status == 400
        assert (error["param"], error["code"]) == ("x-trueline-format", "invalid_header")
        assert "allowed" in error["message"]
        assert not sim.requests


@pytest.mark.parametrize(("faults", "source"), [((), "reported"), (("usage-missing-nonstream",), "counted")])
async def test_where_the_usage_is_from(faults: tuple[str, ...], source: str) -> None:
    async with SimServer(SimOptions(faults=faults)) as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", CHAT, body_of(), x_trueline_format="extras=drop")

        assert reply.header("x-trueline-usage") == source
        assert b"x_trueline" not in reply.body
