"""The judge and the oracle beside the checkout agree over all recordings; OpenAI and a faithful server are clean."""

from __future__ import annotations

import http.client
import importlib.util
import json
import random
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from judge.kit import CHAT, TOOL, Json, chunks_of, corpus, keys, mutated, stream_of
from trueline.judge import (
    Extras,
    Finding,
    judge_chat_stream,
    judge_chat_whole,
    judge_error,
    judge_exchange,
    judge_images,
)
from trueline.sim import SimReply, render_json

pytestmark = [
    pytest.mark.no_cover,  # what it runs over and over is covered elsewhere
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the oracle leaves its files to the interpreter
]

DISAGREEMENTS: dict[str, str] = {}
"""Recording -> why the judge is right where the oracle says otherwise.  None is known."""


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def oracle(shared: Path) -> ModuleType:
    return module(shared / "spec" / "oracle.py")


def records(shared: Path, name: str) -> Iterator[tuple[str, Json, Any, bytes]]:
    """(id, request, record, body) of a file of recordings."""
    for record in corpus(shared / "corpus" / f"{name}.jsonl.gz"):
        request = record["request"]["body"]
        body = record["response"].get("body") or ""
        yield record["id"], request if isinstance(request, dict) else {}, record, body.encode("utf-8", "surrogatepass")


def content_type(record: Any) -> str | None:
    headers = record["response"].get("headers") or {}
    return next((value for name, value in headers.items() if name.lower() == "content-type"), None)


def by_oracle(oracle: ModuleType, name: str, request: Json, record: Any, body: bytes) -> list[Any]:
    """What the oracle says; a reply at which it fails is one that it does not accept."""
    kind = content_type(record)
    try:
        if record["response"]["status"] >= 400:
            found = oracle.error_body(record["response"]["status"], json.loads(body))
        elif record["stream"]:
            found = oracle.chat_stream(request, body, kind)
        elif name == "images":
            found = oracle.images_json(request, oracle.loads(body.decode()))
        else:
            found = oracle.chat_json(request, oracle.loads(body.decode()), kind)
    except Exception as error:
        return [("must", "FAILED", repr(error))]
    return list(found)


def by_judge(name: str, request: Json, record: Any, body: bytes, extras: Extras) -> list[Finding]:
    kind = content_type(record)
    if record["response"]["status"] >= 400:
        return judge_error(record["response"]["status"], None, body)
    if name == "images":
        return judge_images(request, body, None, extras=extras)
    return (judge_chat_stream if record["stream"] else judge_chat_whole)(request, body, kind, extras=extras)


@pytest.mark.parametrize(("flavour", "extras"), [("wire", "allow"), ("wire-closed", "forbid")])
@pytest.mark.parametrize("name", ["chat", "images"])
def test_the_verdict_on_every_recording(
    name: str, flavour: str, extras: Extras, shared: Path, oracle: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle.schema, "__defaults__", (flavour,))
    differ, verdicts = {}, set()
    for identity, request, record, body in records(shared, name):
        theirs = [found for found in by_oracle(oracle, name, request, record, body) if found[0] == "must"]
        ours = [found for found in by_judge(name, request, record, body, extras) if found.level == "must"]
        verdicts.add(bool(ours))
        if bool(theirs) != bool(ours) and identity not in DISAGREEMENTS:
            differ[identity] = (theirs[:3], keys(ours))

    assert differ == {}
    assert verdicts == {True, False}


def test_openai_itself_is_clean(shared: Path, oracle: ModuleType) -> None:
    """Where the oracle has nothing at all to say about a recording of OpenAI, neither has the judge."""
    heard = 0
    for name in ("chat", "images"):
        for identity, request, record, body in records(shared, name):
            if record["host"] == "api.openai.com" and not by_oracle(oracle, name, request, record, body):
                heard += 1
                assert keys(by_judge(name, request, record, body, "forbid")) == [], identity

    assert heard > 50


SPOILT: list[tuple[str, Json]] = [
    ("/v1/chat/completions", {**CHAT, "logprobs": True, "n": 2}),
    ("/v1/chat/completions", {**CHAT, "tools": [TOOL]}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "n": 2}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "tools": [TOOL], "stream_options": {"include_usage": True}}),
    ("/v1/images/generations", {"model": "gpt-image-1.5", "prompt": "tea"}),
]


