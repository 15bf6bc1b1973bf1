"""Files that count tokens, by model."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueline.settings import SettingsError, load, load_settings
from trueline.tokens import tokenizer_for


def test_files_by_model(tmp_path: Path) -> None:
    (tmp_path / "llama.json").write_text("{}")
    text = "tokenizers:\n  llama-3.1: llama.json\n  'qwen*': ./llama.json\n  '*': llama.json\n"
    (tmp_path / "t.yaml").write_text(text)

    settings = load_settings(file=tmp_path / "t.yaml")

    file = str(tmp_path / "llama.json")
    assert settings.tokenizers == {"llama-3.1": file, "qwen*": file, "*": file}
    assert str(settings.origin("tokenizers.qwen*")).endswith("t.yaml:3")
    assert tokenizer_for("qwen3:8b", settings.tokenizers).name == file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tokenizers: {m: none.json}", 'tokenizers.m: found "none.json", but there is no such file'),
        ("tokenizers: {m: }", "found nothing; allowed: the path of a file that exists"),
        ("tokenizers: {m: {file: x}}", "found a mapping; allowed: the path of a file that exists"),
        ("tokenizers: [x]", "tokenizers: found a list; allowed: a mapping"),
        ("tokenizers: x", 'tokenizers: found "x"; allowed: a mapping'),
    ],
)
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(text)

    with pytest.raises(SettingsError, match=message):
        load_settings(file=tmp_path / "t.yaml")


def test_the_package_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "find_spec", lambda name: None)
    (tmp_path / "m.json").write_text("{}")
    (tmp_path / "t.yaml").write_text("tokenizers: {m: m.json}")

    with pytest.raises(SettingsError, match=r"needs the package tokenizers.*trueline\[tokenizers\]"):
        load_settings(file=tmp_path / "t.yaml")
