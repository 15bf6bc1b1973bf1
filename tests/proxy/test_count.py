"""`POST /trueline/count`: tokens before anything is sent."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from proxy.running import Proxy, body_of, running, settings
from tokens.test_parts import png
from trueline.errors import UpstreamError
from trueline.shell.fetcher import Fetcher
from trueline.shell.routes import Backend
from trueline.tokens import tokenizer_for

COUNT = "/trueline/count"
NOWHERE = "http://127.0.0.1:9/v1"


async def ask(proxy: Proxy, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await proxy.ask("POST", COUNT, sent, **headers)
    assert reply.header("content-type") == "application/json"
    found: dict[str, Any] = json.loads(reply.body)
    return reply.status, found


def counted(model: str, tokens: int, encoding: str, *, exact: bool = True) -> tuple[int, dict[str, Any]]:
    shown = {"object": "trueline.count", "model": model, "tokens": tokens, "exact": exact, "encoding": encoding}
    return 200, shown


async def test_what_is_counted() -> None:
    async with running(settings(NOWHERE)) as proxy:
        replies = [
            await ask(proxy, body)
            for body in (
                {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello world"}]},
                {"model": "gpt-4", "input": "Hello world"},
                {"input": "Hello world"},
                {"model": None, "messages": None, "input": "Hello world"},
                {"model": "text-embedding-3-small", "input": ["Hello", "world", [1, 2, 3]]},
                {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello world"},
                {"model": "openai/gpt-oss-20b", "input": "Hello world"},
                {"model": "llama3", "input": "Hello world"},
            )
        ]

    assert replies == [
        counted("gpt-4o", 9, "o200k_base"),
        counted("gpt-4", 2, "cl100k_base"),
        counted("gpt-4o", 2, "o200k_base"),
        counted("gpt-4o", 2, "o200k_base"),
        counted("text-embedding-3-small", 5, "cl100k_base"),
        counted("gpt-3.5-turbo-instruct", 2, "cl100k_base"),
        counted("openai/gpt-oss-20b", 2, "o200k_harmony"),
        counted("llama3", 3, "estimate", exact=False),
    ]


async def test_an_alias_is_counted_as_what_it_stands_for() -> None:
    models = {"smart": ("up", "gpt-4"), "gpt-4o": ("up", "llama3")}
    async with running(settings(NOWHERE, models=models)) as proxy:
        assert await ask(proxy, {"model": "smart", "input": "你好"}) == counted("smart", 2, "cl100k_base")
        assert (await ask(proxy, {"model": "gpt-4o", "input": "Hi"}))[1]["encoding"] == "estimate"


async def test_a_file_counts(tmp_path: Path) -> None:
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"Hello": 0, "world": 1}, unk_token="Hello"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.save(str(tmp_path / "llama.json"))
    (tmp_path / "broken.json").write_text("{}")
    files = {"llama*": str(tmp_path / "llama.json"), "broken": str(tmp_path / "broken.json")}
    async with running(settings(NOWHERE, tokenizers=files)) as proxy:
        assert await ask(proxy, {"model": "llama3", "input": "Hello world"}) == counted("llama3", 2, "llama.json")
        status, reply = await ask(proxy, {"model": "broken", "input": "Hello"})

    assert (status, reply["error"]["type"]) == (500, "server_error")
    assert "The tokenizer of 'broken' cannot be read" in reply["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "no body"),
        (b"{", 400, "not valid JSON"),
        (b"[]", 400, "must be a JSON object"),
        ({}, 400, "Nothing to count"),
        ({"messages": None, "input": None}, 400, "Nothing to count"),
        ({"messages": "x"}, 400, "Invalid type for 'messages'"),
        ({"messages": {}, "input": "x"}, 400, "Invalid type for 'messages'"),
        ({"model": 7, "input": "x"}, 400, "Invalid type for 'model'"),
        (b" " * 3000, 413, "larger than the 2000 bytes"),
    ],
)
async def test_refusals(body: Any, status: int, message: str) -> None:
    limits = type(settings(NOWHERE).limits)(request_bytes=2000)
    async with running(settings(NOWHERE, limits=limits)) as proxy:
        found, reply = await ask(proxy, body)

    assert found == status
    assert reply["error"].keys() == {"message", "type", "param", "code"}
    assert message in reply["error"]["message"]


async def test_keys_and_methods() -> None:
    async with running(settings(NOWHERE, keys=("sk-mine",))) as proxy:
        refused, reply = await ask(proxy, body_of())
        allowed, _ = await ask(proxy, body_of(), authorization="Bearer sk-mine")

    assert (refused, allowed) == (401, 200)
    assert "API key" in reply["error"]["message"]


async def test_any_content_is_counted() -> None:
    text = '{"input": "\\ud800 \\u0000 \\ufeff' + "x" * 100_000 + '"}'
    async with running(settings(NOWHERE)) as proxy:
        status, reply = await ask(proxy, text.encode())

    assert status == 200
    assert reply["tokens"] == tokenizer_for("gpt-4o").count("\ud800 \x00 \ufeff" + "x" * 100_000)


@pytest.mark.parametrize(("fetched", "tokens", "exact"), [(True, 433, True), (False, 773, False)])
async def test_remote_pictures(fetched: bool, tokens: int, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    async def fetch(self: Fetcher, url: str, backend: Backend) -> bytes:
        asked.append((url, backend.guarded))
        if "missing" in url:
            raise UpstreamError("not there")
        return b64decode(png(640, 480).partition(",")[2])

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    lost = {"type": "image_url", "image_url": {"url": "https://example.com/missing.png", "detail": "low"}}
    text = {"type": "text", "text": "Hi"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": [text, part]}]}
    async with running(settings(NOWHERE, count_remote_images=fetched)) as proxy:
        reply = await ask(proxy, body)
        await ask(proxy, {"model": "gpt-4o", "messages": [{"role": "user", "content": [lost]}]})

    assert reply == counted("gpt-4o", tokens, "o200k_base", exact=exact)
    both = [("https://example.com/a.png", True), ("https://example.com/missing.png", True)]
    assert asked == (both if fetched else [])
