"""Cohere's chat API, version 2: replies as events, and its embeddings and models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import context, play, play_at_cuts, said, verdicts
from trueline.dialects.cohere import DIALECT
from trueline.dialects.cohere.meaning import usage
from trueline.dialects.cohere.models import read_models

Fields = dict[str, Any]

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
USAGE = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 5, "output_tokens": 2}}


def whole(reason: str = "COMPLETE", **message: Any) -> bytes:
    said = {"role": "assistant", **message}
    return json.dumps({"id": "c14c80c3", "finish_reason": reason, "message": said, "usage": USAGE}).encode()


def event(kind: str, index: int | None = None, **message: Any) -> bytes:
    payload: Fields = {"type": kind, "delta": {"message": message}}
    if index is not None:
        payload["index"] = index
    return f"event: {kind}\ndata: {json.dumps(payload)}\n\n".encode()


def end(reason: str = "COMPLETE", **delta: Any) -> bytes:
    payload = {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **delta}}
    return f"event: message-end\ndata: {json.dumps(payload)}\n\ndata: [DONE]\n\n".encode()


START = (
    b'event: message-start\ndata: {"id":"c14c80c3","type":"message-start","delta":{"message":{"role":"assistant"}}}\n\n'
)


def text(words: str, index: int = 0) -> bytes:
    return event("content-delta", index, content={"text": words})


def test_text_with_thoughts() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello"}]
    reply = play(DIALECT, whole(content=content))
    assert reply.faults == {}
    message = reply.body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hello", "Hm.")
    assert reply.body["usage"]["total_tokens"] == 7
    data = b"".join(
        (
            START,
            event("content-start", 0, content={"type": "thinking", "thinking": ""}),
            event("content-delta", 0, content={"thinking": "Hm."}),
            event("content-end", 0),
            event("content-start", 1, content={"type": "text", "text": ""}),
            text("Hel", 1),
            text("lo", 1),
            end(),
        )
    )
    streamed = play_at_cuts(DIALECT, data, stream=True, stream_options={"include_usage": True})
    assert streamed.faults == {}
    assert (said(streamed.chunks), said(streamed.chunks, "reasoning_content")) == ("Hello", "Hm.")
    assert streamed.chunks[-1]["usage"]["prompt_tokens"] == 5


def test_calls_come_with_their_plan() -> None:
    call = {"id": "w1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    reply = play(DIALECT, whole("TOOL_CALL", tool_plan="I look.", tool_calls=[call]), tools=[TOOL])
    assert reply.faults == {}
    choice = reply.body["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert choice["message"]["reasoning_content"] == choice["message"]["tool_plan"] == "I look."
    assert choice["message"]["tool_calls"][0]["function"] == call["function"]
    data = b"".join(
        (
            START,
            event("tool-plan-delta", tool_plan="I "),
            event("tool-plan-delta", tool_plan="look."),
            event("tool-call-start", 0, tool_calls={"id": "w1", "type": "function", "function": {"name": "weather"}}),
            event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"city"'}}),
            event("tool-call-delta", 0, tool_calls={"function": {"arguments": ':"Rome"}'}}),
            event("tool-call-end", 0),
            event("tool-call-start", 1, tool_calls={"id": "w2", "type": "function", "function": {"name": "weather"}}),
            event("tool-call-delta", 1, tool_calls={"function": {"arguments": "{}"}}),
            end("TOOL_CALL"),
        )
    )
    streamed = play_at_cuts(DIALECT, data, stream=True, tools=[TOOL])
    assert streamed.faults == {}
    assert said(streamed.chunks, "reasoning_content") == said(streamed.chunks, "tool_plan") == "I look."
    pieces = [p for chunk in streamed.chunks for c in chunk["choices"] for p in c["delta"].get("tool_calls", [])]
    arguments = {n: "".join(p["function"]["arguments"] for p in pieces if p["index"] == n) for n in (0, 1)}
    assert arguments == {0: '{"city":"Rome"}', 1: "{}"}
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_citations_of_pages_become_annotations_and_others_stay() -> None:
    page = {"type": "tool", "id": "w:0", "tool_output": {"url": "https://example.com/a", "title": "A"}}
    document = {"type": "document", "id": "d:0", "document": {"id": "d:0", "text": "So."}}
    citations = [
        {"start": 0, "end": 5, "text": "Hello", "sources": [page], "content_index": 1, "type": "TEXT_CONTENT"},
        {"start": 0, "end": 5, "text": "Hello", "sources": [document], "type": "TEXT_CONTENT"},
    ]
    content = [{"type": "text", "text": "So. "}, {"type": "text", "text": "Hello"}]
    message = play(DIALECT, whole(content=content, citations=citations)).body["choices"][0]["message"]
    place = {"start_index": 4, "end_index": 9, "url": "https://example.com/a", "title": "A"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": place}]
    assert message["citations"] == citations[1:]
    data = START + text("So. ", 0) + text("Hello", 1) + event("citation-start", 0, citations=citations[0]) + end()
    chunks = play_at_cuts(DIALECT, data, stream=True).chunks
    found = [c["delta"]["annotations"] for chunk in chunks for c in chunk["choices"] if "annotations" in c["delta"]]
    assert [annotation["url_citation"]["start_index"] for annotation in found[0]] == [4]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("ERROR_LIMIT", "length"),
        ("ERROR_TOXIC", "content_filter"),
    ],
)
def test_every_end_has_a_finish(reason: str, finish: str) -> None:
    content = [{"type": "text", "text": "x"}]
    assert play(DIALECT, whole(reason, content=content)).body["choices"][0]["finish_reason"] == finish
    streamed = play_at_cuts(DIALECT, START + text("x") + end(reason), stream=True)
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(("reason", "status"), [("ERROR", 500), ("TIMEOUT", 504)])
def test_an_end_in_an_error_is_one(reason: str, status: int) -> None:
    error = play(DIALECT, whole(reason, content=[])).error
    assert error is not None
    assert error.status == status
    played = play_at_cuts(DIALECT, START + text("x") + end(reason, error="It broke"), stream=True)
    assert b'"message":"It broke"' in played.out
    assert b'"finish_reason":"' not in played.out


def test_a_stream_without_its_end_is_an_error() -> None:
    played = play_at_cuts(DIALECT, START + text("Hel"), stream=True)
    assert b'"finish_reason":"' not in played.out
    assert b'"error"' in played.out


@pytest.mark.parametrize(
    ("native", "counts"),
    [
        ({"tokens": {"input_tokens": 5, "output_tokens": 2}}, (5, 2)),
        ({"tokens": {"input_tokens": 34, "output_tokens": 2, "image_tokens": 259}}, (293, 2)),
        ({"tokens": {"input_tokens": 338, "output_tokens": 2, "image_tokens": 259}}, (338, 2)),
        ({"billed_units": {"input_tokens": 4.0, "output_tokens": 1.0}}, (4, 1)),
    ],
)
def test_usage_is_what_the_model_read_and_wrote(native: Fields, counts: tuple[int, int]) -> None:
    made = usage(native)
    assert made is not None
    assert (made["prompt_tokens"], made["completion_tokens"]) == counts


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"message": "too many tokens: size limit exceeded by 5 tokens."}, (400, "context_length_exceeded")),
        (404, {"id": "x", "message": "model 'x' not found, make sure"}, (404, "model_not_found")),
        (429, {"message": "You are past the per minute request limit"}, (429, "rate_limit_exceeded")),
        (401, {"message": "invalid api token"}, (401, None)),
        (498, {"message": "the request contains a blocked token"}, (400, "content_filter")),
    ],
)
def test_errors_are_openais(status: int, body: Fields, expected: tuple[int, str | None]) -> None:
    error = DIALECT.read_error(status, {"content-type": "application/json"}, json.dumps(body).encode())
    assert (error.status, error.message, error.faults) == (expected[0], body["message"], ())
    assert expected[1] is None or error.code == expected[1]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_come_out_right(shared: Path, flavour: str) -> None:
    judged = list(verdicts(shared, "cohere", DIALECT, flavour))
    assert len(judged) > 30
    assert [verdict for verdict in judged if verdict[1] not in ("exact", "error")] == []


def test_models_have_ids() -> None:
    listed = read_models({"models": [{"name": "command-a-03-2025", "context_length": 256000}, {"x": 1}, 5]})
    assert [model["id"] for model in listed["data"]] == ["command-a-03-2025"]
    assert read_models("x") == "x"


def test_readers_bear_anything() -> None:
    odd: list[Any] = [None, 1, "x", [], {}, [1, {"text": 2}], {"message": 1}]
    kinds = [
        "message-start",
        "content-delta",
        "tool-call-start",
        "tool-call-delta",
        "citation-start",
        "message-end",
        "x",
    ]
    for value in odd:
        for name in ("content", "tool_plan", "tool_calls", "citations", "function", "finish_reason", "usage"):
            for kind in kinds:
                reader = DIALECT.reader(context(stream=True))
                reader.read({"type": kind, "index": value, "delta": {"message": {name: value}, name: value}})
                reader.read({"type": kind, "delta": value})
            DIALECT.read_whole({"message": {name: value}, name: value}, context())
        DIALECT.read_whole(value, context())


@pytest.mark.parametrize(
    ("reason", "finish", "native"),
    [
        ("COMPLETE", "stop", None),
        ("STOP_SEQUENCE", "stop", None),
        ("MAX_TOKENS", "length", None),
        ("TOOL_CALL", "stop", None),
        ("ERROR_LIMIT", "length", "ERROR_LIMIT"),
        ("ERROR_TOXIC", "content_filter", "ERROR_TOXIC"),
        ("SOMETHING_NEW", "stop", "SOMETHING_NEW"),
    ],
)
def test_a_reason_that_is_not_openais_stays_beside_its_word(reason: str, finish: str, native: str | None) -> None:
    reply = play(DIALECT, whole(reason, content=[{"type": "text", "text": "x"}]))
    streamed = play_at_cuts(DIALECT, START + text("x") + end(reason), stream=True)
    ended = next(c for chunk in streamed.chunks for c in chunk["choices"] if c["finish_reason"])
    for choice in (reply.body["choices"][0], ended):
        assert (choice["finish_reason"], choice.get("native_finish_reason")) == (finish, native)
    assert (reply.faults, streamed.faults) == ({}, {})
