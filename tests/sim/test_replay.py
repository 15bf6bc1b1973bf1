"""Recorded replies played again: the same status, headers and reads, chosen by path, model and form."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.running import body_of, running, settings
from proxy.talking import Reply, Talk
from trueline.recordings import Body, Call, Recording, RecordingError, Request
from trueline.sim import SimServer
from trueline.sim.replay import Play, ReplayServer, plays_of

LIMIT = 100_000
CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
SSE = [("content-type", "text/event-stream"), ("x-odd", "kept")]
EVENTS = (b"data: 1\n\nda", b"ta: 2\n\n", b"data: [DONE]\n\n")


def body(*pieces: bytes, limit: int = LIMIT) -> Body:
    return Body.of(b"".join(pieces), [(float(n), len(piece)) for n, piece in enumerate(pieces)], limit=limit)


def plays(
    *reply: bytes, model: str = "m", stream: bool = False, path: str = "/chat/completions", **rest: Any
) -> list[Play]:
    asked = body(f'{{"model":"{model}","stream":{str(stream).lower()}}}'.encode())
    headers = rest.pop("headers", SSE if stream else [*JSON, ("content-length", str(len(b"".join(reply))))])
    call = Call("up", "POST", path, [], asked, 200, headers, body(*reply, limit=rest.pop("limit", LIMIT)))
    for name, value in rest.items():
        setattr(call, name, value)
    return plays_of(Recording(request=Request("POST", "/v1" + path, [], asked), calls=[call]))


async def ask(server: ReplayServer, path: str = CHAT, method: str = "POST", **fields: Any) -> Reply:
    talk = await Talk.open("127.0.0.1", server.port)
    try:
        await talk.send(method, path, fields if method == "POST" else None)
        return await talk.reply()
    finally:
        talk.close()


async def test_a_stream_has_its_status_headers_and_reads() -> None:
    async with ReplayServer(plays(*EVENTS, stream=True)) as server:
        talk = await Talk.open("127.0.0.1", server.port)
        await talk.send("POST", CHAT, {"model": "m", "stream": True})
        reply = await talk.head()
        pieces = [await talk.piece() for _ in EVENTS]
        talk.close()

    assert (reply.status, reply.header("x-odd"), reply.header("transfer-encoding")) == (200, "kept", "chunked")
    assert pieces == list(EVENTS)


async def test_a_whole_reply_has_its_length() -> None:
    async with ReplayServer(plays(b'{"detail":"no"}', status=422)) as server:
        reply = await ask(server, model="m")

    assert (reply.status, reply.body, reply.header("content-length")) == (422, b'{"detail":"no"}', "15")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_cut_reply_is_cut_again(stream: bool) -> None:
    headers = SSE if stream else [*JSON, ("content-length", "99")]
    async with ReplayServer(plays(EVENTS[0], stream=stream, end="cut", headers=headers)) as server:
        reply = await ask(server, model="m", stream=stream)

    assert (reply.body, reply.complete) == (EVENTS[0], False)


async def test_what_was_kept_only_in_part_is_cut() -> None:
    async with ReplayServer(plays(b"x" * 100, limit=10)) as server:
        reply = await ask(server, model="m")

    assert (len(reply.body), reply.complete) == (10, False)


async def test_path_model_and_form_choose() -> None:
    recorded = [
        *plays(b"a-whole", model="a"),
        *plays(b"a-stream", model="a", stream=True),
        *plays(b"b-whole", model="b"),
        *plays(b"embedding", model="a", path="/embeddings"),
    ]
    async with ReplayServer(recorded) as server:
        said = [
            (await ask(server, model="a")).body,
            (await ask(server, model="a", stream=True)).body,
            (await ask(server, model="b", stream=True)).body,
            (await ask(server, "/chat/completions", model="b")).body,
            (await ask(server, "/api/v1/embeddings", model="unknown")).body,
        ]

    assert said == [b"a-whole", b"a-stream", b"b-whole", b"b-whole", b"embedding"]


async def test_each_in_its_turn() -> None:
    async with ReplayServer([*plays(b"one"), *plays(b"two")]) as server:
        assert [(await ask(server, model="m")).body for _ in range(3)] == [b"one", b"two", b"one"]


async def test_the_models_are_those_that_were_recorded() -> None:
    async with ReplayServer([*plays(b"x", model="a"), *plays(b"y", model="b")]) as server:
        reply = await ask(server, "/v1/models", "GET")

    assert [model["id"] for model in reply.json["data"]] == ["a", "b"]


async def test_what_was_not_recorded() -> None:
    said: list[str] = []
    async with ReplayServer(plays(b"x"), said=said.append) as server:
        reply = await ask(server, "/v1/embeddings", model="m")

    assert reply.status == 404
    assert reply.error["message"] == ("There is no recording of POST /v1/embeddings. Recorded: POST /chat/completions.")
    assert said == ["POST /v1/embeddings 404"]


def test_an_exchange_without_an_upstream_has_nothing_to_play() -> None:
    assert plays_of(Recording(calls=[Call()])) == []


def test_a_broken_body() -> None:
    with pytest.raises(RecordingError):
        plays_of(Recording(calls=[Call(status=200, reply=Body(base64="!"))]))


async def test_what_trueline_recorded_trueline_answers_again(tmp_path: Any) -> None:
    """Around once: sim, Trueline that records, replay, Trueline again."""
    from proxy.test_recording import recorded

    fault = {"faults": ["finish-foreign-vocab", "sse-crlf"]}
    async with SimServer() as sim, running(settings(sim.url, record=str(tmp_path))) as proxy:
        first = await proxy.chat(stream=True, x_sim=fault)
    async with ReplayServer(plays_of(recorded(tmp_path)[0])) as server, running(settings(server.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True))
        second = await talk.reply()

    assert second.body == first.body and second.complete
