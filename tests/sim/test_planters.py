"""Each planter commits its fault, where it belongs and nowhere else; any of them go together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.client import chat
from trueline.faults import FAULTS
from trueline.sim import (
    NOT_PLANTABLE,
    PLANTERS,
    PROVIDERS,
    OptionError,
    SimOptions,
    SimReply,
    example_request,
    render,
    render_chat,
    render_json,
)
from trueline.sim.examples import NEEDS

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

MODES = ("whole", "stream")


def reply(fault: str, mode: str, *faults: str, variant: int = 0) -> SimReply:
    path, request = example_request(fault, mode == "stream")
    return render_json(path, request, faults, variant=variant)


def bytes_of(made: SimReply) -> Any:
    headers = {name: value for name, value in made.headers.items() if name != "x-request-id"}
    return made.status, headers, made.chunks, made.ending


def test_every_fault_that_is_mended_is_plantable_or_says_why() -> None:
    assert sorted(set(FAULTS) - set(PLANTERS) - set(NOT_PLANTABLE)) == []
    assert set(PLANTERS) & set(NOT_PLANTABLE) == set()


def test_the_ids_are_those_of_the_catalogue(shared: Path) -> None:
    """Every row of the catalogue's sections 1 to 14 has a planter or a reason, and no id is made up here."""
    rows = (shared / "faults.md").read_text(encoding="utf-8").partition("\n## 1. ")[2].partition("\n## 15. ")[0]
    catalogue = set(re.findall(r"^\| `([a-zA-Z0-9_-]+)` \|", rows, re.MULTILINE))

    assert sorted(catalogue - set(PLANTERS) - set(NOT_PLANTABLE)) == []
    assert sorted((set(PLANTERS) | set(NOT_PLANTABLE)) - catalogue - set(FAULTS)) == []


def test_the_tables_agree() -> None:
    assert {fault for faults in PROVIDERS.values() for fault in faults} <= set(PLANTERS)
    assert {need for planter in PLANTERS.values() for need in planter.needs} == set(NEEDS)


@pytest.mark.parametrize("fault", sorted(PLANTERS))
def test_it_shows_in_its_example(fault: str) -> None:
    path, request = example_request(fault)
    planted = render_json(path, request, [fault])

    assert bytes_of(planted) != bytes_of(render_json(path, request))
    assert planted.faults == (fault,) or PLANTERS[fault].error is not None


@pytest.mark.parametrize("fault", sorted(fault for fault in PLANTERS if PLANTERS[fault].on & {"chat", "completions"}))
def test_it_shows_in_the_modes_that_it_is_known_for(fault: str) -> None:
    planter = PLANTERS[fault]
    whole = planter.whole or planter.raw or planter.mode == "stream"
    stream = planter.chunks or planter.frames or planter.mode == "whole"
    for mode, wanted in (("whole", whole), ("stream", stream)):
        if wanted and not (mode == "whole" and "include_usage" in planter.needs and planter.whole is None):
            assert bytes_of(reply(fault, mode, fault)) != bytes_of(reply(fault, mode)), mode


@pytest.mark.parametrize("fault", sorted(PLANTERS))
@pytest.mark.parametrize("mode", MODES)
def test_every_form_of_it_renders(fault: str, mode: str) -> None:
    for variant in range(1, 9):
        assert reply(fault, mode, fault, variant=variant).status > 0


# What the oracle does not judge: the meaning of the text, of limits and of names, and cuts that a client never sees.
UNJUDGED = {
    "buffered-stream", "content-and-tool-same-delta", "content-cumulative", "content-null-first-delta", "created-ms",
    "finish-length-false", "finish-length-masked", "json-mode-broken", "json-mode-fenced", "json-schema-not-kept",
    "json-split-read", "leading-blank-lines",
    "logprobs-top", "lone-surrogate", "max_completion_tokens-ignored", "model-differs", "model-empty",
    "multi_tool_use-parallel",
    "one-char-chunks", "prefill-echo", "reasoning-tag-variants", "replacement-chars", "special-token-leak",
    "sse-event-only-frame", "stop-echoed", "stop-ignored", "think-in-content", "think-open-missing",
    "think-unclosed", "tool-args-double-encoded", "tool-args-invalid-json", "tool-markup-leak", "tool-name-decorated",
    "tool_choice-named-ignored", "tool_choice-none-ignored", "tool_choice-required-ignored",
    "utf8-split", "whitespace-around",
    "headers-lost", "ctype-charset", "content-encoding-kept",
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(fault for fault in PLANTERS if "chat" in PLANTERS[fault].on))
@pytest.mark.parametrize("mode", MODES)
def test_the_oracle_finds_it(fault: str, mode: str, oracle: ModuleType) -> None:
    _, request = example_request(fault, mode == "stream")
    planted = reply(fault, mode, fault)
    if planted.status != 200 or planted.chunks == reply(fault, mode).chunks:
        return
    if mode == "stream":
        found = oracle.chat_stream(request, planted.body, planted.headers.get("content-type", ""))
    else:
        try:
            found = oracle.chat_json(request, json.loads(planted.body), planted.headers.get("content-type"))
        except (ValueError, TypeError) as error:
            found = [("must", "JSON", str(error))]

    assert bool(found) or fault in UNJUDGED


