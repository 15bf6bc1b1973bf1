"""The table of prices: standard rates of providers' own APIs, in US dollars for a million tokens.

A model is here where its price is published, holds at every hour and was found.  Where the price depends on what a
reply does not tell (DeepSeek's hours, batches, priority tiers, contracts), there is none, or the standard one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["FAMILIES", "Family", "Line"]


class Line(NamedTuple):
    """Models of one price; the numbers as they are published."""

    models: str
    """Names, with spaces between."""
    input: str
    output: str = ""
    cached: str = ""
    written: str = ""
    written_1h: str = ""
    image: str = ""
    long: str = ""
    """`above input output cached`."""


class Family(NamedTuple):
    """Prices of one page, read on one day."""

    providers: tuple[str, ...]
    """Names of rows of `providers/`."""
    source: str
    seen: str
    lines: tuple[Line, ...]

    def names(self) -> Iterator[tuple[str, Line]]:
        """Each model's name with its line."""
        for line in self.lines:
            for name in line.models.split():
                yield name, line


_OPENAI: Final = ("openai", "openai-responses")
_GOOGLE: Final = ("gemini", "gemini-openai")

FAMILIES: Final = (
    Family(
        _OPENAI,
        "https://platform.openai.com/docs/pricing",
        "2025-07-04",
        (
            Line("gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20", "2.5", "10", "1.25"),
            Line("gpt-4o-2024-05-13", "5", "15"),
            Line("gpt-4o-mini", "0.15", "0.6", "0.075"),
            Line("gpt-4.1", "2", "8", "0.5"),
            Line("gpt-4.1-mini", "0.4", "1.6", "0.1"),
            Line("gpt-4.1-nano", "0.1", "0.4", "0.025"),
            Line("gpt-4.5-preview", "75", "150", "37.5"),
            Line("gpt-4-turbo gpt-4-0125-preview gpt-4-1106-preview gpt-4-turbo-preview", "10", "30"),
            Line("gpt-4 gpt-4-0613 gpt-4-0314", "30", "60"),
            Line("gpt-4-32k gpt-4-32k-0314 gpt-4-32k-0613", "60", "120"),
            Line("gpt-3.5-turbo gpt-3.5-turbo-0125", "0.5", "1.5"),
            Line("gpt-3.5-turbo-instruct", "1.5", "2"),
            Line("o1", "15", "60", "7.5"),
            Line("o1-mini", "1.1", "4.4", "0.55"),
            Line("o1-pro", "150", "600"),
            Line("o3", "2", "8", "0.5"),
            Line("o3-mini", "1.1", "4.4", "0.55"),
            Line("o3-pro", "20", "80"),
            Line("o4-mini", "1.1", "4.4", "0.275"),
            Line("text-embedding-3-small", "0.02"),
            Line("text-embedding-3-large", "0.13"),
            Line("text-embedding-ada-002", "0.1"),
            Line("gpt-image-1", "5", "40", image="10"),
        ),
    ),
    Family(
        _OPENAI,
        "https://platform.openai.com/docs/pricing",
        "2025-11-13",
        (
            Line("gpt-3.5-turbo-1106", "1", "2"),
            Line("gpt-3.5-turbo-0613", "1.5", "2"),
            Line("gpt-5 gpt-5-chat-latest gpt-5-codex", "1.25", "10", "0.125"),
            Line("gpt-5-mini", "0.25", "2", "0.025"),
            Line("gpt-5-nano", "0.05", "0.4", "0.005"),
            Line("gpt-5-pro", "15", "120"),
            Line("gpt-5.1 gpt-5.1-codex gpt-5.1-chat-latest", "1.25", "10", "0.125"),
            Line("gpt-5.1-codex-mini", "0.25", "2", "0.025"),
        ),
    ),
    Family(
        _OPENAI,
        "https://github.com/github/docs/blob/main/data/tables/copilot/models-and-pricing.yml",
        "2026-11-22",
        (
            Line("gpt-5.3-codex", "1.75", "14", "0.175"),
            Line("gpt-5.4", "2.5", "15", "0.25", long="272000 5 22.5 0.5"),
            Line("gpt-5.4-mini", "0.75", "4.5", "0.075"),
            Line("gpt-5.4-nano", "0.2", "1.25", "0.02"),
            Line("gpt-5.5", "5", "30", "0.5", long="272000 10 45 1"),
        ),
    ),
    Family(
        ("anthropic", "anthropic-openai"),
        "https://platform.claude.com/docs/en/about-claude/pricing",
        "2026-11-22",
        (
            Line("claude-fable-5-1", "10", "50", "0.25", "12.5", "20"),
            Line("claude-fable-5", "10", "50", "1", "12.5", "20"),
            Line(
                "claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5",
                *("5", "25", "0.5", "6.25", "10"),
            ),
            Line("claude-opus-4-1 claude-opus-4 claude-opus-4-0 claude-3-opus", "15", "75", "1.5", "18.75", "30"),
            Line(
                "claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4 claude-sonnet-4-0 claude-3-7-sonnet",
                *("3", "15", "0.3", "3.75", "6"),
            ),
            Line("claude-haiku-4-5", "1", "5", "0.1", "1.25", "2"),
            Line("claude-3-5-haiku", "0.8", "4", "0.08", "1", "1.6"),
            Line("claude-3-haiku", "0.25", "1.25", "0.03", "0.3", "0.5"),
        ),
    ),
    Family(
        _GOOGLE,
        "https://ai.google.dev/gemini-api/docs/pricing",
        "2026-11-22",
        (
            Line("gemini-3.1-pro-preview", "2", "12", "0.2", long="200000 4 18 0.4"),
            Line("gemini-3.5-flash", "1.5", "9", "0.15"),
        ),
    ),
    Family(
        _GOOGLE,
        "https://ai.google.dev/gemini-api/docs/pricing",
        "2025-07-04",
        (
            Line("gemini-2.5-pro", "1.25", "10", long="200000 2.5 15"),
            Line("gemini-2.5-flash", "0.3", "2.5"),
            Line("gemini-2.5-flash-lite", "0.1", "0.4"),
            Line("gemini-2.0-flash gemini-2.0-flash-001", "0.1", "0.4"),
            Line("gemini-2.0-flash-lite gemini-2.0-flash-lite-001", "0.075", "0.3"),
        ),
    ),
    Family(
        ("mistral",),
        "https://mistral.ai/pricing",
        "2025-07-04",
        (
            Line("mistral-large-2407 mistral-large-2411 pixtral-large-2411", "2", "6"),
            Line("mistral-medium-2505", "0.4", "2"),
            Line("mistral-small-2506", "0.1", "0.3"),
            Line("codestral-2501", "0.3", "0.9"),
            Line("magistral-medium-2506", "2", "5"),
            Line("magistral-small-2506", "0.5", "1.5"),
            Line("ministral-8b-2410", "0.1", "0.1"),
            Line("ministral-3b-2410", "0.04", "0.04"),
            Line("open-mistral-nemo open-mistral-nemo-2407 pixtral-12b-2409", "0.15", "0.15"),
            Line("mistral-embed", "0.1"),
        ),
    ),
    Family(
        ("xai",),
        "https://docs.x.ai/docs/models",
        "2025-07-12",
        (
            Line("grok-2-1212 grok-2-vision-1212", "2", "10"),
            Line("grok-3", "3", "15", "0.75"),
            Line("grok-3-mini", "0.3", "0.5", "0.075"),
        ),
    ),
    Family(
        ("xai",),
        "https://docs.x.ai/docs/models",
        "2025-11-27",
        (Line("grok-code-fast-1", "0.2", "1.5", "0.02"),),
    ),
    Family(
        ("cohere", "cohere-openai"),
        "https://cohere.com/pricing",
        "2025-07-04",
        (
            Line("command-a-03-2025", "2.5", "10"),
            Line("command-r-08-2024", "0.15", "0.6"),
            Line("command-r-plus-08-2024", "2.5", "10"),
            Line("command-r7b-12-2024", "0.0375", "0.15"),
            Line("embed-v4.0", "0.12"),
        ),
    ),
    Family(
        ("groq",),
        "https://groq.com/pricing",
        "2026-11-22",
        (
            Line("openai/gpt-oss-120b", "0.15", "0.6"),
            Line("llama-3.3-70b-versatile", "0.59", "0.79"),
            Line("llama-3.1-8b-instant", "0.05", "0.08"),
        ),
    ),
)
