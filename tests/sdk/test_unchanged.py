"""The replies of the reference server, which makes no fault, pass to the byte and with no fault noted."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.kit import load_module
from sdk.world import SECONDS, World, running_world

HI: Any = [{"role": "user", "content": "Say hi."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
CHAT = "/v1/chat/completions"
IMAGES = "/v1/images/generations"
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
PLAIN = {"stream": True, "stream_options": {"include_obfuscation": False}}


def chat(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", CHAT, {"model": "gpt-4o", "messages": HI, **fields}


def image(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", IMAGES, {"model": "dall-e-2", "prompt": "tea", **fields}


REQUESTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "chat": chat(),
    "chat n": chat(n=2),
    "chat tools": chat(tools=[TOOL]),
    "chat named tool": chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "get_weather"}}),
    "chat logprobs": chat(logprobs=True, top_logprobs=2),
    "chat json": chat(response_format={"type": "json_object"}),
    "chat length": chat(max_tokens=1),
    "chat gpt-5": chat(model="gpt-5"),
    "stream": chat(stream=True),
    "stream usage": chat(**USAGE),
    "stream plain": chat(**PLAIN),
    "stream n": chat(n=3, **USAGE),
    "stream tools": chat(tools=[TOOL], **USAGE),
    "stream logprobs": chat(logprobs=True, **PLAIN),
    "stream gpt-5": chat(model="gpt-5", **USAGE),
    "image url": image(n=2),
    "image base64": image(response_format="b64_json"),
    "image gpt": image(model="gpt-image-1.5"),
    "image stream": image(model="gpt-image-1.5", stream=True, partial_images=2),
    "models": ("GET", "/v1/models", None),
    "model": ("GET", "/v1/models/gpt-4o", None),
    "completion": ("POST", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"}),
    "completion stream": (
        "POST",
        "/v1/completions",
        {"model": "gpt-3.5-turbo-instruct", "prompt": "hi", "stream": True},
    ),
    "embeddings": ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
    "moderation": ("POST", "/v1/moderations", {"input": "tea"}),
}
# Request, key -> the status that the reference server answers with.
ERRORS: list[tuple[tuple[str, str, dict[str, Any] | None], str | None, int]] = [
    (chat(), "sk-wrong-key-1234", 401),
    (chat(), "sk-limited", 429),
    (chat(), "sk-broke", 429),
    (chat(model="does-not-exist"), "sk-good", 404),
    (chat(temperature=3), "sk-good", 400),
    (chat(stream_options={"include_usage": True}), "sk-good", 400),
    (("GET", "/v1/models/does-not-exist", None), "sk-good", 404),
    (("POST", "/v1/unheard/of", {}), "sk-good", 404),
]


class Tee:
    """A handler's file, with a copy of what is written."""

    def __init__(self, file: Any, copies: list[bytes]) -> None:
        self._file = file
        self._copies = copies

    def write(self, data: bytes) -> int:
        self._copies.append(bytes(data))
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Reference:
    """The reference server in threads; `sent` is what it wrote in answer to the last request."""

    def __init__(self, handler: Any) -> None:
        self.copies: list[bytes] = []
        copies = self.copies

        class Recorded(handler):  # type: ignore[misc]
            def setup(self) -> None:
                super().setup()
                self.wfile: Any = Tee(self.wfile, copies)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def body(self) -> bytes:
        """The body that was sent, without its chunks."""
        head, _, rest = b"".join(self.copies).partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" not in head.lower():
            return rest
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        return body


@pytest.fixture(scope="module")
def reference(shared: Path) -> Iterator[Reference]:
    made = Reference(load_module(shared / "spec" / "gold_server.py", "gold_server").H)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(SECONDS)


@pytest.fixture(scope="module")
def before(reference: Reference) -> Iterator[World]:
    """Trueline before the reference server."""
    with running_world(reference.url) as made:
        yield made


def ask(
    world: World, request: tuple[str, str, dict[str, Any] | None], key: str = "sk-good"
) -> tuple[int, dict[str, str], bytes]:
    """One request through Trueline: status, headers, body."""
    method, path, fields = request
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=SECONDS)
    try:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request(method, path, None if fields is None else json.dumps(fields), headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_good_reply_is_unchanged(name: str, reference: Reference, before: World) -> None:
    reference.copies.clear()
    status, headers, body = ask(before, REQUESTS[name])

    assert status == 200
    assert body == (compact(reference.body()) if name == "image stream" else reference.body())
    assert "x-trueline-repairs" not in headers


def compact(stream: bytes) -> bytes:
    """The events as OpenAI writes them; the reference server puts blanks into the JSON of image events only."""
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n")]
    return b"\n".join(
        b"data: " + json.dumps(json.loads(line), separators=(",", ":")).encode() if line[:1] == b"{" else line
        for line in lines
    )


@pytest.mark.parametrize(("request_", "key", "status"), ERRORS)
def test_an_error_is_unchanged(
    request_: tuple[str, str, dict[str, Any] | None], key: str, status: int, reference: Reference, before: World
) -> None:
    reference.copies.clear()
    got, headers, body = ask(before, request_, key)

    assert got == status
    assert json.loads(body) == json.loads(reference.body())
    assert "x-trueline-repairs" not in headers
