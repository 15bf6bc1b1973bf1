"""Requests to Anthropic: what each of OpenAI's parameters becomes, as Anthropic's own SDK types it, and as recorded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter

from dialects.anthropic_recorded import NoEquivalentError, as_openai, meaning
from dialects.kit import Notes, all_records, chat
from trueline.dialects.anthropic import DIALECT
from trueline.dialects.anthropic.meaning import JSON_TOOL
from trueline.dialects.anthropic.models import model
from trueline.dialects.provider import Asked, Fetched, FileNeeded, dialect_of
from trueline.errors import RequestError

types = pytest.importorskip("anthropic.types")
beta = pytest.importorskip("anthropic.types.beta")

Fields = dict[str, Any]

OLD, BUDGET, NEW = "claude-3-5-haiku-20241022", "claude-sonnet-4-5", "claude-opus-4-7"
WEATHER: Fields = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}
TIME = {"type": "function", "function": {"name": "time", "description": "Tells it"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
MARK = {"cache_control": {"type": "ephemeral"}}
THINKING = {"type": "enabled", "budget_tokens": 2000}
SOUND = {"type": "input_audio", "input_audio": {"data": "aGk="}}
PNG = base64.b64encode(b"\x89PNG").decode()
PDF = base64.b64encode(b"%PDF-").decode()

_PARAMS = TypeAdapter(types.message_create_params.MessageCreateParamsBase)
_SAMPLING = {"temperature", "top_p", "top_k"}
"""Of version 2023-06-01; the SDK has the types of a later one, which lacks them."""
_KNOWN = set(get_type_hints(beta.message_create_params.MessageCreateParamsBase)) | _SAMPLING | {"stream"}


def forced(value: Any) -> Any:
    """Look at all of it: pydantic checks what is iterable only then."""
    if isinstance(value, dict):
        return {name: forced(inner) for name, inner in value.items()}
    if isinstance(value, str | bytes | int | float | None):
        return value
    return [forced(inner) for inner in value] if isinstance(value, list | Iterator) else list(map(forced, value))


def checked(body: Fields) -> Fields:
    """A body that the provider's SDK would send."""
    assert body.keys() <= _KNOWN
    forced(_PARAMS.validate_python(body))
    return body


def written(model: str = BUDGET, *, drop: bool = False, notes: Notes | None = None, **fields: Any) -> Fields:
    asked = (Notes() if notes is None else notes).asked(model, drop=drop)
    return checked(json.loads(DIALECT.write_request(chat(**fields), asked).body))


# -- messages ---------------------------------------------------------------------------------------------------------


def test_a_plain_request() -> None:
    request = DIALECT.write_request(chat(), Notes().asked(BUDGET))
    assert (request.path, request.headers) == ("/v1/messages", ((b"anthropic-version", b"2023-06-01"),))
    assert json.loads(request.body) == {
        "model": BUDGET,
        "max_tokens": 21_333,
        "messages": [{"role": "user", "content": "hi"}],
    }


MESSAGES: list[tuple[list[Fields], Fields]] = [
    (
        [
            {"role": "system", "content": "Be"},
            {"role": "developer", "content": "kind"},
            {"role": "user", "content": "a"},
        ],
        {
            "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind"}],
            "messages": [{"role": "user", "content": "a"}],
        },
    ),
    (
        [{"role": "system", "content": [{"type": "text", "text": "Be", **MARK}]}, {"role": "user", "content": "a"}],
        {"system": [{"type": "text", "text": "Be", **MARK}], "messages": [{"role": "user", "content": "a"}]},
    ),
    ([{"role": "system", "content": "Be"}], {"messages": [{"role": "user", "content": "Be"}]}),
    (
        [{"role": "user", "content": "a"}, {"role": "user", "content": "b", **MARK}],
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", **MARK}]}
            ]
        },
    ),
    (
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    {"type": "image_url", "image_url": {"url": "https://a.example/x.jpg"}},
                    {"type": "file", "file": {"filename": "x.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
                    {"type": "file", "file": {"filename": "x.txt", "file_data": "data:text/plain;base64,aGk="}},
                ],
            }
        ],
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.jpg"}},
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                            "title": "x.pdf",
                        },
                        {
                            "type": "document",
                            "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                            "title": "x.txt",
                        },
                    ],
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(("messages", "expected"), MESSAGES)
def test_messages(messages: list[Fields], expected: Fields) -> None:
    body = written(messages=messages)
    assert {name: body[name] for name in ("system", "messages") if name in body} == expected


