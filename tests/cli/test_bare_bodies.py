"""A body without its request is taken for the same kind of reply by `fix`, `explain` and `check --offline`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trueline
from trueline.check.heard import hear
from trueline.cli import main
from trueline.cli.files import AS
from trueline.recorded import KINDS, look
from trueline.sim import render_json

Json = dict[str, Any]
CHAT: Json = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
ASKED: dict[str, tuple[str, str, Json | None]] = {
    "chat": ("chat", "/v1/chat/completions", CHAT),
    "a stream of a chat": ("chat", "/v1/chat/completions", {**CHAT, "stream": True}),
    "a completion": ("completions", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x"}),
    "completions": ("completions", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "n": 2}),
    "a stream of a completion": (
        "completions", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "stream": True},
    ),
    "embeddings": ("embeddings", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
    "embeddings in base64": (
        "embeddings", "/v1/embeddings", {"model": "e", "input": "a", "encoding_format": "base64"},
    ),
    "pictures": ("images", "/v1/images/generations", {"model": "dall-e-2", "prompt": "tea"}),
    "streamed pictures": ("images", "/v1/images/generations", {"model": "gpt-image-1", "prompt": "x", "stream": True}),
    "models": ("models", "/v1/models", None),
    "a model": ("model", "/v1/models/gpt-4o", None),
}  # fmt: skip


def body_of(name: str) -> bytes:
    """An exact reply of this kind."""
    _, path, request = ASKED[name]
    return render_json(path, request, []).body


@pytest.mark.parametrize("name", ASKED)
def test_an_exact_body_stays_what_it_is(name: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    body = body_of(name)
    file = tmp_path / ("a.sse" if look(body).streamed else "a.json")
    file.write_bytes(body)

    assert look(body).kind == ASKED[name][0]
    assert main(["fix", str(file)]) == 0
    out, err = capsysbinary.readouterr()
    assert (hear(out).payloads, err) == (hear(body).payloads, b"")
    assert main(["explain", str(file)]) == 0
    assert b"It was exact" in capsysbinary.readouterr().out
    assert main(["check", "--offline", str(file), "--json"]) == 0
    card = json.loads(capsysbinary.readouterr().out)
    assert (card["grade"], card["probes"][0]["id"]) == ("A+", f"{ASKED[name][0]}.{file.name}")
    assert hear(trueline.fix(body)).payloads == hear(body).payloads


BARE_LISTS: list[tuple[str, Any]] = [
    ("embeddings", {"object": "list", "data": [], "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1}}),
    ("embeddings", {"embeddings": [[0.1, 0.2]]}),
    ("embeddings", [{"embedding": [0.1]}]),
    ("models", {"object": "list", "data": []}),
    ("models", {"models": [{"name": "llama3", "model": "llama3"}]}),
    ("models", [{"id": "llama3"}]),
    ("images", {"created": 1, "data": []}),
    ("images", {"images": ["https://pictures.example/1.png"]}),
    ("images", [{"url": "https://pictures.example/1.png"}]),
    ("completions", {"id": "cmpl-1", "object": "text_completion", "choices": [{"text": "x", "index": 0}]}),
    ("completions", {"id": "cmpl-1", "object": "text_completion", "choices": [{"message": {"content": "x"}}]}),
    ("chat", {"id": "chatcmpl-1", "object": "text_completion", "choices": [{"message": {"content": "x"}}]}),
    ("chat", {"id": "cmpl-1", "object": "chat.completion", "choices": [{"message": {"content": "x"}}]}),
    ("chat", {"error": {"message": "no"}}),
    ("chat", {}),
    ("chat", []),
    ("chat", None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), BARE_LISTS)
def test_other_shapes(kind: str, value: Any) -> None:
    assert look(json.dumps(value).encode()).kind == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ASKED)
def test_any_body_as_any_kind(name: str, kind: Any, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """`--as` wins over what it looks like, and whatever comes of that, it is said in order."""
    file = tmp_path / "a"
    file.write_bytes(body_of(name))

    assert look(body_of(name), kind).kind == kind
    assert main(["fix", "--as", kind, str(file)]) in (0, 1)
    assert main(["explain", "--as", kind, str(file)]) in (0, 1)
    assert main(["check", "--offline", str(file), "--as", kind]) in (0, 1, 3)
    assert capsysbinary.readouterr().err.count(b"Traceback") == 0


def test_a_completion_is_not_made_a_chat(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(render_json(*ASKED["a completion"][1:], ["completions-text-null"]).body)

    assert main(["fix", str(file)]) == 0
    assert json.loads(capsysbinary.readouterr().out)["object"] == "text_completion"


def test_the_flag_knows_all_kinds() -> None:
    assert AS["choices"] == KINDS


def test_the_kind_is_one_of_the_known() -> None:
    done = subprocess.run([sys.executable, "-m", "trueline", "fix", "--as", "songs"], capture_output=True, check=False)

    assert done.returncode == 2
    assert b"songs" in done.stderr
