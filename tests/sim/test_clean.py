"""Without a fault every reply is OpenAI's: the oracle finds nothing, at either level."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from types import ModuleType
from typing import Any

import pytest

from sim.client import chat
from trueline.sim import SimOptions, SimReply, render, render_chat, render_json
from trueline.sim.errors import for_status

# The oracle leaves its files to be closed by the interpreter.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 3},
            },
            "required": ["location", "unit", "days"],
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}, "words": {"type": "array"}}, "required": ["ok"]}

REQUESTS: dict[str, dict[str, Any]] = {
    "text": chat("Say something."),
    "echo": chat("echo: Grüße, 世界 🙂\n\nEnd.  "),
    "empty": chat("echo: "),
    "n": chat("hi", n=3),
    "logprobs": chat("hi", logprobs=True, top_logprobs=3),
    "length": chat("hi", max_tokens=3),
    "stop": chat("echo: one two END three", stop=["END", "never"]),
    "tool": chat("weather?", tools=[WEATHER]),
    "two tools": chat("get_weather and get_time", tools=[WEATHER, TIME]),
    "tools, n": chat("get_weather and get_time", tools=[WEATHER, TIME], n=2),
    "required": chat("echo: x", tools=[TIME], tool_choice="required"),
    "named": chat("hi", tools=[TIME, WEATHER], tool_choice=NAMED),
    "tool_choice none": chat("hi", tools=[WEATHER], tool_choice="none"),
    "functions": chat("hi", functions=[WEATHER["function"]]),
    "json_object": chat("hi", response_format={"type": "json_object"}),
    "json_schema": chat("hi", response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}),
    "reasoning model": {**chat("hi", n=2), "model": "gpt-5"},
    "refusal": chat("hi", x_sim={"refusal": "I cannot help with that."}),
    "tokens": chat("hi", x_sim={"tokens": 40}),
}
STREAM_OPTIONS: list[dict[str, Any] | None] = [None, {"include_usage": True}, {"include_obfuscation": False}]


@pytest.mark.parametrize("name", REQUESTS)
def test_whole_chat(name: str, oracle: ModuleType) -> None:
    reply = render_chat(dict(REQUESTS[name]))

    assert reply.status == 200
    assert oracle.chat_json(REQUESTS[name], json.loads(reply.body), reply.headers["content-type"]) == []


@pytest.mark.parametrize("stream_options", STREAM_OPTIONS, ids=str)
@pytest.mark.parametrize("name", REQUESTS)
def test_chat_stream(name: str, stream_options: dict[str, Any] | None, oracle: ModuleType) -> None:
    request = REQUESTS[name] | {"stream": True} | ({"stream_options": stream_options} if stream_options else {})
    reply = render_chat(dict(request))

    assert oracle.chat_stream(request, reply.body, reply.headers["content-type"]) == []


def objects(reply: SimReply) -> list[Any]:
    events = [event.rpartition(b"data: ")[2] for event in reply.body.split(b"\n\n") if event]
    return [json.loads(event) for event in events if event != b"[DONE]"]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_stream_folds_to_the_whole_reply(name: str) -> None:
    whole = json.loads(render_chat(dict(REQUESTS[name])).body)
    folded: dict[int, dict[str, Any]] = {}
    for chunk in objects(render_chat(REQUESTS[name] | {"stream": True})):
        for choice in chunk["choices"]:
            said = folded.setdefault(choice["index"], {"content": "", "refusal": "", "arguments": "", "finish": None})
            delta = choice["delta"]
            calls = [*delta.get("tool_calls", []), {"function": delta.get("function_call", {})}]
            said["content"] += delta.get("content") or ""
            said["refusal"] += delta.get("refusal") or ""
            said["arguments"] += "".join(call["function"].get("arguments", "") for call in calls)
            said["finish"] = choice["finish_reason"] or said["finish"]

    for choice in whole["choices"]:
        message = choice["message"]
        calls = [*message.get("tool_calls", []), {"function": message.get("function_call", {"arguments": ""})}]
        assert folded[choice["index"]] == {
            "content": message["content"] or "",
            "refusal": message["refusal"] or "",
            "arguments": "".join(call["function"]["arguments"] for call in calls),
            "finish": choice["finish_reason"],
        }


@pytest.mark.parametrize(
    ("name", "content", "finish"),
    [
        ("echo", "Grüße, 世界 🙂\n\nEnd.  ", "stop"),
        ("stop", "one two ", "stop"),
        ("tool_choice none", None, "stop"),
        ("json_schema", '{"ok":true}', "stop"),
        ("length", None, "length"),
    ],
)
def test_answers(name: str, content: str | None, finish: str) -> None:
    choice = json.loads(render_chat(dict(REQUESTS[name])).body)["choices"][0]

    assert choice["finish_reason"] == finish
    assert content is None or choice["message"]["content"] == content


def test_arguments_come_from_the_schema() -> None:
    message = json.loads(render_chat(dict(REQUESTS["tool"])).body)["choices"][0]["message"]

    function = message["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"location": "location", "unit": "celsius", "days": 3}


def test_a_seed_makes_the_same_bytes_and_none_others() -> None:
    request = chat("hi", stream=True)

    assert render_chat(dict(request), seed=1).body == render_chat(dict(request), seed=1).body
    assert render_chat(dict(request), seed=1).body != render_chat(dict(request), seed=2).body
    assert render_chat(dict(request), seed=None).body != render_chat(dict(request), seed=None).body


IMAGES = [
    {"model": "dall-e-2", "prompt": "tea", "n": 2},
    {"model": "dall-e-2", "prompt": "tea", "response_format": "b64_json"},
    {"model": "dall-e-3", "prompt": "tea", "size": "1792x1024"},
    {"model": "gpt-image-1.5", "prompt": "tea", "background": "transparent", "output_format": "webp"},
]


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/images/edits"])
@pytest.mark.parametrize("request_", IMAGES, ids=lambda request: str(sorted(request)))
def test_images(path: str, request_: dict[str, Any], oracle: ModuleType) -> None:
    reply = render_json(path, dict(request_))

    assert oracle.images_json(request_, json.loads(reply.body)) == []


def test_images_are_real() -> None:
    reply = render_json("/v1/images/generations", {"prompt": "tea", "response_format": "b64_json"})
    picture = base64.b64decode(json.loads(reply.body)["data"][0]["b64_json"])

    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    side = struct.unpack(">I", picture[16:20])[0]
    length = struct.unpack(">I", picture[33:37])[0]
    assert len(zlib.decompress(picture[41 : 41 + length])) == side * (3 * side + 1)


def test_image_stream(oracle: ModuleType) -> None:
    request = {"model": "gpt-image-1.5", "prompt": "tea", "stream": True, "partial_images": 2}
    reply = render_json("/v1/images/generations", dict(request))
    made = objects(reply)

    kinds = [each["type"] for each in made]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    for each in made:
        schema = "ImageGenCompletedEvent" if each["type"].endswith("completed") else "ImageGenPartialImageEvent"
        assert oracle.schema(schema, each) == []
    assert reply.body.startswith(b"event: image_generation.partial_image\ndata: {")
    assert b"[DONE]" not in reply.body


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_embeddings(encoding: str | None, oracle: ModuleType) -> None:
    request = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8}
    request |= {"encoding_format": encoding} if encoding else {}
    body = json.loads(render_json("/v1/embeddings", dict(request)).body)

    assert oracle.embeddings_json(request, body) == []
    assert oracle.schema("CreateEmbeddingResponse", body) == []


@pytest.mark.parametrize("stream", [False, True])
def test_completions(stream: bool, oracle: ModuleType) -> None:
    request = {"model": "gpt-3.5-turbo-instruct", "prompt": "tea", "n": 2, "stream": stream}
    reply = render_json("/v1/completions", dict(request))

    if stream:
        assert oracle.completion_stream(request, reply.body) == []
    else:
        assert oracle.schema("CreateCompletionResponse", json.loads(reply.body)) == []


def test_models(oracle: ModuleType) -> None:
    listed = json.loads(render_json("/v1/models", None).body)
    one = json.loads(render_json("/v1/models/gpt-4o", None).body)

    assert oracle.schema("ListModelsResponse", listed) == []
    assert oracle.schema("Model", one) == []


BAD: list[tuple[str, dict[str, Any] | None, int, str | None, str | None]] = [
    ("/v1/chat/completions", {"messages": []}, 400, None, None),
    ("/v1/chat/completions", {"model": "gpt-4o"}, 400, "messages", "missing_required_parameter"),
    ("/v1/chat/completions", {"model": "gpt-4o", "messages": []}, 400, "messages", "empty_array"),
    ("/v1/chat/completions", {"model": "gpt-4o", "messages": "x"}, 400, "messages", "invalid_type"),
    ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{}]}, 400, "messages[0].role", "invalid_value"),
    ("/v1/chat/completions", {**chat(), "model": "does-not-exist-7"}, 404, None, "model_not_found"),
    ("/v1/chat/completions", chat(temperature=3), 400, "temperature", "decimal_above_max_value"),
    ("/v1/chat/completions", chat(n=0), 400, "n", "integer_below_min_value"),
    ("/v1/chat/completions", chat(max_tokens="1"), 400, "max_tokens", "invalid_type"),
    ("/v1/chat/completions", chat(stream_options={}), 400, "stream_options", None),
    ("/v1/chat/completions", chat(top_logprobs=2), 400, "top_logprobs", "invalid_value"),
    ("/v1/chat/completions", chat(tool_choice="auto"), 400, "tool_choice", None),
    ("/v1/chat/completions", chat(stop=["a"] * 5), 400, "stop", "invalid_type"),
    ("/v1/chat/completions", {**chat(max_tokens=1), "model": "gpt-5"}, 400, "max_tokens", "unsupported_parameter"),
    ("/v1/chat/completions", chat(x_sim={"rat": 5}), 400, "x_sim", "invalid_x_sim"),
    ("/v1/images/generations", {"model": "dall-e-2"}, 400, "prompt", "missing_required_parameter"),
    (
        "/v1/images/generations",
        {"model": "gpt-image-1.5", "prompt": "x", "response_format": "url"},
        400,
        "response_format",
        "unknown_parameter",
    ),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x", "n": 2}, 400, "n", "integer_above_max_value"),
    ("/v1/images/generations", {"model": "dall-e-2", "prompt": "x", "style": "vivid"}, 400, "style", None),
    ("/v1/embeddings", {"model": "e"}, 400, "input", "missing_required_parameter"),
    ("/v1/models/does-not-exist", None, 404, "model", "model_not_found"),
    ("/v1/nowhere", {}, 404, None, None),
]


@pytest.mark.parametrize(("path", "request_", "status", "param", "code"), BAD)
def test_bad_requests(
    path: str, request_: dict[str, Any] | None, status: int, param: str | None, code: str | None, oracle: ModuleType
) -> None:
    reply = render_json(path, request_)
    body = json.loads(reply.body)

    assert reply.status == status
    assert oracle.error_body(status, body, reply.headers) == []
    assert body["error"]["param"] == param
    assert code is None or body["error"]["code"] == code


@pytest.mark.parametrize(
    ("key", "status"), [("sk-wrong-1", 401), ("sk-limited-1", 429), ("sk-broke", 429), ("sk-good", 200), ("", 200)]
)
def test_keys(key: str, status: int, oracle: ModuleType) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    reply, _ = render("GET", "/v1/models", headers, b"")

    assert reply.status == status
    assert status == 200 or oracle.error_body(status, json.loads(reply.body), reply.headers) == []
    assert ("retry-after" in reply.headers) == (key == "sk-limited-1")


def test_a_key_may_be_required() -> None:
    assert render("GET", "/v1/models", {}, b"", SimOptions(require_key=True))[0].status == 401


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503])
def test_statuses(status: int, oracle: ModuleType) -> None:
    reply = render_chat(chat(x_sim={"fail": f"http-{status}"}))

    assert reply.status == status == for_status(status).status
    assert oracle.error_body(status, json.loads(reply.body), reply.headers) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
def test_what_is_no_json_object(body: bytes) -> None:
    reply, _ = render("POST", "/v1/chat/completions", {"content-type": "application/json"}, body)

    assert reply.status == 400
    assert "could not parse the JSON body" in json.loads(reply.body)["error"]["message"]
