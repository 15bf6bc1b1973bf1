"""Docs and JSON Schema follow from the table, and the schema agrees with the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from trueline.settings import ROWS, SettingsError, load_settings, settings_markdown, settings_schema

GOOD = [
    "",
    "port: 80",
    "port: ${PORT}",
    "timeouts: {stall: 2m, total: null, connect: 1.5}",
    "limits: {request_bytes: 64MiB, reply_bytes: 1000}",
    "keys: [a]\nallowed_hosts: [h]",
    "upstream: http://x\nkey: env:KEY",
    "upstreams: {a: http://x, b: {url: http://y, headers: {A: b}, verify: false, format: {id: openai}}}",
    "upstreams: {a: http://x}\nmodels: {m: a/b, n: {upstream: a, model: c}, o: null}",
    "format:\nproxy: {http: http://p}",
    "model_list: [{model_name: a, litellm_params: {model: openai/b}}]\nlitellm_settings: {x: 1}",
]
BAD = ["prot: 1", "port: 65536", "upstreams: {a: {urls: x}}", "format: {extras: x}", "keys: {a: b}", "upstreams: [a]"]


def plain(text: str) -> Any:
    return yaml.safe_load(text) or {}


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(settings_schema())


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_reader_accept(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    load_settings(env={"PORT": "1", "KEY": "k"}, file=tmp_path / "t.yaml")

    jsonschema.validate(plain(text), settings_schema())


@pytest.mark.parametrize("text", BAD)
def test_schema_and_reader_refuse(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        load_settings(file=tmp_path / "t.yaml")

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(text), settings_schema())


def test_the_docs_name_every_row() -> None:
    page = settings_markdown()

    for row in ROWS:
        assert f"| `{row.key}` |" in page
        assert all(f"`{name}`" in page for name in row.env)
    assert "| `port` | integer | `4000` | `TRUELINE_PORT`, `--port` |" in page
    assert "| `limits.request_bytes` | size | `64MiB` |" in page


def test_the_example_of_the_docs_is_valid(tmp_path: Path) -> None:
    example = settings_markdown().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "t.yaml").write_text(example, encoding="utf-8")

    assert set(load_settings(env={"DEEPSEEK_API_KEY": "k"}, file=tmp_path / "t.yaml").models) == {
        "gpt-4o-mini",
        "smart",
    }


def test_no_list_of_secrets_has_a_flag() -> None:
    assert {row.key for row in ROWS if row.secret and row.flag} == {"key"}