def test_parallel_calls_and_their_results_are_one_turn_each() -> None:
    calls = [
        {"id": f"call.{n}", "type": "function", "function": {"name": "weather", "arguments": f'{{"n":{n}}}'}}
        for n in range(2)
    ]
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    body = written(
        messages=[
            {"role": "user", "content": "Look"},
            {"role": "assistant", "content": "Well", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call.0", "content": "wet"},
            {"role": "tool", "tool_call_id": "call.1", "content": [picture], "is_error": True},
            {"role": "user", "content": "And?"},
        ],
        tools=[WEATHER],
    )
    uses = [{"type": "tool_use", "id": f"call_{n}", "name": "weather", "input": {"n": n}} for n in range(2)]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert body["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "Well"}, *uses]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_0", "content": "wet"},
                {"type": "tool_result", "tool_use_id": "call_1", "content": [image], "is_error": True},
                {"type": "text", "text": "And?"},
            ],
        },
    ]


def test_ids_that_the_api_refuses_do_not_become_those_of_others() -> None:
    def call(identity: str) -> Fields:
        return {"id": identity, "type": "function", "function": {"name": "f", "arguments": "{}"}}

    given = ["a b", "a_b", "a.b"]
    messages: list[Fields] = [{"role": "assistant", "content": None, "tool_calls": [call(one) for one in given]}]
    messages += [{"role": "tool", "tool_call_id": one, "content": one} for one in reversed(given)]
    body = written(messages=[{"role": "user", "content": "hi"}, *messages])
    assert [block["id"] for block in body["messages"][1]["content"]] == ["a_b", "a_b_", "a_b__"]
    results = {block["content"]: block["tool_use_id"] for block in body["messages"][2]["content"]}
    assert results == {"a b": "a_b", "a_b": "a_b_", "a.b": "a_b__"}


def test_files_that_have_to_be_fetched() -> None:
    url = "http://a.example/x.png"
    request = chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    asked = Notes().asked(BUDGET)
    with pytest.raises(FileNeeded) as needed:
        DIALECT.write_request(request, asked)
    assert needed.value.urls == [url]
    again: Asked = asked._replace(files={url: Fetched("image/png", b"\x89PNG")})
    body = checked(json.loads(DIALECT.write_request(request, again).body))
    assert body["messages"][0]["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}


def test_the_beginning_of_an_answer_ends_in_no_blank() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "So: \n"}]
    assert written(messages=turns)["messages"][-1] == {"role": "assistant", "content": "So:"}
    turns[-1]["content"] = " "
    assert written(messages=turns)["messages"] == turns[:1]


def test_documents_elsewhere() -> None:
    part = {"type": "file", "file": {"file_url": "https://a.example/x.pdf"}}
    body = written(messages=[{"role": "user", "content": [part]}])
    source = {"type": "url", "url": "https://a.example/x.pdf"}
    assert body["messages"][0]["content"] == [{"type": "document", "source": source}]
    part["file"] = {"file_url": "https://a.example/x.txt"}
    with pytest.raises(FileNeeded):
        written(messages=[{"role": "user", "content": [part]}])


def test_an_upload_names_its_beta() -> None:
    part = {"type": "file", "file": {"file_id": "file_1"}}
    request = DIALECT.write_request(chat(messages=[{"role": "user", "content": [part]}]), Notes().asked(BUDGET))
    assert (b"anthropic-beta", b"files-api-2025-04-14") in request.headers


# -- thoughts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "effort", "expected"),
    [
        (BUDGET, "low", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (BUDGET, "high", {"thinking": {"type": "enabled", "budget_tokens": 15_999}}),
        (BUDGET, "none", {}),
        ("claude-opus-4-6", "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ("claude-opus-4-6", "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        (
            NEW,
            "xhigh",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
        ),
        ("claude-sonnet-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-fable-5", "none", {"output_config": {"effort": "low"}}),
    ],
)
def test_reasoning_effort(name: str, effort: str, expected: Fields) -> None:
    body = written(name, reasoning_effort=effort)
    assert {key: body[key] for key in ("thinking", "output_config") if key in body} == expected
    assert body.get("thinking", {}).get("budget_tokens", 0) < body["max_tokens"]


def test_effort_that_cannot_be() -> None:
    cases: list[tuple[str, Fields]] = [(BUDGET, {"max_tokens": 1000}), (OLD, {})]
    for name, more in cases:
        fields = {"reasoning_effort": "low", **more}
        with pytest.raises(RequestError) as refused:
            written(name, **fields)
        assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "reasoning_effort")
        notes = Notes()
        assert "thinking" not in written(name, drop=True, notes=notes, **fields)
        assert notes == ["reasoning_effort dropped"]


