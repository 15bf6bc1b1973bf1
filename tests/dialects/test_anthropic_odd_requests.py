"""Odd requests: refused in OpenAI's words or written, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.kit import Notes
from trueline.dialects.anthropic import DIALECT
from trueline.dialects.provider import FileNeeded
from trueline.errors import RequestError
from trueline.messages import read_chat_request

LEAVES = st.none() | st.booleans() | st.integers(-2, 5000) | st.floats(0, 3) | st.text("ab \n{", max_size=3)
NAMES = st.sampled_from(
    [
        *(
            "type",
            "text",
            "image_url",
            "url",
            "file",
            "file_data",
            "file_id",
            "function",
            "name",
            "parameters",
            "schema",
        ),
        *("properties", "json_schema", "format", "content", "index", "signature", "data", "budget_tokens", "anyOf"),
        *("$defs", "$ref", "items", "additionalProperties", "approximate", "user_location", "user_id", "effort"),
    ]
)
WORDS = st.sampled_from(
    [
        *("text", "image_url", "file", "input_audio", "function", "json_schema", "json_object", "object", "enabled"),
        *("tool_use", "data:image/png;base64,aGk=", "https://a.example/x.png", "low", "none", "required", "#/$defs/a"),
    ]
)
ANYTHING = st.recursive(
    LEAVES | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
MESSAGES = st.lists(
    st.dictionaries(
        st.sampled_from(
            [
                *("content", "tool_calls", "tool_call_id", "name", "reasoning_details", "thinking_blocks", "anthropic"),
                *("refusal", "reasoning_content", "is_error", "cache_control", "function_call"),
            ]
        ),
        ANYTHING,
        max_size=4,
    ).flatmap(
        lambda message: st.sampled_from(["user", "assistant", "tool", "system"]).map(
            lambda role: {**message, "role": role}
        )
    ),
    min_size=1,
    max_size=4,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("tools", "tool_choice", "response_format", "reasoning_effort", "thinking", "output_config", "metadata"),
            *("stop", "stop_sequences", "betas", "web_search_options", "service_tier", "max_tokens", "temperature"),
            *("top_p", "top_k", "user", "output_format", "functions", "parallel_tool_calls", "stream", "reasoning"),
        ]
    ),
    ANYTHING,
    max_size=4,
)


@settings(max_examples=400, deadline=None)
@given(MESSAGES, FIELDS, st.sampled_from(["claude-3-5-haiku-latest", "claude-sonnet-4-5", "claude-opus-4-7", "x"]))
def test_odd_requests(messages: list[Any], fields: dict[str, Any], model: str) -> None:
    raw = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    for drop in (False, True):
        try:
            request = read_chat_request(raw)
            written = DIALECT.write_request(request, Notes().asked(model, drop=drop))
        except (RequestError, FileNeeded):
            continue
        body = json.loads(written.body)
        assert body["max_tokens"] is not None
        assert all(message["content"] for message in body["messages"])


@pytest.mark.parametrize("fields", [{"reasoning_effort": 5}, {"stop_sequences": "x"}, {"betas": "x"}])
def test_what_cannot_be_read_is_not_dropped_silently(fields: dict[str, Any]) -> None:
    raw = json.dumps({"model": "m", "messages": [{"role": "user", "content": "a"}], **fields}).encode()
    with pytest.raises(RequestError):
        DIALECT.write_request(read_chat_request(raw), Notes().asked("claude-sonnet-4-5"))
