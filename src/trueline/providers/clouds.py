"""The model makers and the large clouds."""

from __future__ import annotations

from typing import Final

from .row import Capabilities, Provider

__all__ = ["ROWS"]

_ALL: Final = frozenset({"max_tokens", "stop", "n", "response_format", "tool_choice", "logprobs"})

ROWS: Final = (
    Provider(
        name="openai",
        title="OpenAI",
        url="https://api.openai.com/v1",
        key_env=("OPENAI_API_KEY",),
        hosts=("api.openai.com",),
        also=("custom_openai", "text-completion-openai"),
        capabilities=Capabilities(
            stream_options=True,
            usage_in_stream=False,
            developer_role=True,
            functions=True,
            content_parts=True,
            n=True,
            keeps=_ALL,
        ),
        docs="https://platform.openai.com/docs/api-reference/chat/create",
        seen="2026-11-22",
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        dialect="anthropic",
        url="https://api.anthropic.com/v1",
        auth="x-api-key",
        key_env=("ANTHROPIC_API_KEY",),
        hosts=("api.anthropic.com",),
        docs="https://docs.anthropic.com/en/api/messages",
        seen="2026-11-22",
    ),
    Provider(
        name="groq",
        title="Groq",
        url="https://api.groq.com/openai/v1",
        key_env=("GROQ_API_KEY",),
        hosts=("api.groq.com",),
        docs="https://console.groq.com/docs/openai",
        seen="2026-11-22",
    ),
)
