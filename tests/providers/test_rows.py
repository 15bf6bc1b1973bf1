"""The table of providers: what every row has to keep, and how a URL finds its row."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from string import Formatter
from urllib.parse import urlsplit

import pytest

from trueline.faults import FAULTS
from trueline.providers import AUTHS, DIALECTS, PROVIDERS, Provider, named, provider_of
from trueline.settings.kinds import read_url
from trueline.sim import PROVIDERS as SIMULATED

PLACES = {"resource", "region", "account", "project", "api_version"}
LIMITS = {"max_tokens", "stop", "n", "response_format", "tool_choice", "logprobs"}
SIMULATED_AS = {"gemini": "gemini-openai"}

rows = pytest.mark.parametrize("row", PROVIDERS.values(), ids=PROVIDERS.keys())


def test_there_are_enough() -> None:
    assert len(PROVIDERS) >= 40
    assert {row.dialect for row in PROVIDERS.values()} == set(DIALECTS)


@rows
def test_a_row_is_sound(row: Provider) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", row.name)
    assert row.auth in AUTHS
    assert row.docs.startswith("https://") and urlsplit(row.docs).hostname
    assert date.fromisoformat(row.seen) >= date(2025, 1, 1)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in row.key_env)
    assert set(row.faults) <= FAULTS.keys() and len(set(row.faults)) == len(row.faults)
    assert row.capabilities.keeps <= LIMITS


@rows
def test_its_url_is_one_of_our_settings(row: Provider) -> None:
    filled = row.url.format(**dict.fromkeys(PLACES, "here"))

    assert read_url(filled) == filled or filled.count("/") == 2
    assert filled.startswith("https://") or urlsplit(filled).hostname == "127.0.0.1"


@rows
def test_its_placeholders_are_settings(row: Provider) -> None:
    wanted = {name for text in (row.url, row.path) for _, name, _, _ in Formatter().parse(text) if name}

    assert wanted <= PLACES | {"path", "model"}
    assert row.places.keys() <= wanted
    assert "{path}" in row.path


@rows
def test_its_url_leads_back_to_it(row: Provider) -> None:
    if row.hosts:
        url = row.url.format(**dict.fromkeys(PLACES, "here"))
        found = provider_of(url, row.dialect)

        assert found is row or "{resource}" in row.url


def test_no_two_rows_claim_a_name_or_a_host() -> None:
    names = Counter(name for row in PROVIDERS.values() for name in (row.name, *row.also))
    hosts = Counter((row.dialect, host) for row in PROVIDERS.values() for host in row.hosts)

    assert [name for name, count in (names + Counter()).items() if count > 1] == []
    assert [host for host, count in hosts.items() if count > 1] == []


@pytest.mark.parametrize("name", SIMULATED)
def test_rows_know_what_is_simulated(name: str) -> None:
    assert set(SIMULATED[name]) <= set(PROVIDERS[SIMULATED_AS.get(name, name)].faults)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.OpenAI.com:443/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://api.groq.com/openai/v1?x=1", "groq"),
        ("https://user:key@api.groq.com/openai/v1", "groq"),
        ("https://evil-api.groq.com/openai/v1", None),
        ("https://api.groq.com.evil.example/openai/v1", None),
        ("https://.openai.azure.com", None),
        ("https://acme.openai.azure.com", "azure-deployments"),
        ("https://acme.openai.azure.com/openai/v1", "azure"),
        ("https://acme.openai.azure.com/openai/v10", "azure-deployments"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-openai"),
        ("https://generativelanguage.googleapis.com/v1beta", None),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "bedrock-openai"),
        ("https://api.anthropic.com/v1", "anthropic-openai"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://127.0.0.1:8000/v1", None),
        ("", None),
    ],
)
def test_a_url_finds_its_row(url: str, name: str | None) -> None:
    row = provider_of(url)

    assert (row.name if row else None) == name


@pytest.mark.parametrize(
    ("url", "dialect", "name"),
    [
        ("https://api.anthropic.com/v1", "anthropic", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta", "gemini", "gemini"),
        ("https://europe-west4-aiplatform.googleapis.com/v1/projects/p", "gemini", "vertex"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "bedrock", "bedrock"),
        ("https://api.openai.com/v1", "cohere", None),
    ],
)
def test_the_dialect_tells_rows_of_one_host_apart(url: str, dialect: str, name: str | None) -> None:
    row = provider_of(url, dialect)

    assert (row.name if row else None) == name


def test_names_lead_to_their_rows() -> None:
    assert all(named(name) is row for name, row in PROVIDERS.items())
    assert named("together_ai") is PROVIDERS["together"]
    assert named("nobody") is None
