"""OpenAI's requests as Converse's, held against AWS's own service model and against recorded requests."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from dialects.kit import Notes, all_records, chat, play, play_at_cuts, said, written
from dialects.test_bedrock import event, stream, whole
from trueline.dialects.bedrock import DIALECT
from trueline.dialects.provider import Asked, Fetched, FileNeeded
from trueline.errors import RequestError

Fields = dict[str, Any]

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
NEW_CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object", "properties": {}}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


# -- requests ---------------------------------------------------------------------------------------------------------

SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")


def accepted(body: Fields, model: str = CLAUDE, operation: str = "Converse") -> None:
    """AWS's own SDK would send this."""
    shape = SERVICE.operation_model(operation).input_shape
    report = ParamValidator().validate({"modelId": model, **_bytes(body)}, shape)
    assert not report.has_errors(), report.generate_report()


def _bytes(value: Any) -> Any:
    """Blobs as the SDK takes them."""
    if isinstance(value, dict):
        return {k: base64.b64decode(v) if k in ("bytes", "redactedContent") else _bytes(v) for k, v in value.items()}
    return [_bytes(one) for one in value] if isinstance(value, list) else value


CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [{"type": "text", "text": "In Latin.", "cache_control": {"type": "ephemeral"}}]},
    {"role": "user", "content": [{"type": "text", "text": "So?"}, {"type": "image_url", "image_url": {"url": PNG}}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call 2!"}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
    {"role": "tool", "tool_call_id": "call 2!", "content": ""},
    {"role": "user", "content": "And tomorrow?"},
]  # fmt: skip


def test_a_conversation_with_parallel_calls() -> None:
    sent = written(DIALECT, CLAUDE, messages=CONVERSATION, tools=[WEATHER], stop=["END", ""], temperature=0.5)
    accepted(sent)
    assert sent["system"] == [{"text": "Be brief."}, {"text": "In Latin."}, {"cachePoint": {"type": "default"}}]
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    calls = [block["toolUse"] for block in sent["messages"][1]["content"]]
    results = [block["toolResult"] for block in sent["messages"][2]["content"] if "toolResult" in block]
    assert [call["toolUseId"] for call in calls] == [result["toolUseId"] for result in results]
    assert sent["messages"][2]["content"][-1] == {"text": "And tomorrow?"}
    assert sent["inferenceConfig"] == {"temperature": 0.5, "stopSequences": ["END"]}


TOOL_CHOICES: list[tuple[Any, Any]] = [
    (None, None),
    ("auto", {"auto": {}}),
    ("required", {"any": {}}),
    ({"type": "function", "function": {"name": "weather"}}, {"tool": {"name": "weather"}}),
]


@pytest.mark.parametrize(("choice", "expected"), TOOL_CHOICES)
def test_every_tool_choice(choice: Any, expected: Any) -> None:
    sent = written(DIALECT, CLAUDE, tools=[WEATHER], tool_choice=choice)
    accepted(sent)
    assert sent["toolConfig"].get("toolChoice") == expected


def test_no_tools_are_told_where_none_may_be_used() -> None:
    assert "toolConfig" not in written(DIALECT, CLAUDE, tools=[WEATHER], tool_choice="none")


def test_a_conversation_that_used_tools_is_told_of_them() -> None:
    sent = written(DIALECT, CLAUDE, messages=CONVERSATION)
    accepted(sent)
    assert [tool["toolSpec"]["name"] for tool in sent["toolConfig"]["tools"]] == ["weather"]


def test_a_schema_goes_to_models_that_know_schemas() -> None:
    sent = written(DIALECT, NEW_CLAUDE, response_format=SCHEMA)
    accepted(sent, NEW_CLAUDE)
    assert sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["name"] == "city"


@pytest.mark.parametrize("kind", [SCHEMA, {"type": "json_object"}])
def test_other_models_answer_by_a_call_that_is_unwrapped(kind: Fields) -> None:
    sent = written(DIALECT, CLAUDE, response_format=kind)
    accepted(sent)
    assert sent["toolConfig"]["toolChoice"] == {"tool": {"name": "json_answer"}}
    call = {"toolUse": {"toolUseId": "t", "name": "json_answer", "input": {"city": "Rome"}}}
    choice = play(DIALECT, whole(call, stop="tool_use"), response_format=kind).body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ('{"city":"Rome"}', "stop")
    assert "tool_calls" not in choice["message"]
    data = stream(
        event("contentBlockStart", contentBlockIndex=0, start={"toolUse": {"toolUseId": "t", "name": "json_answer"}}),
        event("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": {"input": '{"city":"Rome"}'}}),
        stop="tool_use",
    )
    streamed = play_at_cuts(DIALECT, data, stream=True, response_format=kind)
    assert said(streamed.chunks) == '{"city":"Rome"}'
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (NEW_CLAUDE, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("amazon.nova-2-lite-v1:0", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "low"}),
        ("qwen.qwen3-32b-v1:0", {"reasoning_config": "low"}),
    ],
)
def test_effort_is_told_as_the_model_knows_it(model: str, expected: Fields) -> None:
    sent = written(DIALECT, model, reasoning_effort="low", temperature=1, max_completion_tokens=5000)
    accepted(sent, model)
    assert sent["additionalModelRequestFields"] == expected


