"""OpenAI's requests as Gemini's: tables, the SDK's verdict, the recordings, and messages that come back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dialects.gemini_recorded import NoEquivalentError, as_openai, meaning
from dialects.gemini_sdk import accepted
from dialects.kit import Notes, all_records, chat, play, said, written
from engine.kit import CountingMint, Fields
from trueline.context import Route
from trueline.dialects.gemini import DIALECT
from trueline.dialects.gemini.embeddings import read_embeddings, write_embeddings
from trueline.dialects.gemini.models import read_models
from trueline.dialects.gemini.schemas import as_openapi, is_openapi
from trueline.dialects.provider import Asked, Fetched, FileNeeded
from trueline.errors import RequestError
from trueline.messages import EmbeddingRequest, read_embedding_request
from trueline.pipeline import chat_pipeline

FLASH, PRO, THREE, OLD = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-2.0-flash"
USER = {"role": "user", "content": "hi"}
SIGNED: Fields = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
PNG = "iVBORw0KGgo="


def write(model: str = FLASH, **fields: Any) -> Fields:
    """The native request, which Google's SDK takes and would write alike."""
    body = written(DIALECT, model, **fields)
    accepted(body, model)
    return body


def noted(model: str = FLASH, **fields: Any) -> list[str]:
    """What was dropped or changed, where parameters are dropped."""
    notes = Notes()
    DIALECT.write_request(chat(**fields), notes.asked(model, drop=True))
    return list(notes)


def tool(name: str = "f", **parameters: Any) -> Fields:
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}}


CITY: Fields = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED: Fields = {**CITY, "additionalProperties": False}

# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        ({}, None),
        ({"temperature": 0, "top_p": 0.5, "top_k": 3}, {"temperature": 0, "topP": 0.5, "topK": 3}),
        ({"presence_penalty": 1, "frequency_penalty": 0.5}, {"presencePenalty": 1, "frequencyPenalty": 0.5}),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"maxOutputTokens": 6}),
        ({"stop": "a"}, {"stopSequences": ["a"]}),
        ({"stop": ["a", "", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"n": 2}, {"candidateCount": 2}),
        ({"n": 1, "logprobs": False, "parallel_tool_calls": True}, None),
        ({"seed": 7}, {"seed": 7}),
        ({"seed": 2**40 + 1}, {"seed": 1}),
        ({"logprobs": True}, {"responseLogprobs": True}),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"modalities": ["text"]}, None),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": {"type": "text"}}, None),
        (
            {"thinking_config": {"thinking_budget": 9, "include_thoughts": True}},
            {"thinkingConfig": {"thinkingBudget": 9, "includeThoughts": True}},
        ),
        (
            {"extra_body": {"google": {"thinking_config": {"thinking_budget": 9}}}, "top_p": 1},
            {"topP": 1, "thinkingConfig": {"thinkingBudget": 9}},
        ),
        (
            {"generation_config": {"media_resolution": "MEDIA_RESOLUTION_LOW"}},
            {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 99}},
            {"thinkingConfig": {"thinkingBudget": 99, "includeThoughts": True}},
        ),
        ({"user": "u", "metadata": {"a": "b"}, "store": True}, None),
    ],
)
def test_parameters(fields: Fields, config: Fields | None) -> None:
    assert write(**fields).get("generationConfig") == config


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        (FLASH, "none", {"thinkingBudget": 0}),
        (FLASH, "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        (FLASH, "high", {"thinkingBudget": 24576, "includeThoughts": True}),
        (PRO, "none", {"thinkingBudget": 128}),
        (PRO, "xhigh", {"thinkingBudget": 32768, "includeThoughts": True}),
        (THREE, "none", {"thinkingLevel": "low"}),
        (THREE, "medium", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal"}),
        ("gemini-3-flash-preview", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-flash-latest", "xhigh", {"thinkingLevel": "high", "includeThoughts": True}),
        (OLD, "none", None),
    ],
)
def test_reasoning_effort(model: str, effort: str, config: Fields | None) -> None:
    body = write(model, reasoning_effort=effort)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        (FLASH, {"logit_bias": {"1": 2}}, "logit_bias"),
        (FLASH, {"verbosity": "low"}, "verbosity"),
        (FLASH, {"parallel_tool_calls": False}, "parallel_tool_calls"),
        (OLD, {"reasoning_effort": "high"}, "reasoning_effort"),
        (FLASH, {"response_format": {"type": "json_object"}, "tools": [tool(**CITY)]}, "response_format"),
        (FLASH, {"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said(model: str, fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        write(model, **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    assert noted(model, **fields) == [f"{param} dropped"]


def test_a_wrong_effort() -> None:
    with pytest.raises(RequestError) as refused:
        write(reasoning_effort="much")
    assert refused.value.param == "reasoning_effort"


def test_what_only_google_has() -> None:
    body = write(
        safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        cached_content="cachedContents/x",
        service_tier="flex",
        tools=[{"google_search": {}}, {"type": "code_interpreter"}, {"urlContext": {}}, tool(**CITY)],
        tool_config={"retrieval_config": {"language_code": "de"}},
        tool_choice="auto",
    )
    assert body["safetySettings"][0]["threshold"] == "BLOCK_NONE"
    assert (body["cachedContent"], body["serviceTier"]) == ("cachedContents/x", "flex")
    assert [next(iter(one)) for one in body["tools"]] == [
        "googleSearch",
        "urlContext",
        "codeExecution",
        "functionDeclarations",
    ]
    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "AUTO"},
        "retrievalConfig": {"languageCode": "de"},
    }
    assert write(web_search_options={})["tools"] == [{"googleSearch": {}}]


# -- tools ------------------------------------------------------------------------------------------------------------


def named(*names: str) -> list[Fields]:
    return [{"type": "function", "function": {"name": name}} for name in names]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("none", {"mode": "NONE"}),
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        (named("f")[0], {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named("f", "g")}},
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": named("f")}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_tool_choice(choice: Any, config: Fields) -> None:
    body = write(tools=[tool("f", **CITY), tool("g", **CITY)], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": config}


def test_tools() -> None:
    (listed,) = write(tools=[tool("f", **CITY), tool("g", **CLOSED), tool("h", type="object", properties={})])["tools"]
    first, second, third = listed["functionDeclarations"]
    assert first == {"name": "f", "description": "d", "parameters": CITY}
    assert second == {"name": "g", "description": "d", "parametersJsonSchema": CLOSED}
    assert third == {"name": "h", "description": "d"}
    old = write(OLD, tools=[tool("g", **CLOSED)])["tools"][0]["functionDeclarations"][0]
    assert old["parameters"] == CITY
    assert noted(OLD, tools=[tool("g", **CLOSED)]) == ["tools[0]: additionalProperties dropped"]
    legacy = write(functions=[{"name": "f", "parameters": CITY}], function_call={"name": "f"})
    assert legacy["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["f"]


# -- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "kept"),
    [
        (CITY, True),
        (CLOSED, False),
        ({"type": "object"}, False),
        ({"type": "array"}, False),
        ({"type": ["string", "null"]}, False),
        ({"type": "string", "format": "date"}, False),
        ({"type": "string", "enum": ["a"]}, True),
        ({"type": "integer", "enum": [1]}, False),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, True),
        ({"$ref": "#/$defs/A"}, False),
        ({**CITY, "required": ["town"]}, False),
        ("no", False),
    ],
)
def test_schemas_that_need_no_rewriting(schema: Any, kept: bool) -> None:
    assert is_openapi(schema) is kept


@pytest.mark.parametrize(
    ("schema", "want", "dropped"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}, []),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, []),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"nullable": True, "type": "string"}, []),
        ({"const": "a"}, {"enum": ["a"], "type": "string"}, []),
        ({"type": "integer", "enum": [1]}, {"type": "integer"}, ["enum of numbers"]),
        ({"type": "string", "format": "uuid"}, {"type": "string"}, ["format"]),
        ({"type": "array", "uniqueItems": True}, {"type": "array", "items": {"type": "string"}}, ["uniqueItems"]),
        (
            {"allOf": [{"type": "object"}, {"properties": CITY["properties"]}]},
            {"type": "object", "properties": CITY["properties"]},
            [],
        ),
        (
            {
                "$defs": {"A": {"type": "string", "title": "T"}},
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}},
            },
            {"type": "object", "properties": {"a": {"type": "string", "title": "T"}}},
            [],
        ),
        (
            {"$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}, "$ref": "#/$defs/A"},
            {"type": "object", "properties": {"a": {"type": "object"}}},
            ["$ref"],
        ),
    ],
)
def test_schemas_for_models_without_json_schema(schema: Fields, want: Fields, dropped: list[str]) -> None:
    notes: list[str] = []
    assert as_openapi(schema, notes.append, "here") == want
    assert notes == [f"here: {name} dropped" for name in dropped]


