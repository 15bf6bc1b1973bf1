"""A price, and what it makes of a usage.  US dollars; exact decimals, so that sums of many small ones hold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

__all__ = ["Long", "Price", "cost"]

_MILLION: Final = Decimal(1_000_000)


class Long(msgspec.Struct, frozen=True, kw_only=True):
    """What a request costs whose prompt has more than `above` tokens: all of it, not what is beyond them."""

    above: int
    input: Decimal
    output: Decimal
    cached: Decimal | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens.  None: not known, so that what holds such tokens has no known cost."""

    input: Decimal
    output: Decimal | None = None
    """None where nothing is written, as by embeddings."""
    cached: Decimal | None = None
    """Of the prompt's tokens that came out of a cache."""
    written: Decimal | None = None
    """Of the prompt's tokens that were put into a cache."""
    written_1h: Decimal | None = None
    """Of those, what was put there for an hour."""
    reasoning: Decimal | None = None
    """Of the completion's tokens that were thoughts, where they cost other than the rest."""
    image: Decimal | None = None
    """Of the prompt's tokens that were pictures, where they cost other than the rest."""
    long: Long | None = None
    source: str = ""
    """The page that says so; empty for a price of the settings."""
    seen: str = ""
    """The day on which it was last held against what is published."""


def cost(usage: Mapping[str, Any], price: Price) -> Decimal | None:
    """What a usage costs, of chats, embeddings or pictures; None where the price of some of its tokens is not known.

    Cached tokens are part of the prompt and thoughts part of the completion, as OpenAI counts.
    """
    prompt, said = _count(usage, "prompt_tokens", "input_tokens"), _count(usage, "completion_tokens", "output_tokens")
    if prompt is None or said is None:
        return None
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    cached = _part(details, "cached_tokens", prompt)
    written = _part(details, "cache_write_tokens", prompt - cached) or _part(
        details, "cache_creation_tokens", prompt - cached
    )
    for_an_hour = _part(usage.get("cache_creation"), "ephemeral_1h_input_tokens", written)  # as Anthropic tells it
    pictures = 0 if price.image is None else _part(details, "image_tokens", prompt - cached - written)
    thoughts = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    reasoning = 0 if price.reasoning is None else _part(thoughts, "reasoning_tokens", said)
    if _part(details, "audio_tokens", prompt) or _part(thoughts, "audio_tokens", said):
        return None  # sound has a price of its own, which no row has
    rate: Price | Long = price.long if price.long is not None and prompt > price.long.above else price
    total = Decimal(0)
    for tokens, dollars in (
        (prompt - cached - written - pictures, rate.input),
        (cached, rate.cached),
        (written - for_an_hour, price.written),
        (for_an_hour, price.written_1h),
        (pictures, price.image),
        (said - reasoning, rate.output),
        (reasoning, price.reasoning),
    ):
        if tokens:
            if dollars is None:
                return None
            total += tokens * dollars
    return total / _MILLION


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    """A count by one of its names; 0 where there is none, None where it is no count."""
    value = next((usage[name] for name in names if usage.get(name) is not None), 0)
    return value if type(value) is int and value >= 0 else None


def _part(details: Any, name: str, whole: int) -> int:
    value = details.get(name) if isinstance(details, dict) else None
    return min(value, whole) if type(value) is int and value > 0 else 0