def test_signed_thoughts_go_back() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "anthropic-claude-v1", "index": 1},
    ]
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "Hm"}
    results = [{"role": "user", "content": "a"}, {"role": "tool", "tool_call_id": "c", "content": "wet"}]
    turns = [results[0], {**said, "reasoning_details": details}, results[1]]
    body = written(messages=turns, tools=[WEATHER], reasoning_effort="low")
    assert body["thinking"]["type"] == "enabled"
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "tool_use", "id": "c", "name": "weather", "input": {}},
    ]
    notes = Notes()
    body = written(messages=[results[0], said, results[1]], tools=[WEATHER], reasoning_effort="low", notes=notes)
    assert "thinking" not in body
    assert notes == [
        "messages[1].reasoning_content dropped",
        "reasoning_effort dropped: the turn under way began without thoughts",
    ]


def test_blocks_go_back_as_they_were_unless_the_message_was_changed() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    blocks = [search, found, {"type": "text", "text": "Wet"}]
    said = {"role": "assistant", "content": "Wet", "anthropic": {"content": blocks}}
    user = {"role": "user", "content": "a"}
    assert written(messages=[user, said, user])["messages"][1]["content"] == blocks
    changed = {**said, "content": "Dry"}
    assert written(messages=[user, changed, user])["messages"][1]["content"] == "Dry"


# -- tools and formats ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": {"type": "function", "function": {"name": "time"}}}, {"type": "tool", "name": "time"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
    ],
)
def test_tool_choice(fields: Fields, choice: Fields | None) -> None:
    body = written(tools=[WEATHER, TIME], **fields)
    assert body.get("tool_choice") == choice
    assert body["tools"] == [
        {"name": "weather", "input_schema": {"type": "object", "properties": {}}},
        {"name": "time", "description": "Tells it", "input_schema": {"type": "object", "properties": {}}},
    ]


def test_allowed_tools() -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "time"}}]}
    body = written(tools=[WEATHER, TIME], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [tool["name"] for tool in body["tools"]] == ["time"]
    assert body["tool_choice"] == {"type": "any"}


def test_strict_tools_where_they_are_kept() -> None:
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}, **MARK}
    assert written(tools=[strict])["tools"][0]["strict"] is True
    notes = Notes()
    assert "strict" not in written(OLD, tools=[strict], notes=notes)["tools"][0]
    assert notes == ["tools[0].function.strict dropped"]


def test_tools_of_the_provider() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert written(tools=[search])["tools"] == [search]
    where = {"type": "approximate", "approximate": {"country": "CH"}}
    body = written(web_search_options={"user_location": where})
    place = {"type": "approximate", "country": "CH"}
    assert body["tools"] == [{"type": "web_search_20250305", "name": "web_search", "user_location": place}]


def test_a_schema_where_the_model_keeps_one() -> None:
    inner = {"type": "integer", "description": "{minimum: 1}"}
    closed = {**SCHEMA, "properties": {"a": inner}, "additionalProperties": False}
    body = written(response_format=FORMAT, reasoning_effort="low")
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": closed}}
    assert "tools" not in body
    assert body["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (OLD, FORMAT),
        (BUDGET, {"type": "json_object"}),
        (BUDGET, {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}),
    ],
)
def test_an_answer_as_a_call_where_it_does_not(name: str, asked: Fields) -> None:
    body = written(name, response_format=asked)
    assert [tool["name"] for tool in body["tools"]] == [JSON_TOOL]
    assert body["tool_choice"] == {"type": "tool", "name": JSON_TOOL}
    assert written(name, response_format=asked, tools=[WEATHER])["tool_choice"] == {"type": "any"}
    assert written(name, response_format=asked, tools=[WEATHER], tool_choice="none")["tools"] == body["tools"]


def test_an_answer_as_a_call_of_a_model_that_thinks() -> None:
    fields: Fields = {"response_format": {"type": "json_object"}, "reasoning_effort": "low"}
    assert written(**fields)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert written(tools=[WEATHER], **fields)["tool_choice"] == {"type": "auto"}


# -- the other parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        (BUDGET, {"max_completion_tokens": 9}, {"max_tokens": 9}),
        (BUDGET, {"stop": "END"}, {"stop_sequences": ["END"]}),
        (BUDGET, {"temperature": 0.5, "top_k": 5}, {"temperature": 0.5, "top_k": 5}),
        (BUDGET, {"temperature": 1}, {}),
        (NEW, {"temperature": 1, "top_p": 1}, {}),
        (OLD, {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}),
        (BUDGET, {"user": "u"}, {"metadata": {"user_id": "u"}}),
        (BUDGET, {"metadata": {"user_id": "u"}}, {"metadata": {"user_id": "u"}}),
        (BUDGET, {"service_tier": "default"}, {"service_tier": "standard_only"}),
        (BUDGET, {"service_tier": "auto"}, {}),
        (BUDGET, {"thinking": THINKING}, {"thinking": THINKING}),
        (BUDGET, {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True, "max_tokens": 64_000}),
        (BUDGET, {"logprobs": False, "n": 1, "presence_penalty": 0, "seed": None}, {}),
    ],
)  # fmt: skip
def test_parameters(name: str, fields: Fields, expected: Fields) -> None:
    plain = written(name)
    assert written(name, **fields) == {**plain, **expected}


