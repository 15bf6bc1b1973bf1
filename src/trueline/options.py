"""How replies are written where OpenAI's format leaves a choice, and which way a request went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = ["Enforce", "FormatOptions", "Keeping", "Route", "UsageSource"]

UsageSource = Literal["reported", "mended", "counted", "estimated"]
"""Who says what an exchange used: the upstream; the upstream, with its numbers put right; Trueline, by the model's own
tokenizer; Trueline, from sizes."""

Keeping = Literal["auto", "on", "off"]
"""Who sees to it that a reply keeps what was asked: Trueline where it is not known that the upstream does, always
Trueline, or the upstream alone."""


class Route(msgspec.Struct, frozen=True):
    """Which way a request went; part of a derived fingerprint and of error messages, so it carries no secret."""

    upstream: str = "upstream"
    """Name of the upstream in the settings, or its host."""
    model: str | None = None
    """The model name that the upstream was asked for, where it differs from the client's."""
    tokenizers: Mapping[str, str] = {}
    """Files of tokenizers by model, where the settings give any."""


class Enforce(msgspec.Struct, frozen=True, cache_hash=True):
    """What of a request Trueline sees to itself, where the upstream did not."""

    max_tokens: Keeping = "auto"
    """`max_tokens` and `max_completion_tokens`."""
    stop: Keeping = "auto"
    n: Keeping = "auto"
    logprobs: Keeping = "auto"
    response_format: Keeping = "auto"
    tool_choice: Keeping = "auto"
    on_invalid: Literal["error", "retry", "pass"] = "pass"
    """What becomes of an answer that does not keep to `response_format` or `tool_choice`."""
    retries: int = 2
    """How often at most a whole reply is asked for again."""


class FormatOptions(msgspec.Struct, frozen=True, cache_hash=True):
    """How replies are written where OpenAI's format leaves a choice."""

    extras: Literal["keep", "drop"] = "keep"
    """Fields beyond OpenAI's schema."""
    reasoning: Literal["reasoning_content", "reasoning", "think", "drop"] = "reasoning_content"
    """Where thoughts go: a field of that name, a `<think>` block in the content, or nowhere."""
    think_tags: Literal["split", "keep"] = "split"
    """Whether a reply that begins with a `<think>` block is split into thoughts and answer."""
    model_name: Literal["upstream", "requested"] = "upstream"
    id: Literal["keep", "openai"] = "keep"
    """`keep` a stable id of the upstream, or always mint one in OpenAI's form."""
    fingerprint: Literal["derive", "keep"] = "derive"
    """Where the upstream has no `system_fingerprint`: one is derived from the backend, or there is none."""
    tool_calls: Literal["as_sent", "whole"] = "as_sent"
    """Whether a streamed tool call leaves as it comes, or in one piece when it is complete."""
    options: tuple[str, ...] = ()
    """Ids of faults with the action `option` that are mended as well (`switches.py`)."""
    off: tuple[str, ...] = ()
    """Ids of faults that are not mended, so that what the upstream said leaves (`switches.py`)."""
    enforce: Enforce = Enforce()
    """What of the request is kept although the upstream does not."""
