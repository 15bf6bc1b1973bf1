"""Mistakes planted by hand, one at a time, from the rules of OpenAI's format: each is found, in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from judge.kit import CHAT, TOOL, Json, chunks_of, judge_changed, judge_changed_stream, judge_changed_whole, keys
from trueline.sim import render_chat

Change = Callable[[Any], Any]
CALLING: Json = {"tools": [TOOL], "messages": [{"role": "user", "content": "get_weather"}]}
TWO: Json = {
    "tools": [TOOL, {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}],
    "messages": [{"role": "user", "content": "get_weather and get_time"}],
}
USAGE: Json = {"stream_options": {"include_usage": True, "include_obfuscation": False}}
LOGPROBS: Json = {"logprobs": True, "top_logprobs": 1}


def choice(chunk: Json) -> Any:
    return chunk["choices"][0]


def put(at: int, path: str, value: Any) -> Change:
    """Set a field of a chunk: `choices.0.delta.content`."""

    def change(chunks: Any) -> None:
        target = chunks[at]
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        target[last] = value

    return change


def take(at: int, path: str) -> Change:
    """Take a field away from a chunk."""

    def change(chunks: Any) -> None:
        target = chunks[at]
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        del target[last]

    return change


def first_to(at: int, path: str) -> Change:
    """Move a field of a chunk to its end."""

    def change(chunks: Any) -> None:
        target = chunks[at]
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        target[last] = target.pop(last)

    return change


def again(at: int, delta: Json, before: int | None = None) -> Change:
    """Put in one more chunk, after (or before) another."""

    def change(chunks: Any) -> list[Any]:
        new = {**chunks[at], "choices": [{**choice(chunks[at]), "delta": delta, "finish_reason": None}]}
        place = len(chunks) if before is None else before
        return [*chunks[:place], new, *chunks[place:]]

    return change


def moved(start: int, end: int) -> Change:
    def change(chunks: Any) -> None:
        chunks.insert(end, chunks.pop(start))

    return change


def calls_back(chunks: Any) -> None:
    """The last piece of the first call comes after the second has begun."""
    pieces = [n for n, c in enumerate(chunks) if c["choices"] and choice(c)["delta"].get("tool_calls")]
    first = [n for n in pieces if choice(chunks[n])["delta"]["tool_calls"][0]["index"] == 0]
    chunks.insert(pieces[-1], chunks.pop(first[-1]))


def calls_from_one(chunks: Any) -> None:
    """The only call has index 1."""
    for chunk in chunks:
        for call in choice(chunk)["delta"].get("tool_calls", []):
            call["index"] = 1


def id_again(chunks: Any) -> None:
    """The second piece of a call has the id too."""
    first, second = (choice(chunk)["delta"]["tool_calls"][0] for chunk in chunks[:2])
    second["id"] = first["id"]


def without_first(reply: Any) -> None:
    del reply["data"][0]


# (finding, rule, place of the first, fields of the request, change)
STREAMS: list[tuple[str, str, str, Json, Change]] = [
    ("schema", "SCHEMA", "chunk 1, system_fingerprint", {}, put(1, "system_fingerprint", 7)),
    ("extra-foreign-type", "SCHEMA", "chunk 1, choices[0].delta.audio", {}, put(1, "choices.0.delta.audio", "x")),
    ("id-missing", "C1", "chunk 0, id", {}, put(0, "id", None)),
    ("id-changes-per-chunk", "C1", "chunk 2, id", {}, put(2, "id", "chatcmpl-" + "x" * 29)),
    ("created-varies", "C1", "chunk 3, created", {}, put(3, "created", 1)),
    ("model-changes", "C1", "chunk 2, model", {}, put(2, "model", "gpt-4o-2")),
    ("model-differs", "C2", "chunk 2, model", {}, put(2, "model", "llama")),
    ("fingerprint-changes", "C1", "chunk 2, system_fingerprint", {}, put(2, "system_fingerprint", None)),
    ("service-tier-changes", "C1", "chunk 2, service_tier", {}, put(2, "service_tier", "flex")),
    ("service-tier-missing", "C3", "chunk 2", {}, take(2, "service_tier")),
    ("key-order", "C3", "chunk 2", {}, first_to(2, "id")),
    ("choice-key-order", "C3", "chunk 2, choices[0]", {}, first_to(2, "choices.0.index")),
    ("obfuscation-unwanted", "O1", "chunk 1", {}, put(1, "obfuscation", "abc")),
    ("obfuscation-missing", "O1", "chunk 0", {"stream_options": {}}, lambda chunks: [
     {name: value for name, value in chunk.items() if name != "obfuscation"} for chunk in chunks]),
    ("obfuscation-length", "O2", "chunk 1", {"stream_options": {}}, put(1, "obfuscation", "x" * 20)),
    ("choices-too-many", "C4", "", {}, put(1, "choices.0.index", 1)),
    ("choices-two-in-one-chunk", "C4", "chunk 1", {}, lambda chunks: chunks[1]["choices"].append(choice(chunks[2]))),
    ("n-ignored", "C4", "", {"n": 3}, lambda chunks: [c for c in chunks if choice(c)["index"] < 2]),
    ("n-finish-shared", "C7", "choice 1", {"n": 2}, lambda chunks: chunks[:-1]),
    ("role-missing-first", "C5", "chunk 0, choices[0].delta", {}, take(0, "choices.0.delta.role")),
    ("role-repeated", "C5", "chunk 2, choices[0].delta.role", {}, put(2, "choices.0.delta.role", "assistant")),
    ("role-foreign", "SCHEMA", "chunk 0, choices[0].delta.role", {}, put(0, "choices.0.delta.role", "model")),
    ("first-content-missing", "C5", "chunk 0, choices[0].delta", {}, take(0, "choices.0.delta.content")),
    ("first-content-text", "C5", "chunk 0, choices[0].delta", {}, put(0, "choices.0.delta.content", "Tea")),
    ("first-refusal-missing", "C5", "chunk 0, choices[0].delta", {}, take(0, "choices.0.delta.refusal")),
    ("content-null-first-delta", "C5", "chunk 0, choices[0].delta", {}, put(0, "choices.0.delta.content", None)),
    ("delta-mixed", "C6", "chunk 2, choices[0].delta", {}, put(2, "choices.0.delta.refusal", "no")),
    ("text-and-refusal", "C6", "choice 0", {}, put(2, "choices.0.delta", {"refusal": "no"})),
    ("empty-deltas", "C6", "chunk 2, choices[0].delta", {}, put(2, "choices.0.delta", {})),
    ("empty-deltas", "C6", "chunk 2, choices[0].delta", {}, put(2, "choices.0.delta", {"content": None})),
    ("finish-with-content", "C7", "chunk 1, choices[0].delta", {}, lambda chunks: [*chunks[:1],
     {**chunks[1], "choices": [{**choice(chunks[1]), "finish_reason": "stop"}]}]),
    ("finish-missing", "C7", "choice 0", {}, lambda chunks: chunks[:-1]),
    ("finish-key-absent", "C7", "chunk 1, choices[0]", {}, take(1, "choices.0.finish_reason")),
    ("finish-twice", "C7", "chunk 3, choices[0]", {}, lambda chunks: [*chunks[:2], chunks[-1], chunks[-1]]),
    ("content-after-finish", "C7", "chunk 3, choices[0].delta", {}, lambda chunks: [*chunks[:2], chunks[-1],
     chunks[2]]),
    ("chunk-after-finish", "C7", "chunk 3, choices[0].delta", {}, lambda chunks: [*chunks[:2], chunks[-1],
     {**chunks[2], "choices": [{**choice(chunks[2]), "delta": {}}]}]),
    ("finish-foreign-vocab", "R1", "chunk 3, choices[0].finish_reason", {}, lambda chunks: [*chunks[:3],
     {**chunks[-1], "choices": [{**choice(chunks[-1]), "finish_reason": "eos"}]}]),
    ("usage-null-absent", "C8", "chunk 2", USAGE, take(2, "usage")),
    ("usage-unasked", "C8", "chunk 2, usage", {}, put(2, "usage", None)),
    ("usage-early", "C8", "chunk 1", USAGE, moved(-1, 1)),
    ("chunk-after-usage", "C8", "chunk 2", USAGE, moved(-1, 1)),
    ("usage-dup", "C8", "chunk 3", USAGE, lambda chunks: [chunks[0], *chunks[-2:], chunks[-1]]),
    ("usage-details-missing", "U1", "", USAGE, take(-1, "usage.prompt_tokens_details")),
    ("usage-missing-stream", "C8", "", USAGE, lambda chunks: chunks[:-1]),
    ("tool-index-missing", "C9", "chunk 1, choices[0].delta.tool_calls[0].index", CALLING,
     take(1, "choices.0.delta.tool_calls.0.index")),
    ("tool-index-bad", "C9", "chunk 0, choices[0].delta.tool_calls[0].index", CALLING, calls_from_one),
    ("tool-index-back", "C9", "", TWO, calls_back),
    ("tool-id-repeated", "C9", "chunk 1, choices[0].delta.tool_calls[0].id", CALLING,
     id_again),
    ("tool-type-repeated", "C9", "chunk 1, choices[0].delta.tool_calls[0].type", CALLING,
     put(1, "choices.0.delta.tool_calls.0.type", "function")),
    ("tool-first-arguments", "C9", "chunk 0, choices[0].delta.tool_calls[0]", CALLING,
     take(0, "choices.0.delta.tool_calls.0.function.arguments")),
    ("tool-args-object", "C9", "chunk 1, choices[0].delta.tool_calls[0].function.arguments", CALLING,
     put(1, "choices.0.delta.tool_calls.0.function.arguments", {"a": 1})),
    ("logprobs-asked", "C12", "chunk 2, choices[0].logprobs", LOGPROBS, put(2, "choices.0.logprobs", None)),
    ("logprobs-top", "C12", "chunk 1, choices[0].logprobs", {"logprobs": True, "top_logprobs": 2},
     lambda chunks: choice(chunks[1])["logprobs"]["content"][0].update(
         top_logprobs=choice(chunks[1])["logprobs"]["content"][0]["top_logprobs"] * 2)),
    ("logprobs-missing-key", "C12", "chunk 2, choices[0]", {}, take(2, "choices.0.logprobs")),
]  # fmt: skip


@pytest.mark.parametrize(("key", "rule", "where", "fields", "change"), STREAMS)
def test_a_mistake_in_a_stream(key: str, rule: str, where: str, fields: Json, change: Change) -> None:
    found = {finding.key: finding for finding in judge_changed_stream(change, **fields)}

    assert key in found
    assert found[key].rule == rule
    assert found[key].where == where or not where


def set_in(path: str, value: Any) -> Change:
    return lambda reply: put(0, path, value)([reply])


def out_of(path: str) -> Change:
    return lambda reply: take(0, path)([reply])


WHOLES: list[tuple[str, str, Json, Change]] = [
    ("not-object", "", {}, lambda reply: [reply]),
    ("schema", "system_fingerprint", {}, set_in("system_fingerprint", [])),
    ("schema-missing", "choices[0].message", {}, out_of("choices.0.message")),
    ("extra-foreign-type", "metadata", {}, set_in("metadata", 7)),
    ("extra-fields", "provider", {}, set_in("provider", "x")),
    ("service-tier-missing", "", {}, out_of("service_tier")),
    ("choices-none", "choices", {}, set_in("choices", [])),
    ("choices-too-many", "choices", {}, lambda reply: reply["choices"].append({**reply["choices"][0], "index": 1})),
    ("choice-index-order", "choices", {}, set_in("choices.0.index", 1)),
    ("annotations-key-missing", "choices[0].message", {}, out_of("choices.0.message.annotations")),
    ("content-key-missing", "choices[0].message.content", {}, out_of("choices.0.message.content")),
    ("text-and-refusal", "choices[0].message", {}, set_in("choices.0.message.refusal", "no")),
    ("json-mode-broken", "choices[0].message", {"response_format": {"type": "json_object"}},
     set_in("choices.0.message.content", "{")),
    ("finish-tool_calls-without-tools", "choices[0].finish_reason", {},
     set_in("choices.0.finish_reason", "tool_calls")),
    ("finish-stop-with-tools", "choices[0].finish_reason", CALLING, set_in("choices.0.finish_reason", "stop")),
    ("tool-args-empty", "choices[0].message.tool_calls[0].function.arguments", CALLING,
     set_in("choices.0.message.tool_calls.0.function.arguments", "")),
    ("usage-total-mismatch", "usage", {}, set_in("usage.total_tokens", 1)),
    ("usage-null-fields", "usage.prompt_tokens_details", {}, set_in("usage.prompt_tokens_details", None)),
    ("usage-null-fields", "usage", {}, set_in("usage.prompt_tokens", -1)),
    ("usage-details-missing", "usage.completion_tokens_details", {}, out_of("usage.completion_tokens_details")),
    ("logprobs-object-of-nulls", "choices[0].logprobs", LOGPROBS,
     set_in("choices.0.logprobs", {"content": None, "refusal": None})),
]  # fmt: skip


@pytest.mark.parametrize(("key", "where", "fields", "change"), WHOLES)
def test_a_mistake_in_a_whole_reply(key: str, where: str, fields: Json, change: Change) -> None:
    found = {finding.key: finding for finding in judge_changed_whole(change, **fields)}

    assert key in found
    assert found[key].where == where


PICTURE: Json = {"model": "gpt-image-1.5", "prompt": "tea"}
DALLE: Json = {"model": "dall-e-2", "prompt": "tea"}
VECTOR: Json = {"model": "text-embedding-3-small", "input": ["a", "b"]}
TEXT: Json = {"model": "gpt-3.5-turbo-instruct", "prompt": "x"}
IMAGES, EMBEDDINGS, MODELS = "/v1/images/generations", "/v1/embeddings", "/v1/models"
OTHERS: list[tuple[str, str, Json | None, Change]] = [
    ("img-both", IMAGES, DALLE, set_in("data.0.b64_json", "aGk=")),
    ("img-none", IMAGES, DALLE, out_of("data.0.url")),
    ("img-base64-broken", IMAGES, {**DALLE, "response_format": "b64_json"}, set_in("data.0.b64_json", "!!not base64")),
    ("img-base64-broken", IMAGES, PICTURE, set_in("data.0.b64_json", "data:image/png;base64,abc")),
    ("img-base64-broken", IMAGES, PICTURE, set_in("data.0.b64_json", "grün")),
    ("img-too-many", IMAGES, DALLE, lambda reply: reply["data"].append(reply["data"][0])),
    ("img-revised-prompt", IMAGES, PICTURE, set_in("data.0.revised_prompt", "tea")),
    ("img-fields-missing", IMAGES, PICTURE, out_of("quality")),
    ("img-usage-total", IMAGES, PICTURE, set_in("usage.total_tokens", 1)),
    ("img-usage-foreign", IMAGES, PICTURE, out_of("usage.input_tokens_details")),
    ("created-ms", IMAGES, DALLE, set_in("created", 1_760_000_000_000)),
    ("err-in-200-body", IMAGES, DALLE, lambda reply: {"error": {"message": "no"}}),
    ("emb-count", EMBEDDINGS, VECTOR, without_first),
    ("emb-order", EMBEDDINGS, VECTOR, lambda reply: reply["data"].reverse()),
    ("emb-dimensions", EMBEDDINGS, {**VECTOR, "dimensions": 4}, set_in("data.0.embedding", [0.1])),
    ("emb-base64-broken", EMBEDDINGS, {**VECTOR, "encoding_format": "base64"}, set_in("data.0.embedding", "abc")),
    ("emb-usage-total", EMBEDDINGS, VECTOR, set_in("usage.total_tokens", 1)),
    ("models-id-twice", MODELS, None, lambda reply: reply["data"].append(reply["data"][0])),
    ("models-fields-missing", "/v1/models/gpt-4o", None, out_of("owned_by")),
    ("models-created-float-ms", "/v1/models/gpt-4o", None, set_in("created", 1_760_000_000_000)),
    ("not-object", MODELS, None, lambda reply: "models"),
    ("completions-finish", "/v1/completions", TEXT, set_in("choices.0.finish_reason", None)),
    ("usage-missing-nonstream", "/v1/completions", TEXT, out_of("usage")),
]


@pytest.mark.parametrize(("key", "path", "request_body", "change"), OTHERS)
def test_a_mistake_elsewhere(key: str, path: str, request_body: Json | None, change: Change) -> None:
    assert key in keys(judge_changed(path, request_body, change))


# -- what is not OpenAI's newest habit, and still its own


def test_what_openai_allows_is_no_finding() -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}

    assert judge_changed_whole(lambda reply: None, model="gpt-5") == []
    assert judge_changed_whole(set_in("choices.0.finish_reason", "stop"), **CALLING, tool_choice=named) == []


def test_the_last_chunk_of_audio_has_neither_finish_nor_logprobs() -> None:
    """Rule C11."""

    def change(chunks: Any) -> None:
        choice(chunks[2]).update(delta={"audio": {"expires_at": 1}})
        del choice(chunks[2])["finish_reason"], choice(chunks[2])["logprobs"]

    assert judge_changed_stream(change) == []


def test_the_helpers_change_nothing_by_themselves() -> None:
    assert judge_changed_stream(lambda chunks: None) == []
    assert judge_changed_whole(lambda reply: None) == []
    assert chunks_of(render_chat(CHAT | {"stream": True}).body)[0]["object"] == "chat.completion.chunk"