@pytest.mark.parametrize(
    ("name", "fields", "param"),
    [
        (BUDGET, {"seed": 1}, "seed"),
        (BUDGET, {"n": 2}, "n"),
        (BUDGET, {"logprobs": True}, "logprobs"),
        (BUDGET, {"frequency_penalty": 0.5}, "frequency_penalty"),
        (BUDGET, {"temperature": 1.5}, "temperature"),
        (BUDGET, {"temperature": 0.5, "top_p": 0.5}, "top_p"),
        (BUDGET, {"temperature": 0.5, "reasoning_effort": "low"}, "temperature"),
        (BUDGET, {"stop": ["\n"]}, "stop"),
        (NEW, {"temperature": 0.5}, "temperature"),
        (NEW, {"top_k": 5}, "top_k"),
        (BUDGET, {"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
        (
            BUDGET,
            {"messages": [{"role": "user", "content": [SOUND, {"type": "text", "text": "a"}]}]},
            "messages[0].content[0].input_audio.data",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said(name: str, fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(name, **fields)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "unsupported_parameter", param)
    notes = Notes()
    written(name, drop=True, notes=notes, **fields)
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("name", "family", "version", "limit"),
    [
        ("claude-3-opus-20240229", "opus", (3, 0), 4096),
        ("claude-3-5-sonnet@20241022", "sonnet", (3, 5), 8192),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "sonnet", (3, 7), 64_000),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0), 64_000),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "opus", (4, 1), 32_000),
        ("anthropic/claude-haiku-4.5", "haiku", (4, 5), 64_000),
        ("claude-sonnet-4-6", "sonnet", (4, 6), 128_000),
        ("claude-fable-5", "fable", (5, 0), 128_000),
        ("claude-mythos-preview", "mythos", (0, 0), 8192),
        ("rec-17", "", (0, 0), 8192),
    ],
)
def test_models_by_name(name: str, family: str, version: tuple[int, int], limit: int) -> None:
    known = model(name)
    assert (known.family, known.version, known.max_tokens) == (family, version, limit)


def test_the_list_of_models() -> None:
    model = {"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2025-02-19T00:00:00Z"}
    read = DIALECT.models.read if DIALECT.models is not None else None
    assert read is not None
    listed = {"id": "claude-x", "object": "model", "created": 1739923200, "owned_by": "anthropic"}
    assert read({"data": [model, 1]}) == {"object": "list", "data": [{**listed, "display_name": "Claude X"}]}
    assert read({"error": 1}) == {"error": 1}


# -- hosts ------------------------------------------------------------------------------------------------------------


def test_vertex() -> None:
    asked = Notes().asked("claude-sonnet-4-5@20250929", platform="vertex")
    request = DIALECT.write_request(chat(stream=True), asked)
    assert request.path == "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict"
    body = json.loads(request.body)
    assert (body["anthropic_version"], "model" in body, body["stream"]) == ("vertex-2023-10-16", False, True)
    places: list[Fields] = [{"platform": "vertex"}, {"host": "a.example", "base_path": "/v1/projects/p/locations/r"}]
    for place in places:
        told = Notes().asked(asked.model, **place)
        assert DIALECT.write_request(chat(stream=True), told).path == request.path
    plain = Notes().asked(asked.model, host="127.0.0.1", base_path="")
    assert DIALECT.write_request(chat(), plain).path == "/v1/messages"
    whole = DIALECT.write_request(chat(), asked)
    assert whole.path.endswith(":rawPredict")


def test_bedrock() -> None:
    dialect = dialect_of("anthropic_bedrock")
    asked = Notes().asked("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    request = dialect.write_request(chat(stream=True, betas=["x"]), asked)
    assert request.path == ("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream")
    body = json.loads(request.body)
    assert (body["anthropic_version"], body["anthropic_beta"]) == ("bedrock-2023-05-31", ["x"])
    assert not {"model", "stream"} & body.keys()


# -- recorded ---------------------------------------------------------------------------------------------------------


def test_recorded_requests(shared: Path) -> None:
    """What OpenAI's clients would have asked becomes what was recorded; no other request is needed for it."""
    told = 0
    for row in all_records(shared, "anthropic"):
        recorded = row["request"]["body"]
        try:
            fields = as_openai(recorded)
        except NoEquivalentError:
            continue
        request = DIALECT.write_request(chat(**fields), Notes().asked(recorded.get("model") or row["model"] or ""))
        assert meaning(json.loads(request.body)) == meaning(recorded), row["id"]
        told += 1
    assert told > 290
