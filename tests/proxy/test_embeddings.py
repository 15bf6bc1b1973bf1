"""Embeddings of providers that take fewer texts in a call than a client sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.running import Proxy, running, settings, upstream
from shell.upstream.scripted import Peer, Server, serve

Fields = dict[str, Any]


def _cohere(body: Fields) -> Fields:
    texts = body["texts"]
    return {
        "embeddings": {"float": [[float(text)] for text in texts]},
        "meta": {"billed_units": {"input_tokens": len(texts)}},
    }


def _titan(body: Fields) -> Fields:
    return {"embedding": [float(body["inputText"])], "inputTextTokenCount": 1}


def _gemini(body: Fields) -> Fields:
    texts = [one["content"]["parts"][0]["text"] for one in body["requests"]]
    return {
        "embeddings": [{"values": [float(text)]} for text in texts],
        "usageMetadata": {"promptTokenCount": len(texts)},
    }


def _dashscope(body: Fields) -> Fields:
    texts = body["input"]["texts"]
    found = [{"embedding": [float(text)], "text_index": place} for place, text in enumerate(texts)]
    return {"output": {"embeddings": found[::-1]}, "usage": {"total_tokens": len(texts)}}


ANSWERS: dict[str, Any] = {"cohere": _cohere, "bedrock": _titan, "gemini": _gemini, "dashscope": _dashscope}


class Embedding:
    """Answers in a provider's words, with each text as the number that it is; `failing`: the text that it refuses."""

    def __init__(self, dialect: str, failing: str = "") -> None:
        self._answer = ANSWERS[dialect]
        self._failing = failing
        self.sizes: list[int] = []
        self.most = self._now = 0

    async def __call__(self, peer: Peer) -> None:
        body = json.loads((await peer.request()).body)
        self._now += 1
        self.most = max(self.most, self._now)
        status = "200 OK"
        if self._failing and f'"{self._failing}"' in json.dumps(body):
            status, made = "429 Too Many Requests", {"message": "slow down"}
        else:
            made = self._answer(body)
            vectors = made.get("embeddings") or made.get("output", {}).get("embeddings") or [made]
            self.sizes.append(len(vectors["float"] if isinstance(vectors, dict) else vectors))
        data = json.dumps(made).encode()
        self._now -= 1
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        await peer.send(head.encode() + data)
        peer.close()
        await peer.writer.wait_closed()


def _chosen(dialect: str, server: Server) -> Any:
    return settings(upstream(f"http://127.0.0.1:{server.port}", name="n", dialect=dialect))


async def _ask(proxy: Proxy, model: str, count: int, **more: Any) -> Any:
    texts = [str(number) for number in range(count)]
    return await proxy.ask("POST", "/v1/embeddings", {"model": model, "input": texts, **more})


@pytest.mark.parametrize(
    ("dialect", "model", "count", "sizes"),
    [
        ("cohere", "embed-v4.0", 96, [96]),
        ("cohere", "embed-v4.0", 200, [96, 96, 8]),
        ("bedrock", "amazon.titan-embed-text-v2:0", 20, [1] * 20),
        ("gemini", "gemini-embedding-001", 230, [100, 100, 30]),
        ("dashscope", "text-embedding-v4", 25, [10, 10, 5]),
        ("dashscope", "text-embedding-v2", 26, [25, 1]),
    ],
)
async def test_many_texts_are_asked_in_several_calls(dialect: str, model: str, count: int, sizes: list[int]) -> None:
    native = Embedding(dialect)
    async with serve(native) as server, running(_chosen(dialect, server)) as proxy:
        reply = await _ask(proxy, model, count)
    made = reply.json
    assert reply.status == 200
    assert sorted(native.sizes, reverse=True) == sizes
    assert [(one["index"], one["embedding"]) for one in made["data"]] == [(n, [float(n)]) for n in range(count)]
    assert made["usage"] == {"prompt_tokens": count, "total_tokens": count}
    assert (made["object"], made["model"]) == ("list", model)


async def test_no_more_than_eight_calls_run_at_a_time() -> None:
    native = Embedding("bedrock")
    async with serve(native) as server, running(_chosen("bedrock", server)) as proxy:
        await _ask(proxy, "amazon.titan-embed-text-v2:0", 40)
    assert len(native.sizes) == 40
    assert native.most <= 8


async def test_one_call_that_fails_fails_the_reply() -> None:
    native = Embedding("cohere", failing="150")
    async with serve(native) as server, running(_chosen("cohere", server)) as proxy:
        reply = await _ask(proxy, "embed-v4.0", 200)
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")


async def test_a_call_with_too_few_vectors_fails_the_reply() -> None:
    async def short(peer: Peer) -> None:
        await peer.request()
        data = b'{"embeddings":{"float":[[1.0]]}}'
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data))
        peer.close()
        await peer.writer.wait_closed()

    async with serve(short) as server, running(_chosen("cohere", server)) as proxy:
        reply = await _ask(proxy, "embed-v4.0", 97)
    assert reply.status == 502
    assert "1 embeddings for" in reply.error["message"]


async def test_vectors_of_several_calls_as_base64() -> None:
    native = Embedding("bedrock")
    async with serve(native) as server, running(_chosen("bedrock", server)) as proxy:
        reply = await _ask(proxy, "amazon.titan-embed-text-v2:0", 2, encoding_format="base64")
    assert [one["embedding"] for one in reply.json["data"]] == ["AAAAAA==", "AACAPw=="]


async def test_nothing_is_sent_of_what_cannot_be_said() -> None:
    native = Embedding("cohere")
    async with serve(native) as server, running(_chosen("cohere", server)) as proxy:
        reply = await proxy.ask("POST", "/v1/embeddings", {"model": "m", "input": [*["1"] * 100, [1, 2]]})
    assert reply.status == 400
    assert native.sizes == []
