"""The table of providers: what every row has to keep, and how a URL finds its row."""

from __future__ import annotations

import pytest

from trueline.providers import PROVIDERS, named, provider_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.OpenAI.com:443/v1", "openai"),
        ("https://api.groq.com/openai/v1?x=1", "groq"),
        ("https://user:key@api.groq.com/openai/v1", "groq"),
        ("https://evil-api.groq.com/openai/v1", None),
        ("https://api.groq.com.evil.example/openai/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("", None),
    ],
)
def test_a_url_finds_its_row(url: str, name: str | None) -> None:
    row = provider_of(url)

    assert (row.name if row else None) == name


def test_names_lead_to_their_rows() -> None:
    assert all(named(name) is row for name, row in PROVIDERS.items())
    assert named("nobody") is None
