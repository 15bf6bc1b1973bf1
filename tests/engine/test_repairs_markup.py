"""Tool calls that were printed as text, with the option that reads them (`tool-markup-leak`)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kit import chat, chunk, dumps, play, sse, whole
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
    (
        "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\ntwo\nlines\n</parameter>\n"
        "</function>\n</tool_call>",
        "",
        [("f", '{"a":1,"b":"two\\nlines"}')],
    ),
    (
        "<function=f></function>\n<function=g><parameter=a>null</parameter></function>",
        "",
        [("f", "{}"), ("g", '{"a":null}')],
    ),
    (
        'Sure.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n'
        '<｜DSML｜parameter name="a" string="true">1</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="b" string="false">[2]</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        "Sure.\n\n",
        [("f", '{"a":"1","b":[2]}')],
    ),
    (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n"
        '{"a":1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        "",
        [("f", '{"a":1}')],
    ),
    (
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a":1}<｜tool▁call▁end｜>'
        "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
        "",
        [("f", '{"a":1}'), ("g", "{}")],
    ),
    (
        '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"a":1}'
        "<|tool_call_end|><|tool_calls_section_end|>",
        "",
        [("f", '{"a":1}')],
    ),
    ('<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}<|call|>', "", [("f", '{"a":1}')]),
    ('<|start|>assistant<|channel|>commentary to=functions.f<|message|>{"a":1}', "", [("f", '{"a":1}')]),
]


@pytest.mark.parametrize(("text", "said", "calls"), READ_AS_CALLS)
def test_read(text: str, said: str, calls: list[tuple[str, str]]) -> None:
    found = message(text)

    assert found["content"] == (said or None)
    assert [(c["function"]["name"], c["function"]["arguments"]) for c in found["tool_calls"]] == calls


@pytest.mark.parametrize(("text", "said", "calls"), READ_AS_CALLS)
def test_read_of_a_stream(text: str, said: str, calls: list[tuple[str, str]]) -> None:
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": c}) for c in text), chunk({}, "stop")]

    played = play(sse(*chunks), chat(stream=True, tools=TOOLS), options=READ)

    deltas = [d for c in played.payloads for choice in c["choices"] for d in [choice["delta"]]]
    assert "".join(d.get("content") or "" for d in deltas) == said
    found = [call["function"] for d in deltas for call in d.get("tool_calls", ())]
    assert [f["name"] for f in found if "name" in f] == [name for name, _ in calls]
    assert "".join(f["arguments"] for f in found) == "".join(arguments for _, arguments in calls)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"f","arguments":"{broken"}</tool_call>',
        '<tool_call>{"name":"f","arguments":[1]}</tool_call>',
        '<tool_call>{"name":"f","arguments":{}}',
        '<tool_call>{"name":"nobody","arguments":{}}</tool_call>',
        '<tool_call>{"arguments":{}}</tool_call>',
        '[TOOL_CALLS]f{"a":1',
        "<tool_call><function=f><parameter=a>1</parameter></function>",
        "<function=f><parameter=a>1</parameter>and</function>",
        "<function=f><parameter=a>1</parameter><parameter=a>2</parameter></function>",
        '<｜DSML｜invoke name="nobody"></｜DSML｜invoke>',
        "<｜tool▁calls▁begin｜><｜tool▁calls▁end｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>[1]<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{",
        "<|channel|>commentary to=functions.f<|message|>not JSON<|call|>",
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
