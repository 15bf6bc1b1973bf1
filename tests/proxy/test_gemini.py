"""Gemini's API behind the proxy: OpenAI's SDK on one side, a server of Google's types on the other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from openai import APIError, AsyncOpenAI, InternalServerError, RateLimitError

from dialects.gemini_sdk import parse
from engine.kit import Fields
from proxy.running import Proxy, running, settings, upstream
from shell.upstream.scripted import Peer, Server, serve

MODEL = "gemini-3-flash-preview"
USER = {"role": "user", "content": "How warm is it in Rome and in Oslo?"}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
        },
    }
]
CALLS: list[Fields] = [
    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "Qw=="},
    {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
]


def reply(parts: list[Fields], finish: str | None = None) -> bytes:
    candidate: Fields = {"content": {"role": "model", "parts": parts}, "index": 0}
    made = types.GenerateContentResponse.model_validate(
        {
            "candidates": [{**candidate, "finishReason": finish} if finish else candidate],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14},
            "modelVersion": MODEL,
        }
    )
    return made.model_dump_json(exclude_none=True, by_alias=True).encode()


def answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def stream(*chunks: bytes, whole: bool = True) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    events = [b"data: " + chunk + b"\r\n\r\n" for chunk in chunks]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events) + (b"0\r\n\r\n" if whole else b"")


class Google:
    """Answers request after request with what it was given, and keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.lines: list[str] = []
        self.bodies: list[Fields] = []
        self.keys: list[str | None] = []

    async def __call__(self, peer: Peer) -> None:
        seen = await peer.request()
        self.lines.append(seen.line)
        self.keys.append(seen.header("x-goog-api-key"))
        if seen.body:
            self.bodies.append(json.loads(seen.body))
        await peer.send(self._answers.pop(0))
        peer.close()
        await peer.writer.wait_closed()


def chosen(server: Server) -> Any:
    url = f"http://127.0.0.1:{server.port}/v1beta"
    return settings(upstream(url, name="g", key="k-1", dialect="gemini", auth="x-goog-api-key"))


def client(proxy: Proxy) -> Any:
    """The SDK; its types would have every message spelled out."""
    return AsyncOpenAI(base_url=f"http://127.0.0.1:{proxy.port}/v1", api_key="none", max_retries=0)


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_turns_with_parallel_calls(streamed: bool) -> None:
    said = [{"text": "I will look.", "thought": True}, *CALLS]
    first = (
        stream(reply(said[:1]), reply(CALLS[:1]), reply(CALLS[1:], "STOP")) if streamed else answer(reply(said, "STOP"))
    )
    second = stream(reply([{"text": "20 and "}]), reply([{"text": "3."}], "STOP"))
    google = Google(first, second if streamed else answer(reply([{"text": "20 and 3."}], "STOP")))
    async with serve(google) as server, running(chosen(server)) as proxy, client(proxy) as openai:
        messages: list[Any] = [USER]
        ends: list[Any] = []
        for _ in range(2):
            asked: Fields = {"model": MODEL, "messages": messages, "tools": TOOLS, "reasoning_effort": "low"}
            if streamed:
                async with openai.chat.completions.stream(**asked) as events:
                    got = (await events.get_final_completion()).choices[0]
            else:
                got = (await openai.chat.completions.create(**asked)).choices[0]
            ends.append(got.finish_reason)
            messages.append(json.loads(got.message.model_dump_json(exclude_none=True)))
            for call in reversed(got.message.tool_calls or []):
                degrees = {"Rome": 20, "Oslo": 3}[json.loads(call.function.arguments)["city"]]
                messages.append({"role": "tool", "tool_call_id": call.id, "content": f'{{"degrees": {degrees}}}'})
    assert ends == ["tool_calls", "stop"]
    assert messages[-1]["content"] == "20 and 3."
    verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    assert google.lines == [f"POST /v1beta/models/{MODEL}:{verb} HTTP/1.1"] * 2
    assert google.keys == ["k-1", "k-1"]
    for body in google.bodies:
        parse(body, MODEL)
    assert google.bodies[1]["contents"][1] == {"role": "model", "parts": CALLS}
    answers = [part["functionResponse"] for part in google.bodies[1]["contents"][2]["parts"]]
    assert answers == [{"name": "weather", "response": {"degrees": degrees}} for degrees in (20, 3)]


