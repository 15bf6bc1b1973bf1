"""Exact replies of every kind, and every small wrong that can be done to one: what `test_named` plays."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.garbage import AUDIO, CITATION, LOGPROBS, RESULTS, places
from engine.kit import NOW, ROUTE, CountingMint, chat_body, chunk, dumps, envelope, run, sse, whole
from trueline.messages import (
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
)
from trueline.pipeline import (
    Models,
    Pipeline,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)

__all__ = ["EXACT", "Exact", "Left", "Wrong", "payloads", "played", "wrongs"]

Fields = dict[str, Any]


def _models(request: Any, *_: Any) -> Pipeline:
    return Models(request)


KINDS: dict[str, tuple[Callable[[bytes], Any], Callable[..., Pipeline]]] = {
    "chat": (read_chat_request, chat_pipeline),
    "completions": (read_completion_request, completion_pipeline),
    "embeddings": (read_embedding_request, embedding_pipeline),
    "images": (read_image_request, image_pipeline),
    "models": (lambda body: json.loads(body)["one"], _models),
}
"""By kind of reply: the reader of its request, and its pipeline."""


def canon(value: Any) -> str:
    """Equal for the same JSON only: `1`, `1.0` and `true` are three values, the order of keys is free."""
    return json.dumps(value, sort_keys=True)


class Left(NamedTuple):
    """What became of one body."""

    same: bool
    """The same JSON left, event by event."""
    failed: bool
    """An error answered, under its own status."""
    faults: dict[str, int]
    out: bytes


class Exact(NamedTuple):
    """A reply that passes as it is, to a request."""

    name: str
    kind: str
    request: Fields
    reply: Any
    """The JSON of a whole reply, or the list of a stream's."""

    @property
    def stream(self) -> bool:
        return bool(self.request.get("stream"))

    def body(self, reply: Any) -> bytes:
        """The bytes of such a reply."""
        if not self.stream:
            return dumps(reply)
        if self.kind != "images":
            return sse(*reply)
        return b"".join(b"event: " + str(_kind(e)).encode() + b"\ndata: " + dumps(e) + b"\n\n" for e in reply)

    def play(self, reply: Any) -> Left:
        """What becomes of `reply` as the answer to this request."""
        return played(self.kind, self.request, self.body(reply), self.stream)


def _kind(event: Any) -> Any:
    return event.get("type") if isinstance(event, dict) else "x"


def played(kind: str, request: Fields, body: bytes, stream: bool) -> Left:
    """One body through the pipeline of its kind."""
    read, pipeline = KINDS[kind]
    end = run(pipeline(read(json.dumps(request).encode()), ROUTE, CountingMint()), [body])
    if end.error is not None:
        return Left(False, True, end.faults, b"")
    if end.out == body:
        return Left(True, False, end.faults, end.out)
    sent, left = (payloads(body), payloads(end.out)) if stream else (json.loads(body), json.loads(end.out))
    return Left(canon(sent) == canon(left), False, end.faults, end.out)


def payloads(body: bytes) -> list[Any]:
    """The JSON of each event of a stream, and `[DONE]`."""
    datas = [line[5:].strip() for line in body.decode().splitlines() if line.startswith("data:")]
    return [json.loads(data) if data != "[DONE]" else data for data in datas]


# -- the replies ------------------------------------------------------------------------------------------------------

USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 40,
    "total_tokens": 70,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
}
TOOLS: Fields = {"tools": [{"type": "function", "function": {"name": "f"}}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
MESSAGE = {"role": "assistant", "content": "Hello.", "refusal": None}
SCORED: Fields = {"logprobs": True, "top_logprobs": 2}
MODERATION: Fields = {"moderation": {"input": RESULTS, "output": RESULTS}}


def _choice(index: int = 0, **fields: Any) -> Fields:
    return {"index": index, "message": MESSAGE, "logprobs": None, "finish_reason": "stop", **fields}


def _several(*choices: Fields, **fields: Any) -> Fields:
    return {**whole(**fields), "choices": list(choices)}


def _stream(*events: Fields, usage: bool = False) -> list[Fields]:
    if not usage:
        return list(events)
    return [*({**e, "usage": None} for e in events), envelope(choices=[], usage=USAGE)]


def _scored(delta: Fields) -> Fields:
    event = chunk(delta)
    event["choices"][0]["logprobs"] = LOGPROBS
    return event


def _call(index: int, **fields: Any) -> Fields:
    first = {**CALL, "id": f"call_{index}", "function": {"name": "f", "arguments": ""}}
    return {**fields, "tool_calls": [{"index": index, **first}]}


def _more(index: int, arguments: str) -> Fields:
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


_ROLE = chunk({"role": "assistant", "content": "", "refusal": None})
_NULL = {"role": "assistant", "content": None, "refusal": None}
_CUSTOM = {"id": "call_1", "type": "custom", "custom": {"name": "f", "input": "x"}}
_LEGACY = {"name": "f", "arguments": '{"a":1}'}
_TEXT = {"id": "cmpl-1", "object": "text_completion", "created": NOW, "model": "gpt-3.5-turbo-instruct"}
_TOKENS = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5}], "text_offset": [0]}