def test_what_is_left_out_is_named() -> None:
    messages = [
        {
            "role": "user",
            "name": "Ann",
            "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
        },
        {"role": "assistant", "content": "b", "reasoning_content": "why"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "gs://b/a.png", "detail": "low"}}]},
    ]
    strict = {"type": "function", "function": {"name": "f", "strict": True}}
    assert noted(messages=messages, tools=[strict], seed=2**40 + 1, user="u") == [
        "messages[0].name dropped",
        "messages[0].content[0].cache_control dropped",
        "messages[2].content[0].image_url.detail dropped",
        "tools[0].function.strict dropped",
        "user dropped",
        "messages[1].reasoning_content dropped",
        "seed changed to 1",
    ]
    assert noted(PRO, reasoning_effort="none") == ["reasoning_effort changed to a budget of 128"]


def test_answers_in_json() -> None:
    two = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": two}}
    config = write(response_format=asked)["generationConfig"]
    assert config["responseSchema"] == {**two, "propertyOrdering": ["b", "a"]}
    asked = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": CLOSED}}
    assert write(response_format=asked)["generationConfig"]["responseJsonSchema"] == CLOSED
    assert write(OLD, response_format=asked)["generationConfig"]["responseSchema"] == CITY
    assert "tools" in write(THREE, response_format=asked, tools=[tool(**CITY)])


# -- messages ---------------------------------------------------------------------------------------------------------


def test_answers_in_json_beside_tools() -> None:
    """Where they are not taken together, the answer is a function to call, and its arguments are the content."""
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}}
    fields: Fields = {"model": FLASH, "response_format": asked, "tools": [tool("f", **CITY)]}
    body = write(**fields)
    assert [one["name"] for one in body["tools"][0]["functionDeclarations"]] == ["f", "json_answer"]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "generationConfig" not in body

    def reply(name: str, **more: Any) -> Any:
        part = {"functionCall": {"name": name, "args": {"city": "Rome"}}}
        data = json.dumps({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}).encode()
        pipe = chat_pipeline(chat(**fields, **more), Route("g", FLASH), CountingMint(), dialect=DIALECT)
        return pipe.feed(b"data: " * bool(more) + data + b"\n\n") + pipe.close()

    answer = json.loads(reply("json_answer"))["choices"][0]
    assert (answer["message"]["content"], answer["finish_reason"]) == ('{"city":"Rome"}', "stop")
    assert "tool_calls" not in answer["message"]
    call = json.loads(reply("f"))["choices"][0]
    assert (call["message"]["content"], call["finish_reason"]) == (None, "tool_calls")
    lines = reply("json_answer", stream=True).decode().split("\n\n")[:-2]
    assert said([json.loads(line.removeprefix("data: ")) for line in lines]) == '{"city":"Rome"}'


def test_system_messages() -> None:
    messages = [{"role": "system", "content": "a"}, USER, {"role": "developer", "content": "b"}]
    body = write(messages=messages)
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    alone = write(messages=messages[:1])
    assert alone == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}
    gemma = write("gemma-3-27b-it", messages=messages[:2])
    assert [turn["parts"][0]["text"] for turn in gemma["contents"]] == ["a", "hi"]


def test_files_in_messages() -> None:
    parts = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": f"data:video/mp4;base64,{PNG}"}, "video_metadata": {"fps": 2}},
        {"type": "image_url", "image_url": {"url": "gs://b/a.jpg"}},
        {"type": "image_url", "image_url": {"url": "https://www.youtube.com/watch?v=x"}},
        {"type": "file", "file": {"file_id": "files/abc"}},
    ]
    (turn,) = write(messages=[{"role": "user", "content": parts}])["contents"]
    assert turn["parts"] == [
        {"text": "see"},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        {"inlineData": {"mimeType": "video/mp4", "data": PNG}, "videoMetadata": {"fps": 2}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/a.jpg"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://www.youtube.com/watch?v=x"}},
        {
            "fileData": {
                "mimeType": "application/pdf",
                "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
            }
        },
    ]


