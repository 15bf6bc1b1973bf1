"""Providers with an API of their own behind the proxy, and OpenAI's SDK before it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from openai import APIError, APIStatusError, AsyncOpenAI, BadRequestError, NotFoundError

from proxy.provider_replies import PROVIDERS, Provider
from proxy.running import Proxy, running, settings, upstream
from shell.upstream.scripted import Peer, Server, serve
from trueline.dialects.provider import Fetched
from trueline.shell.fetcher import Fetcher

Fields = dict[str, Any]

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]
QUESTION: Any = {"role": "user", "content": "How warm is it in Rome and in Oslo?"}

each = pytest.mark.parametrize("provider", PROVIDERS, ids=[provider.dialect for provider in PROVIDERS])


class Answering:
    """Answers request after request, and keeps what it was asked."""

    def __init__(self, *answers: tuple[str, bytes], status: str = "200 OK") -> None:
        self._answers = list(answers)
        self._status = status
        self.bodies: list[Fields] = []
        self.seen: list[Any] = []

    async def __call__(self, peer: Peer) -> None:
        seen = await peer.request()
        self.seen.append(seen)
        status, (kind, body) = self._status, self._answers.pop(0)
        if seen.body:
            self.bodies.append(json.loads(seen.body))
            try:
                self.look_at(self.bodies[-1])
            except Exception as refused:
                status, kind, body = "400 Bad Request", "text/plain", str(refused).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        await peer.send(head.encode() + body)
        peer.close()
        await peer.writer.wait_closed()

    def look_at(self, body: Fields) -> None:
        """Raise for a request that is not to be answered."""


class Checking(Answering):
    """Refuses what the provider's own SDK would not have sent."""

    def __init__(self, provider: Provider, *answers: tuple[str, bytes], status: str = "200 OK") -> None:
        super().__init__(*answers, status=status)
        self._provider = provider

    def look_at(self, body: Fields) -> None:
        """See Answering."""
        self._provider.accepts(body)


def chosen(provider: Provider, server: Server, **more: Any) -> Any:
    url = f"http://127.0.0.1:{server.port}"
    return settings(upstream(url, name="n", key="k-1", dialect=provider.dialect, auth=provider.auth, **more))


def client(proxy: Proxy) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key="none", max_retries=0)


@each
@pytest.mark.parametrize("streamed", [False, True])
async def test_two_turns_with_parallel_calls(provider: Provider, streamed: bool) -> None:
    native = Checking(provider, provider.said(None, streamed), provider.said("20 and 3.", streamed))
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        messages: list[Any] = [QUESTION]
        ends: list[str] = []
        for _ in range(2):
            asked: Fields = {"model": provider.model, "messages": messages, "tools": TOOLS}
            made: Any
            if streamed:
                asked["stream_options"] = {"include_usage": True}
                async with openai.chat.completions.stream(**asked) as events:
                    made = await events.get_final_completion()
            else:
                made = await openai.chat.completions.create(**asked)
            got = made.choices[0]
            ends.append(got.finish_reason)
            assert made.usage is not None
            assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (9, 5)
            messages.append(json.loads(got.message.model_dump_json(exclude_none=True)))
            calls = got.message.tool_calls or []
            messages += [{"role": "tool", "tool_call_id": call.id, "content": "20"} for call in calls]
        assert "faults=-" in proxy.log.text
    assert ends == ["tool_calls", "stop"]
    assert messages[-1]["content"] == "20 and 3."
    assert [call["function"]["arguments"].replace(" ", "") for call in messages[1]["tool_calls"]] == [
        '{"city":"Rome"}',
        '{"city":"Oslo"}',
    ]
    assert provider.results(native.bodies[1]) == [call["id"] for call in messages[1]["tool_calls"]]
    name, value = provider.shown
    assert [seen.header(name) for seen in native.seen] == [value, value]