def _said(text: str, finish: str | None = None, logprobs: Any = None, index: int = 0) -> Fields:
    return {**_TEXT, "choices": [{"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}]}


_PICTURE_USAGE = {
    "total_tokens": 3,
    "input_tokens": 1,
    "output_tokens": 2,
    "input_tokens_details": {"text_tokens": 1, "image_tokens": 0},
}
_PICTURE = {"background": "opaque", "output_format": "png", "quality": "high", "size": "1024x1024"}
_MODEL = {"id": "gpt-4o", "object": "model", "created": NOW, "owned_by": "system"}
_VECTOR = {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}
_VECTORS = {"object": "list", "data": [_VECTOR, {**_VECTOR, "index": 1}], "model": "m"}


def _picture(kind: str, **fields: Any) -> Fields:
    return {"type": "image_generation." + kind, "b64_json": "iVBORw0KGgo=", "created_at": NOW, **_PICTURE, **fields}


def _chat(name: str, reply: Any, **request: Any) -> Exact:
    return Exact("chat " + name, "chat", chat_body(**request), reply)


def _streamed(name: str, *events: Fields, usage: bool = False, **request: Any) -> Exact:
    asked = {"stream_options": {"include_usage": True}} if usage else {}
    body = chat_body(stream=True, **asked, **request)
    return Exact("chat stream " + name, "chat", body, _stream(*events, usage=usage))


EXACT: tuple[Exact, ...] = (
    _chat("text", whole(usage=USAGE, service_tier="default", metadata={"a": "b"})),
    _chat("beside", whole({**MESSAGE, "annotations": [CITATION], "audio": AUDIO}, **MODERATION)),
    _chat("vendor", whole({**MESSAGE, "reasoning_content": "Hm.", "x_vendor": 1}, provider="v")),
    _chat("call", whole({**_NULL, "tool_calls": [CALL]}, "tool_calls"), **TOOLS),
    _chat("custom", whole({**_NULL, "tool_calls": [_CUSTOM]}, "tool_calls"), **TOOLS),
    _chat("legacy", whole({**_NULL, "function_call": _LEGACY}, "function_call"), functions=[{"name": "f"}]),
    _chat("refusal", whole({**_NULL, "refusal": "No."})),
    _chat("logprobs", _several(_choice(logprobs=LOGPROBS)), **SCORED),
    _chat("two", _several(_choice(), _choice(1, finish_reason="length")), n=2),
    _streamed("text", _ROLE, chunk({"content": "Hello "}), chunk({"content": "you."}), chunk({}, "stop"), usage=True),
    _streamed(
        "plain",
        *(
            chunk(delta, finish, service_tier="default")
            for delta, finish in ((_NULL | {"content": ""}, None), ({"content": "Hi"}, None), ({}, "stop"))
        ),
    ),
    _streamed(
        "beside",
        chunk({"role": "assistant", "content": ""}, obfuscation="aa"),
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hi", "annotations": [{**CITATION, "index": 0}]}, provider="v"),
        chunk({"audio": AUDIO}),
        envelope(choices=[], **MODERATION),
        chunk({}, "stop"),
    ),
    _streamed("call", chunk(_call(0, **_NULL)), _more(0, '{"a":'), _more(0, "1}"), chunk({}, "tool_calls"), **TOOLS),
    _streamed(
        "calls",
        chunk(_NULL),
        chunk(_call(0)),
        _more(0, '{"a":1}'),
        chunk(_call(1)),
        _more(1, '{"b":1}'),
        chunk({}, "tool_calls"),
        **TOOLS,
    ),
    _streamed(
        "legacy",
        chunk({**_NULL, "function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"a":1}'}}),
        chunk({}, "function_call"),
        functions=[{"name": "f"}],
    ),
    _streamed("refusal", chunk({**_NULL, "refusal": ""}), chunk({"refusal": "No."}), chunk({}, "stop")),
    _streamed("logprobs", _ROLE, _scored({"content": "He"}), chunk({}, "stop"), **SCORED),
    _streamed(
        "two",
        _ROLE,
        chunk({"role": "assistant", "content": ""}, index=1),
        chunk({"content": "Hi"}),
        chunk({"content": "Ho"}, index=1),
        chunk({}, "stop"),
        chunk({}, "stop", 1),
        n=2,
    ),
    Exact("completion", "completions", {"model": "m", "prompt": "x"}, {**_said("Hi", "stop"), "usage": USAGE}),
    Exact(
        "completion logprobs",
        "completions",
        {"model": "m", "prompt": "x", "logprobs": 1},
        {**_said("a", "stop", _TOKENS), "usage": USAGE},
    ),
    Exact(
        "completion stream",
        "completions",
        {"model": "m", "prompt": "x", "stream": True, "stream_options": {"include_usage": True}},
        [
            {**_said("Hi "), "usage": None},
            {**_said("you", "stop"), "usage": None},
            {**_TEXT, "choices": [], "usage": USAGE},
        ],
    ),
    Exact(
        "embeddings",
        "embeddings",
        {"model": "m", "input": ["a", "b"]},
        {**_VECTORS, "usage": {"prompt_tokens": 2, "total_tokens": 2}},
    ),
    Exact(
        "embeddings base64",
        "embeddings",
        {"model": "m", "input": ["a"], "encoding_format": "base64"},
        {**_VECTORS, "data": [{**_VECTOR, "embedding": "AAAAPw=="}], "usage": {"prompt_tokens": 2, "total_tokens": 2}},
    ),
    Exact(
        "images dall-e-3",
        "images",
        {"model": "dall-e-3", "prompt": "x"},
        {"created": NOW, "data": [{"revised_prompt": "y", "url": "https://a.b/c.png"}]},
    ),
    Exact(
        "images gpt-image",
        "images",
        {"model": "gpt-image-1", "prompt": "x", "n": 2},
        {"created": NOW, **_PICTURE, "data": [{"b64_json": "iVBORw0KGgo="}] * 2, "usage": _PICTURE_USAGE},
    ),
    Exact(
        "images stream",
        "images",
        {"model": "gpt-image-1", "prompt": "x", "stream": True},
        [_picture("partial_image", partial_image_index=0), _picture("completed", usage=_PICTURE_USAGE)],
    ),
    Exact("models", "models", {"one": None}, {"object": "list", "data": [_MODEL, {**_MODEL, "id": "o1", "x": 1}]}),
    Exact("model", "models", {"one": "gpt-4o"}, _MODEL),
)


# -- the wrongs -------------------------------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    *(None, "", 0, [], {}, True, False, 1, 1.0, -1, 1.5, 10**30, "x", "1", "stop", ["x"], [None], [{}], {"x": 1}),
    *({"error": "x"}, [1, "a"], "null", {"content": None}, {"content": []}),
)
NAMES = (
    *("content", "text", "index", "id", "type", "name", "error", "message", "delta", "usage", "role", "refusal"),
    *("tool_calls", "function_call", "reasoning_content", "reasoning", "finishReason", "finish_details", "audio"),
    *("annotations", "obfuscation", "metadata", "logprobs", "service_tier", "system_fingerprint", "x_groq", "data"),
    *("revised_prompt", "url", "b64_json", "function", "custom", "arguments", "input", "completion_tokens", "code"),
    *("total_tokens", "cached_tokens", "prompt_tokens_details", "bytes", "token", "top_logprobs", "x_vendor"),
)
ADDED: tuple[Any, ...] = (None, "", 0, "x", [], {}, {"x": 1}, {"usage": USAGE}, [{}], True)


class Wrong(NamedTuple):
    """One place of a reply, and what stands there instead."""

    path: tuple[Any, ...]
    key: Any
    value: Any

    def commit(self, reply: Any) -> Any:
        """A copy of the reply with this wrong."""
        return _changed(reply, self.path, self.key, self.value)


_GONE = object()


def wrongs(reply: Any) -> Iterator[Wrong]:
    """Every small wrong: a value that is another, or gone, an element twice or swapped, a field too many."""
    for path in places(reply):
        *way, key = path
        around = tuple(way)
        for value in (*JUNK, _GONE):
            yield Wrong(around, key, value)
        if isinstance(key, int):
            one, before = _at(reply, path), _at(reply, (*way, max(key - 1, 0)))
            yield Wrong(around, slice(key, key), [one])
            yield Wrong(around, slice(max(key - 1, 0), key + 1), [one, before])
    for path in ((), *places(reply)):
        inner = _at(reply, path)
        if isinstance(inner, dict):
            for name in NAMES:
                if name not in inner:
                    yield from (Wrong(path, name, value) for value in ADDED)


def _at(value: Any, path: Any) -> Any:
    for key in path:
        value = value[key]
    return value


def _changed(reply: Any, way: tuple[Any, ...], key: Any, value: Any) -> Any:
    reply = copy.deepcopy(reply)
    inner = _at(reply, way)
    if value is _GONE:
        del inner[key]
    else:
        inner[key] = copy.deepcopy(value)
    return reply
