"""`n` choices through an upstream that gives one: asked for apart, merged into one reply."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.running import Proxy, body_of, running, settings, upstream
from proxy.talking import Reply, request_bytes
from shell.upstream.scripted import until
from trueline.context import Enforce, FormatOptions
from trueline.judge.exchange import judge_exchange
from trueline.sim import SimOptions, SimServer

PROMPT = "echo: one two three"
OPTIONS = {"include_usage": True}
IGNORES: dict[str, Any] = {"x_sim": {"faults": ["n-ignored"]}}
REFUSES: dict[str, Any] = {"x_sim": {"refuses": ["n"]}}


def check(reply: Reply, count: int, *, stream: bool, usage: bool = True) -> list[str]:
    """The texts of the choices; the reply must be what OpenAI could have sent."""
    assert (reply.status, reply.complete) == (200, True), reply.body
    if not stream:
        body = reply.json
        assert [choice["index"] for choice in body["choices"]] == list(range(count))
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
        return [choice["message"]["content"] for choice in body["choices"]]
    assert reply.events[-1] == b"[DONE]" and reply.events.count(b"[DONE]") == 1
    chunks = reply.chunks
    for name in ("id", "created", "model", "system_fingerprint"):
        assert len({chunk.get(name) for chunk in chunks}) == 1, name
    said = [chunk for chunk in chunks if chunk.get("usage")]
    assert [chunk["choices"] for chunk in said] == ([[]] if usage else [])
    assert not usage or chunks[-1] is said[0]
    texts = [""] * count
    roles, ends = [0] * count, [0] * count
    for chunk in chunks:
        for choice in chunk["choices"]:
            index = choice["index"]
            assert not ends[index], "nothing follows a finish"
            assert roles[index] or "role" in choice["delta"], "the role comes first"
            roles[index] += "role" in choice["delta"]
            ends[index] += choice["finish_reason"] is not None
            texts[index] += choice["delta"].get("content") or ""
    assert (roles, ends) == ([1] * count, [1] * count)
    return texts


async def ask(proxy: Proxy, n: int = 4, *, stream: bool, **fields: Any) -> Reply:
    more = {"stream_options": OPTIONS} if stream else {}
    return await proxy.chat(PROMPT, n=n, stream=stream, **more, **fields)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstreams_way", [IGNORES, REFUSES])
async def test_four_choices_of_an_upstream_that_gives_one(upstreams_way: dict[str, Any], stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(2):
            reply = await ask(proxy, stream=stream, **upstreams_way)

            assert check(reply, 4, stream=stream) == ["one two three"] * 4
            assert "changes='n asked apart'" in proxy.log.lines[-1]
        asked = [seen.json.get("n") for seen in sim.requests]
        first = [4, None, None, None] if upstreams_way is IGNORES else [4, None, None, None, None]
        assert asked == [*first, None, None, None, None], "the second time it is known"
        assert proxy.running == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_is_the_sum_of_what_was_used(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        one = await ask(proxy, 1, stream=stream)
        four = await ask(proxy, 4, stream=stream, **REFUSES)
        single = (one.chunks[-1] if stream else one.json)["usage"]
        summed = (four.chunks[-1] if stream else four.json)["usage"]

        assert summed["completion_tokens"] == 4 * single["completion_tokens"]
        assert summed["prompt_tokens"] == 4 * single["prompt_tokens"], "it was read four times"
        assert summed["completion_tokens_details"]["reasoning_tokens"] == 0
        assert f"completion_tokens={summed['completion_tokens']}" in proxy.log.lines[-1]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_is_believed_until_it_gives_fewer(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        check(await ask(proxy, stream=stream), 4, stream=stream)
        check(await ask(proxy, stream=stream, **IGNORES), 1, stream=stream)
        check(await ask(proxy, stream=stream, **IGNORES), 4, stream=stream)

        assert len(sim.requests) == 1 + 1 + 4


async def test_each_choice_has_a_seed_of_its_own() -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities={"n": False}))) as proxy:
        check(await ask(proxy, 3, stream=False, seed=7), 3, stream=False)

        assert sorted(seen.json["seed"] for seen in sim.requests) == [7, 8, 9], "one seed would give one answer"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_gives_all_is_asked_once(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(2):
            reply = await ask(proxy, stream=stream)
            check(reply, 4, stream=stream)
            assert reply.header("x-trueline-request") is None

        assert [seen.json["n"] for seen in sim.requests] == [4, 4]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("known", ["row", "on"])
async def test_what_is_known_is_asked_apart_from_the_start(known: str, stream: bool) -> None:
    async with SimServer() as sim:
        made = (
            upstream(sim.url, capabilities={"n": False})
            if known == "row"
            else upstream(sim.url, format=FormatOptions(enforce=Enforce(n="on")))
        )
        async with running(settings(made)) as proxy:
            reply = await ask(proxy, 3, stream=stream, logprobs=True, top_logprobs=2)

            assert check(reply, 3, stream=stream) == ["one two three"] * 3
            assert ["n" in seen.json for seen in sim.requests] == [False] * 3
            bodies = reply.chunks if stream else [reply.json]
            probs = {c["index"] for body in bodies for c in body["choices"] if (c.get("logprobs") or {}).get("content")}
            assert probs == {0, 1, 2}


@pytest.mark.parametrize("stream", [False, True])
async def test_switched_off_it_is_passed_as_it_came(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        more = {"stream_options": OPTIONS} if stream else {}
        body = body_of(PROMPT, n=4, stream=stream, **more, **IGNORES)
        reply = await proxy.ask("POST", "/v1/chat/completions", body, x_trueline_format="enforce.n=off")

        check(reply, 1, stream=stream)
        assert len(sim.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_many_choices_are_asked_for_sixteen_at_a_time(stream: bool) -> None:
    async with SimServer(SimOptions(refuses=("n",))) as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, 40, stream=stream)

        check(reply, 40, stream=stream)
        assert len(sim.requests) == 41
        assert sim.open_connections <= 17


@pytest.mark.parametrize("stream", [False, True])
async def test_one_of_four_that_fails_is_an_honest_error(stream: bool) -> None:
    fails: dict[str, Any] = {"x_sim": {"refuses": ["n"], "fail": "http-503", "fail_every": 4}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, stream=stream, **fails)

        if reply.status == 200:
            assert stream and list(reply.chunks[-1]) == ["error"] and reply.events[-1] == b"[DONE]"
        else:
            assert reply.status == 503 and reply.error["message"]
        assert "status=" in proxy.log.lines[-1]
    assert proxy.running == 0


async def test_one_that_breaks_in_the_middle_ends_the_stream_in_an_error_event() -> None:
    broken: dict[str, Any] = {"x_sim": {"faults": ["n-ignored"], "fail": "error", "fail_after": 3, "fail_every": 3}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, stream=True, **broken)

        assert (reply.status, reply.complete) == (200, True)
        assert list(reply.chunks[-1]) == ["error"] and reply.events[-1] == b"[DONE]"
        assert reply.events.count(b"[DONE]") == 1
        assert not any(chunk.get("usage") for chunk in reply.chunks), "no usage of what is not complete"


async def test_one_that_is_cut_ends_the_stream_in_an_error_event() -> None:
    broken: dict[str, Any] = {"x_sim": {"faults": ["n-ignored"], "fail": "cut", "fail_after": 3, "fail_every": 3}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, stream=True, **broken)

        assert list(reply.chunks[-1]) == ["error"] and reply.chunks[-1]["error"]["code"] == "upstream_cut"


async def test_of_a_whole_reply_that_is_cut_there_is_a_status() -> None:
    broken: dict[str, Any] = {"x_sim": {"faults": ["n-ignored"], "fail": "cut", "fail_every": 3}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await ask(proxy, stream=False, **broken)

        assert (reply.status, reply.error["code"]) == (502, "upstream_cut")


async def test_a_client_that_leaves_takes_all_of_them_along() -> None:
    held: dict[str, Any] = {"x_sim": {"refuses": ["n"], "hold_after": 2}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/chat/completions", body_of(PROMPT, n=4, stream=True, **held))
        await talk.head()
        await until(lambda: sim.open_streams == 4)
        talk.reset()

        await until(lambda: sim.open_streams == 0 and proxy.running == 0)
        assert "status=499" in proxy.log.lines[-1]


async def test_each_choice_leaves_as_it_comes() -> None:
    held: dict[str, Any] = {"x_sim": {"refuses": ["n"], "hold_after": 3}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", "/v1/chat/completions", body_of(PROMPT, n=2, stream=True, **held))
        head = await talk.head()
        seen: set[int] = set()
        while seen != {0, 1}:
            event = await talk.event()
            seen |= {int(event.partition(b'"index":')[2][:1])}
        sim.release()
        rest = await talk.rest(head)

        assert rest.complete and rest.body.endswith(b"data: [DONE]\n\n")


async def test_the_connection_is_used_again() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        for stream in (False, True, False):
            await talk.send("POST", "/v1/chat/completions", body_of(PROMPT, n=2, stream=stream, **REFUSES))
            assert (await talk.reply()).complete
        await talk.send("POST", "/v1/chat/completions", body_of(PROMPT))
        assert (await talk.reply()).json["choices"][0]["message"]["content"] == "one two three"


async def test_with_a_key_of_truelines_own_and_a_name_for_the_request() -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=("sk-own-key-1",))) as proxy:
        body = body_of(PROMPT, n=2, **REFUSES)
        named = {"authorization": "Bearer sk-own-key-1", "x_request_id": "mine-1"}
        reply = await proxy.ask("POST", "/v1/chat/completions", body, **named)
        refused = await proxy.ask("POST", "/v1/chat/completions", body)
        metrics = await proxy.ask("GET", "/metrics", authorization="Bearer sk-own-key-1")

        assert check(reply, 2, stream=False) and reply.header("x-request-id") == "mine-1"
        assert refused.status == 401
        assert all("authorization" not in seen.headers for seen in sim.requests)
        counted = [line for line in metrics.body.decode().splitlines() if "requests_total{" in line and "200" in line]
        assert len(counted) == 1 and counted[0].endswith(" 1"), "one request, however often the upstream was asked"


@pytest.mark.parametrize("way", ["HTTP/1.0", "close"])
async def test_the_connection_closes_where_the_client_wants_it(way: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        more = {"connection": "close"} if way == "close" else {}
        request = request_bytes("POST", "/v1/chat/completions", body_of(PROMPT, n=2, **REFUSES), **more)
        await talk.write(request.replace(b"HTTP/1.1", b"HTTP/1.0", 1) if way == "HTTP/1.0" else request)

        check(await talk.reply(), 2, stream=False)
        assert await talk.closed()


async def test_requests_behind_it_wait_for_their_turn() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        several = request_bytes("POST", "/v1/chat/completions", body_of(PROMPT, n=3, **REFUSES))
        plain = request_bytes("POST", "/v1/chat/completions", body_of("echo: behind"))
        await talk.write(several + plain + several)
        counts = []
        for _ in range(3):
            reply = await talk.reply()
            counts.append(len(reply.json["choices"]))

        assert counts == [3, 1, 3]


@pytest.mark.parametrize("stream", [False, True])
async def test_completions_of_several_prompts(stream: bool) -> None:
    async with SimServer() as sim, running(settings(upstream(sim.url, capabilities={"n": False}))) as proxy:
        body = {"model": "gpt-3.5-turbo-instruct", "prompt": ["echo: a b", "echo: c d"], "n": 2, "stream": stream}
        reply = await proxy.ask("POST", "/v1/completions", {**body, "best_of": 2})

        assert reply.status == 200, reply.body
        texts = [""] * 4
        for chunk in reply.chunks if stream else [reply.json]:
            for choice in chunk["choices"]:
                texts[choice["index"]] += choice["text"]
        assert [text.strip() for text in texts] == ["a b", "a b", "c d", "c d"]
        assert len(sim.requests) == 2 and all("best_of" not in seen.json for seen in sim.requests)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_oracle_finds_nothing(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        more = {"stream_options": OPTIONS} if stream else {}
        body = body_of(PROMPT, n=3, stream=stream, **more)
        reply = await proxy.ask("POST", "/v1/chat/completions", {**body, **IGNORES})

        assert judge_exchange("/v1/chat/completions", body, 200, dict(reply.headers), reply.body) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_tool_calls_of_each_choice(stream: bool) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat("look", n=2, tools=tools, stream=stream, **REFUSES)

        assert reply.status == 200
        if stream:
            starts = [
                (choice["index"], call["id"])
                for chunk in reply.chunks
                for choice in chunk["choices"]
                for call in choice["delta"].get("tool_calls") or ()
                if "id" in call
            ]
        else:
            starts = [(c["index"], call["id"]) for c in reply.json["choices"] for call in c["message"]["tool_calls"]]
        assert sorted(index for index, _ in starts) == [0, 1]
        assert len({identity for _, identity in starts}) == 2


async def test_a_slow_client_stops_all_of_them() -> None:
    endless: dict[str, Any] = {"x_sim": {"refuses": ["n"], "tokens": 20_000}}
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk(receive_buffer=4096)
        await talk.send("POST", "/v1/chat/completions", body_of(PROMPT, n=4, stream=True, **endless))
        await talk.head()
        for _ in range(200):
            await asyncio.sleep(0)

        assert proxy.unsent < 1024 * 1024
        talk.reset()
        await until(lambda: proxy.running == 0)


async def test_without_n_nothing_is_asked_apart() -> None:
    retries = FormatOptions(enforce=Enforce(on_invalid="retry"))
    async with SimServer() as sim, running(settings(upstream(sim.url, format=retries))) as proxy:
        check(await ask(proxy, stream=False, **REFUSES), 4, stream=False)  # from now on it is known to give one
        body = {"response_format": {"type": "text"}, "tools": [{"type": "function", "function": {"name": "f"}}]}
        reply = await proxy.chat(PROMPT, seed=3, **body, **REFUSES)

        assert reply.status == 200 and reply.header("x-trueline-request") is None
        assert sim.requests[-1].json["seed"] == 3
