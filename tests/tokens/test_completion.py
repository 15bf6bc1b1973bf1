"""Tokens of completions: what stands around the text, the refusal and the calls, by family."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.tokens.completion import count_completion
from trueline.tokens.families import Count

TEXT: dict[str, Any] = {"content": "hello"}
REFUSAL: dict[str, Any] = {"content": None, "refusal": "hello"}
TOOLS: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "add"}}]}
FORMATTED: dict[str, Any] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
}
CHOSEN: dict[str, Any] = {**TOOLS, "tool_choice": {"type": "function", "function": {"name": "add"}}}


def calls(*arguments: str) -> dict[str, Any]:
    """A message that calls `add`."""
    return {"tool_calls": [{"id": "a", "function": {"name": "add", "arguments": each}} for each in arguments]}


# {"a":6,"b":7} has 9 tokens, " to=functions.add" has 4
ROWS: list[tuple[str, str | None, list[Any], dict[str, Any], Count]] = [
    ("text", "gpt-4o", [TEXT], {}, Count(1, True)),
    ("two choices", "gpt-4o", [TEXT, TEXT], {}, Count(2, True)),
    ("parts", "gpt-4o", [{"content": [{"type": "text", "text": "hello"}]}], {}, Count(1, True)),
    ("cut", "gpt-4o", [TEXT], {"cut": True}, Count(1, True)),
    ("azure counts the end", "gpt-4o", [TEXT], {"azure": True}, Count(2, True)),
    ("functions were offered", "gpt-4o", [TEXT], {"body": TOOLS}, Count(2, True)),
    ("and a form was prescribed", "gpt-4o", [TEXT], {"body": {**TOOLS, **FORMATTED}}, Count(6, True)),
    ("a form was prescribed", "gpt-4o", [TEXT], {"body": FORMATTED}, Count(1, True)),
    ("text before a call", "gpt-4o", [{**TEXT, **calls("{}")}], {"body": TOOLS}, Count(11, False)),
    ("refusal", "gpt-4o", [REFUSAL], {}, Count(2, True)),
    ("call", "gpt-4o", [calls('{"a":6,"b":7}')], {"body": TOOLS}, Count(17, True)),
    ("call, cut", "gpt-4o", [calls('{"a":6,"b":7}')], {"body": TOOLS, "cut": True}, Count(17, True)),
    ("chosen call", "gpt-4o", [calls('{"a":6,"b":7}')], {"body": CHOSEN}, Count(9, True)),
    ("call of the first models", "gpt-4-0613", [calls("{}")], {"body": TOOLS}, Count(6, False)),
    ("text after hidden thoughts", "gpt-5-mini", [TEXT], {}, Count(10, False)),
    ("text", "gpt-5.4", [TEXT], {}, Count(4, False)),
    ("thoughts", "gpt-5.4", [{**TEXT, "reasoning_content": "hello"}], {}, Count(11, False)),
    ("text of o", "o4-mini", [TEXT], {}, Count(13, False)),
    ("call of gpt-5.4", "gpt-5.4", [calls("{}")], {"body": TOOLS}, Count(12, False)),
    ("unknown model", "nobody-knows", [TEXT], {}, Count(1, False)),
    ("no model", None, [TEXT], {}, Count(1, False)),
    ("nothing", "gpt-4o", [{}], {}, Count(0, False)),
    ("noise", "gpt-4o", ["hello", None, {"content": 7, "tool_calls": "x"}], {}, Count(0, False)),
]


@pytest.mark.parametrize(("model", "messages", "options", "count"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_completions(model: str | None, messages: list[Any], options: dict[str, Any], count: Count) -> None:
    found = count_completion(messages, model, **options)
    assert found.exact == count.exact
    if model in {None, "nobody-knows"}:  # by size
        assert found.tokens >= count.tokens
    else:
        assert found.tokens == count.tokens


def test_calls_at_once_are_wrapped_in_one() -> None:
    one = count_completion([calls("{}")], "gpt-4o", body=TOOLS).tokens
    two = count_completion([calls("{}", "{}")], "gpt-4o", body=TOOLS).tokens
    assert two > 2 * one + 10


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("content", "refusal", "text", "tool_calls", "function", "custom", "name", "arguments")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    messages=st.lists(ANY, max_size=3),
    body=st.dictionaries(st.just("tools"), ANY),
    model=st.sampled_from(("gpt-4o", "o1", "x")),
)
def test_any_json_counts(messages: list[Any], body: dict[str, Any], model: str) -> None:
    assert count_completion(messages, model, body=body).tokens >= 0
