"""Any body gives findings and never an exception; findings are grouped, ordered and say what they are about."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judge.kit import CHAT, TOOL, Json, chunks_of, corpus, judge_changed_stream, mutated, stream_of
from trueline.judge import Finding, judge_error, judge_exchange
from trueline.judge.findings import Docket, excerpt_of
from trueline.judge.rows import ROWS
from trueline.sim import render_json

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

REQUESTS: list[tuple[str, Json | None]] = [
    ("/v1/chat/completions", {**CHAT, "logprobs": True}),
    ("/v1/chat/completions", {**CHAT, "tools": [TOOL], "stop": ["tea"], "response_format": {"type": "json_object"}}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "logprobs": True, "stream_options": {"include_usage": True}}),
    ("/v1/chat/completions", {**CHAT, "stream": True, "tools": [TOOL]}),
    ("/v1/completions", {"model": "m", "prompt": "x"}),
    ("/v1/completions", {"model": "m", "prompt": "x", "stream": True}),
    ("/v1/embeddings", {"model": "m", "input": ["a", "b"], "dimensions": 16}),
    ("/v1/images/generations", {"model": "gpt-image-1.5", "prompt": "x"}),
    ("/v1/images/generations", {"model": "dall-e-3", "prompt": "x"}),
    ("/v1/images/edits", {"model": "gpt-image-1.5", "prompt": "x", "stream": True, "partial_images": 1}),
    ("/v1/models", None),
    ("/v1/models/gpt-4o", None),
    ("/v1/elsewhere", {}),
]


def judged(path: str, request: Json | None, body: bytes, status: int = 200) -> list[Finding]:
    return judge_exchange(path, request, status, {"content-type": "x"}, body)


@pytest.mark.parametrize(("path", "request_body"), REQUESTS)
def test_mutants_give_findings(path: str, request_body: Json | None) -> None:
    dice = random.Random(path)
    clean = render_json(path, dict(request_body) if request_body is not None else None)
    for _ in range(100):
        if clean.stream:
            changed = [mutated(chunk, dice) if not dice.randrange(3) else chunk for chunk in chunks_of(clean.body)]
            body = stream_of(changed)
        else:
            body = json.dumps(mutated(json.loads(clean.body), dice)).encode()
        assert isinstance(judged(path, request_body, body), list)
        asked = mutated(request_body, dice) if request_body else {}
        assert isinstance(judged(path, asked if isinstance(asked, dict) else {}, body), list)


@pytest.mark.parametrize(
    "name", ["chat", "images", "completions", "embeddings", "models", "anthropic", "gemini", "ollama"]
)
def test_recordings_of_any_api_give_findings(name: str, shared: Path) -> None:
    for record in corpus(shared / "corpus" / f"{name}.jsonl.gz")[:60]:
        body = (record["response"].get("body") or "").encode("utf-8", "surrogatepass")
        for path, request in REQUESTS:
            assert isinstance(judged(path, request, body, record["response"]["status"]), list)


ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["error", "choices", "data", "message", "code", "usage", "result", "type", "object", "x"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=80)
@given(value=ANYTHING, status=st.sampled_from([200, 400, 429, 500]))
@example(value={"error": {"metadata": {"raw": 7}}}, status=500)
def test_any_json_gives_findings(value: Any, status: int) -> None:
    for path, request in REQUESTS:
        for body in (json.dumps(value).encode(), b"data: " + json.dumps(value).encode() + b"\n\n"):
            assert isinstance(judged(path, request, body, status), list)


@settings(max_examples=80)
@given(body=st.binary(max_size=60) | st.text('data: {}[]\n\r:"\\u[DONE]', max_size=60).map(str.encode))
@example(body=b"[" * 1000)
@example(body=b"data: " + b'{"a":' * 400)
@example(body=b"\xef\xbb")
def test_any_bytes_give_findings(body: bytes) -> None:
    for path, request in REQUESTS:
        assert isinstance(judged(path, request, body), list)
    assert isinstance(judge_error(500, {}, body), list)


def test_a_fault_of_every_chunk_is_one_finding() -> None:
    def change(chunks: list[Json]) -> None:
        for chunk in chunks:
            chunk["choices"][0]["delta"]["role"] = "assistant"

    finding, *others = judge_changed_stream(change)

    assert others == []
    assert (finding.key, finding.where) == ("role-repeated", "chunk 1, choices[0].delta.role")
    assert finding.count > 5
    assert finding.text == (
        f"chunk 1, choices[0].delta.role: the role comes again (and {finding.count - 1} more)"
        ' ["assistant"]. OpenAI sends `assistant` in the first delta of a choice, and never again.'
    )


def test_what_breaks_clients_comes_first() -> None:
    docket = Docket()
    docket.note("role-repeated", "a")
    docket.note("id-missing", "b")
    docket.note("role-repeated", "c", level="must")

    found = [(finding.key, finding.level, finding.where, finding.count) for finding in docket.findings()]

    assert found == [("role-repeated", "must", "a", 2), ("id-missing", "must", "b", 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        (None, "null"),
        (b"a\xff\r\n", "a\ufffd\\r\\n"),
        ("\ud800", '"\ufffd"'),
        ("x" * 200, '"' + "x" * 98 + "…"),
    ],
)
def test_excerpts(value: Any, text: str) -> None:
    assert excerpt_of(value) == text


@pytest.mark.parametrize("key", sorted(ROWS))
def test_rows_read_well(key: str) -> None:
    row = ROWS[key]

    assert row.key == key
    assert row.what[0].islower() or not row.what[0].isalpha()
    assert row.what[-1] not in ".;,"
    assert row.openai.startswith("OpenAI ")
    assert row.openai[-1] not in ".;,"
