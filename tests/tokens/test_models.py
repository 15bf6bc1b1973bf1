"""Which vocabulary counts a model's text."""

from __future__ import annotations

import pytest

from trueline.tokens import ESTIMATE, tokenizer_for, tokenizer_named
from trueline.tokens.models import bare_name, encoding_name

NAMES = {
    "o200k_base": [
        "gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06", "gpt-4o-audio-preview", "gpt-4o:free", "chatgpt-4o-latest",
        "gpt-4.1", "gpt-4.1-nano-2025-04-14", "gpt-4.5-preview-2025-02-27", "gpt-5", "gpt-5-chat-latest",
        "gpt-5.4-mini", "o1", "o1-mini", "o1-preview-2024-09-12", "o3", "o3-mini-2025-01-31", "o4-mini",
        "computer-use-preview", "openai/gpt-4o", "openrouter/openai/gpt-4.1-mini", "azure/gpt-4o", "GPT-4o",
        "openai:gpt-4o", "ft:gpt-4o-2024-08-06:acme::Abc123", "ft:gpt-4o-mini-2024-07-18:acme:suffix:Abc",
        "openai/ft:gpt-4.1:acme::A1",
    ],
    "o200k_harmony": ["gpt-oss-120b", "openai/gpt-oss-20b", "gpt-oss:20b", "us.openai.gpt-oss-120b-1:0"],
    "cl100k_base": [
        "gpt-4", "gpt-4-0613", "gpt-4-32k", "gpt-4-turbo-2024-04-09", "gpt-4-1106-preview", "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125", "gpt-3.5-turbo-instruct", "gpt-35-turbo", "gpt-35-turbo-16k", "azure/gpt-35-turbo",
        "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002", "davinci-002", "babbage-002",
        "ft:gpt-3.5-turbo-0613:acme::A1", "ft:davinci-002:acme::A1", "openai/gpt-4",
    ],
    "p50k_base": ["text-davinci-002", "text-davinci-003", "code-davinci-002"],
    "r50k_base": ["davinci", "text-ada-001", "gpt2"],
    None: [
        "", "llama3", "meta-llama/Llama-3.3-70B-Instruct", "claude-sonnet-4", "qwen3:8b", "mistral-large", "o1js",
        "gpt-4all", "gpt4all-j", "gpt-neo", "my-gpt-4o", "gemini-2.5-pro", "gpt", "text-embedding-004", "o", "\n",
    ],
}  # fmt: skip
ROWS = [(model, encoding) for encoding, models in NAMES.items() for model in models]


@pytest.mark.parametrize(("model", "encoding"), ROWS)
def test_encoding_of_a_model(model: str, encoding: str | None) -> None:
    assert encoding_name(model) == encoding


@pytest.mark.parametrize(("model", "encoding"), ROWS)
def test_tokenizer_of_a_model(model: str, encoding: str | None) -> None:
    has = {"o200k_base", "o200k_harmony", "cl100k_base"}

    tokenizer = tokenizer_for(model)

    assert tokenizer.exact == (encoding in has)
    assert (tokenizer is ESTIMATE) == (encoding not in has)


def test_one_table_of_merges_for_one_text() -> None:
    assert tokenizer_for("gpt-oss-20b") is tokenizer_for("gpt-4o")
    assert tokenizer_for(None) is ESTIMATE
    assert tokenizer_named("p50k_base") is None
    assert tokenizer_named("r50k_base") is None


@pytest.mark.parametrize(
    ("model", "bare"),
    [
        ("openai/gpt-4o", "gpt-4o"),
        ("ft:gpt-4o:acme::A1", "gpt-4o:acme::a1"),
        ("eu.openai.gpt-oss-20b", "gpt-oss-20b"),
        (" GPT-4 ", "gpt-4"),
        ("accounts/acme/models/llama", "llama"),
    ],
)
def test_a_name_alone(model: str, bare: str) -> None:
    assert bare_name(model) == bare


def test_a_file_comes_first() -> None:
    files = {"llama-*": "pattern.json", "llama-3": "exact.json", "gpt-4o*": "own.json"}

    assert [tokenizer_for(model, files).name for model in ("llama-3", "llama-2", "gpt-4o-mini", "gpt-4", "qwen")] == [
        "exact.json",
        "pattern.json",
        "own.json",
        "cl100k_base",
        "estimate",
    ]
    assert tokenizer_for("llama-3", files) is tokenizer_for("llama-3", dict(files))
