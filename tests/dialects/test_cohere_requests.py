"""OpenAI's requests as Cohere's, held against the types of its own SDK and against recorded requests."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from cohere.core.unchecked_base_model import construct_type
from cohere.types import ChatMessageV2, ResponseFormatV2, Thinking, ToolV2
from cohere.v2.client import V2Client

from dialects.kit import Notes, all_records, chat, written
from trueline.dialects.cohere import DIALECT
from trueline.errors import RequestError
from trueline.messages import read_embedding_request

Fields = dict[str, Any]

MODEL = "command-a-03-2025"
PARAMETERS = set(inspect.signature(V2Client.chat).parameters) - {"self", "request_options"} | {"stream"}
MESSAGE: Any = ChatMessageV2
TYPES: dict[str, Any] = {"response_format": ResponseFormatV2, "thinking": Thinking}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
OTHER = {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def accepted(body: Fields) -> None:
    """Cohere's SDK has each parameter, and reads back the same from each value that it has a type for."""
    assert set(body) <= PARAMETERS
    for message in body["messages"]:
        read = construct_type(type_=MESSAGE, object_=message)
        assert type(read).__name__.lower().startswith(message["role"]), read
        assert json.loads(read.json(exclude_unset=True)) == message
    for tool in body.get("tools", []):
        assert json.loads(construct_type(type_=ToolV2, object_=tool).json(exclude_unset=True)) == tool
    for name in TYPES.keys() & body.keys():
        assert json.loads(construct_type(type_=TYPES[name], object_=body[name]).json(exclude_unset=True))


def test_a_conversation_with_tools_and_pictures() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "weather", "arguments": "{}"}} for n in range(2)]
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    sent = written(
        DIALECT,
        MODEL,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"}, picture]},
            {"role": "assistant", "content": None, "tool_calls": calls, "tool_plan": "I look."},
            {"role": "tool", "tool_call_id": "c0", "content": "Sunny"},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "Rain"}]},
            {"role": "assistant", "content": "Mixed.", "reasoning_content": "Hm."},
            {"role": "user", "content": "Thanks"},
        ],
        tools=[TOOL],
        max_completion_tokens=9,
        stop=["END"],
        top_p=0.5,
        top_k=3,
        seed=1,
    )
    accepted(sent)
    assert [message["role"] for message in sent["messages"]] == [
        *("system", "user", "assistant", "tool", "tool", "assistant", "user")
    ]
    assert sent["messages"][2] == {"role": "assistant", "tool_calls": calls, "tool_plan": "I look."}
    assert [message["content"] for message in sent["messages"][3:5]] == ["Sunny", "Rain"]
    assert sent["messages"][5]["content"][0] == {"type": "thinking", "thinking": "Hm."}
    assert (sent["max_tokens"], sent["stop_sequences"], sent["p"], sent["k"], sent["seed"]) == (9, ["END"], 0.5, 3, 1)


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        ("auto", None, ["weather", "time"]),
        ("none", "NONE", ["weather", "time"]),
        ("required", "REQUIRED", ["weather", "time"]),
        ({"type": "function", "function": {"name": "time"}}, "REQUIRED", ["time"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}, None, ["weather"]),
    ],
)
def test_every_tool_choice(choice: Any, expected: str | None, names: list[str]) -> None:
    sent = written(DIALECT, MODEL, tools=[TOOL, OTHER], tool_choice=choice)
    accepted(sent)
    assert sent.get("tool_choice") == expected
    assert [tool["function"]["name"] for tool in sent["tools"]] == names


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format", {"type": "json_object"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            "response_format",
            {"type": "json_object", "json_schema": SCHEMA},
        ),
        ({"reasoning_effort": "none"}, "thinking", {"type": "disabled"}),
        ({"reasoning_effort": "low"}, "thinking", {"type": "enabled", "token_budget": 1024}),
        ({"reasoning_effort": "high"}, "thinking", {"type": "enabled"}),
        ({"documents": ["So."]}, "documents", ["So."]),
        ({"frequency_penalty": 0.5}, "frequency_penalty", 0.5),
        ({"stream": True}, "stream", True),
    ],
)
def test_parameters(fields: Fields, name: str, value: Any) -> None:
    sent = written(DIALECT, MODEL, **fields)
    accepted(sent)
    assert sent[name] == value


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"presence_penalty": -1}, "presence_penalty"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, MODEL, **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    notes = Notes()
    sent = json.loads(DIALECT.write_request(chat(**fields), notes.asked(MODEL, drop=True)).body)
    accepted(sent)
    assert notes == [f"{param} dropped"]
    assert param not in sent