CALLED = {"tools": NEEDS["tools"]["tools"]}
TWO = NEEDS["two_tools"]
USAGE = {"stream_options": {"include_usage": True}}
ECHO = chat("echo: Hello, new world")

# Fault -> fields of the request -> a piece of the bytes that must be there.
WHOLE: list[tuple[str, dict[str, Any], bytes]] = [
    ("id-missing", {}, b'{\n  "object": "chat.completion"'),
    ("created-float", {}, b'"created": 1760000000.492141'),
    ("finish-foreign-vocab", {}, b'"finish_reason": "eos"'),
    ("envelope-all-null", {}, b'"choices": null'),
    ("tool-args-object", CALLED, b'"arguments": {\n'),
    ("tool-index-in-nonstream", CALLED, b'},\n            "index": 0\n'),
    ("content-parts-list", {}, b'"type": "thinking"'),
    ("reasoning-mirrored", {}, b'"reasoning_content": "The user'),
    ("think-in-content", {}, b'"content": "<think>\\nThe user'),
    ("done-glued-on-json", {}, b"}\n\ndata: [DONE]\n\n"),
    ("sse-for-nonstream", {}, b'data: {"id":"chatcmpl-'),
    ("err-200-baseresp", {}, b'"status_code": 1004'),
    ("nan-infinity", {"logprobs": True}, b'"logprob": -Infinity'),
    ("lone-surrogate", {}, b"\\udcaf"),
    ("leading-blank-lines", {}, b"\n\n\n{"),
]
STREAM: list[tuple[str, dict[str, Any], bytes]] = [
    ("choices-empty-first", {}, b'data: {"choices":[],"created":0,"id":""'),
    ("delta-missing-null", {}, b'"delta":null'),
    ("role-repeated", {}, b'{"content":" new","role":"assistant"}'),
    ("tool-index-missing", TWO, b'"tool_calls":[{"id":"call_'),
    ("tool-index-bad", CALLED, b'"tool_calls":[{"index":1,"id"'),
    ("tool-name-late", CALLED, b'"name":"","arguments":""'),
    ("usage-in-choice", USAGE, b'"finish_reason":"stop","usage":{"prompt_tokens"'),
    ("usage-x-groq", USAGE, b'"x_groq":{"usage":{"prompt_tokens"'),
    ("finish-with-content", {}, b'{"content":" world"},"logprobs":null,"finish_reason":"stop"'),
    ("finish-empty-string", {}, b'"finish_reason":""'),
    ("content-cumulative", {}, b'{"content":"Hello, new"}'),
    ("done-variants", {}, b'data: "[DONE]"\n\n'),
    ("sse-no-space", {}, b'data:{"id"'),
    ("sse-crlf", {}, b"data: [DONE]\r\n\r\n"),
    ("sse-comment", {}, b": OPENROUTER PROCESSING\n\n"),
    ("sse-event-line", {}, b"event: message\ndata: {"),
    ("sse-multiline-data", {}, b"data: {\ndata:   "),
    ("ndjson-stream", {}, b'}\n{"id"'),
    ("bom", {}, b"\xef\xbb\xbfdata: "),
    ("two-json-per-line", {}, b'"}{"id"'),
    ("json-for-stream", {}, b'"object": "chat.completion"'),
    ("native-shape", {}, b'"done":true,"done_reason":"stop"'),
    ("responses-shape-on-chat", {}, b"event: response.output_text.delta\n"),
    ("err-mid-stream", {}, b'data: {"error":{"message":"The engine stopped'),
    ("lone-surrogate", {}, b'"content":"\\ud83d"'),
]


@pytest.mark.parametrize(("fault", "fields", "piece"), WHOLE)
def test_whole_bytes(fault: str, fields: dict[str, Any], piece: bytes) -> None:
    planted = render_chat(planted_request(fields), [fault])

    assert piece in planted.body or piece.replace(b'":{', b'": {') in planted.body
    assert piece not in render_chat(planted_request(fields)).body


