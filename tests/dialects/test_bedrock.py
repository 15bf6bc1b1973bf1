"""Bedrock's Converse: replies as events, requests as AWS's own service model takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import context, play, play_at_cuts, said, verdicts, written
from engine.test_framings import message as framed
from trueline.dialects.bedrock import DIALECT
from trueline.dialects.bedrock.meaning import usage
from trueline.errors import TruelineError
from trueline.wire import jsonio

Fields = dict[str, Any]

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
NEW_CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object", "properties": {}}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def event(name: str, **payload: Any) -> bytes:
    return framed(json.dumps(payload).encode(), event_type=name, message_type="event")


def stream(*events: bytes, stop: str = "end_turn") -> bytes:
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
    return b"".join(
        (
            event("messageStart", role="assistant"),
            *events,
            event("messageStop", stopReason=stop),
            event("metadata", usage=usage, metrics={"latencyMs": 5}),
        )
    )


def text(words: str, block: int = 0) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=block, delta={"text": words})


def whole(*content: Fields, stop: str = "end_turn", **more: Any) -> bytes:
    message = {"role": "assistant", "content": list(content)}
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
    return json.dumps({"output": {"message": message}, "stopReason": stop, "usage": usage, **more}).encode()


# -- replies ----------------------------------------------------------------------------------------------------------


def test_text() -> None:
    reply = play(DIALECT, whole({"text": "Hello"}))
    assert reply.faults == {}
    assert reply.body["choices"][0]["message"]["content"] == "Hello"
    assert reply.body["choices"][0]["finish_reason"] == "stop"
    assert reply.body["usage"]["prompt_tokens"] == 3
    streamed = play_at_cuts(DIALECT, stream(text("Hel"), text("lo")), stream=True)
    assert said(streamed.chunks) == "Hello"
    assert streamed.faults == {}


def test_parallel_calls_keep_their_ids_and_order() -> None:
    calls = [{"toolUse": {"toolUseId": f"t{n}", "name": "weather", "input": {"n": n}}} for n in range(2)]
    message = play(DIALECT, whole(*calls, stop="tool_use"), tools=[WEATHER]).body["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    assert [(call["id"], call["function"]["arguments"]) for call in message["message"]["tool_calls"]] == [
        ("t0", '{"n":0}'),
        ("t1", '{"n":1}'),
    ]
    streamed = play_at_cuts(
        DIALECT,
        stream(
            event("contentBlockStart", contentBlockIndex=1, start={"toolUse": {"toolUseId": "t0", "name": "weather"}}),
            event("contentBlockDelta", contentBlockIndex=1, delta={"toolUse": {"input": '{"a"'}}),
            event("contentBlockDelta", contentBlockIndex=1, delta={"toolUse": {"input": ":1}"}}),
            event("contentBlockStart", contentBlockIndex=2, start={"toolUse": {"toolUseId": "t1", "name": "weather"}}),
            event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": "{}"}}),
            stop="tool_use",
        ),
        stream=True,
        tools=[WEATHER],
    )
    pieces = [call for chunk in streamed.chunks for c in chunk["choices"] for call in c["delta"].get("tool_calls", [])]
    arguments = {n: "".join(p["function"]["arguments"] for p in pieces if p["index"] == n) for n in (0, 1)}
    assert arguments == {0: '{"a":1}', 1: "{}"}
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert streamed.faults == {}


def test_thoughts_go_back_with_their_signature() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}}
    hidden = {"reasoningContent": {"redactedContent": "c2VjcmV0"}}
    reply = play(DIALECT, whole(thought, hidden, {"text": "Yes"})).body["choices"][0]["message"]
    assert reply["reasoning_content"] == "Hm."
    streamed = play_at_cuts(
        DIALECT,
        stream(
            event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": "Hm."}}),
            event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "sig"}}),
            event("contentBlockStop", contentBlockIndex=0),
            text("Yes", 1),
        ),
        stream=True,
    )
    details = [
        c["delta"]["reasoning_details"]
        for chunk in streamed.chunks
        for c in chunk["choices"]
        if "reasoning_details" in c["delta"]
    ]
    assert [{k: v for k, v in details[0][0].items() if k != "index"}] == reply["reasoning_details"][:1]
    turn = {"role": "assistant", "content": "Yes", "reasoning_details": reply["reasoning_details"]}
    sent = written(DIALECT, CLAUDE, messages=[{"role": "user", "content": "?"}, turn, {"role": "user", "content": "!"}])
    assert sent["messages"][1]["content"] == [thought, hidden, {"text": "Yes"}]


def test_citations_of_pages_become_annotations_and_others_stay() -> None:
    web = {"location": {"web": {"url": "https://example.com/a", "domain": "example.com"}}, "title": "A"}
    page = {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}, "title": "Doc"}
    cited = {"citationsContent": {"content": [{"text": "cited"}], "citations": [web, page]}}
    message = play(DIALECT, whole({"text": "So "}, cited)).body["choices"][0]["message"]
    assert message["content"] == "So cited"
    place = {"start_index": 3, "end_index": 8, "url": "https://example.com/a", "title": "A"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": place}]
    assert message["citations"] == [{**page, "start_index": 3, "end_index": 8}]


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("tool_use", "stop"),  # of the server's own tools
    ],
)
def test_every_stop_reason_has_a_finish(stop: str, finish: str) -> None:
    assert play(DIALECT, whole({"text": "x"}, stop=stop)).body["choices"][0]["finish_reason"] == finish
    streamed = play(DIALECT, stream(text("x"), stop=stop), stream=True)
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(
    ("native", "counts"),
    [
        ({"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}, (5, 2, 0)),
        ({"inputTokens": 5, "outputTokens": 2, "totalTokens": 107, "cacheReadInputTokens": 100}, (105, 2, 100)),
        ({"inputTokens": 105, "outputTokens": 2, "totalTokens": 107, "cacheReadInputTokens": 100}, (105, 2, 100)),
    ],
)
def test_the_prompt_holds_what_was_cached(native: Fields, counts: tuple[int, int, int]) -> None:
    made = usage(native)
    assert made is not None
    cached = made.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    assert (made["prompt_tokens"], made["completion_tokens"], cached) == counts
    assert made["total_tokens"] == counts[0] + counts[1]


# -- failures ---------------------------------------------------------------------------------------------------------


def test_an_exception_before_the_first_word_is_a_status() -> None:
    data = framed(b'{"message":"Slow down"}', exception_type="throttlingException", message_type="exception")
    error = play_at_cuts(DIALECT, data, stream=True).error
    assert error is not None
    assert (error.status, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")


def test_an_exception_in_the_middle_ends_in_an_error_event() -> None:
    data = event("messageStart", role="assistant") + text("Hel")
    data += framed(b'{"message":"It broke"}', exception_type="modelStreamErrorException", message_type="exception")
    played = play_at_cuts(DIALECT, data, stream=True)
    assert b'"finish_reason":"' not in played.out
    assert played.out.endswith(b"data: [DONE]\n\n")
    assert b'"message":"It broke"' in played.out


@pytest.mark.parametrize("spoil", ["cut", "crc"])
def test_a_damaged_stream_never_looks_complete(spoil: str) -> None:
    data = stream(text("Hello"))
    data = data[:-200] if spoil == "cut" else data[:-150] + bytes([data[-150] ^ 1]) + data[-149:]
    played = play_at_cuts(DIALECT, data, stream=True)
    assert b'"finish_reason":"' not in played.out
    assert b'"error"' in played.out


TOO_LONG = "Input is too long for requested model."


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (429, {"x-amzn-errortype": "ThrottlingException:http://x"}, {"message": "No"}, (429, "rate_limit_exceeded")),
        (429, {}, {"__type": "ThrottlingException", "message": "Rate exceeded"}, (429, "rate_limit_exceeded")),
        (400, {"x-amzn-errortype": "ValidationException"}, {"message": TOO_LONG}, (400, "context_length_exceeded")),
        (404, {"x-amzn-errortype": "ResourceNotFoundException"}, {"message": "No model"}, (404, "model_not_found")),
        (403, {"x-amzn-errortype": "AccessDeniedException"}, {"Message": "No"}, (403, None)),
        (403, {"x-amzn-errortype": "UnrecognizedClientException"}, {"message": "Bad token"}, (401, "invalid_api_key")),
        (503, {}, {"message": "Service capacity"}, (503, None)),
    ],
)  # fmt: skip
def test_errors_are_openais(
    status: int, headers: dict[str, str], body: Fields, expected: tuple[int, str | None]
) -> None:
    error = DIALECT.read_error(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())
    assert (error.status, error.code) == expected
    assert error.faults == ()
    assert next(iter(body.values())) == error.message or ("message" in body and body["message"] == error.message)


# -- recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_come_out_right(shared: Path, flavour: str) -> None:
    wrong = [
        v for v in verdicts(shared, "bedrock", DIALECT, flavour) if v[1] not in ("exact", "error") and flavour == "wire"
    ]
    assert wrong == []


def test_readers_bear_anything() -> None:
    odd: list[Any] = [None, 1, "x", [], {}, {"message": 1}, {"content": [1, {"text": None}, {"toolUse": "x"}]}]
    for value in odd:
        for name in ("delta", "start", "usage", "output", "message", "stopReason", "contentBlockIndex"):
            payload = {name: value}
            for kind in (
                b"contentBlockDelta",
                b"contentBlockStart",
                b"contentBlockStop",
                b"messageStop",
                b"metadata",
                None,
            ):
                DIALECT.reader(context(stream=True)).read(payload, kind)
            DIALECT.read_whole({"output": {"message": value}, "stopReason": value, "usage": value}, context())
            DIALECT.read_whole(payload, context())
    for value in odd:
        for made in (DIALECT.read_whole(value, context()), DIALECT.reader(context()).read(value)):
            assert isinstance(made, list)
        assert isinstance(DIALECT.read_error(500, {}, jsonio.encode(value)), TruelineError)