def test_embeddings() -> None:
    assert DIALECT.embeddings is not None
    request = read_embedding_request(json.dumps({"model": "m", "input": ["a", "b"], "dimensions": 256}).encode())
    sent = DIALECT.embeddings.write(request, Notes().asked("embed-v4.0"))
    assert sent.path == "/v2/embed"
    assert json.loads(sent.body) == {
        "model": "embed-v4.0",
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    payload = {"embeddings": {"float": [[0.5], [1.5]]}, "meta": {"billed_units": {"input_tokens": 2}}}
    reply = DIALECT.embeddings.read(payload, request)
    assert [item["embedding"] for item in reply["data"]] == [[0.5], [1.5]]
    assert reply["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    tokens = read_embedding_request(json.dumps({"model": "m", "input": [[1, 2]]}).encode())
    with pytest.raises(RequestError, match="takes texts"):
        DIALECT.embeddings.write(tokens, Notes().asked("m"))


def test_recorded_embeddings_are_read(shared: Path) -> None:
    assert DIALECT.embeddings is not None
    rows = [row for row in all_records(shared, "embeddings_other") if row["dialect"] == "cohere-embed"]
    for row in rows:
        asked = {"model": "m", "input": row["request"]["body"]["texts"]}
        reply = DIALECT.embeddings.read(
            json.loads(row["response"]["body"]), read_embedding_request(json.dumps(asked).encode())
        )
        assert len(reply["data"]) == len(asked["input"])
        assert reply["usage"]["prompt_tokens"] > 0
    assert rows


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked in OpenAI's words, is the same request again."""
    seen = 0
    for row in all_records(shared, "cohere"):
        native = row["request"]["body"]
        if any("document" in part for m in native["messages"] for part in _parts(m)):
            continue  # OpenAI has no documents in messages
        seen += 1
        sent = written(DIALECT, native["model"], **_openai(native))
        accepted(sent)
        assert [_said(message) for message in sent["messages"]] == [_said(message) for message in native["messages"]]
        for name in PARAMETERS - {"messages", "stream"}:
            assert (sent.get(name) or None) == (native.get(name) or None), (row["id"], name)
    assert seen > 30


def _parts(message: Fields) -> list[Fields]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _openai(native: Fields) -> Fields:
    names = ("messages", "tools", "temperature", "seed", "max_tokens")
    asked: Fields = {name: native[name] for name in names if name in native}
    asked["messages"] = [dict(message) for message in native["messages"]]
    for message in asked["messages"]:
        thoughts = [part["thinking"] for part in _parts(message) if "thinking" in part]
        if thoughts:
            message["reasoning_content"] = thoughts[0]
            message["content"] = [part for part in message["content"] if "thinking" not in part]
    asked |= {name: native[name] for name in ("documents", "thinking") if native.get(name)}
    if native.get("tool_choice"):
        asked["tool_choice"] = {"NONE": "none", "REQUIRED": "required"}[native["tool_choice"]]
    if native.get("stop_sequences"):
        asked["stop"] = native["stop_sequences"]
    return {**asked, "stream": bool(native.get("stream"))}


def _said(message: Fields) -> Any:
    """The message, however its text is wrapped."""
    content = message.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [part for part in parts if part.get("text") != ""]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    return message["role"], texts, calls, message.get("tool_call_id"), message.get("tool_plan") or None