@each
async def test_a_picture_in_and_a_schema_out(provider: Provider) -> None:
    native = Checking(provider, provider.said('{"city":"Rome"}', False))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    properties = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    schema = {"name": "place", "schema": {**properties, "additionalProperties": False}}
    asked: Fields = {
        "model": provider.model,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Where?"}, picture]}],
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        made = await openai.chat.completions.create(**asked)
    assert json.loads(made.choices[0].message.content or "") == {"city": "Rome"}
    assert "iVBORw0KGgo=" in json.dumps(native.bodies)
    assert '"city"' in json.dumps(native.bodies)


@each
async def test_a_stream_that_is_cut_is_no_answer(provider: Provider) -> None:
    native = Checking(provider, provider.cut())
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        chunks = await openai.chat.completions.create(model=provider.model, messages=[QUESTION], stream=True)
        got = ""
        with pytest.raises(APIError):
            async for chunk in chunks:
                assert chunk.choices[0].finish_reason is None
                got += chunk.choices[0].delta.content or ""
    assert got == "Romulus"


@each
async def test_an_overload_before_the_first_byte_is_a_status(provider: Provider) -> None:
    status, body = provider.overloaded
    native = Checking(provider, ("application/json", body), status=status)
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        with pytest.raises(APIStatusError) as failed:
            await openai.chat.completions.create(model=provider.model, messages=[QUESTION])
    assert failed.value.status_code == 503
    assert failed.value.body == {"message": "busy", "type": "server_error", "param": None, "code": failed.value.code}


@each
async def test_an_overload_after_the_first_byte_is_an_event(provider: Provider) -> None:
    native = Checking(provider, provider.failing())
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        chunks = await openai.chat.completions.create(model=provider.model, messages=[QUESTION], stream=True)
        with pytest.raises(APIError, match="busy"):
            async for chunk in chunks:
                assert chunk.choices[0].finish_reason is None


@each
@pytest.mark.parametrize("on_unsupported", ["error", "drop"])
async def test_several_choices_are_asked_apart(provider: Provider, on_unsupported: str) -> None:
    native = Checking(provider, provider.said("One", False), provider.said("Two", False))
    async with serve(native) as server:
        way = chosen(provider, server, on_unsupported=on_unsupported)
        async with running(way) as proxy, client(proxy) as openai:
            made = await openai.chat.completions.create(model=provider.model, messages=[QUESTION], n=2)
    assert sorted(choice.message.content or "" for choice in made.choices) == ["One", "Two"]
    assert [choice.index for choice in made.choices] == [0, 1]
    assert made.usage is not None
    assert made.usage.completion_tokens == 10


@each
async def test_what_cannot_be_said_is_refused_or_named(provider: Provider) -> None:
    native = Checking(provider, provider.said("Fine", False))
    asked: Fields = {"model": provider.model, "messages": [QUESTION], "logit_bias": {"5": 1}}
    async with serve(native) as server:
        async with running(chosen(provider, server)) as proxy, client(proxy) as openai:
            with pytest.raises(BadRequestError, match="logit_bias") as refused:
                await openai.chat.completions.create(**asked)
            assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "logit_bias")
        drops = chosen(provider, server, on_unsupported="drop")
        async with running(drops) as proxy, client(proxy) as openai:
            reply = await openai.chat.completions.with_raw_response.create(**asked)
    assert reply.headers["x-trueline-request"] == "logit_bias dropped"
    assert "logit_bias" not in json.dumps(native.bodies)


async def test_a_picture_is_fetched_and_what_is_left_out_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is written again when the picture is there."""

    async def fetched(self: Fetcher, url: str) -> Fetched:
        return Fetched("image/png", url.encode())

    monkeypatch.setattr(Fetcher, "fetch_file", fetched)
    ollama = next(provider for provider in PROVIDERS if provider.dialect == "ollama")
    native = Checking(ollama, ollama.said("A cat.", False))
    picture = {"type": "image_url", "image_url": {"url": "https://h.test/a.png", "detail": "low"}}
    messages: list[Any] = [{"role": "user", "name": "Ann", "content": [picture]}]
    async with serve(native) as server, running(chosen(ollama, server)) as proxy, client(proxy) as openai:
        asked = openai.chat.completions.with_raw_response
        reply = await asked.create(model=ollama.model, messages=messages, user="u")
    named = "messages[0].name dropped, messages[0].content[0].image_url.detail dropped, user dropped"
    assert reply.headers["x-trueline-request"] == named
    assert native.bodies[0]["messages"][0]["images"] == [b64encode(b"https://h.test/a.png").decode()]


@each
async def test_other_paths_are_refused_honestly(provider: Provider) -> None:
    native = Checking(provider)
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        with pytest.raises(NotFoundError) as refused:
            await openai.audio.speech.create(model=provider.model, input="hi", voice="alloy")
        assert refused.value.code == "unsupported_by_upstream"
        with pytest.raises(NotFoundError, match=provider.dialect):
            await openai.completions.create(model=provider.model, prompt="hi")
    assert native.seen == []


@each
async def test_a_client_that_leaves_ends_the_call(provider: Provider) -> None:
    """The model server sees its connection closed, and the next client is served."""
    left: list[bool] = []

    class Slow(Checking):
        async def __call__(self, peer: Peer) -> None:
            if left:
                await super().__call__(peer)
                return
            await peer.request()
            kind, body = provider.cut()
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
            await peer.send(head.encode() + b"%x\r\n%b\r\n" % (len(body), body))
            left.append(True)
            assert await peer.reader.read() == b""
            left.append(True)
            peer.close()

    native = Slow(provider, provider.said("Fine", False))
    async with serve(native) as server, running(chosen(provider, server)) as proxy, client(proxy) as openai:
        chunks = await openai.chat.completions.create(model=provider.model, messages=[QUESTION], stream=True)
        async for _ in chunks:
            break
        await chunks.close()
        made = await openai.chat.completions.create(model=provider.model, messages=[QUESTION])
    assert made.choices[0].message.content == "Fine"
    assert left == [True, True]