async def test_a_schema_and_a_picture() -> None:
    google = Google(answer(reply([{"text": '{"city":"Rome"}'}], "STOP")))
    schema = TOOLS[0]["function"]["parameters"]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    async with serve(google) as server, running(chosen(server)) as proxy, client(proxy) as openai:
        made = await openai.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": [{"type": "text", "text": "where?"}, picture]}],
            response_format={"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}},
        )
    assert json.loads(made.choices[0].message.content or "") == {"city": "Rome"}
    (body,) = google.bodies
    parse(body, MODEL)
    assert body["generationConfig"]["responseJsonSchema"] == schema
    assert body["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


async def test_a_stream_that_is_cut() -> None:
    google = Google(stream(reply([{"text": "Ro"}]), whole=False), stream(reply([{"text": "Ro"}])))
    async with serve(google) as server, running(chosen(server)) as proxy, client(proxy) as openai:
        for _ in range(2):  # in the middle of the framing, and behind a chunk without a finish
            chunks = await openai.chat.completions.create(model=MODEL, messages=[USER], stream=True)
            got = ""
            with pytest.raises(APIError):
                async for chunk in chunks:
                    assert chunk.choices[0].finish_reason is None
                    got += chunk.choices[0].delta.content or ""
            assert got == "Ro"


async def test_overloads() -> None:
    def error(code: int, status: str, *details: Fields) -> bytes:
        return json.dumps(
            {"error": {"code": code, "message": "busy", "status": status, "details": list(details)}}
        ).encode()

    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.2s"}
    google = Google(
        answer(error(503, "UNAVAILABLE"), "503 Service Unavailable"),
        answer(error(429, "RESOURCE_EXHAUSTED", wait), "429 Too Many Requests"),
        stream(reply([{"text": "Ro"}]), error(503, "UNAVAILABLE")),
    )
    async with serve(google) as server, running(chosen(server)) as proxy, client(proxy) as openai:
        with pytest.raises(InternalServerError) as busy:
            await openai.chat.completions.create(model=MODEL, messages=[USER])
        assert busy.value.status_code == 503
        with pytest.raises(RateLimitError) as limited:
            await openai.chat.completions.create(model=MODEL, messages=[USER])
        assert limited.value.response.headers["retry-after"] == "4"
        chunks = await openai.chat.completions.create(model=MODEL, messages=[USER], stream=True)
        with pytest.raises(APIError) as failed:
            async for chunk in chunks:
                assert chunk.choices[0].finish_reason is None
        assert failed.value.message == "busy"


async def test_embeddings_and_models() -> None:
    google = Google(
        answer(b'{"embeddings":[{"values":[1,2]},{"values":[3,4]}],"usageMetadata":{"promptTokenCount":6}}'),
        answer(b'{"models":[{"name":"models/gemini-3-flash-preview","displayName":"Flash"}]}'),
    )
    async with serve(google) as server, running(chosen(server)) as proxy, client(proxy) as openai:
        made = await openai.embeddings.create(model="e-1", input=["a", "b"])
        listed = await openai.models.list()
    assert [one.embedding for one in made.data] == [[1.0, 2.0], [3.0, 4.0]]
    assert made.usage.total_tokens == 6
    assert [one.id for one in listed.data] == ["gemini-3-flash-preview"]
    assert google.lines == [
        "POST /v1beta/models/e-1:batchEmbedContents HTTP/1.1",
        "GET /v1beta/models?pageSize=1000 HTTP/1.1",
    ]
