"""`trueline providers`: the table, one row in full, as JSON."""

from __future__ import annotations

import json

import pytest

from trueline.cli import main
from trueline.providers import PROVIDERS


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for row in PROVIDERS.values():
        for name in row.key_env:
            monkeypatch.delenv(name, raising=False)


def test_all_of_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret-key")
    assert main(["providers"]) == 0

    out = capsys.readouterr().out
    head, *rows = out.splitlines()
    assert head.split() == ["NAME", "DIALECT", "KEY", "URL"]
    assert [row.split()[0] for row in rows] == list(PROVIDERS)
    assert [row.split()[-1] for row in rows] == [row.url for row in PROVIDERS.values()]
    keys = {row.split()[0]: row.split()[2] for row in rows}
    assert (keys["groq"], keys["openai"], keys["ollama"]) == ("set", "OPENAI_API_KEY", "-")
    assert "gsk-secret" not in out


@pytest.mark.parametrize("columns", [200, 100, 80])
def test_the_width_of_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["providers"]) == 0

    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_in_full(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", name]) == 0

    page = capsys.readouterr().out
    row = PROVIDERS[name]
    assert page.splitlines()[0] == name
    for text in (row.title, row.url, row.dialect, row.auth, *row.key_env, *row.faults, *row.also, row.docs, row.seen):
        assert text in page


@pytest.mark.parametrize(("asked", "name"), [("together_ai", "together"), (" GROQ ", "groq")])
def test_by_another_name(asked: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", asked]) == 0
    assert capsys.readouterr().out.startswith(name + "\n")


def test_those_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "hugging"]) == 0

    _, *rows = capsys.readouterr().out.splitlines()
    assert {row.split()[0] for row in rows} == {"huggingface", "tgi", "tgi-native"}


def test_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "grok"]) == 2
    assert 'no provider is called "grok"; did you mean groq' in capsys.readouterr().err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(PROVIDERS)
    assert all(row["url"] == PROVIDERS[row["name"]].url for row in rows)

    assert main(["providers", "groq", "--json"]) == 0
    groq = json.loads(capsys.readouterr().out)
    assert groq["key_env"] == ["GROQ_API_KEY"]
    assert groq["spoken"] is True
    assert groq["capabilities"]["n"] is False
    assert groq["capabilities"]["unsupported"]["logprobs"] == "refuse"
    assert "developer_role" not in groq["capabilities"]
