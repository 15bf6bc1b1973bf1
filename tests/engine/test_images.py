"""Pictures: as URL or base64, as asked; whole or as events; of any server."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.garbage import WRONGS, wronged
from engine.kit import NOW, ROUTE, CountingMint, Played, dumps, image, play, ways_to_cut
from trueline.context import FormatOptions
from trueline.errors import UpstreamCutError
from trueline.pipeline import WholeImages, image_pipeline

PNG = b"\x89PNG\r\n\x1a\n0000"
B64 = b64encode(PNG).decode()
URL = "https://example.com/cat.png"
DETAILS = {"text_tokens": 1, "image_tokens": 2}
USAGE = {"total_tokens": 5, "input_tokens": 3, "output_tokens": 2, "input_tokens_details": DETAILS}
META = {"background": "opaque", "output_format": "png", "quality": "high", "size": "1024x1024"}


def reply(*data: Any, **fields: Any) -> dict[str, Any]:
    return {"created": NOW, "data": list(data), **fields}


EXACT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"model": "dall-e-2"}, reply({"url": URL})),
    ({"model": "dall-e-2", "n": 2, "response_format": "b64_json"}, reply({"b64_json": B64}, {"b64_json": B64})),
    ({"model": "dall-e-3"}, reply({"revised_prompt": "a cat", "url": URL})),
    ({"model": "gpt-image-1"}, reply({"b64_json": B64}, **META, usage=USAGE)),
    ({"model": "gpt-image-2"}, reply({"b64_json": B64}, **META, usage={**USAGE, "output_tokens_details": DETAILS})),
    ({"model": "any"}, reply({"url": URL})),
    ({"model": "any"}, reply({"b64_json": B64})),
    ({}, reply({"b64_json": B64, "seed": 7}, timings={"s": 1})),
]


@pytest.mark.parametrize(("asked", "body"), EXACT)
def test_exact_replies_pass_with_their_white_space(asked: dict[str, Any], body: dict[str, Any]) -> None:
    for indent in (None, 2):
        data = json.dumps(body, indent=indent).encode() + b"\n"
        for parts in ways_to_cut(data):
            played = play(parts, image(**asked))
            assert (played.out, played.faults) == (data, {})


# what came -> the data that goes out
SHAPES: list[tuple[Any, list[Any]]] = [
    ([{"url": URL}], [{"url": URL}]),
    ([URL], [{"url": URL}]),
    ({"data": [URL]}, [{"url": URL}]),
    ({"data": [B64, f"data:image/png;base64,{B64}"]}, [{"b64_json": B64}, {"b64_json": B64}]),
    ({"images": [B64]}, [{"b64_json": B64}]),
    ({"images": [{"url": URL}], "seed": 1}, [{"url": URL}]),
    ({"image": B64}, [{"b64_json": B64}]),
    ({"image": {"data": [{"url": URL}]}}, [{"url": URL}]),
    ({"result": {"image": B64}, "success": True}, [{"b64_json": B64}]),
    ({"artifacts": [{"base64": B64, "finishReason": "SUCCESS"}]}, [{"b64_json": B64, "finishReason": "SUCCESS"}]),
    ({"output": [URL]}, [{"url": URL}]),
    ({"predictions": [{"bytesBase64Encoded": B64}]}, [{"b64_json": B64}]),
    ({"data": [{"url": {"url": URL}}]}, [{"url": URL}]),
    ({"data": [{"url": None, "b64_json": B64}]}, [{"b64_json": B64}]),
    ({"data": [{"url": "", "b64_json": B64, "revised_prompt": ""}]}, [{"b64_json": B64}]),
    ({"data": [{"b64_json": f"data:image/png;base64,{B64}"}]}, [{"b64_json": B64}]),
    ({"data": [{"url": f"data:image/png;base64,{B64}"}]}, [{"url": f"data:image/png;base64,{B64}"}]),
    ({"data": [None, {}, {"url": URL}, 7, {"error": "withheld"}]}, [{"url": URL}]),
    ({"data": [{"embedding": None, "index": 0, "url": URL}], "object": "list"}, [{"url": URL}]),
    ({"data": [{"url": "/images/cat.png"}]}, [{"url": "/images/cat.png"}]),
    ({"data": [{"b64_json": "/9j/4AAQ"}]}, [{"b64_json": "/9j/4AAQ"}]),
    *(
        ({"data": [{"url": url}]}, [{"url": url}])
        for url in ("HTTPS://example.com/cat.png", "ftp://example.com/cat.png", "file:///cat.png", "cat.png", "a/b?c=1")
    ),
    ({"images": ["HTTPS://example.com/cat.png"]}, [{"url": "HTTPS://example.com/cat.png"}]),
    ({"data": [{"b64_json": "s3://bucket/cat.png"}]}, [{"url": "s3://bucket/cat.png"}]),
    ({"data": [{"url": B64}]}, [{"b64_json": B64}]),
]


@pytest.mark.parametrize(("body", "data"), SHAPES)
def test_shapes(oracle_of_images: Any, body: Any, data: list[Any]) -> None:
    played = play(dumps(body), image(model="any", n=len(data)))

    assert played.body["data"] == data
    assert played.body["created"] == NOW
    assert oracle_of_images({"model": "any", "n": len(data)}, played.body) == []


def test_a_picture_itself() -> None:
    for parts in ways_to_cut(PNG):
        played = play(parts, image())
        assert played.body == reply({"b64_json": B64})
        assert played.faults == {"img-binary-body": 1, "img-created-missing": 1}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        *((NOW, NOW), (NOW + 0.5, NOW), (NOW * 1000, NOW), (NOW * 10**6, NOW)),
        *((None, NOW), ("x", NOW), (0, NOW), (-1, NOW), (True, NOW), ([], NOW)),
        *((10**400, NOW), (1e308, NOW), (float("nan"), NOW)),
    ],
)
def test_created(sent: Any, kept: int) -> None:
    assert play(dumps({"created": sent, "data": [{"url": URL}]}), image()).body["created"] == kept


FOREIGN: list[tuple[str, Any, str | None]] = [
    ("quality", "high", "quality"),
    ("quality", "standard", "upstream_quality"),
    ("quality", 1, None),
    ("quality", None, None),
    ("background", "blue", "upstream_background"),
    ("output_format", "jpg", "upstream_output_format"),
    ("size", "any", "size"),
    ("size", [512, 512], None),
    ("usage", {"total_tokens": 5}, None),
    ("usage", {**USAGE, "output_tokens_details": {}}, None),
    ("usage", {**USAGE, "cost": 1}, "usage"),
    ("usage", None, None),
    ("safety_identifier", None, "safety_identifier"),
    ("safety_identifier", 7, "upstream_safety_identifier"),
    ("svg_usage", 7, "upstream_svg_usage"),
    ("error", {}, None),
    ("error", {"code": 0}, None),
    ("x_vendor", {"a": 1}, "x_vendor"),
]


@pytest.mark.parametrize(("name", "value", "kept"), FOREIGN)
def test_fields_beside_the_pictures(oracle_of_images: Any, name: str, value: Any, kept: str | None) -> None:
    played = play(dumps(reply({"url": URL}, **{name: value})), image())

    assert {k: v for k, v in played.body.items() if k not in ("created", "data")} == ({kept: value} if kept else {})
    assert oracle_of_images({}, played.body) == []


def test_drop(oracle_of_images: Any) -> None:
    body = reply({"url": URL, "seed": 1}, **META, usage={**USAGE, "x": 1}, x_vendor=1)

    played = play(dumps(body), image(), FormatOptions(extras="drop"))

    assert played.body == reply({"url": URL}, **META, usage=USAGE)
    assert oracle_of_images({}, played.body, "wire-closed") == []


# -- the form that was asked for --------------------------------------------------------------------------------------


def test_base64_where_a_url_was_asked_for() -> None:
    for asked in ({"model": "dall-e-3"}, {"model": "any", "response_format": "url"}):
        played = play(dumps(reply({"b64_json": B64})), image(**asked))
        assert played.body["data"] == [{"url": f"data:image/png;base64,{B64}"}]


def test_a_url_where_base64_was_asked_for_is_fetched_by_the_caller() -> None:
    request = image(model="gpt-image-1", n=2)
    pipe = image_pipeline(request, ROUTE, CountingMint())
    assert isinstance(pipe, WholeImages)

    pipe.feed(dumps(reply({"url": URL}, {"b64_json": B64})))
    assert pipe.close() == b"" and pipe.error is None
    assert pipe.missing == [URL]
    pipe.supply(URL, PNG)

    assert json.loads(pipe.finish())["data"] == [{"b64_json": B64}, {"b64_json": B64}]
    assert pipe.faults == {"img-url-when-b64": 1}


@pytest.mark.parametrize("url", ["HTTPS://example.com/cat.png", "file:///etc/passwd", "cat.png"])
def test_a_url_of_any_scheme_is_never_said_to_be_base64(url: str) -> None:
    pipe = image_pipeline(image(model="any", response_format="b64_json"), ROUTE, CountingMint())
    assert isinstance(pipe, WholeImages)

    pipe.feed(dumps(reply({"url": url})))
    pipe.close()

    assert pipe.missing == [url]


@pytest.mark.parametrize("asked", [{"model": "dall-e-2"}, {"model": "openai/dall-e-2"}])
def test_the_oldest_model_revises_no_prompt(asked: dict[str, Any]) -> None:
    played = play(dumps(reply({"url": URL, "revised_prompt": "x"})), image(**asked))

    assert played.body["data"] == [{"url": URL}]


# -- failures ---------------------------------------------------------------------------------------------------------

FAILURES: list[tuple[bytes, int, str | None]] = [
    (b"", 502, "upstream_empty_reply"),
    (b" \n ", 502, "upstream_empty_reply"),
    (b"<html><title>Oh</title></html>", 502, "upstream_invalid_reply"),
    (b"7", 502, "upstream_invalid_reply"),
    (b"{}", 502, "upstream_invalid_reply"),
    (b'{"task_id":"x","status":"PENDING"}', 502, "upstream_invalid_reply"),
    (b'{"data":[]}', 502, "upstream_invalid_reply"),
    (b'{"data":[null,{}]}', 400, "content_policy_violation"),
    (b'{"data":[{"respect_moderation":false}]}', 400, "content_policy_violation"),
    (b'{"data":[{"b64_json":null}]}', 400, "content_policy_violation"),
    (b'{"data":[7,"",[]]}', 502, "upstream_invalid_reply"),
    (b'{"data":[{"id":7}]}', 502, "upstream_invalid_reply"),
    (b'{"data":[{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}]}', 429, "rate_limit_exceeded"),
    (
        b'{"error":{"message":"No.","code":"billing_hard_limit_reached","type":"invalid_request_error"}}',
        400,
        "billing_hard_limit_reached",
    ),
    (b'{"choices":[]}', 502, "upstream_invalid_reply"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("data", "status", "code"), FAILURES)
def test_failures(stream: bool, data: bytes, status: int, code: str | None) -> None:
    for parts in ways_to_cut(data):
        played = play(parts, image(stream=stream))

        assert played.error is not None
        assert (played.error.status, played.error.code) == (status, code)


@pytest.mark.parametrize("stream", [True, False])
def test_a_clearer_status_where_the_option_asks_for_it(stream: bool) -> None:
    said = {"error": {"message": "Rate limit reached, too many requests", "type": "server_error", "code": None}}

    played = play(dumps(said), image(stream=stream), FormatOptions(options=("err-429-as-other",)))

    assert played.error is not None
    assert (played.error.status, played.error.type) == (429, "rate_limit_error")
    assert "err-429-as-other" in played.faults


# -- events -----------------------------------------------------------------------------------------------------------


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"image_generation.{kind}", "b64_json": B64, "created_at": NOW, **META, **fields}


PARTIAL, COMPLETED = event("partial_image", partial_image_index=0), event("completed", usage=USAGE)


def stream(*events: dict[str, Any], named: bool = True) -> bytes:
    lines = [
        (b"event: " + e["type"].encode() + b"\n" if named else b"") + b"data: " + dumps(e) + b"\n\n" for e in events
    ]
    return b"".join(lines)


def test_exact_events_pass_unchanged() -> None:
    data = stream(PARTIAL, event("partial_image", partial_image_index=1), COMPLETED)

    for parts in ways_to_cut(data):
        played = play(parts, image(stream=True))
        assert (played.out, played.faults) == (data, {})


@pytest.mark.parametrize("kind", ["image_edit.partial_image", "image_edit.completed"])
def test_edits(kind: str) -> None:
    data = stream({**(COMPLETED if kind.endswith("completed") else PARTIAL), "type": kind}, COMPLETED)

    assert play(data, image(stream=True)).out == data


def test_names_are_added_and_what_is_missing_is_filled_in() -> None:
    bare = {"type": "image_generation.partial_image", "b64_json": f"data:image/png;base64,{B64}"}
    last = {"type": "image_generation.completed", "b64_json": B64, "quality": "standard", "size": None}

    played = play(stream(bare, bare, last, named=False), image(stream=True, size="512x512", quality="hd"))

    first, second, completed = played.payloads
    assert played.out.count(b"event: image_generation.") == 3
    assert (first["b64_json"], first["partial_image_index"], second["partial_image_index"]) == (B64, 0, 1)
    assert (completed["size"], completed["quality"], completed["created_at"]) == ("512x512", "auto", NOW)
    assert completed["usage"]["x_trueline"] == "unknown"


def test_what_is_no_picture_does_not_complete() -> None:
    for broken in ({**COMPLETED, "b64_json": None}, {k: v for k, v in COMPLETED.items() if k != "b64_json"}):
        played = play(stream(PARTIAL, broken), image(stream=True))
        assert "error" in played.payloads[-1]

    assert play(stream({**PARTIAL, "b64_json": 7}, COMPLETED), image(stream=True)).out == stream(COMPLETED)


@pytest.mark.parametrize(
    "noise", [b"data: null\n\n", b'data: {"type":"ping"}\n\n', b"data: [DONE]\n\n", b": x\n\n", b"data: x\n\n"]
)
def test_noise(noise: bytes) -> None:
    data = stream(PARTIAL) + noise + stream(COMPLETED) + noise

    assert play(data, image(stream=True)).out == stream(PARTIAL, COMPLETED)


def test_a_stream_that_is_cut_ends_in_an_error() -> None:
    for cut in (None, UpstreamCutError("The connection was closed.")):
        played = play(stream(PARTIAL), image(stream=True), cut=cut)
        assert played.payloads[-1]["error"]["code"] == "upstream_cut"
        assert b"event: error\n" in played.out


def test_a_whole_reply_to_a_stream_request_completes() -> None:
    played = play(dumps(reply({"b64_json": B64}, **META, usage=USAGE)), image(stream=True))

    assert played.payloads == [COMPLETED]


@pytest.fixture(scope="session")
def oracle_of_images(rules: Any) -> Any:
    """`(request body, reply, flavour) -> problems` of a whole image reply."""

    def judge(body: dict[str, Any], reply: Any, flavour: str = "wire") -> list[Any]:
        rules.schema.__defaults__ = (flavour,)
        return [p for p in rules.images_json(body, reply) if p[0] == "must"]

    return judge


# -- garbage ----------------------------------------------------------------------------------------------------------

BODIES = st.builds(wronged, st.sampled_from([body for _, body in EXACT] + [body for body, _ in SHAPES]), WRONGS)
EVENTS = st.builds(wronged, st.just([PARTIAL, COMPLETED]), WRONGS)
ASKED = st.fixed_dictionaries(
    {"model": st.sampled_from(["dall-e-3", "gpt-image-1", "any"])}, optional={"response_format": st.just("b64_json")}
)


def judged(oracle_of_images: Any, asked: dict[str, Any], played: Played, flavour: str) -> list[Any]:
    if played.error is not None:
        assert 400 <= played.error.status < 600
        return []
    problems: list[Any] = oracle_of_images({**asked, "model": "any"}, played.body, flavour)
    return [p for p in problems if p[1] != "G1"]


@pytest.mark.no_cover
@given(BODIES, ASKED, st.sampled_from(["keep", "drop"]))
@settings(max_examples=600)
def test_any_reply(oracle_of_images: Any, body: Any, asked: dict[str, Any], extras: Any) -> None:
    options = FormatOptions(extras=extras)
    pipe = image_pipeline(image(**asked), ROUTE, CountingMint(), options)
    assert isinstance(pipe, WholeImages)

    pipe.feed(dumps(body))
    out = pipe.close()
    for url in list(pipe.missing):
        pipe.supply(url, PNG)
    if pipe.missing:
        out = pipe.finish()

    flavour = "wire-closed" if extras == "drop" else "wire"
    assert judged(oracle_of_images, asked, Played(out, pipe.error, pipe.faults), flavour) == []


@pytest.mark.no_cover
@given(EVENTS, st.booleans())
@settings(max_examples=600)
def test_any_events(rules: Any, events: Any, named: bool) -> None:
    data = b"".join((b"event: x\n" if named else b"") + b"data: " + dumps(e) + b"\n\n" for e in events)

    played = play(data, image(stream=True))

    for payload in [] if played.error else played.payloads:
        if "error" in payload:
            assert rules.error_body(0, payload) == []
            continue
        name = "ImageGenCompletedEvent" if payload["type"].endswith("completed") else "ImageGenPartialImageEvent"
        assert rules.schema(name, payload, "wire") == []
