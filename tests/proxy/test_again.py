"""Answers that are not what was asked for: asked for again, so often and no more, and then an honest error."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings
from proxy.talking import Reply
from trueline.sim import SimOptions, SimServer

JSON = {"type": "json_object"}
BAD, GOOD = "no JSON at all", '{"answer": 1}'


class Improving(SimServer):
    """It says one text after another, the last one for ever."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = texts

    def answer(self, recorded: Any) -> Any:
        self.options = SimOptions(text=self._texts[min(len(self.requests), len(self._texts) - 1)])
        return super().answer(recorded)


async def ask(proxy: Proxy, format: str = "enforce.on_invalid=retry", **fields: Any) -> Reply:
    body = body_of("say something", **{"response_format": JSON, **fields})
    return await proxy.ask("POST", CHAT, body, x_trueline_format=format)


async def test_an_invalid_answer_is_asked_for_again() -> None:
    async with Improving(BAD, BAD, GOOD) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy)

        assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, GOOD)
        assert len(sim.requests) == 3
        assert len({seen.body for seen in sim.requests}) == 1
        assert reply.header("x-trueline-request") == "asked again"
        assert "json-mode-broken:2" in proxy.log.lines[-1]


async def test_the_usage_is_that_of_all_tries() -> None:
    async with Improving(GOOD) as sim, running(settings(sim.url)) as proxy:
        once = (await ask(proxy)).json["usage"]
    async with Improving(BAD) as sim, running(settings(sim.url)) as proxy:
        bad = (await ask(proxy, "enforce.on_invalid=pass")).json["usage"]
    async with Improving(BAD, GOOD) as sim, running(settings(sim.url)) as proxy:
        both = (await ask(proxy)).json["usage"]

    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert both[name] == once[name] + bad[name]
    assert both["completion_tokens_details"] == once["completion_tokens_details"]


async def test_a_seed_is_another_one_the_next_time() -> None:
    async with Improving(BAD, GOOD) as sim, running(settings(sim.url)) as proxy:
        assert (await ask(proxy, seed=7)).status == 200

        assert len({seen.json["seed"] for seen in sim.requests}) == 2


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_there_is_an_end_to_it(retries: int) -> None:
    async with Improving(BAD) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, f"enforce.on_invalid=retry, enforce.retries={retries}")

        assert (reply.status, reply.error["code"]) == (502, "upstream_invalid_answer")
        assert reply.error["param"] == "response_format"
        assert len(sim.requests) == retries + 1


async def test_a_valid_answer_is_asked_for_once_and_is_what_it_was() -> None:
    async with Improving(GOOD) as sim, running(settings(sim.url)) as proxy:
        body = body_of("say something", response_format=JSON, x_sim={"seed": 7})
        through = await proxy.ask("POST", CHAT, body, x_trueline_format="enforce.on_invalid=retry")
        plain = await proxy.ask("POST", CHAT, body)

        assert through.body == plain.body
        assert len(sim.requests) == 2


async def test_a_stream_cannot_be_taken_back() -> None:
    async with Improving(BAD, GOOD) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, stream=True)

        assert reply.status == 502 or list(reply.chunks[-1]) == ["error"]
        assert len(sim.requests) == 1


async def test_each_choice_by_itself() -> None:
    async with Improving(GOOD, BAD, GOOD) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, "enforce.on_invalid=retry, enforce.n=on", n=2)

        assert [choice["message"]["content"] for choice in reply.json["choices"]] == [GOOD, GOOD]
        assert len(sim.requests) == 3


async def test_other_failures_are_not_tried_again() -> None:
    async with SimServer(SimOptions(fail="http-500")) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy)

        assert reply.status == 500
        assert len(sim.requests) == 1
