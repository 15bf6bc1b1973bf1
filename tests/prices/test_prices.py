"""What tokens cost: the table, the rules of the sum, and which price a model has."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from trueline.prices import PRICES, Long, Price, PriceBook, cost, shown
from trueline.providers import PROVIDERS

PLAIN = Price(input=Decimal(2), output=Decimal(10), cached=Decimal("0.5"))
FULL = Price(
    input=Decimal(2),
    output=Decimal(10),
    cached=Decimal("0.5"),
    written=Decimal(3),
    written_1h=Decimal(6),
    reasoning=Decimal(20),
    image=Decimal(4),
    long=Long(above=200_000, input=Decimal(4), output=Decimal(15), cached=Decimal(1)),
)


def usage(prompt: int, completion: int, reasoning: int = 0, **prompt_details: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


SUMS: list[tuple[dict[str, Any], Price, str | None]] = [
    (usage(0, 0), PLAIN, "0"),
    (usage(1_000_000, 0), PLAIN, "2"),
    (usage(0, 1_000_000), PLAIN, "10"),
    (usage(1, 1), PLAIN, "0.000012"),
    # cached tokens are part of the prompt, thoughts part of the completion
    (usage(1000, 100, cached_tokens=400), PLAIN, "0.0024"),
    (usage(1000, 100, reasoning=60), PLAIN, "0.003"),
    (usage(1000, 100, reasoning=60), FULL, "0.0036"),
    (usage(1000, 100, cached_tokens=400, cache_write_tokens=100), FULL, "0.0025"),
    (usage(1000, 100, cached_tokens=400, cache_creation_tokens=100), FULL, "0.0025"),
    ({**usage(100, 0, cache_write_tokens=60), "cache_creation": {"ephemeral_1h_input_tokens": 10}}, FULL, "0.00029"),
    ({**usage(100, 0, cache_write_tokens=60), "cache_creation": {"ephemeral_1h_input_tokens": 0}}, FULL, "0.00026"),
    (usage(1000, 0, image_tokens=500), FULL, "0.003"),
    (usage(1000, 0, image_tokens=500), PLAIN, "0.002"),
    # a long prompt costs more from its first token on
    (usage(200_000, 0), FULL, "0.4"),
    (usage(200_001, 0), FULL, "0.800004"),
    (usage(300_000, 1000, cached_tokens=100_000), FULL, "0.915"),
    # more of a part than there is of the whole
    (usage(100, 10, reasoning=50, cached_tokens=1000), PLAIN, "0.00015"),
    (usage(100, 0, cached_tokens=-5), PLAIN, "0.0002"),
    # what has no known price has no known cost
    (usage(100, 10, cached_tokens=50), Price(input=Decimal(1), output=Decimal(1)), None),
    (usage(100, 10, cache_write_tokens=50), PLAIN, None),
    (usage(100, 10, audio_tokens=50), FULL, None),
    (usage(100, 10), Price(input=Decimal(1)), None),
    ({"prompt_tokens": "many"}, PLAIN, None),
    ({"prompt_tokens": True, "completion_tokens": 1}, PLAIN, None),
    # other shapes
    ({"prompt_tokens": 50, "total_tokens": 50}, Price(input=Decimal(2)), "0.0001"),
    ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}, PLAIN, "0.00007"),
    (
        {"input_tokens": 60, "output_tokens": 100, "input_tokens_details": {"text_tokens": 10, "image_tokens": 50}},
        *(FULL, "0.00122"),
    ),
]


@pytest.mark.parametrize(("used", "price", "dollars"), SUMS)
def test_what_a_usage_costs(used: dict[str, Any], price: Price, dollars: str | None) -> None:
    found = cost(used, price)

    assert (found if found is None else shown(found)) == dollars


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("openai", "gpt-4o", "2.5"),
        ("openai", "gpt-4o-2024-11-20", "2.5"),
        ("openai", "gpt-4o-2024-05-13", "5"),
        ("openai", "gpt-4.1-mini-2025-04-14", "0.4"),
        ("anthropic", "claude-3-5-haiku-20241022", "0.8"),
        ("anthropic", "claude-3-5-haiku-latest", "0.8"),
        ("openai", "gpt-4o-audio-preview", None),
        ("openai", "llama3", None),
        ("openai", "", None),
        ("openai", None, None),
        ("azure", "gpt-4o", None),
        ("deepseek", "deepseek-chat", None),
        (None, "gpt-4o", None),
    ],
)
def test_the_price_of_a_model(provider: str | None, model: str | None, dollars: str | None) -> None:
    book = PriceBook(provider, {})
    found = book.of(model)

    assert (found if found is None else shown(found.input)) == dollars
    assert book.of(model) is found


def test_the_settings_come_first() -> None:
    own = {"gpt-4o": Price(input=Decimal(1)), "mine": Price(input=Decimal(3))}

    for provider in ("openai", None):
        book = PriceBook(provider, own)
        assert book
        assert [book.of(name) for name in ("gpt-4o", "gpt-4o-2024-11-20", "mine")][::2] == list(own.values())
    assert not PriceBook(None, {}) and not PriceBook("ollama", {})
    assert PriceBook("openai", {})


def test_a_book_does_not_grow_with_the_names_that_clients_make_up() -> None:
    book = PriceBook("openai", {})
    for number in range(5000):
        book.of(f"model-{number}")

    assert len(book._known) <= 1000
    assert book.of("gpt-4o") is not None


def test_the_table_is_sound() -> None:
    assert len(PRICES) > 100
    for (provider, model), price in PRICES.items():
        assert provider in PROVIDERS, model
        assert price.source.startswith("https://")
        assert date(2025, 1, 1) <= date.fromisoformat(price.seen)
        rates = [rate for rate in (price.output, price.cached, price.written) if rate is not None]
        assert all(rate > 0 for rate in (price.input, *rates))
        assert price.cached is None or price.cached < price.input
        assert price.output is None or price.output >= price.input or "ministral" in model
        if price.long is not None:
            assert price.long.input > price.input and price.output is not None and price.long.output > price.output


@pytest.mark.parametrize(
    ("dollars", "text"),
    [("0", "0"), ("1", "1"), ("100", "100"), ("0.0100", "0.01"), ("1E-7", "0.0000001"), ("12.5E3", "12500")],
)
def test_how_a_cost_is_shown(dollars: str, text: str) -> None:
    assert shown(Decimal(dollars)) == text
