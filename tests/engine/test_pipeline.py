"""One exchange, bytes to bytes: every end that a reply can come to, and every form that can answer a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import kit
from engine.conftest import Oracle
from engine.kit import (
    DONE,
    ROLE,
    ROUTE,
    STOP,
    USAGE,
    Played,
    chat,
    chunk,
    dumps,
    envelope,
    play,
    sse,
    ways_to_cut,
    whole,
)
from trueline.context import FormatOptions, Route
from trueline.errors import TruelineError, UpstreamCutError, UpstreamTimeoutError
from trueline.messages import ChatRequest
from trueline.pipeline import chat as chat_module
from trueline.pipeline import chat_pipeline
from trueline.pipeline import whole as whole_module
from trueline.wire.sse import SSEReader

HEL, LO = chunk({"content": "Hel"}), chunk({"content": "lo."})
SAID = [ROLE, HEL, LO]
COUNTED = envelope(choices=[], usage=USAGE)
ASKED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
REFUSED = {"error": {"message": "Too many.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}


def text(played: Played) -> str:
    return "".join(c["delta"].get("content") or "" for p in played.payloads for c in p.get("choices", ()))


def finishes(played: Played) -> list[str]:
    choices = [c for p in played.payloads for c in p.get("choices", ())]
    return [c["finish_reason"] for c in choices if c["finish_reason"]]


def test_an_exact_stream_passes_unchanged() -> None:
    data = sse(*SAID, STOP)

    for parts in ways_to_cut(data):
        played = play(parts)
        assert played.out == data
        assert played.faults == {}


def test_an_exact_reply_passes_with_its_white_space() -> None:
    for indent in (None, 2):
        data = json.dumps(whole(), indent=indent).encode() + b"\n"
        played = play(data, chat())
        assert played.out == data
        assert played.faults == {}


# -- how a stream ends ------------------------------------------------------------------------------------------------

CUT = UpstreamCutError("The connection was closed.")
LATE = UpstreamTimeoutError("Nothing came for 60 s.")

# (what came, how it ended) -> (text, finish, code of the error event, faults)
ENDS: list[tuple[str, bytes, TruelineError | None, str, list[str], str | None, set[str]]] = [
    ("clean", sse(*SAID, STOP), None, "Hello.", ["stop"], None, set()),
    ("no [DONE]", sse(*SAID, STOP, done=False), None, "Hello.", ["stop"], None, {"done-missing"}),
    ("[DONE] and no finish", sse(*SAID), None, "Hello.", ["stop"], None, {"finish-missing"}),
    ("neither", sse(*SAID, done=False), None, "Hello.", [], "upstream_cut", {"eof-truncated"}),
    (
        "half an event",
        sse(*SAID, done=False) + b'data: {"id',
        None,
        "Hello.",
        [],
        "upstream_cut",
        {"eof-truncated", "sse-non-json-data", "done-no-blank-line"},
    ),
    ("cut", sse(*SAID, done=False), CUT, "Hello.", [], "upstream_cut", {"eof-truncated"}),
    ("stalled", sse(*SAID, done=False), LATE, "Hello.", [], "upstream_timeout", {"eof-truncated"}),
    ("cut after the finish", sse(*SAID, STOP, done=False), CUT, "Hello.", ["stop"], None, {"done-missing"}),
    ("cut after [DONE]", sse(*SAID, STOP), CUT, "Hello.", ["stop"], None, set()),
    ("error in the middle", sse(*SAID, REFUSED), None, "Hello.", [], "rate_limit_exceeded", {"err-mid-stream"}),
    (
        "error after the finish",
        sse(*SAID, STOP, REFUSED),
        None,
        "Hello.",
        [],
        "rate_limit_exceeded",
        {"err-mid-stream"},
    ),
    (
        "error as finish",
        sse(*SAID, chunk({}, "error")),
        None,
        "Hello.",
        [],
        None,
        {"err-mid-stream", "finish-error-value", "finish-foreign-vocab"},
    ),
    (
        "error as text",
        sse(*SAID, b"[ERROR] out of memory"),
        None,
        "Hello.",
        [],
        None,
        {"err-mid-stream", "sse-non-json-data"},
    ),
    (
        "error by name",
        sse(*SAID, done=False) + b'event: error\ndata: {"message":"Broken.","code":"x"}\n\n',
        None,
        "Hello.",
        [],
        "x",
        {"err-mid-stream", "sse-event-line", "err-flat"},
    ),
    ("text after the finish", sse(ROLE, HEL, STOP, LO), None, "Hello.", ["stop"], None, {"content-after-finish"}),
    ("[DONE] twice", sse(*SAID, STOP) + DONE, None, "Hello.", ["stop"], None, {"done-duplicated"}),
    ("more after [DONE]", sse(*SAID, STOP) + sse(LO, done=False), None, "Hello.", ["stop"], None, {"data-after-done"}),
    ("comments after [DONE]", sse(*SAID, STOP) + b": bye\n\n", None, "Hello.", ["stop"], None, {"sse-comment"}),
]


@pytest.mark.parametrize(
    ("data", "cut", "said", "ends", "code", "faults"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_ends(
    oracle: Oracle,
    data: bytes,
    cut: TruelineError | None,
    said: str,
    ends: list[str],
    code: str | None,
    faults: set[str],
) -> None:
    for parts in ways_to_cut(data):
        played = play(parts, cut=cut)

        assert text(played) == said
        assert finishes(played) == ends
        assert played.out.endswith(DONE) and played.out.count(DONE) == 1
        if not ends:
            assert played.payloads[-1].keys() == {"error"}
            assert code in (None, played.payloads[-1]["error"]["code"])
        assert played.faults.keys() == faults if not faults else played.faults.keys() >= faults
        assert oracle(chat(stream=True), played) == []


NOTHING: list[tuple[str, bytes, TruelineError | None, int, str | None]] = [
    ("nothing", b"", None, 502, "upstream_empty_reply"),
    ("blanks", b"\n\n\n", None, 502, "upstream_empty_reply"),
    ("only [DONE]", DONE, None, 502, "upstream_empty_reply"),
    ("only comments", b": ping\n\n: ping\n\n", None, 502, "upstream_empty_reply"),
    ("only a usage", sse(COUNTED), None, 502, "upstream_empty_reply"),
    ("only metadata", sse(envelope(choices=[]), {"type": "ping"}, None), None, 502, "upstream_empty_reply"),
    ("cut at once", b"", CUT, 502, "upstream_cut"),
    ("timed out at once", b"", LATE, 504, "upstream_timeout"),
    ("cut before the first event", b": ping\n\n", LATE, 504, "upstream_timeout"),
    ("an error first", sse(REFUSED), None, 429, "rate_limit_exceeded"),
    ("an error and no stream", dumps(REFUSED), None, 429, "rate_limit_exceeded"),
    ("an error in an array", dumps([REFUSED]), None, 429, "rate_limit_exceeded"),
    ("half a JSON reply", dumps(whole())[:-20], None, 502, "upstream_cut"),
    ("a JSON reply that was cut", dumps(whole()), CUT, 502, "upstream_cut"),
    ("a page", b"<!doctype html>\n<html><title>Welcome</title></html>", None, 502, "upstream_invalid_reply"),
    ("text", b"upstream connect failure\n", None, 502, "upstream_invalid_reply"),
    ("other JSON", b'{"hello": "world"}', None, 502, "upstream_invalid_reply"),
    ("a number", b"data: 7\n\n", None, 502, "upstream_empty_reply"),
    ("an error code", b'data: {"error":{"code":"x"}}\n\n', None, 502, "x"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("data", "cut", "status", "code"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING]
)
def test_what_failed_before_it_began_has_a_status(
    oracle: Oracle, stream: bool, data: bytes, cut: TruelineError | None, status: int, code: str | None
) -> None:
    request = chat(stream=stream)
    for parts in ways_to_cut(data):
        played = play(parts, request, cut=cut)

        assert played.out == b""
        assert played.error is not None
        assert played.error.status == status
        half = data.startswith(b'{"id"') and cut is None and not stream  # to a whole request, any text is no JSON
        assert played.error.code == ("upstream_invalid_reply" if half else code)
        assert oracle(request, played) == []


def test_the_page_is_named() -> None:
    played = play(b"<html><head><title>Sign in</title></head></html>")

    assert played.error is not None and "Sign in" in played.error.message and "base URL" in played.error.message
    assert played.faults.keys() == {"sse-non-json-data", "err-html", "done-no-blank-line"}


@pytest.mark.parametrize("stream", [True, False])
def test_a_reply_has_a_limit(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    monkeypatch.setattr(whole_module if not stream else chat_module, "MAX_REPLY", 300)
    pipe = chat_pipeline(chat(stream=stream), ROUTE, kit.CountingMint())

    for _ in range(10):
        assert pipe.feed(b'{"a":"' + b"x" * 50 + b'"\n') == b""
    assert pipe.done
    assert pipe.error is not None and pipe.error.code == "upstream_reply_too_large"
    assert pipe.close() == b""


def test_an_event_has_a_limit_after_which_the_stream_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SSEReader.__init__, "__defaults__", (400,))
    data = sse(ROLE, HEL, done=False)

    played = play([data, b"data: " + b"x" * 500, b"x", b"\n\n" + DONE])

    assert text(played) == "Hel"
    assert played.payloads[-1]["error"]["code"] == "upstream_reply_too_large"


@pytest.mark.parametrize("kept", range(0, len(sse(*SAID, STOP)) + 1, 7))
def test_a_stream_that_is_cut_anywhere_never_looks_complete(oracle: Oracle, kept: int) -> None:
    data = sse(*SAID, STOP)

    played = play(data[:kept], cut=CUT)

    if played.error is None:
        assert "Hello.".startswith(text(played))
        complete = b'"finish_reason":"stop"' in data[:kept]
        assert finishes(played) == (["stop"] if complete else [])
        assert ("error" in played.payloads[-1]) is not complete
    assert oracle(chat(stream=True), played) == []


# -- one form for another ---------------------------------------------------------------------------------------------

CHUNKS = [*SAID, STOP]
FORMS: list[tuple[str, bytes, set[str]]] = [
    ("SSE", sse(*CHUNKS), {"sse-for-nonstream"}),
    ("SSE with CRLF", sse(*CHUNKS).replace(b"\n", b"\r\n"), {"sse-for-nonstream", "sse-crlf"}),
    ("SSE after blanks", b"\n\n" + sse(*CHUNKS), {"sse-for-nonstream"}),
    ("SSE with a BOM", b"\xef\xbb\xbf" + sse(*CHUNKS), {"sse-for-nonstream", "bom"}),
    ("lines", b"".join(dumps(c) + b"\n" for c in CHUNKS), {"ndjson-stream"}),
    (
        "lines, the role alone",
        b"".join(dumps(c) + b"\n" for c in [envelope(choices=[]), *CHUNKS]),
        {"ndjson-stream"},
    ),
    ("lines with CR", b"".join(dumps(c) + b"\r" for c in CHUNKS), {"ndjson-stream"}),
    ("lines and comments", b"\n: x\n".join(map(dumps, CHUNKS)), {"ndjson-stream", "sse-comment"}),
    ("on one line", b" ".join(map(dumps, CHUNKS)), {"two-json-per-line"}),
    ("array", dumps(CHUNKS), {"json-array-stream"}),
    ("pretty array", json.dumps(CHUNKS, indent=1).encode(), {"json-array-stream"}),
    ("whole", dumps(whole()), {"json-for-stream"}),
    ("pretty", json.dumps(whole(), indent=2).encode(), {"json-for-stream"}),
    ("whole after blanks", b"\n\n \n" + dumps(whole()), {"json-for-stream", "leading-blank-lines"}),
    ("whole with a BOM", b"\xef\xbb\xbf" + dumps(whole()), {"json-for-stream", "bom"}),
    ("array of one", dumps([whole()]), {"json-for-stream"}),
    ("in a wrapper", dumps({"result": whole(), "success": True}), {"json-for-stream", "envelope-wrapped"}),
    ("twice", dumps(whole()) + b"[DONE]", {"json-for-stream", "done-glued-on-json"}),
]


@pytest.mark.parametrize("data", [row[1] for row in FORMS], ids=[row[0] for row in FORMS])
@pytest.mark.parametrize("request_", [chat(), chat(stream=True), chat(**ASKED)], ids=["whole", "stream", "counted"])
def test_any_form_answers_any_request(oracle: Oracle, data: bytes, request_: ChatRequest) -> None:
    expected = play(data, request_)
    for parts in ways_to_cut(data):
        assert play(parts, request_) == expected

    if request_.stream:
        assert text(expected) == "Hello."
        assert finishes(expected) == ["stop"]
    else:
        assert expected.body["choices"][0]["message"]["content"] == "Hello."
    assert oracle(request_, expected) == []


@pytest.mark.parametrize(("data", "faults"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_faults_of_forms(data: bytes, faults: set[str]) -> None:
    noted = play(data, chat()).faults.keys() | play(data).faults.keys()

    assert noted >= faults - {"leading-blank-lines"}


def test_a_whole_reply_is_streamed_as_openai_would() -> None:
    played = play(dumps(whole()), chat(**ASKED))

    deltas = [p["choices"][0]["delta"] for p in played.payloads[:-1]]
    assert deltas == [{"role": "assistant", "content": "", "refusal": None}, {"content": "Hello."}, {}]
    assert played.payloads[-1]["usage"] == USAGE


def test_what_fails_late_in_a_whole_reply_has_a_status() -> None:
    """Nothing of it was written, so that the client need not guess."""
    nameless = {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}

    played = play(dumps(whole(nameless, "tool_calls")))

    assert played.error is not None and played.error.status == 502


# -- several choices --------------------------------------------------------------------------------------------------


def test_choices_that_take_turns() -> None:
    data = sse(
        *(chunk({"role": "assistant", "content": "", "refusal": None}, index=i) for i in (0, 1, 2)),
        *(chunk({"content": f"{i}{n}"}, index=i) for n in "ab" for i in (0, 1, 2)),
        *(chunk({}, "stop", i) for i in (1, 0, 2)),
    )

    for parts in ways_to_cut(data):
        played = play(parts, chat(stream=True, n=3))
        assert played.out == data
        assert played.faults == {}

    folded = play(data, chat(n=3)).body["choices"]
    assert [(c["index"], c["message"]["content"]) for c in folded] == [(0, "0a0b"), (1, "1a1b"), (2, "2a2b")]


def test_choices_in_one_chunk_leave_one_by_one(oracle: Oracle) -> None:
    both = [chunk({"role": "assistant", "content": c}, index=i)["choices"][0] for i, c in enumerate("ab")]
    ends = [chunk({}, "stop", i)["choices"][0] for i in (0, 1)]
    request = chat(stream=True, n=2)

    played = play(sse(envelope(choices=both), envelope(choices=ends)), request)

    assert all(len(p["choices"]) == 1 for p in played.payloads)
    assert oracle(request, played) == []


# -- usage ------------------------------------------------------------------------------------------------------------

USAGES: list[tuple[str, list[Any], set[str]]] = [
    ("exact", [*SAID, STOP, COUNTED], set()),
    ("beside the finish", [*SAID, chunk({}, "stop", usage=USAGE)], {"usage-in-finish-chunk"}),
    (
        "in every chunk",
        [
            chunk(
                {"role": "assistant", "content": "Hello."}, usage={**USAGE, "completion_tokens": 1, "total_tokens": 4}
            ),
            chunk({}, "stop", usage=USAGE),
        ],
        {"usage-every-chunk-cumulative"},
    ),
    ("in the choice", [*SAID, {**STOP, "choices": [{**STOP["choices"][0], "usage": USAGE}]}], {"usage-in-choice"}),
    ("without choices", [*SAID, STOP, {"usage": USAGE}], set()),
    ("twice", [*SAID, STOP, COUNTED, COUNTED], {"usage-dup"}),
    ("before the end", [ROLE, COUNTED, HEL, LO, STOP], set()),
    (
        "a placeholder first",
        [envelope(choices=[], usage={k: 0 for k in USAGE}), *SAID, STOP, COUNTED],
        {"usage-placeholder-zero"},
    ),
    ("by Groq", [*SAID, chunk({}, "stop", x_groq={"usage": USAGE})], {"usage-x-groq"}),
]


@pytest.mark.parametrize(("payloads", "faults"), [row[1:] for row in USAGES], ids=[row[0] for row in USAGES])
def test_usage(oracle: Oracle, payloads: list[Any], faults: set[str]) -> None:
    asked, unasked = chat(**ASKED), chat(stream=True)

    played = play(sse(*payloads), asked)
    counts = [p["usage"] for p in played.payloads if p["usage"]]
    assert counts == [USAGE]
    assert played.payloads[-1]["choices"] == []
    assert played.faults.keys() >= faults
    assert oracle(asked, played) == []

    played = play(sse(*payloads), unasked)
    assert not any(p.get("usage") for p in played.payloads)
    if "x_groq" not in payloads[-1]:  # there it stays, as a field of its own
        assert {"usage-unasked", "choices-empty-usage-unasked"} & played.faults.keys()
    assert oracle(unasked, played) == []


def test_a_usage_that_is_missing_is_estimated_and_says_so(oracle: Oracle) -> None:
    request = chat(**ASKED)

    played = play(sse(*SAID, STOP), request)

    assert played.payloads[-1]["usage"]["x_trueline"] == "counted"
    assert played.faults.keys() >= {"usage-missing-stream"}
    assert oracle(request, played) == []


# -- options ----------------------------------------------------------------------------------------------------------


def test_the_model_that_was_requested_is_the_same_in_every_form() -> None:
    options = FormatOptions(model_name="requested")
    request = {"model": "my-alias"}

    streamed = play(sse(*SAID, STOP), chat(stream=True, **request), options)
    kept = play(dumps(whole()), chat(**request), options)

    assert {p["model"] for p in streamed.payloads} == {kept.body["model"]} == {"my-alias"}


def test_ids_of_openai_everywhere() -> None:
    options = FormatOptions(id="openai")

    for data, request in ((sse(*SAID, STOP), chat(stream=True)), (dumps(whole()), chat())):
        played = play(data, request, options)
        assert played.upstream_id == "chatcmpl-1"
        assert b"chatcmpl-1" not in played.out.replace(b"chatcmpl-" + b"0" * 28 + b"1", b"")


def test_the_derived_fingerprint_is_that_of_the_backend() -> None:
    bare = {k: v for k, v in STOP.items() if k != "system_fingerprint"}
    seen = []
    for route in (ROUTE, ROUTE, Route("elsewhere", "gpt-4o")):
        pipe = chat_pipeline(chat(stream=True), route, kit.CountingMint())
        payload = json.loads(pipe.feed(sse({**bare, "choices": HEL["choices"]}, done=False)).split(b"\n\n")[0][6:])
        seen.append(payload["system_fingerprint"])

    assert seen[0] == seen[1] != seen[2]


# -- promptness -------------------------------------------------------------------------------------------------------


def test_no_event_waits() -> None:
    """Each leaves in the call that brought its last byte; only the finish waits for what follows it."""
    pipe = chat_pipeline(chat(stream=True), ROUTE, kit.CountingMint())

    for event in SAID:
        data = sse(event, done=False)
        assert pipe.feed(data[:-2]) == b""
        assert pipe.feed(data[-2:]) == data
    assert pipe.feed(sse(STOP, done=False)) == b""
    assert pipe.feed(DONE) == sse(STOP)
    assert pipe.done


def test_an_event_that_ends_with_a_single_newline_leaves_at_once() -> None:
    pipe = chat_pipeline(chat(stream=True), ROUTE, kit.CountingMint())

    for event in SAID:
        assert pipe.feed(b"data: " + dumps(event) + b"\n") == sse(event, done=False)