def test_files_of_elsewhere_are_fetched() -> None:
    urls = ["https://a.test/1.png", "https://a.test/2.pdf"]
    parts = [
        {"type": "image_url", "image_url": {"url": urls[0]}},
        {"type": "file", "file": {"file_data": urls[1]}},
        {"type": "image_url", "image_url": {"url": urls[0]}},
    ]
    asked = Notes().asked(FLASH)
    request = chat(messages=[{"role": "user", "content": parts}])
    with pytest.raises(FileNeeded) as needed:
        DIALECT.write_request(request, asked)
    assert needed.value.urls == urls
    files = {urls[0]: Fetched("image/webp", b"one"), urls[1]: Fetched("application/pdf", b"two")}
    body = json.loads(DIALECT.write_request(request, asked._replace(files=files)).body)
    kinds = [part["inlineData"]["mimeType"] for part in body["contents"][0]["parts"]]
    assert kinds == ["image/webp", "application/pdf", "image/webp"]


def use(identity: str, name: str, arguments: str = "{}", **more: Any) -> Fields:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


MINTED = ["call_" + str(number) * 24 for number in range(3)]


def test_parallel_calls_and_their_results() -> None:
    """Ids that Gemini never gave are left out; then the order tells two calls of one function apart."""
    messages = [
        USER,
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                use(MINTED[0], "f", '{"city": "Rome"}', **SIGNED),
                use(MINTED[1], "f", '{"city": "Oslo"}'),
                use("own-1", "g"),
            ],
        },
        {"role": "tool", "tool_call_id": "own-1", "content": '{"t": 3}'},
        {"role": "tool", "tool_call_id": MINTED[1], "content": "cold"},
        {"role": "tool", "tool_call_id": MINTED[0], "content": [{"type": "text", "text": "warm"}]},
        {"role": "user", "content": "and?"},
    ]
    _, model, answers, user = write(messages=messages)["contents"]
    assert model["parts"] == [
        {"text": "Let me see."},
        {"functionCall": {"name": "f", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "f", "args": {"city": "Oslo"}}},
        {"functionCall": {"name": "g", "args": {}, "id": "own-1"}},
    ]
    assert answers == {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "f", "response": {"output": "warm"}}},
            {"functionResponse": {"name": "f", "response": {"output": "cold"}}},
            {"functionResponse": {"name": "g", "response": {"t": 3}, "id": "own-1"}},
        ],
    }
    assert user == {"role": "user", "parts": [{"text": "and?"}]}


def test_a_result_of_no_call() -> None:
    with pytest.raises(RequestError) as refused:
        write(messages=[USER, {"role": "tool", "tool_call_id": "x", "content": "1"}])
    assert refused.value.param == "messages[1].tool_call_id"


def test_pictures_in_results() -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [use(MINTED[0], "f", **SIGNED)]},
        {"role": "tool", "tool_call_id": MINTED[0], "content": [{"type": "text", "text": "see"}, picture]},
    ]
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    answer = {"name": "f", "response": {"output": "see"}}
    assert write(messages=messages)["contents"][2]["parts"] == [{"functionResponse": answer}, inline]
    three = write(THREE, messages=messages)["contents"][2]["parts"]
    assert three == [{"functionResponse": {**answer, "parts": [inline]}}]


