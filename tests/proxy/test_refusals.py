"""Bad requests: refused before any upstream is called, in OpenAI's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.running import CHAT, body_of, running, settings
from trueline.settings import Limits
from trueline.sim import SimServer

IMAGES = "/v1/images/generations"
INVALID = "invalid_request_error"


def without(name: str) -> dict[str, Any]:
    request = body_of()
    del request[name]
    return request


# path, body -> status, code, param, words of the message
BAD: dict[str, tuple[str, Any, int, str | None, str | None, str]] = {
    "no body": (CHAT, b"", 400, None, None, "no body"),
    "blank": (CHAT, b" \n", 400, None, None, "no body"),
    "not JSON": (CHAT, b"{'model': 1}", 400, None, None, "could not parse the JSON body"),
    "cut JSON": (CHAT, b'{"model": "x", "messages": [', 400, None, None, "could not parse the JSON body"),
    "a form": (CHAT, b"model=gpt-4o", 400, None, None, "could not parse the JSON body"),
    "not UTF-8": (CHAT, b'{"model": "\xff"}', 400, None, None, "could not parse the JSON body"),
    "too deep": (CHAT, b'{"a":' + b"[" * 100_000, 400, None, None, "could not parse the JSON body"),
    "a list": (CHAT, [], 400, None, None, "must be a JSON object, but it is an array"),
    "a text": (CHAT, "hello", 400, None, None, "must be a JSON object, but it is a string"),
    "null": (CHAT, b"null", 400, None, None, "must be a JSON object, but it is null"),
    "no messages": (
        CHAT,
        without("messages"),
        400,
        "missing_required_parameter",
        "messages",
        "Missing required parameter: 'messages'.",
    ),
    "messages null": (CHAT, body_of() | {"messages": None}, 400, "missing_required_parameter", "messages", "Missing"),
    "messages empty": (CHAT, body_of() | {"messages": []}, 400, "empty_array", "messages", "empty array"),
    "messages a text": (
        CHAT,
        body_of() | {"messages": "hi"},
        400,
        "invalid_type",
        "messages",
        "expected an array, but got a string instead",
    ),
    "a message a text": (CHAT, body_of() | {"messages": ["hi"]}, 400, "invalid_type", "messages[0]", "an object"),
    "no role": (
        CHAT,
        body_of() | {"messages": [{"content": "hi"}]},
        400,
        "missing_required_parameter",
        "messages[0].role",
        "messages[0].role",
    ),
    "a role a number": (
        CHAT,
        body_of() | {"messages": [{"role": 1, "content": "hi"}]},
        400,
        "invalid_type",
        "messages[0].role",
        "expected a string, but got an integer instead",
    ),
    "model a number": (CHAT, body_of(model=1), 400, "invalid_type", "model", "expected a string"),
    "stream a text": (CHAT, body_of(stream="yes"), 400, "invalid_type", "stream", "expected a boolean"),
    "n a text": (CHAT, body_of(n="2"), 400, "invalid_type", "n", "expected an integer"),
    "n true": (CHAT, body_of(n=True), 400, "invalid_type", "n", "but got a boolean"),
    "n zero": (CHAT, body_of(n=0), 400, "integer_below_min_value", "n", "Expected a value >= 1, but got 0"),
    "n too large": (CHAT, body_of(n=129), 400, "integer_above_max_value", "n", "Expected a value <= 128"),
    "temperature a text": (CHAT, body_of(temperature="hot"), 400, "invalid_type", "temperature", "a decimal"),
    "tools an object": (CHAT, body_of(tools={}), 400, "invalid_type", "tools", "expected an array"),
    "max_tokens a decimal": (CHAT, body_of(max_tokens=1.5), 400, "invalid_type", "max_tokens", "an integer"),
    "response_format a text": (CHAT, body_of(response_format="json"), 400, "invalid_type", "response_format", "object"),
    "stream_options true": (
        CHAT,
        body_of(stream=True, stream_options=True),
        400,
        "invalid_type",
        "stream_options",
        "object",
    ),
    "no prompt": (
        IMAGES,
        {"model": "dall-e-3"},
        400,
        "missing_required_parameter",
        "prompt",
        "Missing required parameter: 'prompt'.",
    ),
    "prompt a list": (IMAGES, {"prompt": ["x"]}, 400, "invalid_type", "prompt", "expected a string, but got an array"),
    "image n": (IMAGES, {"prompt": "x", "n": 0}, 400, "integer_below_min_value", "n", "but got 0 instead"),
    "image not JSON": (IMAGES, b"prompt", 400, None, None, "could not parse the JSON body"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_request(case: str) -> None:
    path, body, status, code, param, words = BAD[case]
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("POST", path, body, content_type="application/json")

        assert reply.status == status and reply.complete
        assert {name: value for name, value in reply.error.items() if name != "message"} == {
            "type": INVALID,
            "param": param,
            "code": code,
        }
        assert words in reply.error["message"]
        assert sim.connection_count == 0
        assert reply.header("x-request-id") and reply.header("x-trueline-upstream") is None


UNKNOWN = [
    ("GET", "/", 200, ""),
    ("POST", "/", 404, "Invalid URL (POST /). The API is under /v1."),
    ("GET", "/chat/completions", 404, "Invalid URL (GET /chat/completions). The API is under /v1."),
    ("POST", "/openai/v1/chat/completions", 404, "Invalid URL (POST /openai/v1/chat/completions). The API is"),
    ("GET", "/v1", 404, "Invalid URL (GET /v1)."),
    ("GET", "/v2/models", 404, "Invalid URL (GET /v2/models). The API is under /v1."),
    ("GET", "/x%0Ay", 404, "Invalid URL (GET /x%0Ay). The API is under /v1."),
    ("DELETE", "/health", 404, "Invalid URL (DELETE /health). The API is under /v1."),
    ("GET", "/favicon.ico", 404, "Invalid URL (GET /favicon.ico). The API is under /v1."),
]


@pytest.mark.parametrize(("method", "path", "status", "message"), UNKNOWN)
async def test_an_unknown_path(method: str, path: str, status: int, message: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask(method, path, None)

        assert reply.status == status
        if status != 200:
            assert reply.error["message"].startswith(message)
            assert (reply.error["type"], reply.error["code"]) == (INVALID, "unknown_url")
        assert sim.connection_count == 0


DOTS = [
    "/v1/../admin",
    "/v1/./files",
    "/v1/files/..",
    "/v1/files/.",
    "/v1/%2e%2e/admin",
    "/v1/%2E%2E/admin",
    "/v1/.%2e/admin",
    "/v1/files/..%2f..%2fadmin",
    "/v1/files/..%5c..%5cadmin",
    "/v1/files\\..\\admin",
    "/v1/..;/admin",
    "/v1/models/..%2Fadmin",
    "/v1/models/..",
    "/v1/chat/../chat/completions",
    "/v1/../v1/chat/completions",
    "/../v1/models",
]


@pytest.mark.parametrize("path", DOTS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_way_out_of_the_api(path: str, method: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask(method, path, body_of() if method == "POST" else None)

        assert (reply.status, reply.error["code"]) == (404, "unknown_url")
        assert sim.connection_count == 0


@pytest.mark.parametrize("path", ["/v1/files/a..b", "/v1/files/...", "/v1/files/.hidden", "/v1/a?x=../..", "/v1/x%2Fy"])
async def test_dots_that_lead_nowhere(path: str) -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.ask("GET", path)

        assert sim.requests[-1].path == path


# ---- too large

LIMITED = Limits(request_bytes=10_000)
PLACES = [(CHAT, "application/json"), (IMAGES, "application/json"), ("/v1/embeddings", "application/json")]
PLACES += [("/v1/files", "multipart/form-data; boundary=x"), ("/v1/models", "application/json")]


@pytest.mark.parametrize(("path", "kind"), PLACES)
async def test_too_large_as_declared(path: str, kind: str) -> None:
    """Refused by its head: the body need not come."""
    async with SimServer() as sim, running(settings(sim.url, limits=LIMITED)) as proxy:
        talk = await proxy.talk()
        method = "GET" if path == "/v1/models" else "POST"
        await talk.send(method, path, b"", content_type=kind, content_length="10001")
        reply = await talk.reply()

        assert reply.status == 413
        assert reply.error == {
            "message": "The body of your request is larger than the 10000 bytes that are allowed.",
            "type": INVALID,
            "param": None,
            "code": "request_too_large",
        }
        assert sim.connection_count == 0


@pytest.mark.parametrize(("path", "kind"), PLACES[:-1])
async def test_too_large_in_chunks(path: str, kind: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, limits=LIMITED)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", path, content_type=kind, transfer_encoding="chunked")
        for _ in range(11):
            await talk.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        reply = await talk.reply()

        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
        assert sim.request_count == 0  # none that was complete


async def test_as_large_as_is_allowed() -> None:
    content = json.dumps(body_of()).encode()
    content += b" " * (10_000 - len(content))
    async with SimServer() as sim, running(settings(sim.url, limits=LIMITED)) as proxy:
        assert (await proxy.ask("POST", CHAT, content)).status == 200
        assert sim.requests[-1].body == content


# ---- odd HTTP


async def test_websockets_are_refused_and_nobody_is_told_to_install_anything() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("GET", "/v1/realtime", connection="upgrade", upgrade="websocket", sec_websocket_key="x")

        assert (reply.status, reply.error["code"]) == (400, "websocket_unsupported")
        assert sim.connection_count == 0


async def test_an_upgrade_to_http2_is_not_taken_up() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        reply = await proxy.ask("GET", "/v1/models", connection="upgrade, http2-settings", upgrade="h2c")

        assert reply.status == 200
        assert not {"upgrade", "http2-settings"} & sim.requests[-1].headers.keys()


async def test_what_is_not_http(way_in: str) -> None:
    async with SimServer() as sim, running(settings(sim.url), noisy=True) as proxy:
        talk = await proxy.talk()
        await talk.write(b"\x16\x03\x01 hello\r\n\r\n")

        reply = await talk.reply()
        assert reply.status == 400
        assert (await proxy.chat()).status == 200
        if way_in == "native":
            assert "well-formed HTTP/1.1" in reply.error["message"]
            assert proxy.log.noise == []
        else:  # uvicorn's own answer
            assert proxy.log.noise == ["WARNING uvicorn.error: Invalid HTTP request received."]
