"""What holds for the requests of every dialect: nothing that a client said is lost without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialects.kit import Notes, chat
from trueline.dialects.provider import DIALECTS, Fetched, dialect_of
from trueline.errors import RequestError

Fields = dict[str, Any]

CHATS = [name for name in DIALECTS if dialect_of(name).chats]
MODELS = {
    "anthropic": "claude-opus-4-6",
    "anthropic_bedrock": "claude-opus-4-6",
    "bedrock": "anthropic.claude-opus-4-6-v1:0",
    "gemini": "gemini-3-flash",
    "openai_responses": "gpt-5",
}
PNG = "data:image/png;base64,iVBORw0KGgo="
CACHE = {"cache_control": {"type": "ephemeral"}}

SAID: dict[str, tuple[list[Fields], str]] = {
    "user": ([{"role": "user", "name": "Ann", "content": "Ann speaks"}], "messages[0].name"),
    "system": (
        [{"role": "system", "name": "Ann", "content": "x"}, {"role": "user", "content": "x"}],
        "messages[0].name",
    ),
    "cache": (
        [{"role": "user", "content": [{"type": "text", "text": "long", **CACHE}]}],
        "messages[0].content[0].cache_control",
    ),
    "cached message": ([{"role": "user", "content": "long", **CACHE}], "messages[0].cache_control"),
    "detail": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}]}],
        "messages[0].content[0].image_url.detail",
    ),
    "thoughts": (
        [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y", "reasoning_content": "because"},
            {"role": "user", "content": "z"},
        ],
        "messages[1].reasoning_content",
    ),
    "sound": (
        [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y", "audio": {"id": "a"}},
            {"role": "user", "content": "z"},
        ],
        "messages[1].audio",
    ),
}
CALLS = [
    {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {}}}}
]
MARKED = [{"type": "function", "function": {"name": "f"}, **CACHE}]


def asked(dialect: str, *, drop: bool = False, **fields: Any) -> tuple[str, list[str]]:
    """The native request, and what was named."""
    notes = Notes()
    way = notes.asked(MODELS.get(dialect, "m"), drop=drop)._replace(
        files={"https://h/a.png": Fetched("image/png", b"x")}
    )
    request = chat(**fields)
    return dialect_of(dialect).write_request(request, way).body.decode(), list(notes)


@pytest.mark.parametrize(
    ("dialect", "what"),
    [(name, what) for name in CHATS for what in SAID if (name, what) != ("hf_tgi", "detail")],  # it has no pictures
)
def test_members_of_messages(dialect: str, what: str) -> None:
    messages, name = SAID[what]
    body, notes = asked(dialect, messages=messages)
    kept = {"user": '"Ann"', "system": '"Ann"', "cache": "ache", "cached message": "ache", "detail": "high"}
    told = {"thoughts": "because", "sound": '"audio"'}
    assert (f"{name} dropped" in notes) != ({**kept, **told}[what] in body), (notes, body)


@pytest.mark.parametrize("dialect", [name for name in CHATS if name != "hf_tgi"])
@pytest.mark.parametrize(
    ("tools", "name", "kept"),
    [(CALLS, "tools[0].function.strict", "strict"), (MARKED, "tools[0].cache_control", "ache")],
    ids=["strict", "cache"],
)
def test_members_of_tools(dialect: str, tools: list[Fields], name: str, kept: str) -> None:
    body, notes = asked(dialect, tools=tools)
    assert (f"{name} dropped" in notes) != (kept in body), (notes, body)


@pytest.mark.parametrize("dialect", CHATS)
def test_what_says_nothing_is_not_named(dialect: str) -> None:
    nothing: Fields = {"refusal": None, "annotations": [], "audio": None, "tool_calls": None}
    said: Fields = {"role": "assistant", "content": "y", **nothing}
    user = {"role": "user", "name": None, "content": [{"type": "text", "text": "x", "cache_control": None}]}
    assert asked(dialect, messages=[user, said, user])[1] == []


def named(name: str) -> Fields:
    return {"type": "function", "function": {"name": name}}


REFUSED: list[tuple[str, Fields, str, str | None]] = [
    ("effort", {"reasoning_effort": "ultra"}, "reasoning_effort", "invalid_value"),
    ("effort of a number", {"reasoning_effort": 3}, "reasoning_effort", "invalid_type"),
    ("stop", {"stop": [1]}, "stop[0]", "invalid_type"),
    ("required", {"tool_choice": "required"}, "tool_choice", None),
    ("required of none", {"tool_choice": "required", "tools": []}, "tool_choice", None),
    ("named of none", {"tool_choice": named("f")}, "tool_choice", None),
    ("another", {"tool_choice": named("g"), "tools": CALLS}, "tool_choice", None),
    (
        "another allowed",
        {
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named("g")]}},
            "tools": CALLS,
        },
        "tool_choice",
        None,
    ),
]


@pytest.mark.parametrize("dialect", CHATS)
@pytest.mark.parametrize("drop", [False, True], ids=["error", "drop"])
@pytest.mark.parametrize(("fields", "param", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_openai_refuses(dialect: str, drop: bool, fields: Fields, param: str, code: str | None) -> None:
    with pytest.raises(RequestError) as refused:
        asked(dialect, drop=drop, **fields)
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, param, code)


@pytest.mark.parametrize("dialect", CHATS)
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_words_for_effort_are_openais(dialect: str, effort: str) -> None:
    asked(dialect, drop=True, reasoning_effort=effort)


SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
PAPER = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}
RESULT = [
    {"role": "user", "content": "x"},
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "look"}, PICTURE]},
]
CUSTOM = {"type": "custom", "custom": {"name": "g"}}

BEYOND: dict[str, Fields] = {
    "sound": {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, SOUND]}]},
    "file": {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, PAPER]}]},
    "picture": {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, PICTURE]}]},
    "picture in a result": {"messages": RESULT, "tools": CALLS},
    "custom tool": {"tools": [*CALLS, CUSTOM]},
}


@pytest.mark.parametrize("dialect", CHATS)
@pytest.mark.parametrize("fields", BEYOND.values(), ids=list(BEYOND))
def test_one_rule_for_what_cannot_be_said(dialect: str, fields: Fields) -> None:
    """What `error` refuses by name, `drop` leaves out by the same name."""
    try:
        notes = asked(dialect, **fields)[1]
    except RequestError as refused:
        assert refused.code == "unsupported_parameter"
        assert f"{refused.param} dropped" in asked(dialect, drop=True, **fields)[1]
    else:
        assert notes == [] or all(note.endswith((" dropped", "unknown")) for note in notes)


ALLOWED: Fields = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named("f")]}}
TWO = [*CALLS, {"type": "function", "function": {"name": "not_this"}}]


@pytest.mark.parametrize("dialect", [name for name in CHATS if name != "hf_tgi"])
def test_allowed_tools_are_those_that_are_shown(dialect: str) -> None:
    body, notes = asked(dialect, tools=TWO, tool_choice=ALLOWED)
    assert [note for note in notes if "strict" not in note] == []
    assert ("not_this" in body) == (dialect in ("gemini", "openai_responses"))  # these have words for it


def test_bedrock_is_made_to_call_an_allowed_one() -> None:
    required = {**ALLOWED, "allowed_tools": {**ALLOWED["allowed_tools"], "mode": "required"}}
    config = json.loads(asked("bedrock", tools=TWO, tool_choice=required)[0])["toolConfig"]
    assert config["toolChoice"] == {"any": {}}
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["f"]
