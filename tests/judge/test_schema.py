"""The hand-written shapes say what the published schema says, and the checker says where and what."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from judge.kit import CHAT, TOOL, chunks_of, corpus, mutated
from trueline.judge.chat import dicts
from trueline.judge.schema import INTEGER, TEXT, AnyOf, Kind, ListOf, Words, check, or_null, path_text, shape
from trueline.judge.shapes import (
    CHAT_CHUNK,
    CHAT_WHOLE,
    COMPLETION,
    EMBEDDINGS,
    ERROR,
    IMAGE_EDIT_EVENT,
    IMAGE_EVENT,
    IMAGES,
    MODEL,
    MODELS,
    USAGE,
)
from trueline.sim import SimOptions, render_json

PET = shape(
    "Pet",
    {
        "name": TEXT,
        "kind": Words("cat", "dog"),
        "age?": or_null(INTEGER),
        "friends?": ListOf(AnyOf(shape("A", {"type": Words("a"), "a": TEXT}), shape("B", {"type": Words("b")}))),
    },
)

CASES: list[tuple[Any, list[str]]] = [
    ({"name": "Tom", "kind": "cat", "age": None}, []),
    ({"name": "Tom", "kind": "cat", "age": 3.0}, []),
    ({"name": "Tom", "kind": "cat", "age": 3.5}, ["age: type, wanted an integer or null"]),
    ({"name": "Tom", "kind": "cat", "age": True}, ["age: type, wanted an integer or null"]),
    ({"name": 7, "kind": "cow"}, ["name: type, wanted a string", "kind: word, wanted one of cat, dog"]),
    ({"kind": None}, ["name: missing, wanted a string", "kind: type, wanted one of cat, dog"]),
    ({"name": "", "kind": "dog", "tail": 1}, ["tail: extra, wanted no such field"]),
    (
        {"name": "", "kind": "dog", "friends": [{"type": "b"}, {"type": "a"}]},
        ["friends[1].a: missing, wanted a string"],
    ),
    ({"name": "", "kind": "dog", "friends": [{"type": "c"}]}, ['friends[0].type: word, wanted "b"']),
    ({"name": "", "kind": "dog", "friends": ["x"]}, ["friends[0]: type, wanted an object"]),
    ("Tom", [": type, wanted an object"]),
]


@pytest.mark.parametrize(("value", "problems"), CASES)
def test_problems(value: Any, problems: list[str]) -> None:
    assert [f"{path_text(p.path)}: {p.kind}, wanted {p.wanted}" for p in check(value, PET)] == problems


def test_extras_may_be_allowed() -> None:
    assert check({"name": "", "kind": "dog", "tail": 1}, PET, "allow") == []


# -- the same verdict as the published schema, on mutants of real and simulated replies

SHAPES: dict[str, Kind] = {
    "CompletionUsage": USAGE,
    "CreateChatCompletionResponse": CHAT_WHOLE,
    "CreateChatCompletionStreamResponse": CHAT_CHUNK,
    "CreateCompletionResponse": COMPLETION,
    "CreateEmbeddingResponse": EMBEDDINGS,
    "ErrorResponse": ERROR,
    "ImageEditStreamEvent": IMAGE_EDIT_EVENT,
    "ImageGenStreamEvent": IMAGE_EVENT,
    "ImagesResponse": IMAGES,
    "ListModelsResponse": MODELS,
    "Model": MODEL,
}
RECORDED = {
    "CreateChatCompletionResponse": "chat",
    "CreateChatCompletionStreamResponse": "chat",
    "CreateCompletionResponse": "completions",
    "ImagesResponse": "images",
    "CreateEmbeddingResponse": "embeddings",
    "ListModelsResponse": "models",
    "ErrorResponse": "chat",
}
MUTANTS = 600
SAMPLE = 100
PICTURE = {"model": "gpt-image-1.5", "prompt": "tea"}


def clean(name: str) -> list[Any]:
    """Replies of the simulator that have every part."""
    asked = {**CHAT, "logprobs": True, "top_logprobs": 1}
    called = {**CHAT, "tools": [TOOL]}
    chats = [render_json("/v1/chat/completions", r) for r in (asked, called)]
    streams = [render_json("/v1/chat/completions", {**r, "stream": True}) for r in (asked, called)]
    pictures = [render_json("/v1/images/generations", r) for r in (PICTURE, {"model": "dall-e-3", "prompt": "tea"})]
    events = {**PICTURE, "stream": True, "partial_images": 1}
    made: dict[str, list[Any]] = {
        "CreateChatCompletionResponse": [json.loads(reply.body) for reply in chats],
        "CreateChatCompletionStreamResponse": [chunk for reply in streams for chunk in chunks_of(reply.body)],
        "CreateCompletionResponse": [json.loads(render_json("/v1/completions", {"model": "m", "prompt": "x"}).body)],
        "CreateEmbeddingResponse": [json.loads(render_json("/v1/embeddings", {"model": "m", "input": "x"}).body)],
        "ImagesResponse": [json.loads(reply.body) for reply in pictures],
        "ImageGenStreamEvent": chunks_of(render_json("/v1/images/generations", events).body),
        "ImageEditStreamEvent": chunks_of(render_json("/v1/images/edits", events).body),
        "ListModelsResponse": [json.loads(render_json("/v1/models", None).body)],
        "Model": [json.loads(render_json("/v1/models/gpt-4o", None).body)],
        "ErrorResponse": [json.loads(render_json("/v1/nothing", {}, options=SimOptions()).body)],
    }
    made["CompletionUsage"] = [made["CreateChatCompletionResponse"][0]["usage"]]
    return made[name]


def recorded(name: str, shared: Path) -> list[Any]:
    """Recorded replies of real servers, good and odd."""
    if name not in RECORDED:
        return []
    found: list[Any] = []
    streamed = name == "CreateChatCompletionStreamResponse"
    for record in corpus(shared / "corpus" / f"{RECORDED[name]}.jsonl.gz"):
        body = record["response"].get("body") or ""
        if record["stream"] != streamed or (record["response"]["status"] >= 400) != (name == "ErrorResponse"):
            continue
        try:
            found += chunks_of(body.encode())[:8] if streamed else [json.loads(body)]
        except ValueError:
            pass
    if name == "CreateEmbeddingResponse":  # a vector is as good as its first numbers
        for item in (item for body in found for item in dicts(body.get("data"))):
            if isinstance(item.get("embedding"), list):
                del item["embedding"][8:]
    return found


def untyped(name: str, value: Any) -> bool:
    """Published `Model` has no `type`, so that anything passes which is no object: an oversight, not a rule."""
    models: Any = value.get("data") if isinstance(value, dict) and name == "ListModelsResponse" else [value]
    listed = isinstance(models, list) and name in ("ListModelsResponse", "Model")
    return listed and not all(isinstance(model, dict) for model in models)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_agrees_with_the_published_schema(name: str, shared: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    dice = random.Random(name)
    originals = clean(name) * 3 + recorded(name, shared)
    mutants = [mutated(dice.choice(originals), dice) for _ in range(MUTANTS)]
    values = [v for v in [*dice.sample(originals, min(len(originals), SAMPLE)), *mutants] if not untyped(name, v)]
    for extras, flavour in (("allow", "wire"), ("forbid", "wire-closed")):
        text = (shared / "spec" / flavour / f"{name}.schema.json").read_text(encoding="utf-8")
        published = jsonschema.Draft202012Validator(json.loads(text))
        verdicts = set()
        for value in values:
            ours = not check(value, SHAPES[name], extras)  # type: ignore[arg-type]
            assert ours == published.is_valid(value), (flavour, value, check(value, SHAPES[name]))
            verdicts.add(ours)
        assert verdicts == {True, False}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_clean_replies_have_no_problem(name: str) -> None:
    assert [check(value, SHAPES[name]) for value in clean(name) if check(value, SHAPES[name])] == []