@pytest.mark.parametrize(("fault", "fields", "piece"), STREAM)
def test_stream_bytes(fault: str, fields: dict[str, Any], piece: bytes) -> None:
    request = planted_request(fields) | {"stream": True}

    assert piece in render_chat(dict(request), [fault]).body
    assert piece not in render_chat(dict(request)).body


def planted_request(fields: dict[str, Any]) -> dict[str, Any]:
    return (chat("What now?") if "tools" in fields else ECHO) | fields


# Fault -> status, and a piece of the body, where it concerns another endpoint or an error.
OTHERS: list[tuple[str, int, bytes]] = [
    ("err-flat", 400, b'{\n  "object": "error",\n  "message"'),
    ("err-array", 400, b'[\n  {\n    "error"'),
    ("err-detail", 400, b'{\n  "detail": "This model'),
    ("err-string", 400, b'"error": "This model'),
    ("err-html", 502, b"<title>502 Bad Gateway</title>"),
    ("err-empty-body", 503, b""),
    ("err-500-for-4xx", 500, b"context_length_exceeded"),
    ("err-in-200-body", 200, b'"code": 429'),
    ("err-429-as-other", 503, b"capacity_exceeded"),
    ("err-unknown-endpoint-200", 200, b"Unexpected endpoint or method"),
    ("usage-flag-rejected", 400, b"stream_options"),
    ("img-url-when-b64", 200, b'"url": "http'),
    ("img-b64-when-url", 200, b'"b64_json": "iVB'),
    ("img-data-prefix", 200, b'"b64_json": "data:image/png;base64,iVB'),
    ("img-binary-body", 200, b"\x89PNG"),
    ("img-async-task", 200, b'"task_status": "PENDING"'),
    ("emb-nested", 200, b'"embedding": [\n        ['),
    ("emb-nan", 200, b"NaN"),
    ("models-bare-array", 200, b"[\n  {\n"),
    ("models-endpoint-404", 404, b"Invalid URL"),
    ("completions-chat-shape", 200, b'"message": {'),
]


@pytest.mark.parametrize(("fault", "status", "piece"), OTHERS)
def test_other_bytes(fault: str, status: int, piece: bytes) -> None:
    path, request = example_request(fault)
    planted = render_json(path, request, [fault])

    assert planted.status == status
    assert piece in planted.body


def test_an_error_fault_shapes_the_error_that_is_there() -> None:
    planted = render_chat({**chat(), "model": "does-not-exist"}, ["err-code-int"])

    assert planted.status == 404
    assert json.loads(planted.body)["error"]["code"] == 404


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize("stream", [False, True])
def test_like_a_provider(provider: str, stream: bool) -> None:
    """Its habits show, and still a reply with its text comes."""
    options = SimOptions(like=provider)
    request = ECHO | {"stream": stream}
    made = render_chat(request, options=options)

    assert made.status == 200
    assert made.faults or provider == "lmstudio"
    assert not any(PLANTERS[fault].spoils for fault in made.faults)
    assert bytes_of(made) != bytes_of(render_chat(request))


def test_like_a_provider_errors_have_its_shape() -> None:
    made = render_chat({**chat(), "model": "does-not-exist"}, options=SimOptions(like="gemini"))

    assert made.status == 404
    assert made.body.startswith(b"[")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SimOptions(faults=("tool-index-mising",)), "Did you mean 'tool-index-missing'?"),
        (SimOptions(like="olama"), "Did you mean 'ollama'?"),
    ],
)
def test_unknown_names(options: SimOptions, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("?", "\\?")):
        render_chat(chat(), options=options)


@settings(max_examples=150)
@pytest.mark.no_cover
@given(
    faults=st.lists(st.sampled_from(sorted(PLANTERS)), min_size=1, max_size=12),
    stream=st.booleans(),
    variant=st.integers(0, 7),
)
def test_any_faults_go_together(faults: list[str], stream: bool, variant: int) -> None:
    path, request = example_request(faults[0], stream)
    made = render_json(path, request, faults, variant=variant)

    assert isinstance(made.body, bytes)
    assert made.status >= 200


def test_cuts_change_no_byte() -> None:
    request = ECHO | {"stream": True}
    whole = render_chat(request)

    for fault in ("utf8-split", "json-split-read", "buffered-stream"):
        cut = render_chat(request, [fault])
        assert cut.body == whole.body
        assert cut.chunks != whole.chunks


def test_a_character_is_cut() -> None:
    made = render_chat(chat("echo: é 🙂", stream=True), ["utf8-split"])

    def decodes(piece: bytes) -> bool:
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert not all(decodes(piece) for piece in made.chunks)


def test_x_sim_in_a_header() -> None:
    made, _ = render("GET", "/v1/models", {"x-sim": '{"faults": "models-bare-array"}'}, b"")

    assert made.body.startswith(b"[")
