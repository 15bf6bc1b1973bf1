"""Embeddings and lists of models of upstreams that have an API of their own, through their pipelines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialects.kit import Notes
from trueline.context import FormatOptions
from trueline.dialects.provider import dialect_of
from trueline.errors import RequestError
from trueline.messages import EmbeddingRequest, read_embedding_request
from trueline.pipeline.embeddings import Embeddings
from trueline.pipeline.models import Models

Fields = dict[str, Any]

TITAN = "amazon.titan-embed-text-v2:0"
REPLIES: list[tuple[str, str, Fields, Fields]] = [
    (
        "ollama",
        "all-minilm",
        {"model": "all-minilm", "input": ["a", "b"]},
        {"model": "all-minilm", "embeddings": [[0.5, 1.0], [1.5, 2.0]], "prompt_eval_count": 4},
    ),
    (
        "cohere",
        "embed-v4.0",
        {
            "model": "embed-v4.0",
            "texts": ["a", "b"],
            "input_type": "search_document",
            "embedding_types": ["float"],
        },
        {"embeddings": {"float": [[0.5, 1.0], [1.5, 2.0]]}, "meta": {"billed_units": {"input_tokens": 4}}},
    ),
    (
        "bedrock",
        "cohere.embed-english-v3",
        {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]},
        {"embeddings": {"float": [[0.5, 1.0], [1.5, 2.0]]}, "response_type": "embeddings_by_type"},
    ),
]


def asked(**fields: Any) -> EmbeddingRequest:
    return read_embedding_request(json.dumps({"model": "m", "input": ["a", "b"], **fields}).encode())


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize(("name", "model", "sent", "reply"), REPLIES)
def test_embeddings_go_both_ways(name: str, model: str, sent: Fields, reply: Fields, encoding: str) -> None:
    own = dialect_of(name).embeddings
    assert own is not None
    request = asked(encoding_format=encoding)
    assert json.loads(own.write(request, Notes().asked(model)).body) == sent
    pipe = Embeddings(request, FormatOptions(), own)
    out = json.loads(pipe.feed(json.dumps(reply).encode()) + pipe.close())
    assert pipe.error is None
    assert [item["index"] for item in out["data"]] == [0, 1]
    first = out["data"][0]["embedding"]
    assert first == ([0.5, 1.0] if encoding == "float" else "AAAAPwAAgD8=")
    assert out["object"] == "list"
    assert "usage" in out


def test_titan_takes_one_text() -> None:
    own = dialect_of("bedrock").embeddings
    assert own is not None
    sent = own.write(asked(input="a", dimensions=256), Notes().asked(TITAN))
    assert sent.path == "/model/amazon.titan-embed-text-v2%3A0/invoke"
    assert json.loads(sent.body) == {"inputText": "a", "dimensions": 256}
    reply = own.read({"embedding": [0.5], "inputTextTokenCount": 3}, asked(input="a"))
    assert reply["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    with pytest.raises(RequestError, match="one text"):
        own.write(asked(), Notes().asked(TITAN))
    with pytest.raises(RequestError, match="dimensions"):
        own.write(asked(input="a", dimensions=5), Notes().asked("amazon.titan-embed-text-v1"))


@pytest.mark.parametrize("name", ["ollama", "cohere", "bedrock"])
def test_tokens_are_refused(name: str) -> None:
    own = dialect_of(name).embeddings
    assert own is not None
    with pytest.raises(RequestError, match="takes texts"):
        own.write(asked(input=[1, 2]), Notes().asked("cohere.embed-english-v3"))


def test_ollamas_models_are_listed() -> None:
    own = dialect_of("ollama").models
    assert own is not None
    pipe = Models(None, FormatOptions(), own)
    out = pipe.feed(b'{"models":[{"name":"llama3:latest","model":"llama3:latest","size":5},{"x":1}]}') + pipe.close()
    assert [model["id"] for model in json.loads(out)["data"]] == ["llama3:latest"]
    single = Models("none", FormatOptions(), own)
    single.feed(b'{"models":[]}')
    single.close()
    assert single.error is not None
    assert single.error.status == 404


@pytest.mark.parametrize(
    ("name", "model", "most", "settings"),
    [
        ("cohere", "embed-v4.0", 96, {}),
        ("bedrock", "cohere.embed-english-v3", 96, {}),
        ("bedrock", TITAN, 1, {}),
        ("gemini", "gemini-embedding-001", 100, {}),
        ("gemini", "gemini-embedding-001", 1, {"project": "p", "location": "us-central1"}),
        ("gemini", "gemini-embedding-2", 1, {"project": "p", "location": "us-central1"}),
        ("gemini", "text-embedding-005", 250, {"project": "p", "location": "us-central1"}),
        ("dashscope", "text-embedding-v4", 10, {}),
        ("dashscope", "text-embedding-v1", 25, {}),
        ("ollama", "all-minilm", None, {}),
    ],
)
def test_texts_of_one_request(name: str, model: str, most: int | None, settings: Fields) -> None:
    own = dialect_of(name).embeddings
    assert own is not None
    assert own.most(Notes().asked(model, **settings)) == most


@pytest.mark.parametrize(
    ("given", "most", "shares"),
    [
        ("a", 1, ["a"]),
        (["a", "b"], None, [["a", "b"]]),
        (["a", "b", "c"], 2, [["a", "b"], ["c"]]),
        ([1, 2, 3], 1, [[1, 2, 3]]),
        ([[1, 2], [3]], 1, [[[1, 2]], [[3]]]),
    ],
)
def test_a_request_is_shared(given: Any, most: int | None, shares: list[Any]) -> None:
    assert [share.body["input"] for share in asked(input=given).shared(most)] == shares