def spoilt(reply: SimReply, dice: random.Random) -> bytes:
    """A clean reply in which something is odd: values, or a chunk that is lost, doubled or moved."""
    if not reply.stream:
        return json.dumps(mutated(json.loads(reply.body), dice)).encode()
    chunks = chunks_of(reply.body)
    place = dice.randrange(len(chunks))
    match dice.randrange(6):
        case 0:
            chunks.insert(dice.randrange(len(chunks)), chunks.pop(place))
        case 1:
            del chunks[place]
        case 2:
            chunks.insert(dice.randrange(len(chunks)), chunks[place])
        case _:
            chunks[place] = mutated(chunks[place], dice)
    return stream_of(chunks)


@pytest.mark.parametrize(("flavour", "extras"), [("wire", "allow"), ("wire-closed", "forbid")])
@pytest.mark.parametrize(("path", "asked"), SPOILT)
def test_the_verdict_on_spoilt_replies(
    path: str, asked: Json, flavour: str, extras: Extras, oracle: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle.schema, "__defaults__", (flavour,))
    dice = random.Random(path + flavour)
    clean = render_json(path, dict(asked))
    name = "images" if "images" in path else "chat"
    record = {"response": {"status": 200}, "stream": clean.stream}
    for _ in range(100):
        body = spoilt(clean, dice)
        theirs = [found for found in by_oracle(oracle, name, asked, record, body) if found[0] == "must"]
        ours = [found for found in by_judge(name, asked, record, body, extras) if found.level == "must"]
        assert bool(theirs) == bool(ours), (body, theirs[:3], keys(ours))


# -- the faithful server of the specification

WEATHER = {**CHAT, "messages": [{"role": "user", "content": "weather?"}], "tools": [TOOL]}
STREAM: Json = {"stream": True}
USAGE = {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}
PICTURE = {"model": "gpt-image-1.5", "prompt": "tea"}
EXCHANGES: list[tuple[str, str, Json | None]] = [
    *(
        ("POST", "/v1/chat/completions", {**request, **mode})
        for mode in ({}, STREAM, USAGE)
        for request in (
            CHAT,
            WEATHER,
            {**CHAT, "n": 3},
            {**WEATHER, "n": 2},
            {**CHAT, "logprobs": True, "top_logprobs": 2},
            {**CHAT, "max_tokens": 2},
            {**CHAT, "response_format": {"type": "json_object"}},
            {**WEATHER, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        )
    ),
    ("POST", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x"}),
    ("POST", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "stream": True, "n": 2}),
    ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8}),
    ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a", "encoding_format": "base64"}),
    ("POST", "/v1/images/generations", {"model": "dall-e-2", "prompt": "tea", "n": 2}),
    ("POST", "/v1/images/generations", {"model": "dall-e-2", "prompt": "tea", "response_format": "b64_json"}),
    ("POST", "/v1/images/generations", PICTURE),
    ("POST", "/v1/images/generations", {**PICTURE, "stream": True, "partial_images": 2}),
    ("POST", "/v1/images/edits", {**PICTURE, "stream": True, "partial_images": 1}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/gpt-4o", None),
    ("POST", "/v1/chat/completions", {**CHAT, "model": "does-not-exist"}),
    ("POST", "/v1/chat/completions", {**CHAT, "messages": "hi"}),
    ("POST", "/v1/chat/completions", {**CHAT, "temperature": 3}),
    ("POST", "/v1/chat/completions", {**CHAT, "stream_options": {}, "messages": []}),
    ("POST", "/v1/nothing", {}),
]


@pytest.fixture(scope="module")
def faithful(shared: Path) -> Iterator[int]:
    """The port of the faithful server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), module(shared / "spec" / "gold_server.py").H)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(("method", "path", "request_body"), EXCHANGES)
def test_a_faithful_server_is_clean(method: str, path: str, request_body: Json | None, faithful: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", faithful, timeout=10)
    headers = {"authorization": "Bearer sk-good", "content-type": "application/json", "connection": "close"}
    connection.request(method, path, None if request_body is None else json.dumps(request_body), headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()

    found = judge_exchange(path, request_body, response.status, dict(response.getheaders()), body, extras="forbid")

    assert [finding.text for finding in found] == []


@pytest.mark.parametrize("key", ["", "sk-wrong-key", "sk-limited", "sk-broke"])
def test_its_refusals_are_clean(key: str, faithful: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", faithful, timeout=10)
    headers = {"content-type": "application/json", "connection": "close"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()

    found = judge_exchange("/v1/chat/completions", CHAT, response.status, dict(response.getheaders()), body)

    assert response.status >= 400
    assert [finding.text for finding in found] == []
