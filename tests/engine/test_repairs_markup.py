"""Tool calls that were printed as text, with the option that reads them (`tool-markup-leak`)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import chat, dumps, play, whole
from trueline.context import FormatOptions

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("f", "g")]
READ = FormatOptions(options=("tool-markup-leak",))
CALL = '<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>'


def message(text: str, **asked: Any) -> dict[str, Any]:
    request = chat(**{"tools": TOOLS, **asked})
    body = play(dumps(whole({"role": "assistant", "content": text, "refusal": None})), request, options=READ).body
    found: dict[str, Any] = body["choices"][0]["message"]
    return found


READ_AS_CALLS: list[tuple[str, str, list[tuple[str, str]]]] = [
    (CALL, "", [("f", '{"a":1}')]),
    (
        "Sure. " + CALL + '\n<tool_call>{"name":"g","arguments":{}}</tool_call>',
        "Sure. ",
        [("f", '{"a":1}'), ("g", "{}")],
    ),
    ('[TOOL_CALLS][{"name":"f","arguments":{"a":1}}]', "", [("f", '{"a":1}')]),
    ('[TOOL_CALLS]f{"a":1}', "", [("f", '{"a":1}')]),
    ('[TOOL_CALLS]f[ARGS]{"a":1}', "", [("f", '{"a":1}')]),
    ('<|python_tag|>{"name":"f","parameters":{"a":1}}<|eom_id|>', "", [("f", '{"a":1}')]),
    ('<function=f>{"a":1}</function>', "", [("f", '{"a":1}')]),
]


@pytest.mark.parametrize(("text", "said", "calls"), READ_AS_CALLS)
def test_read(text: str, said: str, calls: list[tuple[str, str]]) -> None:
    found = message(text)

    assert found["content"] == said
    assert [(c["function"]["name"], c["function"]["arguments"]) for c in found["tool_calls"]] == calls


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"f","arguments":"{broken"}</tool_call>',
        '<tool_call>{"name":"f","arguments":[1]}</tool_call>',
        '<tool_call>{"name":"f","arguments":{}}',
        '<tool_call>{"name":"nobody","arguments":{}}</tool_call>',
        '<tool_call>{"arguments":{}}</tool_call>',
        '[TOOL_CALLS]f{"a":1',
        CALL + " and so on",
        f"Write `{CALL}` for that.",
    ],
)
def test_left_as_it_came(text: str) -> None:
    found = message(text)

    assert found["content"] == text
    assert "tool_calls" not in found


def test_no_call_is_made_where_the_request_forbids_them() -> None:
    found = message(CALL, tool_choice="none")

    assert found["content"] == CALL
    assert "tool_calls" not in found
