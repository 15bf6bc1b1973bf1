"""Replies of Anthropic's Messages API as OpenAI's: whole, streamed, cut anywhere, spoilt, and as they were recorded."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.kit import context, play, play_at_cuts, said, verdicts
from engine.test_framings import message as framed
from trueline.dialects.anthropic import DIALECT
from trueline.dialects.anthropic.meaning import JSON_TOOL, usage
from trueline.dialects.anthropic.stream import MessageReader
from trueline.dialects.provider import dialect_of

Fields = dict[str, Any]

BEDROCK = dialect_of("anthropic_bedrock")
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object", "properties": {}}}}
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 7}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]}
CITED = {"type": "web_search_result_location", "url": "https://a.example/x", "title": "A", "cited_text": "wet"}
PAGE = {"type": "page_location", "cited_text": "p", "document_index": 0, "start_page_number": 1, "end_page_number": 2}


def whole(*content: Fields, stop: str | None = "end_turn", **more: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    return json.dumps({**head, "content": list(content), "stop_reason": stop, "usage": USAGE, **more}).encode()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def block(number: int, begun: Fields, *deltas: Fields) -> bytes:
    return b"".join(
        (
            event("content_block_start", index=number, content_block=begun),
            *(event("content_block_delta", index=number, delta=delta) for delta in deltas),
            event("content_block_stop", index=number),
        )
    )


def text(number: int, *words: str) -> bytes:
    return block(number, {"type": "text", "text": ""}, *({"type": "text_delta", "text": word} for word in words))


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "usage": {**USAGE, "output_tokens": 1, "service_tier": "standard"},
    },
)


def end(stop: str = "end_turn", **more: Any) -> bytes:
    delta = {"stop_reason": stop, "stop_sequence": None, **more}
    return event("message_delta", delta=delta, usage={"output_tokens": 7}) + event("message_stop")


def stream(*events: bytes, stop: str = "end_turn", **more: Any) -> bytes:
    return b"".join((START, event("ping"), *events, end(stop, **more)))


def call(number: int, name: str, *json_pieces: str, identity: str = "toolu_1") -> bytes:
    begun = {"type": "tool_use", "id": identity, "name": name, "input": {}}
    return block(number, begun, *({"type": "input_json_delta", "partial_json": piece} for piece in json_pieces))


def message_of(reply: Any) -> Fields:
    message: Fields = reply.body["choices"][0]["message"]
    return message


def finish_of(chunks: list[Fields]) -> str:
    return str(next(c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]))


def extras_of(chunks: list[Fields], name: str) -> list[Any]:
    return [c["delta"][name] for chunk in chunks for c in chunk["choices"] if name in c["delta"]]


# -- what was said ----------------------------------------------------------------------------------------------------


def test_text_of_several_blocks_is_one() -> None:
    reply = play(DIALECT, whole({"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}))
    assert reply.faults == {}
    assert message_of(reply)["content"] == "Hello"
    assert reply.body["model"] == "claude-sonnet-4-5"
    streamed = play_at_cuts(DIALECT, stream(text(0, "He", "l"), text(1, "lo")), stream=True)
    assert streamed.faults == {}
    assert said(streamed.chunks) == "Hello"
    assert finish_of(streamed.chunks) == "stop"
    assert streamed.out.endswith(b"data: [DONE]\n\n")


def test_usage_sums_what_was_cached() -> None:
    assert usage({**USAGE, "output_tokens_details": {"thinking_tokens": 3}}) == {
        "prompt_tokens": 16,
        "completion_tokens": 7,
        "total_tokens": 23,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    reply = play_at_cuts(DIALECT, stream(text(0, "x")), **asked)
    assert reply.chunks[-1]["usage"]["total_tokens"] == 23
    assert reply.chunks[-1]["choices"] == []
    assert reply.chunks[0]["service_tier"] == "default"


def test_parallel_calls() -> None:
    calls = [{"type": "tool_use", "id": f"toolu_{n}", "name": "weather", "input": {"n": n}} for n in range(2)]
    reply = play(DIALECT, whole({"type": "text", "text": "Look"}, *calls, stop="tool_use"), tools=[WEATHER])
    assert reply.faults == {}
    assert reply.body["choices"][0]["finish_reason"] == "tool_calls"
    assert [(c["id"], c["function"]["arguments"]) for c in message_of(reply)["tool_calls"]] == [
        ("toolu_0", '{"n":0}'),
        ("toolu_1", '{"n":1}'),
    ]
    data = stream(
        text(0, "Look"),
        call(1, "weather", "", '{"n"', ": 0}", identity="toolu_0"),
        call(2, "weather", "", identity="toolu_1"),
        stop="tool_use",
    )
    streamed = play_at_cuts(DIALECT, data, stream=True, tools=[WEATHER])
    assert streamed.faults == {}
    pieces = [piece for found in extras_of(streamed.chunks, "tool_calls") for piece in found]
    arguments = {0: "", 1: ""}
    for piece in pieces:
        arguments[piece["index"]] += piece["function"].get("arguments", "")
    assert arguments == {0: '{"n": 0}', 1: "{}"}
    assert [piece["id"] for piece in pieces if "id" in piece] == ["toolu_0", "toolu_1"]


def test_thoughts_and_their_signatures() -> None:
    thought = {"type": "thinking", "thinking": "Let me see", "signature": "sig"}
    hidden = {"type": "redacted_thinking", "data": "xyz"}
    reply = play(DIALECT, whole(thought, hidden, {"type": "text", "text": "Yes"}))
    assert reply.faults == {}
    assert message_of(reply)["reasoning_content"] == "Let me see"
    expected = [
        {"type": "reasoning.text", "text": "Let me see", "signature": "sig", "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "anthropic-claude-v1"},
    ]
    assert message_of(reply)["reasoning_details"] == expected
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in ("Let me", " see")]
    data = stream(
        block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            *deltas,
            {"type": "signature_delta", "signature": "sig"},
        ),
        block(1, hidden),
        text(2, "Yes"),
    )
    streamed = play_at_cuts(DIALECT, data, stream=True)
    assert streamed.faults == {}
    assert said(streamed.chunks, "reasoning_content") == "Let me see"
    details = [one for found in extras_of(streamed.chunks, "reasoning_details") for one in found]
    assert details == [{**one, "index": n} for n, one in enumerate(expected)]
    assert extras_of(streamed.chunks, "anthropic") == []


def test_searches_of_the_server_are_no_calls_and_come_back_whole() -> None:
    cited = {"type": "text", "text": "It rains.", "citations": [CITED, PAGE]}
    reply = play(DIALECT, whole({"type": "text", "text": "So: "}, SEARCH, FOUND, cited))
    assert reply.faults == {}
    message = message_of(reply)
    assert message["content"] == "So: It rains."
    assert "tool_calls" not in message
    where = {"start_index": 4, "end_index": 13, "url": "https://a.example/x", "title": "A"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": where}]
    assert message["citations"] == [{**PAGE, "start_index": 4, "end_index": 13}]
    assert message["anthropic"]["content"] == [{"type": "text", "text": "So: "}, SEARCH, FOUND, cited]
    data = stream(
        text(0, "So: "),
        block(1, {**SEARCH, "input": {}}, {"type": "input_json_delta", "partial_json": '{"query":"rain"}'}),
        block(2, FOUND),
        block(
            3,
            {"type": "text", "text": "", "citations": []},
            *({"type": "citations_delta", "citation": one} for one in (CITED, PAGE)),
            {"type": "text_delta", "text": "It rains."},
        ),
    )
    streamed = play_at_cuts(DIALECT, data, stream=True)
    assert streamed.faults == {}
    assert said(streamed.chunks) == "So: It rains."
    assert extras_of(streamed.chunks, "tool_calls") == []
    assert [one["url_citation"] for one in extras_of(streamed.chunks, "annotations")[0]] == [where]
    assert extras_of(streamed.chunks, "anthropic") == [message["anthropic"]]


def test_an_answer_that_came_as_a_call() -> None:
    answer = {"type": "tool_use", "id": "toolu_1", "name": JSON_TOOL, "input": {"a": 1}}
    reply = play(DIALECT, whole(answer, stop="tool_use"), response_format=SCHEMA)
    assert reply.faults == {}
    assert message_of(reply)["content"] == '{"a":1}'
    assert reply.body["choices"][0]["finish_reason"] == "stop"
    data = stream(call(0, JSON_TOOL, '{"a"', ":1}"), stop="tool_use")
    streamed = play_at_cuts(DIALECT, data, stream=True, response_format=SCHEMA)
    assert streamed.faults == {}
    assert (said(streamed.chunks), finish_of(streamed.chunks)) == ('{"a":1}', "stop")
    left = play(DIALECT, whole(answer, stop="tool_use"), tools=[WEATHER])
    assert message_of(left)["tool_calls"][0]["function"]["name"] == JSON_TOOL


@pytest.mark.parametrize(
    ("stop", "finish", "more"),
    [
        ("end_turn", "stop", {}),
        ("max_tokens", "length", {}),
        ("model_context_window_exceeded", "length", {"native_finish_reason": "model_context_window_exceeded"}),
        ("pause_turn", "stop", {"native_finish_reason": "pause_turn"}),
        ("refusal", "content_filter", {"native_finish_reason": "refusal"}),
        ("stop_sequence", "stop", {"stop_sequence": "END"}),
    ],
)
def test_why_it_stopped(stop: str, finish: str, more: Fields) -> None:
    sequence = more.get("stop_sequence")
    reply = play(DIALECT, whole({"type": "text", "text": "x"}, stop=stop, stop_sequence=sequence))
    assert reply.faults == {}
    choice = reply.body["choices"][0]
    assert choice["finish_reason"] == finish
    assert {name: choice[name] for name in more} == more
    streamed = play_at_cuts(DIALECT, stream(text(0, "x"), stop=stop, stop_sequence=sequence), stream=True)
    assert streamed.faults == {}
    assert finish_of(streamed.chunks) == finish


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    reply = play(DIALECT, whole(stop="refusal", stop_details=details))
    assert reply.faults == {}
    assert message_of(reply)["refusal"] == "No."
    assert reply.body["choices"][0]["finish_reason"] == "content_filter"


def test_nothing_said_is_an_empty_answer() -> None:
    reply = play(DIALECT, whole())
    assert reply.faults == {}
    assert not message_of(reply)["content"]
    streamed = play_at_cuts(DIALECT, stream(), stream=True)
    assert finish_of(streamed.chunks) == "stop"


# -- failures ---------------------------------------------------------------------------------------------------------

OVERLOADED = {"error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}


def test_an_error_before_the_first_byte_is_a_status() -> None:
    for data in (event("error", **OVERLOADED), START + event("error", **OVERLOADED)):
        reply = play_at_cuts(DIALECT, data, stream=True)
        assert reply.out == b""
        assert reply.error is not None
        assert (reply.error.status, reply.error.type, reply.error.message) == (503, "server_error", "Overloaded")


def test_an_error_later_is_an_event_and_no_finish() -> None:
    data = START + text(0, "Half") + event("error", **OVERLOADED)
    out = play_at_cuts(DIALECT, data, stream=True).out
    assert b'"finish_reason":"stop"' not in out
    assert b'{"error":{"message":"Overloaded","type":"server_error"' in out


@pytest.mark.parametrize("upto", ["ping", "content_block_stop"])
def test_a_cut_stream_is_no_answer(upto: str) -> None:
    data = stream(text(0, "Half"))
    data = data[: data.rindex(f"event: {upto}".encode())]
    reply = play_at_cuts(DIALECT, data, stream=True)
    assert reply.error is not None or b'"error":' in reply.out
    assert b'"finish_reason":"stop"' not in reply.out


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (401, "authentication_error", "invalid x-api-key", (401, "authentication_error", "invalid_api_key")),
        (404, "not_found_error", "model: nope", (404, "invalid_request_error", "model_not_found")),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 9 > 8",
            (400, "invalid_request_error", "context_length_exceeded"),
        ),
        (429, "rate_limit_error", "slow down", (429, "rate_limit_error", "rate_limit_exceeded")),
        (529, "overloaded_error", "Overloaded", (503, "server_error", "overloaded_error")),
        (500, "api_error", "Oops", (500, "server_error", None)),
    ],
)
def test_failing_statuses(status: int, kind: str, message: str, expected: tuple[Any, ...]) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    error = DIALECT.read_error(status, {"retry-after": "7"}, body)
    assert (error.status, error.type, error.code) == expected
    assert (error.message, error.retry_after, error.faults) == (message, "7", ())


# -- Bedrock's frames -------------------------------------------------------------------------------------------------


def chunks_of(data: bytes) -> bytes:
    """A stream in the frames of InvokeModelWithResponseStream."""
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    held = (json.dumps({"bytes": base64.b64encode(line).decode(), "p": "abc"}).encode() for line in lines)
    return b"".join(framed(one, event_type="chunk", message_type="event") for one in held)


def test_bedrock_frames() -> None:
    data = stream(text(0, "Hel", "lo"), call(1, "weather", "{}"), stop="tool_use")
    reply = play_at_cuts(BEDROCK, chunks_of(data), stream=True, tools=[WEATHER])
    assert reply.faults == {}
    assert said(reply.chunks) == "Hello"
    assert finish_of(reply.chunks) == "tool_calls"


def test_bedrock_exceptions() -> None:
    frame = framed(b'{"message":"Slow down"}', exception_type="throttlingException", message_type="exception")
    reply = play_at_cuts(BEDROCK, frame, stream=True)
    assert reply.error is not None
    assert (reply.error.status, reply.error.message) == (429, "Slow down")
    later = play_at_cuts(BEDROCK, chunks_of(START + text(0, "Half")) + frame, stream=True)
    assert b'"message":"Slow down"' in later.out


# -- anything ---------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"),
        *("message_stop", "text_delta", "input_json_delta", "signature_delta", "citations_delta", "tool_use", "text"),
        *("thinking", "server_tool_use", "error", "message", "end_turn", "thinking_delta"),
    ]
)
NAMES = st.sampled_from(
    [
        *("type", "message", "content_block", "delta", "usage", "content", "index", "text", "thinking", "signature"),
        *("partial_json", "citation", "stop_reason", "stop_details", "input", "id", "name", "error", "citations"),
        *("caller", "output_tokens", "input_tokens", "service_tier", "model"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 99) | st.floats(allow_nan=False) | st.text(max_size=3) | WORDS
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12
)
PAYLOADS = ANYTHING | st.builds(lambda kind, more: {**more, "type": kind}, WORDS, st.dictionaries(NAMES, ANYTHING))


@settings(max_examples=300)
@given(st.lists(PAYLOADS, max_size=8))
def test_readers_bear_anything(payloads: list[Any]) -> None:
    reader = MessageReader(context(stream=True))
    for payload in payloads:
        reader.read(payload)
        DIALECT.read_whole(payload, context())
    lines = b"".join(b"data: " + json.dumps(payload).encode() + b"\n\n" for payload in payloads)
    play(DIALECT, lines, stream=True)
    play(DIALECT, lines)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
def test_recorded_replies(shared: Path) -> None:
    wrong = [row for row in verdicts(shared, "anthropic", DIALECT) if row[1] not in ("exact", "error")]
    assert wrong == []
