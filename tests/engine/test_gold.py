"""A server that is OpenAI to the letter: nothing of its replies is changed, and nothing is noted."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.kit import ROUTE, CountingMint, chat_body, load_module, run, ways_to_cut
from trueline.dialects.error_bodies import read_error
from trueline.errors import RequestError
from trueline.messages import read_chat_request, read_image_request
from trueline.pipeline import Models, Pipeline, chat_pipeline, image_pipeline

KEY = "sk-good"
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture(scope="module")
def gold(shared: Path) -> Iterator[int]:
    """The port of the server."""
    handler = load_module(shared / "spec" / "gold_server.py", "shared_gold_server").H
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def call(
    port: int, method: str, path: str, body: dict[str, Any] | None = None, key: str = KEY
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


CHATS: list[dict[str, Any]] = [
    {},
    {"n": 3},
    {"max_tokens": 2},
    {"logprobs": True, "top_logprobs": 1},
    {"logprobs": True, "n": 2},
    {"tools": TOOLS, "tool_choice": "required"},
    {"tools": TOOLS, "tool_choice": "required", "n": 2},
    {"tools": TOOLS, "tool_choice": NAMED},
    {"tools": TOOLS},
    {"response_format": {"type": "json_object"}},
    {"model": "some-model"},
]


@pytest.mark.parametrize(
    "options", [None, {"include_usage": True}, {"include_usage": True, "include_obfuscation": False}]
)
@pytest.mark.parametrize("fields", CHATS, ids=lambda fields: "-".join(fields) or "plain")
def test_chats(gold: int, fields: dict[str, Any], options: dict[str, Any] | None) -> None:
    streamed = {"stream": True, "stream_options": options} if options else {"stream": True}
    for body in (chat_body(**fields), chat_body(**fields, **streamed)):
        status, _, sent = call(gold, "POST", "/v1/chat/completions", body)
        assert status == 200
        request = read_chat_request(json.dumps(body).encode())
        for parts in ways_to_cut(sent):
            played = run(chat_pipeline(request, ROUTE, CountingMint()), parts)
            assert played.faults == {}
            assert played.out == sent


IMAGES: list[dict[str, Any]] = [
    {},
    {"model": "dall-e-2", "n": 2},
    {"model": "dall-e-2", "response_format": "b64_json"},
    {"model": "gpt-image-1.5"},
    {"model": "gpt-image-1.5", "n": 2, "output_format": "webp"},
]


@pytest.mark.parametrize("fields", IMAGES, ids=lambda fields: "-".join(map(str, fields.values())) or "plain")
def test_images(gold: int, fields: dict[str, Any]) -> None:
    body = {"prompt": "a cat", **fields}
    _, _, sent = call(gold, "POST", "/v1/images/generations", body)

    for parts in ways_to_cut(sent):
        played = run(image_pipeline(read_image_request(json.dumps(body).encode()), ROUTE, CountingMint()), parts)
        assert (played.out, played.faults) == (sent, {})


@pytest.mark.parametrize("partial", [0, 2])
@pytest.mark.parametrize("path", ["generations", "edits"])
def test_streamed_images(gold: int, partial: int, path: str) -> None:
    """The same events; their JSON is written compactly, as OpenAI writes it."""
    body = {"model": "gpt-image-1.5", "prompt": "a cat", "stream": True, "partial_images": partial}
    _, _, sent = call(gold, "POST", f"/v1/images/{path}", body)

    played = run(image_pipeline(read_image_request(json.dumps(body).encode()), ROUTE, CountingMint()), [sent])

    assert played.faults == {}
    assert events(played.out) == events(sent)


def events(stream: bytes) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in stream.decode().split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


@pytest.mark.parametrize(("path", "single"), [("/v1/models", None), ("/v1/models/gpt-4o", "gpt-4o")])
def test_models(gold: int, path: str, single: str | None) -> None:
    _, _, sent = call(gold, "GET", path)
    pipe: Pipeline = Models(single)

    played = run(pipe, [sent])

    assert (played.out, played.faults) == (sent, {})


ERRORS: list[tuple[str, str, dict[str, Any] | None, str]] = [
    ("POST", "/v1/chat/completions", chat_body(), ""),
    ("POST", "/v1/chat/completions", chat_body(), "sk-wrong-1234-key"),
    ("POST", "/v1/chat/completions", chat_body(), "sk-limited"),
    ("POST", "/v1/chat/completions", chat_body(), "sk-broke"),
    ("POST", "/v1/chat/completions", {}, KEY),
    ("POST", "/v1/chat/completions", chat_body(model="does-not-exist"), KEY),
    ("POST", "/v1/chat/completions", chat_body(temperature=-1), KEY),
    ("POST", "/v1/chat/completions", chat_body(messages=[]), KEY),
    ("POST", "/v1/nothing", {}, KEY),
    ("GET", "/v1/models/does-not-exist", None, KEY),
]


@pytest.mark.parametrize(("method", "path", "body", "key"), ERRORS)
def test_errors(gold: int, method: str, path: str, body: dict[str, Any] | None, key: str) -> None:
    status, headers, sent = call(gold, method, path, body, key)

    error = read_error(status, headers, sent)

    assert error.status == status >= 400
    assert error.body() == json.loads(sent)
    assert error.faults == ()
    assert error.retry_after == headers.get("retry-after")


@pytest.mark.parametrize("messages", [None, []])
def test_what_openai_refuses_is_refused_in_its_words(gold: int, messages: Any) -> None:
    body = chat_body(messages=messages)
    status, _, sent = call(gold, "POST", "/v1/chat/completions", body)

    with pytest.raises(RequestError) as caught:
        read_chat_request(json.dumps(body).encode())
    assert (caught.value.status, caught.value.body()) == (status, json.loads(sent))