def test_documents_have_names_of_their_own() -> None:
    pdf = {"type": "file", "file": {"filename": "a_b.c?.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}}
    sent = written(DIALECT, CLAUDE, messages=[{"role": "user", "content": [pdf, pdf, {"type": "text", "text": "?"}]}])
    accepted(sent)
    assert [b["document"]["name"] for b in sent["messages"][0]["content"][:2]] == ["a-b-c-", "a-b-c- 2"]


def test_pictures_of_elsewhere_are_fetched_first() -> None:
    url = "https://example.com/a.jpg"
    request = chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    with pytest.raises(FileNeeded) as needed:
        DIALECT.write_request(request, Notes().asked(CLAUDE))
    assert needed.value.urls == [url]
    asked = Asked(CLAUDE, Notes().append, files={url: Fetched("image/jpeg", b"\xff\xd8")})
    sent = json.loads(DIALECT.write_request(request, asked).body)
    accepted(sent)
    assert sent["messages"][0]["content"][0]["image"] == {"format": "jpeg", "source": {"bytes": "/9g="}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seed": 1}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"n": 2}, "n"),
        ({"temperature": 1.5}, "temperature"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, CLAUDE, **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    if "tools" not in fields:
        notes = Notes()
        request = DIALECT.write_request(chat(**fields), notes.asked(CLAUDE, drop=True))
        accepted(json.loads(request.body))
        assert notes == [f"{param} dropped"]


def test_the_model_is_part_of_the_path() -> None:
    request = DIALECT.write_request(
        chat(stream=True), Notes().asked("arn:aws:bedrock:us-east-1::foundation-model/a.b:0")
    )
    assert request.path == "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fa.b%3A0/converse-stream"


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked in OpenAI's words, is the same request again."""
    seen = 0
    for row in all_records(shared, "bedrock"):
        native = row["request"]["body"]
        asked = _openai(native)
        if asked is None:
            continue
        seen += 1
        path = row["request"]["path"]
        sent = written(DIALECT, NEW_CLAUDE, **asked)
        accepted(sent, NEW_CLAUDE)
        for name in ("system", "messages", "inferenceConfig"):
            expected = _in_turns(native[name]) if name == "messages" else native.get(name)
            assert _said(sent.get(name)) == _said(expected), (path, name)
        tools = [tool["toolSpec"]["name"] for tool in (native.get("toolConfig") or {}).get("tools") or []]
        assert [tool["toolSpec"]["name"] for tool in (sent.get("toolConfig") or {}).get("tools") or []] == tools
        assert (sent.get("toolConfig") or {}).get("toolChoice") == (native.get("toolConfig") or {}).get("toolChoice")
    assert seen > 40


def _in_turns(messages: list[Fields]) -> list[Fields]:
    """User and assistant in turn."""
    turns: list[Fields] = []
    for message in messages:
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1] = {"role": message["role"], "content": turns[-1]["content"] + message["content"]}
        else:
            turns.append(message)
    return turns


def _said(value: Any) -> Any:
    """Without what says nothing."""
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one != []}
    return value or None


def _openai(native: Fields) -> Fields | None:
    """A recorded request in OpenAI's words; None where it says what those cannot."""
    messages: list[Fields] = [
        {"role": "system", "content": b["text"]} for b in native.get("system") or [] if "text" in b
    ]
    if len(messages) != len(native.get("system") or []):
        return None
    for turn in native["messages"]:
        turns = _turns(turn)
        if turns is None:
            return None
        messages += turns
    config = native.get("inferenceConfig") or {}
    names = {
        "maxTokens": "max_completion_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop",
    }
    asked: Fields = {"messages": messages} | {names[name]: value for name, value in config.items()}
    tools = native.get("toolConfig") or {}
    if any("toolSpec" not in tool for tool in tools.get("tools") or []):
        return None
    if tools:
        asked["tools"] = [
            {
                "type": "function",
                "function": {"name": t["toolSpec"]["name"], "parameters": t["toolSpec"]["inputSchema"]["json"]},
            }
            for t in tools["tools"]
        ]
    choice = tools.get("toolChoice")
    if choice is not None:
        kind = next(iter(choice))
        named = {"type": "function", "function": {"name": choice[kind].get("name")}}
        asked["tool_choice"] = {"auto": "auto", "any": "required", "tool": named}[kind]
    return asked


def _turns(turn: Fields) -> list[Fields] | None:
    content = turn["content"]
    if all("text" in block for block in content):
        return [{"role": turn["role"], "content": [{"type": "text", "text": block["text"]} for block in content]}]
    if turn["role"] == "assistant" and all("text" in block or "toolUse" in block for block in content):
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        return [
            {
                "role": "assistant",
                "content": [{"type": "text", "text": block["text"]} for block in content if "text" in block],
                "tool_calls": [
                    {
                        "id": call["toolUseId"],
                        "type": "function",
                        "function": {"name": call["name"], "arguments": json.dumps(call["input"])},
                    }
                    for call in calls
                ],
            }
        ]
    return None


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_claude_does_not_think_where_a_call_is_forced(choice: Any) -> None:
    fields: Fields = {"tools": [WEATHER], "tool_choice": choice, "reasoning_effort": "low"}
    with pytest.raises(RequestError) as refused:
        written(DIALECT, NEW_CLAUDE, **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "reasoning_effort")
    notes = Notes()
    sent = json.loads(DIALECT.write_request(chat(**fields), notes.asked(NEW_CLAUDE, drop=True)).body)
    assert notes == ["reasoning_effort dropped"]
    assert "additionalModelRequestFields" not in sent
    assert written(DIALECT, "amazon.nova-pro-v1:0", **fields)["additionalModelRequestFields"]


def test_an_answer_as_a_call_of_a_model_that_thinks_is_one_call() -> None:
    fields: Fields = {"response_format": {"type": "json_object"}, "reasoning_effort": "low"}
    sent = written(DIALECT, NEW_CLAUDE, **fields)
    assert "toolChoice" not in sent["toolConfig"]
    more = sent["additionalModelRequestFields"]
    assert more["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in written(DIALECT, NEW_CLAUDE, tools=[WEATHER], **fields)["additionalModelRequestFields"]