def test_calls_of_another_model_are_marked_for_gemini_3() -> None:
    old = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [use("a", "f")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    steps = [
        *old,
        USER,
        {"role": "assistant", "content": None, "tool_calls": [use("b", "f"), use("c", "f")]},
        {"role": "tool", "tool_call_id": "b", "content": "1"},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
    ]
    calls = [
        part for turn in write(THREE, messages=steps)["contents"] for part in turn["parts"] if "functionCall" in part
    ]
    assert ["thoughtSignature" in part for part in calls] == [False, True, False]
    assert noted(THREE, messages=steps) == ["thought_signature unknown"]
    assert noted(FLASH, messages=steps) == []


# -- what a reply said comes back -------------------------------------------------------------------------------------

CODE = {"executableCode": {"language": "PYTHON", "code": "1", "id": "c1"}, "thoughtSignature": "QQ=="}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "Qg=="}
CALLS = [
    {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "Qw=="},
    {"functionCall": {"name": "g", "args": {}, "id": "own-1"}},
]


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "Hi"}],
        [{"text": "Hi", "thoughtSignature": "RA=="}],
        [{"text": "Hi"}, {"text": "", "thoughtSignature": "RA=="}],
        CALLS,
        [{"text": "Hi", "thoughtSignature": "RA=="}, *CALLS],
        [CODE, RESULT, {"text": "so"}],
        [{"text": "see"}, PICTURE],
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_round_trips(parts: list[Fields], stream: bool) -> None:
    """The message that a client got, sent back with its extras, is what the model said."""
    given = {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "why", "thought": True}, *parts]}, "finishReason": "STOP"}
        ]
    }
    tools = [tool("f", **CITY), tool("g", **CITY)]
    if stream:  # folded, as an SDK does
        data = b"".join(
            b"data: " + json.dumps({"candidates": [{"content": {"parts": [part]}, **end}]}).encode() + b"\r\n\r\n"
            for part, end in [*((part, {}) for part in parts), ({"text": ""}, {"finishReason": "STOP"})]
        )
    else:
        data = json.dumps(given).encode()
    message = play(DIALECT, data, tools=tools).body["choices"][0]["message"]
    body = write(tools=tools, messages=[USER, message, USER])
    assert body["contents"][1] == {"role": "model", "parts": parts}


# -- places -----------------------------------------------------------------------------------------------------------

VERTEX = "us-central1-aiplatform.googleapis.com"
FULL = "/v1/projects/p/locations/us-central1/publishers/google"


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, ""),
        ({"host": "127.0.0.1", "base_path": ""}, ""),
        ({"host": "generativelanguage.googleapis.com", "base_path": "/v1beta"}, ""),
        ({"host": VERTEX, "base_path": FULL, "project": "p", "region": "us-central1"}, ""),
        ({"host": VERTEX, "base_path": "", "project": "p", "region": "us-central1"}, FULL),
        (
            {"host": VERTEX, "base_path": "/v1beta1", "project": "p", "region": "r"},
            "/projects/p/locations/r/publishers/google",
        ),
        ({"host": VERTEX, "base_path": "/v1/projects/p/locations/r"}, "/publishers/google"),
        ({"host": "aiplatform.googleapis.com", "base_path": ""}, "/v1/publishers/google"),
    ],
)
def test_paths(settings: dict[str, str], base: str) -> None:
    asked = Asked("google/gemini-x", lambda note: None, settings=settings)
    assert DIALECT.write_request(chat(), asked).path == f"{base}/models/gemini-x:generateContent"
    streamed = DIALECT.write_request(chat(stream=True), asked).path
    assert streamed == f"{base}/models/gemini-x:streamGenerateContent?alt=sse"


def test_models_of_ones_own() -> None:
    assert (
        DIALECT.write_request(chat(), Notes().asked("tunedModels/mine-1")).path == "/tunedModels/mine-1:generateContent"
    )


# -- the recordings ---------------------------------------------------------------------------------------------------


def test_recorded_requests(shared: Path) -> None:
    """What providers' clients sent, asked for in OpenAI's words, is what is sent, and what Google's SDK would send."""
    compared = 0
    for row in all_records(shared, "gemini"):
        found = re.search("models/([^:]+)", row["request"]["path"])
        assert found
        try:
            asked = as_openai(row["request"]["body"])
        except NoEquivalentError:
            continue
        made = written(DIALECT, found[1], **asked)
        assert meaning(made) == meaning(row["request"]["body"]), row["id"]
        made.pop("modelArmorConfig", None)  # the SDK spells what is in it in another way
        if any(isinstance(one["category"], int) for one in made.get("safetySettings", [])):
            made.pop("safetySettings")  # the SDK has words for Google's numbers
        accepted(made, found[1], "aiplatform" in row["host"])
        compared += 1
    assert compared > 280


# -- embeddings and models --------------------------------------------------------------------------------------------


