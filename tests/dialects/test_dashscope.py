"""DashScope's own API: replies as events, errors, embeddings, and the recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import ROUTE, Notes, all_records, chat, context, judged, play, play_at_cuts, said
from dialects.own_readers import chats, player
from engine.kit import CountingMint, Fields
from trueline.dialects.dashscope import DIALECT
from trueline.dialects.dashscope.meaning import sources, usage
from trueline.dialects.provider import dialect_of
from trueline.messages import read_embedding_request
from trueline.pipeline import chat_pipeline

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
USAGE: Fields = {
    "input_tokens": 9,
    "output_tokens": 4,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 3},
    "output_tokens_details": {"reasoning_tokens": 2},
}


def payload(
    finish: str | None = "null", index: int | None = 0, *, info: Fields | None = None, **message: Any
) -> Fields:
    choice: Fields = {"message": {"role": "assistant", "content": "", **message}, "finish_reason": finish}
    if index is not None:
        choice["index"] = index
    output: Fields = {"choices": [choice]}
    if info is not None:
        output["search_info"] = info
    return {"output": output, "usage": USAGE, "request_id": "r-1"}


def whole(finish: str = "stop", **message: Any) -> bytes:
    return json.dumps(payload(finish, **message)).encode()


def event(finish: str | None = "null", **message: Any) -> bytes:
    return framed(payload(finish, **message))


def framed(body: Fields, status: int = 200) -> bytes:
    kind = "result" if status == 200 else "error"
    return f"id:1\nevent:{kind}\n:HTTP_STATUS/{status}\ndata:{json.dumps(body)}\n\n".encode()


def call(index: int, name: str | None, arguments: str, identity: str = "") -> Fields:
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    return {"index": index, "id": identity, "type": "function", "function": function}


def calls_of(chunks: list[Fields]) -> list[tuple[str, str, str]]:
    found: dict[int, list[str]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for piece in choice["delta"].get("tool_calls") or []:
                held = found.setdefault(piece["index"], ["", "", ""])
                held[0] += piece.get("id") or ""
                held[1] += piece["function"].get("name") or ""
                held[2] += piece["function"].get("arguments") or ""
    return [(held[0], held[1], held[2]) for held in found.values()]


def test_it_is_known_by_name() -> None:
    assert dialect_of("dashscope") is DIALECT


@pytest.mark.parametrize("content", ["Hello", [{"text": "Hel"}, {"text": "lo"}]])
def test_text_with_thoughts(content: Any) -> None:
    played = play(DIALECT, whole(content=content, reasoning_content="Hm."))
    assert played.faults == {}
    choice = played.body["choices"][0]
    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ("Hello", "Hm.")
    assert choice["finish_reason"] == "stop"
    counts = played.body["usage"]
    assert (counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"]) == (9, 4, 13)
    assert counts["prompt_tokens_details"]["cached_tokens"] == 3
    assert counts["completion_tokens_details"]["reasoning_tokens"] == 2


def test_a_stream_of_text_with_thoughts() -> None:
    data = b"".join(
        (
            event(reasoning_content="H"),
            event(reasoning_content="m."),
            event(content="Hel"),
            event(content=[{"text": "lo"}]),
            event("stop"),
        )
    )
    played = play_at_cuts(DIALECT, data, stream=True, stream_options={"include_usage": True})
    assert played.faults == {}
    assert (said(played.chunks), said(played.chunks, "reasoning_content")) == ("Hello", "Hm.")
    assert played.chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert played.chunks[-1]["usage"]["total_tokens"] == 13


def test_the_older_form_has_its_text_by_itself() -> None:
    body = {"output": {"text": "Hello", "finish_reason": "length"}, "usage": USAGE, "request_id": "r"}
    choice = play(DIALECT, json.dumps(body).encode()).body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello", "length")
    del body["output"]["finish_reason"]  # type: ignore[attr-defined]
    assert play(DIALECT, json.dumps(body).encode()).body["choices"][0]["finish_reason"] == "stop"
    parts = [{"text": "Hel", "finish_reason": "null"}, {"text": "lo", "finish_reason": "stop"}]
    data = b"".join(framed({"output": part, "usage": USAGE}) for part in parts)
    played = play_at_cuts(DIALECT, data, stream=True)
    assert (said(played.chunks), played.faults) == ("Hello", {})


def test_totals_instead_of_increments() -> None:
    texts = ["The answer", "The answer is", "The answer is 4", "The answer is 42.", "The answer is 42."]
    data = b"".join(event("stop" if n == 4 else "null", content=text) for n, text in enumerate(texts))
    played = play_at_cuts(DIALECT, data, stream=True)
    assert (said(played.chunks), played.faults) == ("The answer is 42.", {})


def test_calls() -> None:
    made = [call(0, "weather", '{"city":"Rome"}', "call_1"), call(1, "weather", "{}", "call_2")]
    reply = play(DIALECT, whole("tool_calls", tool_calls=made), tools=[TOOL])
    assert reply.faults == {}
    choice = reply.body["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert [one["id"] for one in choice["message"]["tool_calls"]] == ["call_1", "call_2"]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city":"Rome"}'}


@pytest.mark.parametrize(
    "steps",
    [
        [call(0, "weather", "", "call_1"), call(0, None, '{"city"'), call(0, "", ':"Rome"}')],
        [call(0, "wea", "", "call_1"), call(0, "ther", ""), call(0, "", '{"city":"Rome"}')],
        [  # totals
            call(0, "weather", '{"city"', "call_1"),
            call(0, "weather", '{"city":"Ro', "call_1"),
            call(0, "weather", '{"city":"Rome"}', "call_1"),
        ],
    ],
)
def test_streamed_calls_in_pieces(steps: list[Fields]) -> None:
    data = b"".join(event(tool_calls=[step]) for step in steps)
    data += event(tool_calls=[call(1, "weather", "{}", "call_2")]) + event("tool_calls")
    played = play_at_cuts(DIALECT, data, stream=True, tools=[TOOL])
    assert played.faults == {}
    assert calls_of(played.chunks) == [("call_1", "weather", '{"city":"Rome"}'), ("call_2", "weather", "{}")]
    assert played.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_without_arguments_is_one() -> None:
    data = event(tool_calls=[call(0, "weather", "", "call_1")]) + event("tool_calls")
    played = play_at_cuts(DIALECT, data, stream=True, tools=[TOOL])
    assert calls_of(played.chunks)[0][:2] == ("call_1", "weather")


def test_several_choices() -> None:
    data = event(content="A") + event(index=1, content="B") + event("stop") + event("length", index=1)
    played = play_at_cuts(DIALECT, data, stream=True, n=2, stream_options={"include_usage": True})
    texts = {c["index"]: "" for chunk in played.chunks for c in chunk["choices"]}
    ends: dict[int, Any] = {}
    for chunk in played.chunks:
        for c in chunk["choices"]:
            texts[c["index"]] += c["delta"].get("content") or ""
            ends[c["index"]] = c["finish_reason"] or ends.get(c["index"])
    assert (texts, ends, played.faults) == ({0: "A", 1: "B"}, {0: "stop", 1: "length"}, {})


def test_logprobs() -> None:
    entry = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    body = payload("stop", content="Hi")
    body["output"]["choices"][0]["logprobs"] = {"content": [entry]}
    asked: Fields = {"logprobs": True}
    assert play(DIALECT, json.dumps(body).encode(), **asked).body["choices"][0]["logprobs"]["content"] == [entry]
    chunks = play_at_cuts(DIALECT, framed(body), stream=True, **asked).chunks
    streamed = [e for c in chunks for one in c["choices"] for e in (one.get("logprobs") or {}).get("content") or []]
    assert streamed == [entry]
    unasked = play(DIALECT, json.dumps(body).encode())
    assert (unasked.body["choices"][0]["logprobs"], unasked.faults) == (None, {})


def test_pages_that_were_searched_become_annotations() -> None:
    page = {"index": 1, "title": "A", "url": "https://example.com/a", "site_name": "Example"}
    other = {"index": 2, "title": "", "url": "https://example.com/b"}
    info = {"search_results": [page, other, {"index": 3, "url": None}]}
    text = "Sunny[ref_1]."
    message = play(DIALECT, json.dumps(payload("stop", content=text, info=info)).encode()).body["choices"][0]["message"]
    places = [one["url_citation"] for one in message["annotations"]]
    assert places == [
        {"start_index": 5, "end_index": 12, "url": "https://example.com/a", "title": "A"},
        {"start_index": 13, "end_index": 13, "url": "https://example.com/b", "title": "https://example.com/b"},
    ]
    assert message["search_info"] == info
    data = framed(payload(content="", info=info)) + event(content="Sunny") + event(content="[ref_1].") + event("stop")
    played = play_at_cuts(DIALECT, data, stream=True)
    found = [c["delta"]["annotations"] for k in played.chunks for c in k["choices"] if "annotations" in c["delta"]]
    assert ([one["url_citation"] for one in found[0]], played.faults) == (places, {})
    totals = [event(content=text) for text in ("Su", "Sunny", "Sunny[ref_1]", "Sunny[ref_1].")]
    played = play_at_cuts(DIALECT, data[: data.index(b"\n\n") + 2] + b"".join(totals) + event("stop"), stream=True)
    found = [c["delta"]["annotations"] for k in played.chunks for c in k["choices"] if "annotations" in c["delta"]]
    assert [one["url_citation"] for one in found[0]] == places
    assert sources({"search_results": 1}) == sources(None) == []


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 9, "output_tokens": 4}, (9, 4, 13)),
        ({"input_tokens": 9, "total_tokens": 13}, (9, 4, 13)),
        ({"output_tokens": 4, "total_tokens": 13}, (9, 4, 13)),
        ({"total_tokens": 5}, (5, 0, 5)),
    ],
)
def test_usage(counts: Fields, expected: tuple[int, int, int]) -> None:
    made = usage(counts)
    assert made is not None
    assert (made["prompt_tokens"], made["completion_tokens"], made["total_tokens"]) == expected
    assert usage({}) is usage(None) is None


def test_usage_of_pictures_and_of_the_cache() -> None:
    made = usage(
        {
            **USAGE,
            "input_tokens_details": {"image_tokens": 7, "text_tokens": 2},
            "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 5},
        }
    )
    assert made is not None
    details = {"image_tokens": 7, "text_tokens": 2, "cached_tokens": 0, "cache_write_tokens": 5}
    assert made["prompt_tokens_details"] == details


ERRORS = [
    (401, "InvalidApiKey", "Invalid API-key provided.", "invalid_api_key"),
    (429, "Throttling.RateQuota", "Requests rate limit exceeded.", "rate_limit_exceeded"),
    (429, "Throttling.AllocationQuota", "Allocated quota exceeded.", "insufficient_quota"),
    (400, "DataInspectionFailed", "Output data may contain inappropriate content.", "content_filter"),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing.", "insufficient_quota"),
    (403, "AccessDenied.Unpurchased", "Access to model denied.", "AccessDenied.Unpurchased"),
    (404, "ModelNotFound", "Model can not be found.", "model_not_found"),
    (400, "InvalidParameter", "url error, please check url", "invalid_parameter"),
    (
        400,
        "InvalidParameter",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
        "context_length_exceeded",
    ),
    (500, "InternalError", "An internal error has occured.", "InternalError"),
    (503, "ModelServingError", "Too many requests. Your requests are being throttled.", "ModelServingError"),
]


@pytest.mark.parametrize(("status", "code", "message", "expected"), ERRORS)
@pytest.mark.parametrize("frames", [False, True])
def test_errors_are_openais(status: int, code: str, message: str, expected: str, frames: bool) -> None:
    """An error of a stream comes as an event, with the content type of JSON."""
    body = {"code": code, "message": message, "request_id": "r-1"}
    data = framed(body, status) if frames else json.dumps(body).encode()
    error = DIALECT.read_error(status, {"content-type": "application/json"}, data)
    assert (error.status, error.code, error.message, error.faults) == (status, expected, message, ())


@pytest.mark.parametrize(("status", "code", "message", "expected"), ERRORS)
def test_errors_under_status_200_have_the_status_of_their_code(
    status: int, code: str, message: str, expected: str
) -> None:
    data = framed({"code": code, "message": message, "request_id": "r-1"}, status)
    first = play_at_cuts(DIALECT, data, stream=True).error
    assert first is not None
    assert (first.status, first.code, first.message) == (status, expected, message)
    later = play_at_cuts(DIALECT, event(content="Hel") + data, stream=True)
    assert json.dumps(message).encode() in later.out
    assert b'"finish_reason":"' not in later.out
    plain = play(DIALECT, json.dumps({"code": code, "message": message, "request_id": "r"}).encode()).error
    assert plain is not None
    assert (plain.status, plain.code) == (status, expected)


def test_an_error_that_nobody_knows_is_the_servers() -> None:
    error = play_at_cuts(DIALECT, framed({"code": "Odd", "message": "x"}, 500), stream=True).error
    assert error is not None
    assert (error.status, error.code) == (500, "Odd")
    said_so = play(DIALECT, json.dumps({"code": "Odd", "message": "x", "status_code": 418}).encode()).error
    assert said_so is not None
    assert said_so.status == 418


def test_an_empty_code_is_no_error() -> None:
    body = {**payload("stop", content="Hello"), "code": "", "message": "", "status_code": 200}
    assert play(DIALECT, json.dumps(body).encode()).body["choices"][0]["message"]["content"] == "Hello"


def test_a_stream_without_its_end_is_an_error() -> None:
    played = play_at_cuts(DIALECT, event(content="Hel"), stream=True)
    assert b'"finish_reason":"' not in played.out
    assert b'"error"' in played.out


def test_another_task_is_no_answer() -> None:
    error = play(DIALECT, b'{"request_id":"r","output":{"task_id":"x","task_status":"PENDING"}}').error
    assert error is not None
    assert error.status == 502


def test_embeddings() -> None:
    assert DIALECT.embeddings is not None
    request = read_embedding_request(json.dumps({"model": "m", "input": ["a", "b"], "dimensions": 256}).encode())
    sent = DIALECT.embeddings.write(request, Notes().asked("text-embedding-v4"))
    assert sent.path == "/services/embeddings/text-embedding/text-embedding"
    assert json.loads(sent.body) == {
        "model": "text-embedding-v4",
        "input": {"texts": ["a", "b"]},
        "parameters": {"dimension": 256},
    }
    found = [{"embedding": [1.5], "text_index": 1}, {"embedding": [0.5], "text_index": 0}]
    reply = DIALECT.embeddings.read({"output": {"embeddings": found}, "usage": {"total_tokens": 3}}, request)
    assert [(item["index"], item["embedding"]) for item in reply["data"]] == [(1, [1.5]), (0, [0.5])]
    assert reply["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_recorded_embeddings_are_read(shared: Path) -> None:
    assert DIALECT.embeddings is not None
    rows = [row for row in all_records(shared, "dashscope") if "/embeddings/" in row["request"]["path"]]
    for row in rows:
        asked = {"model": "m", "input": row["request"]["body"]["input"]["texts"]}
        request = read_embedding_request(json.dumps(asked).encode())
        reply = DIALECT.embeddings.read(json.loads(row["response"]["body"]), request)
        assert [len(item["embedding"]) > 100 for item in reply["data"]] == [True]
        assert reply["usage"]["prompt_tokens"] > 0
    assert rows


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("flavour", ["wire", "wire-closed"])
def test_recorded_replies_are_right(shared: Path, flavour: str, turned: bool) -> None:
    rows = chats(shared, "dashscope")
    verdicts = list(judged(player(shared), rows, DIALECT, flavour, turned=turned))
    assert [row for row in verdicts if row[1] not in ("exact", "error")] == []
    assert len(verdicts) > 10


def test_recorded_replies_have_no_faults(shared: Path) -> None:
    for row in chats(shared, "dashscope"):
        if row["response"]["status"] == 200:
            fields: Fields = {"stream": True} if row["stream"] else {}
            assert play(DIALECT, row["response"]["body"].encode(), **fields).faults == {}, row["id"]


def test_readers_bear_anything() -> None:
    odd: list[Any] = [None, 1, True, "x", [], {}, [1, {"text": 2}], [[{}]], {"function": 1, "content": [1]}]
    names = ("content", "reasoning_content", "tool_calls", "role", "function")
    for value in odd:
        for name in names:
            body = payload("stop", **{name: value})
            body["output"]["choices"][0] |= {"logprobs": value, "index": value, "finish_reason": value}
            body |= {"usage": value, "request_id": value}
            for made in (body, {"output": value}, {"output": {"choices": value, "text": value, "search_info": value}}):
                reader = DIALECT.reader(context(stream=True, logprobs=True))
                reader.read(made)
                reader.read(payload("stop", info={"search_results": value}), b"result")
                DIALECT.read_whole(made, context())
            calls = {"output": {"choices": [{"message": {"tool_calls": [value, {"function": value}]}}]}}
            DIALECT.reader(context(stream=True)).read(calls)
        DIALECT.reader(context(stream=True)).read(value, b"error")
        DIALECT.reader(context(stream=True)).read({"code": value, "message": value, "status_code": value})
        DIALECT.read_whole(value, context())
        DIALECT.read_error(500, {}, json.dumps(value).encode())


def test_nothing_waits_for_the_next_increment() -> None:
    pipe = chat_pipeline(chat(stream=True), ROUTE, CountingMint(), dialect=DIALECT)
    assert b'"Hel"' in pipe.feed(event(content="Hel"))
