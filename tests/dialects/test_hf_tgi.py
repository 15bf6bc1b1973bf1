"""Text generation of Hugging Face: replies as events, errors, and the recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import ROUTE, chat, context, judged, play, play_at_cuts, said
from dialects.own_readers import chats, player
from engine.kit import CountingMint, Fields
from trueline.dialects.hf_tgi import DIALECT
from trueline.dialects.provider import dialect_of
from trueline.pipeline import chat_pipeline

DETAILS: Fields = {"finish_reason": "eos_token", "generated_tokens": 3, "seed": 7, "prefill": []}


def token(text: str, special: bool = False, **more: Any) -> Fields:
    return {"id": 1, "text": text, "logprob": -0.5, "special": special, **more}


def event(one: Fields | None, text: str | None = None, details: Fields | None = None, **more: Any) -> bytes:
    payload = {"index": 1, "token": one, "generated_text": text, "details": details, **more}
    return b"data:" + json.dumps(payload).encode() + b"\n\n"


END = {"finish_reason": "eos_token", "generated_tokens": 3, "input_length": 5, "seed": 7}


def test_it_is_known_by_name() -> None:
    assert dialect_of("hf_tgi") is DIALECT


@pytest.mark.parametrize("listed", [False, True])
def test_a_whole_text(listed: bool) -> None:
    found = {"generated_text": "Hello", "details": {**DETAILS, "prefill": [{"id": 1}, {"id": 2}]}}
    played = play(DIALECT, json.dumps([found] if listed else found).encode())
    assert played.faults == {}
    choice = played.body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], choice["seed"]) == ("Hello", "stop", 7)
    assert played.body["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop")])
def test_why_a_whole_text_ended(reason: str, finish: str) -> None:
    found = {"generated_text": "Hello", "details": {"finish_reason": reason, "generated_tokens": 3}}
    played = play(DIALECT, json.dumps(found).encode(), max_tokens=3 if reason != "length" else 5)
    assert played.body["choices"][0]["finish_reason"] == finish


def test_a_stream_without_its_special_tokens() -> None:
    data = event(token("Hel")) + event(token("lo")) + event(token("</s>", True), "Hello", END)
    played = play_at_cuts(DIALECT, data, stream=True, stream_options={"include_usage": True})
    assert played.faults == {}
    assert said(played.chunks) == "Hello"
    assert played.chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert played.chunks[-1]["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


@pytest.mark.parametrize(
    ("end", "fields", "finish"),
    [
        (event(token("</s>", True), "Hello"), {}, "stop"),
        (event(token("!"), "Hello!"), {}, "length"),
        (event(token("."), "Hello."), {"stop": ["."]}, "stop"),
        (event(token("!"), "Hello!", {"finish_reason": "length", "generated_tokens": 2}), {}, "length"),
        (event(token("!"), "Hello!", {"finish_reason": "stop_sequence", "generated_tokens": 2}), {}, "stop"),
        (event(token("</s>", True), "Hello", {"finish_reason": "length", "generated_tokens": 2}), {}, "length"),
    ],
)
def test_why_a_text_ended(end: bytes, fields: Fields, finish: str) -> None:
    played = play_at_cuts(DIALECT, event(token("Hello")) + end, stream=True, **fields)
    assert played.chunks[-1]["choices"][0]["finish_reason"] == finish
    assert played.faults == {}


def test_the_stop_sequence_is_not_said() -> None:
    details = {"finish_reason": "stop_sequence", "generated_tokens": 3}
    whole = play(DIALECT, json.dumps({"generated_text": "One\nEND", "details": details}).encode(), stop=["END"])
    assert (whole.body["choices"][0]["message"]["content"], whole.faults) == ("One\n", {})
    data = event(token("One\n")) + event(token("E")) + event(token("ND"), "One\nEND", {**details, "input_length": 1})
    streamed = play_at_cuts(DIALECT, data, stream=True, stop=["END"])
    assert (said(streamed.chunks), streamed.faults) == ("One\n", {})
    assert streamed.chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_character_that_no_token_completed_is_said_at_the_end() -> None:
    played = play_at_cuts(DIALECT, event(token("Hi")) + event(token(""), "Hi\ufffd", END), stream=True)
    assert said(played.chunks) == "Hi\ufffd"


def test_a_prompt_in_the_whole_text_is_not_said_again() -> None:
    data = event(token(" two")) + event(token("</s>", True), "One and two", None)
    assert said(play_at_cuts(DIALECT, data, stream=True).chunks) == " two"


def test_logprobs() -> None:
    top = [token("Hi"), token("Ho")]
    details = {**DETAILS, "tokens": [token("Hi"), token("</s>", True)], "top_tokens": [top, []]}
    asked: Fields = {"logprobs": True, "top_logprobs": 2}
    whole = play(DIALECT, json.dumps({"generated_text": "Hi", "details": details}).encode(), **asked)
    entries = whole.body["choices"][0]["logprobs"]["content"]
    assert whole.faults == {}
    assert [(e["token"], e["logprob"], len(e["top_logprobs"])) for e in entries] == [("Hi", -0.5, 2)]
    data = event(token("Hi"), top_tokens=top) + event(token("</s>", True), "Hi", END)
    chunks = play_at_cuts(DIALECT, data, stream=True, **asked).chunks
    streamed = [e for c in chunks for one in c["choices"] for e in (one.get("logprobs") or {}).get("content") or []]
    assert streamed == entries
    unasked = play(DIALECT, json.dumps({"generated_text": "Hi", "details": details}).encode())
    assert (unasked.body["choices"][0]["logprobs"], unasked.faults) == (None, {})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            422,
            {
                "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
                "error_type": "validation",
            },
            (400, "context_length_exceeded"),
        ),
        (
            422,
            {"error": "Input validation error: `top_p` must be > 0.0", "error_type": "validation"},
            (400, "validation"),
        ),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, (429, "rate_limit_exceeded")),
        (503, {"error": "overloaded"}, (503, None)),
        (424, {"error": "Request failed during generation", "error_type": "generation"}, (424, "generation")),
        (404, {"error": "Model this/one does not exist"}, (404, "model_not_found")),
        (400, {"error": ["Error in `inputs`: one", "two"]}, (400, None)),
    ],
)
def test_errors_are_openais(status: int, body: Fields, expected: tuple[int, str | None]) -> None:
    error = DIALECT.read_error(status, {"content-type": "application/json"}, json.dumps(body).encode())
    words = body["error"]
    assert (error.status, error.code, error.faults) == (*expected, ())
    assert error.message == (words if isinstance(words, str) else "; ".join(words))


def test_a_model_that_is_being_loaded_says_when_to_come_again() -> None:
    body = b'{"error":"Model x is currently loading","estimated_time":20.0}'
    error = DIALECT.read_error(503, {"content-type": "application/json"}, body)
    assert (error.status, error.retry_after) == (503, "20")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("overloaded", 429), ("validation", 400), ("generation", 500), ("incomplete_generation", 500), (None, 502)],
)
def test_an_error_inside_a_stream_is_one(kind: str | None, status: int) -> None:
    data = b"data:" + json.dumps({"error": "It broke", "error_type": kind}).encode() + b"\n\n"
    first = play_at_cuts(DIALECT, data, stream=True).error
    assert first is not None
    assert (first.status, first.message) == (status, "It broke")
    later = play_at_cuts(DIALECT, event(token("Hel")) + data, stream=True)
    assert b'"message":"It broke"' in later.out
    assert b'"finish_reason":"' not in later.out


def test_a_stream_without_its_end_is_an_error() -> None:
    played = play_at_cuts(DIALECT, event(token("Hel")), stream=True)
    assert b'"finish_reason":"' not in played.out
    assert b'"error"' in played.out


def test_another_task_is_no_answer() -> None:
    error = play(DIALECT, b'[[{"label":"POSITIVE","score":0.9}]]').error
    assert error is not None
    assert (error.status, "no generated text" in error.message) == (502, True)


def test_the_model_of_a_server() -> None:
    assert DIALECT.models is not None
    info = {"model_id": "HuggingFaceH4/zephyr-7b-beta", "max_total_tokens": 4096}
    listed = DIALECT.models.read(info)["data"]
    assert [(one["id"], one["owned_by"], one["max_total_tokens"]) for one in listed] == [
        ("HuggingFaceH4/zephyr-7b-beta", "HuggingFaceH4", 4096)
    ]
    assert DIALECT.models.read({"error": "x"}) == {"error": "x"}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_are_right(shared: Path, flavour: str, turned: bool) -> None:
    rows = chats(shared, "hf")
    verdicts = list(judged(player(shared), rows, DIALECT, flavour, turned=turned))
    assert [row for row in verdicts if row[1] not in ("exact", "error")] == []
    assert len(verdicts) > 20


def test_recorded_replies_have_no_faults(shared: Path) -> None:
    for row in chats(shared, "hf"):
        if row["response"]["status"] == 200:
            fields: Fields = {"stream": True} if row["stream"] else {}
            assert play(DIALECT, row["response"]["body"].encode(), **fields).faults == {}, row["id"]


def test_readers_bear_anything() -> None:
    odd: list[Any] = [None, 1, True, "x", [], {}, [1, {"text": 2}], {"text": "x", "logprob": "y", "special": 3}]
    names = ("token", "generated_text", "details", "top_tokens", "error", "error_type", "http_status_code")
    for value in odd:
        for name in names:
            for other in odd:
                payload = {"generated_text": "x", "token": token("x"), name: value, "details": {"tokens": other}}
                asked = context(stream=True, logprobs=True)
                reader = DIALECT.reader(asked)
                reader.read(payload)
                reader.read({name: value, "details": {"tokens": other, "finish_reason": value}}, b"error")
                DIALECT.read_whole([payload], context(logprobs=True))
                DIALECT.read_whole({**payload, "details": {"seed": other, "tokens": value}}, context(n=2))
        DIALECT.read_whole(value, context())
        DIALECT.reader(context(stream=True)).read(value)
        DIALECT.read_error(500, {}, json.dumps(value).encode())


def test_nothing_waits_for_the_next_token() -> None:
    pipe = chat_pipeline(chat(stream=True), ROUTE, CountingMint(), dialect=DIALECT)
    assert b'"Hel"' in pipe.feed(event(token("Hel")))
