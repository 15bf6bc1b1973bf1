"""Chats through the proxy: whole, streamed, and each event when it comes."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.running import CHAT, body_of, running, settings
from proxy.talking import Talk, request_bytes
from trueline.sim import SimServer

TEXT = "one two three four five six"


async def test_a_whole_reply() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat()

        assert (reply.status, reply.complete) == (200, True)
        assert reply.header("content-type") == "application/json"
        assert reply.json["choices"][0]["message"]["content"] == TEXT
        assert reply.header("x-trueline-repairs") is None
        assert sim.requests[-1].path == CHAT
        assert sim.requests[-1].json == body_of()


async def test_a_streamed_reply() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat(stream=True, stream_options={"include_usage": True})

        assert (reply.status, reply.complete) == (200, True)
        assert reply.header("content-type") == "text/event-stream; charset=utf-8"
        assert reply.all("cache-control") == ["no-cache"]
        assert reply.content == TEXT
        assert reply.finish == "stop"
        assert reply.events[-1] == b"[DONE]"
        assert reply.chunks[-1]["choices"] == [] and reply.chunks[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_an_exact_reply_passes_byte_for_byte(stream: bool) -> None:
    """What the model server sends to itself is what comes through."""
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        request = body_of(stream=stream, x_sim={"seed": 7})
        through = await proxy.ask("POST", CHAT, request)
        direct = await Talk.open(sim.host, sim.port)
        await direct.send("POST", CHAT, request)
        expected = await direct.reply()
        direct.close()

        assert through.body == expected.body if not stream else through.chunks == expected.chunks


@pytest.mark.parametrize("stream", [False, True])
async def test_a_faulty_reply_is_mended(stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        faults = ["id-missing", "created-float", "object-missing"]
        reply = await proxy.chat(stream=stream, x_sim={"faults": faults})
        objects = reply.chunks if stream else [reply.json]

        assert {type(each["created"]) for each in objects} == {int}
        assert len({each["id"] for each in objects}) == 1 and objects[0]["id"].startswith("chatcmpl-")
        assert {each["object"] for each in objects} == {"chat.completion.chunk" if stream else "chat.completion"}
        named = reply.header("x-trueline-repairs")
        assert named is None if stream else sorted((named or "").split(",")) == sorted(faults)
        assert all(f"{fault}:" in proxy.log.lines[-1] for fault in faults)


@pytest.mark.parametrize("fault", ["json-for-stream", "sse-for-nonstream"])
async def test_the_other_form_than_was_asked_for(fault: str) -> None:
    stream = fault == "json-for-stream"
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.chat(stream=stream, x_sim={"faults": [fault]})

        assert reply.status == 200
        assert (reply.content if stream else reply.json["choices"][0]["message"]["content"]) == TEXT


async def test_each_event_leaves_when_it_comes() -> None:
    """The model server sends event k+1 only when the client has read event k."""
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 1}))
        assert (await talk.head()).status == 200

        said = ""
        while said != TEXT:
            said += json.loads(await talk.event())["choices"][0]["delta"]["content"]
            assert sim.open_streams == 1
            sim.release(1)
        sim.release()
        assert json.loads(await talk.event())["choices"][0]["finish_reason"] == "stop"
        assert await talk.event() == b"[DONE]"
        assert await talk.piece() == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("stream", [False, True])
async def test_no_compression_is_asked_for(encoding: str, stream: bool) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask(
            "POST", CHAT, body_of(stream=stream, x_sim={"encoding": encoding}), accept_encoding=encoding
        )

        assert sim.requests[-1].headers["accept-encoding"] == "identity"
        assert reply.header("content-encoding") is None
        assert (reply.content if stream else reply.json["choices"][0]["message"]["content"]) == TEXT


async def test_connections_are_kept_on_both_sides() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        for stream in (False, True, False, True):
            await talk.send("POST", CHAT, body_of(stream=stream))
            assert (await talk.reply()).complete

        assert sim.connection_count == 1
        assert sim.request_count == 4


async def test_requests_that_are_sent_without_waiting_are_answered_in_their_order() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        requests = [request_bytes("POST", CHAT, body_of(f"echo: {n}", stream=n % 2 == 0)) for n in range(6)]
        await talk.write(b"".join(requests))
        for n in range(6):
            reply = await talk.reply()
            assert reply.complete
            assert (reply.content if n % 2 == 0 else reply.json["choices"][0]["message"]["content"]) == str(n)


async def test_many_at_once_each_get_their_own() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        replies = await asyncio.gather(
            *(proxy.chat(f"echo: number {n} speaks", stream=n % 2 == 0, x_sim={"random_cuts": True}) for n in range(40))
        )

    for n, reply in enumerate(replies):
        said = reply.content if n % 2 == 0 else reply.json["choices"][0]["message"]["content"]
        assert said == f"number {n} speaks"


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "/v1//chat/completions", "/v1/chat%2Fcompletions"])
async def test_other_spellings_of_the_path_are_mended_as_well(path: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", path, body_of(x_sim={"faults": ["id-missing"]}))

        assert reply.json["id"].startswith("chatcmpl-")
        assert sim.requests[-1].path == CHAT


@pytest.mark.parametrize("path", [CHAT, "/v1/images/generations"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_the_upstream_gets_json_whatever_the_client_called_it(path: str, kind: str | None) -> None:
    """curl without -H says that its body is a form."""
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        body = body_of() if path == CHAT else {"prompt": "a cat"}
        content = json.dumps(body).encode()
        reply = await proxy.ask("POST", path, content, **({"content_type": kind} if kind else {}))

        assert reply.status == 200
        assert sim.requests[-1].headers["content-type"] == "application/json"
        assert sim.requests[-1].json == body


async def test_query_strings_are_kept() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.ask("POST", CHAT + "?api-version=2024-10-21&x=%2F", body_of())

        assert sim.requests[-1].path == CHAT + "?api-version=2024-10-21&x=%2F"


async def test_a_number_beyond_64_bits_passes_unchanged() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        content = json.dumps(body_of()).encode()[:-1] + b', "metadata": {"n": 123456789012345678901234567890.10}}'
        await proxy.ask("POST", CHAT, content)

        assert sim.requests[-1].body == content
