"""Requests in the form that their upstream takes: as is known of it, and as it teaches by refusing."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.running import Proxy, body_of, running, settings, upstream
from proxy.talking import Reply
from trueline.sim import SimOptions, SimServer

LIMIT = {"max_tokens": 3}
NEW_LIMIT = {"max_completion_tokens": 3}
DEVELOPER = {"messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "echo: one two"}]}
SYSTEM = {"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "echo: one two"}]}
PARTS = {"messages": [{"role": "user", "content": [{"type": "text", "text": "echo: one two"}]}]}
TEXT = {"messages": [{"role": "user", "content": "echo: one two"}]}
OPTIONS = {"stream": True, "stream_options": {"include_usage": True}}

# what the upstream refuses, what is asked for, what it gets in the end, how that is called
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("max_tokens", LIMIT, NEW_LIMIT, "max_completion_tokens<-max_tokens"),
    ("max_completion_tokens", NEW_LIMIT, LIMIT, "max_tokens<-max_completion_tokens"),
    ("stream_options", OPTIONS, {"stream": True}, "stream_options dropped"),
    ("developer", DEVELOPER, SYSTEM, "system<-developer"),
    ("parts", PARTS, TEXT, "content<-parts"),
]


def asked_of(sim: SimServer) -> list[dict[str, Any]]:
    return [{name: value for name, value in seen.json.items() if name != "model"} for seen in sim.requests]


async def ask(proxy: Proxy, given: dict[str, Any], **headers: str) -> Reply:
    return await proxy.ask("POST", "/v1/chat/completions", {**body_of("echo: one two three four"), **given}, **headers)


@pytest.mark.parametrize(("refused", "given", "taken", "name"), REFUSED)
async def test_what_an_upstream_refuses_is_asked_for_in_another_form(
    refused: str, given: dict[str, Any], taken: dict[str, Any], name: str
) -> None:
    async with SimServer(SimOptions(refuses=(refused,))) as sim, running(settings(sim.url)) as proxy:
        first = await ask(proxy, given)
        second = await ask(proxy, given)

        assert (first.status, second.status) == (200, 200)
        assert first.header("x-trueline-request") == second.header("x-trueline-request") == name
        base = {k: v for k, v in body_of("echo: one two three four").items() if k != "model"}
        assert asked_of(sim) == [{**base, **given}, {**base, **taken}, {**base, **taken}], (
            "once in vain, and never again"
        )
        assert f"changes='{name}'" in proxy.log.lines[-1] or f"changes={name}" in proxy.log.lines[-1]
        metrics = await proxy.ask("GET", "/metrics")
        assert f'trueline_request_changes_total{{change="{name}",upstream="up"}} 2' in metrics.body.decode()
        assert proxy.running == 0


async def test_a_flag_that_trueline_itself_added_is_taken_back_where_it_is_refused() -> None:
    made = SimOptions(refuses=("stream_options",))
    async with (
        SimServer(made) as sim,
        running(settings(upstream(sim.url, capabilities={"stream_options": True}))) as proxy,
    ):
        first = await ask(proxy, {"stream": True})
        second = await ask(proxy, {"stream": True})

        assert (first.status, second.status) == (200, 200)
        assert ["stream_options" in seen.json for seen in sim.requests] == [True, False, False]
        assert first.content == second.content == "one two three four"


async def test_usage_comes_although_the_upstream_takes_no_stream_options() -> None:
    async with SimServer(SimOptions(refuses=("stream_options",))) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, OPTIONS)

        assert reply.chunks[-1]["choices"] == [] and reply.chunks[-1]["usage"]["total_tokens"] > 0


async def test_two_forms_at_once_are_learned_one_after_the_other() -> None:
    refusing = SimOptions(refuses=("max_completion_tokens", "developer"))
    async with SimServer(refusing) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, {**DEVELOPER, **NEW_LIMIT})

        assert reply.status == 200
        assert reply.header("x-trueline-request") == "max_tokens<-max_completion_tokens, system<-developer"
        assert len(sim.requests) == 3


async def test_an_upstream_that_takes_neither_form_says_so_once() -> None:
    refusing = SimOptions(refuses=("max_completion_tokens", "max_tokens"))
    async with SimServer(refusing) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, NEW_LIMIT)

        assert reply.status == 400 and "max_tokens" in reply.error["message"]
        assert len(sim.requests) == 2, "one retry for one name"


async def test_other_refusals_are_answered_as_they_are() -> None:
    async with SimServer(SimOptions(refuses=("seed",))) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, {"seed": 1})

        assert reply.status == 400 and "seed" in reply.error["message"]
        assert reply.header("x-trueline-request") is None
        assert len(sim.requests) == 1


async def test_what_is_learned_holds_for_that_model_only() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        refusing = {"x_sim": {"refuses": ["max_tokens"]}}
        assert (await ask(proxy, {**LIMIT, **refusing})).status == 200
        assert (await ask(proxy, {**LIMIT, "model": "gpt-4.1"})).status == 200

        assert "max_tokens" in sim.requests[-1].json


KNOWN: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"max_tokens_name": "max_tokens"}, NEW_LIMIT, LIMIT, "max_tokens<-max_completion_tokens"),
    ({"stream_options": False}, OPTIONS, {"stream": True}, "stream_options dropped"),
    ({"developer_role": False}, DEVELOPER, SYSTEM, "system<-developer"),
    ({"unsupported": {"seed": "drop"}}, {"seed": 1}, {}, "seed dropped"),
]


@pytest.mark.parametrize(("known", "given", "taken", "name"), KNOWN)
async def test_what_is_known_is_kept_to_from_the_start(
    known: dict[str, Any], given: dict[str, Any], taken: dict[str, Any], name: str
) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities=known))) as proxy:
        reply = await ask(proxy, given)

        assert (reply.status, reply.header("x-trueline-request")) == (200, name)
        base = {k: v for k, v in body_of("echo: one two three four").items() if k != "model"}
        assert asked_of(sim) == [{**base, **taken}]


async def test_what_is_known_not_to_be_taken_is_refused_before_anybody_is_asked() -> None:
    known = {"unsupported": {"seed": "refuse"}}
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities=known))) as proxy:
        reply = await ask(proxy, {"seed": 1})

        assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unsupported_parameter", "seed")
        assert len(sim.requests) == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_functions_become_tools_and_calls_come_back_as_they_were_asked_for(stream: bool) -> None:
    functions = [{"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}]
    async with SimServer(SimOptions(refuses=("functions",))) as sim, running(settings(sim.url)) as proxy:
        for _ in range(2):
            reply = await proxy.chat(
                "look", functions=functions, function_call="auto", stream=stream, x_sim={"calls": 2}
            )

            assert reply.status == 200, reply.body
            assert sim.requests[-1].json["tools"] == [{"type": "function", "function": functions[0]}]
            if stream:
                deltas = [choice["delta"] for chunk in reply.chunks for choice in chunk["choices"]]
                calls = [delta["function_call"] for delta in deltas if "function_call" in delta]
                assert calls[0]["name"] == "look" and "".join(call["arguments"] for call in calls) == '{"at":"at"}'
                assert not any("tool_calls" in delta for delta in deltas)
                assert reply.finish == "function_call"
            else:
                choice = reply.json["choices"][0]
                assert choice["finish_reason"] == "function_call" and "tool_calls" not in choice["message"]
                assert choice["message"]["function_call"]["name"] == "look"


async def test_an_unknown_upstream_gets_every_byte_as_it_came() -> None:
    raw = (
        b'{ "model":"gpt-4o", "messages":[ {"role":"developer","content":[{"type":"text","text":"hi"}]} ],"top_p":1e0 }'
    )
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", "/v1/chat/completions", raw, content_type="application/json")

        assert sim.requests[-1].body == raw
        assert reply.header("x-trueline-request") is None