def embedding(**body: Any) -> EmbeddingRequest:
    return read_embedding_request(json.dumps({"model": "e", **body}).encode())


def test_embeddings_of_the_studio() -> None:
    sent = write_embeddings(
        embedding(input=["a", "b"], dimensions=3, task_type="RETRIEVAL_QUERY"), Notes().asked("e-1")
    )
    assert sent.path == "/models/e-1:batchEmbedContents"
    one = {"model": "models/e-1", "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 3}
    assert json.loads(sent.body) == {
        "requests": [{**one, "content": {"parts": [{"text": text}]}} for text in ("a", "b")]
    }
    with pytest.raises(RequestError) as refused:
        write_embeddings(embedding(input=[1, 2]), Notes().asked("e-1"))
    assert refused.value.code == "unsupported_parameter"


def test_embeddings_of_vertex() -> None:
    sent = write_embeddings(embedding(input="a", dimensions=3), Notes().asked("text-embedding-005", project="p"))
    assert sent.path.endswith("/models/text-embedding-005:predict")
    assert json.loads(sent.body) == {"instances": [{"content": "a"}], "parameters": {"outputDimensionality": 3}}
    sent = write_embeddings(embedding(input="a", dimensions=3), Notes().asked("gemini-embedding-2", project="p"))
    assert sent.path.endswith("/models/gemini-embedding-2:embedContent")
    assert json.loads(sent.body) == {
        "content": {"parts": [{"text": "a"}]},
        "embedContentConfig": {"outputDimensionality": 3},
    }


@pytest.mark.parametrize(
    ("payload", "vectors", "tokens"),
    [
        (
            {"embeddings": [{"values": [1, 2.5]}, {"values": [3, 4]}], "usageMetadata": {"promptTokenCount": 4}},
            [[1, 2.5], [3, 4]],
            4,
        ),
        ({"embedding": {"values": [1]}}, [[1]], None),
        ({"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": 3.0}}}]}, [[1]], 3),
        ({"embeddings": [None, {"values": "x"}]}, [None, "x"], None),
    ],
)
def test_read_embeddings(payload: Fields, vectors: list[Any], tokens: int | None) -> None:
    made = read_embeddings(payload, embedding(input="a"))
    assert [one["embedding"] for one in made["data"]] == vectors
    assert made.get("usage", {}).get("prompt_tokens") == tokens


def test_embeddings_in_base64() -> None:
    made = read_embeddings({"embedding": {"values": [1, -2]}}, embedding(input="a", encoding_format="base64"))
    assert made["data"][0]["embedding"] == "AACAPwAAAMA="
    assert read_embeddings({"error": {}}, embedding(input="a")) == {"error": {}}


def test_recorded_embeddings(shared: Path) -> None:
    rows = [row for row in all_records(shared, "embeddings_other") if row["dialect"] == "gemini-embeddings"]
    for row in rows:
        (recorded,) = row["request"]["body"]["requests"]
        asked: Fields = {"input": recorded["content"]["parts"][0]["text"]}
        asked |= {
            ours: recorded[theirs]
            for ours, theirs in (("dimensions", "outputDimensionality"), ("task_type", "taskType"))
            if theirs in recorded
        }
        model = recorded["model"].removeprefix("models/")
        sent = write_embeddings(embedding(**asked), Notes().asked(model))
        assert json.loads(sent.body) == row["request"]["body"]
        reply = json.loads(row["response"]["body"])
        made = read_embeddings(reply, embedding(**asked))
        assert made["data"][0]["embedding"] == reply["embeddings"][0]["values"]
        assert made["usage"]["total_tokens"] == reply["usageMetadata"]["promptTokenCount"]
    assert rows


def test_models() -> None:
    listed = read_models(
        {
            "models": [
                {"name": "models/gemini-2.5-flash", "displayName": "Flash", "inputTokenLimit": 9},
                {"name": "publishers/google/models/gemini-x"},
                {"name": 3},
            ]
        }
    )
    assert [one["id"] for one in listed["data"]] == ["gemini-2.5-flash", "gemini-x"]
    assert listed["data"][0]["displayName"] == "Flash"
    assert read_models({"error": {"code": 403}}) == {"error": {"code": 403}}
    assert read_models([1]) == [1]
