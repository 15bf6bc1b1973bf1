"""Mistakes planted by hand in bytes, headers, errors and streams of images: each is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judge.kit import CHAT, PLAIN, Json, keys
from judge.test_rules import IMAGES, OTHERS, PICTURE, STREAMS, WHOLES
from trueline.judge import (
    judge_chat_stream,
    judge_chat_whole,
    judge_error,
    judge_headers,
    judge_image_stream,
    judge_images,
)
from trueline.judge.rows import ROWS
from trueline.sim import render_chat, render_json


def error(**changed: Any) -> bytes:
    return json.dumps(
        {"error": {"message": "no", "type": "server_error", "param": None, "code": None, **changed}}
    ).encode()


ERRORS: list[tuple[str, int, bytes]] = [
    ("err-not-json", 500, b"upstream connect error"),
    ("err-foreign", 500, b'{"ok": false}'),
    ("err-foreign", 500, b'"no"'),
    ("err-type", 404, error()),
    ("err-extra-fields", 500, error(metadata={})),
    ("err-code-int", 500, error(code=500)),
    ("err-fields-missing", 500, b'{"error": {"message": "no"}}'),
    ("err-context-code", 400, error(type="invalid_request_error", message="This model's maximum context length is 8.")),
    ("err-in-200-body", 200, error()),
]


@pytest.mark.parametrize(("key", "status", "body"), ERRORS)
def test_a_mistake_in_an_error(key: str, status: int, body: bytes) -> None:
    assert key in keys(judge_error(status, {"x-request-id": "req_1"}, body))


def test_an_exact_error_is_clean() -> None:
    assert judge_error(500, {"X-Request-Id": "req_1"}, error()) == []
    assert judge_error(500, None, error()) == []
    assert keys(judge_error(500, {}, error())) == ["headers-lost"]


STREAM: Json = CHAT | PLAIN | {"stream": True}
CLEAN = render_chat(dict(STREAM)).body
SSE = "text/event-stream; charset=utf-8"
BYTES: list[tuple[str, bytes]] = [
    ("json-not-compact", CLEAN.replace(b'"choices":', b'"choices": ', 1)),
    ("json-escaped", CLEAN.replace("☕".encode(), b"\\u2615")),
    ("done-missing", CLEAN.removesuffix(b"data: [DONE]\n\n")),
    ("done-duplicated", CLEAN + b"data: [DONE]\n\n"),
    ("done-variants", CLEAN.replace(b"[DONE]", b"[DONE] ")),
    ("done-no-blank-line", CLEAN.removesuffix(b"\n")),
    ("data-after-done", CLEAN + b'data: {"usage":1}\n\n'),
    ("eof-truncated", CLEAN[: len(CLEAN) // 2]),
    ("eof-truncated", CLEAN[: CLEAN.index(b"\n\n") + 2]),
    ("empty-stream", b""),
    ("empty-stream", b"data: [DONE]\n\n"),
    ("err-html", b"<!doctype html><title>502</title>"),
    ("err-200-first-event", b"data: " + error() + b"\n\ndata: [DONE]\n\n"),
    ("err-mid-stream", CLEAN.replace(b"data: [DONE]", b"data: " + error() + b"\n\ndata: [DONE]")),
    ("sse-non-json-data", CLEAN.replace(b"data: [DONE]", b"data: {oops\n\ndata: [DONE]")),
    ("null-chunk", b"data: null\n\n" + CLEAN),
    ("non-chunk-object", b"data: 7\n\n" + CLEAN),
    ("replacement-chars", CLEAN.replace("☕".encode(), b"\xff")),
    ("json-for-stream", render_chat(dict(CHAT)).body),
    ("err-in-200-body", error()),
]


@pytest.mark.parametrize(("key", "body"), BYTES)
def test_a_mistake_in_the_bytes_of_a_stream(key: str, body: bytes) -> None:
    assert key in keys(judge_chat_stream(STREAM, body, SSE))


WHOLE = render_chat(dict(CHAT)).body


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("not-json", b"Hello!"),
        ("eof-truncated", WHOLE[:-40]),
        ("done-glued-on-json", WHOLE + b"}"),
        ("sse-for-nonstream", CLEAN),
        ("empty-stream", b"\n"),
        ("leading-blank-lines", b"\n" + WHOLE),
        ("bom", b"\xef\xbb\xbf" + WHOLE),
        ("err-200-code-msg", b'{"code": 500, "msg": "no"}'),
    ],
)
def test_a_mistake_in_the_bytes_of_a_whole_reply(key: str, body: bytes) -> None:
    assert key in keys(judge_chat_whole(CHAT, body, "application/json"))


@pytest.mark.parametrize(
    ("kind", "stream", "found"),
    [
        (SSE, True, []),
        (None, True, []),
        ("", True, ["ctype-missing"]),
        ("application/json", True, ["ctype-missing"]),
        ("text/event-stream;charset=latin-1", True, ["ctype-charset"]),
        ("Application/JSON", False, []),
        ("text/plain", False, ["ctype-missing"]),
    ],
)
def test_content_types(kind: str | None, stream: bool, found: list[str]) -> None:
    if stream:
        assert keys(judge_chat_stream(STREAM, CLEAN, kind)) == found
    else:
        assert keys(judge_chat_whole(CHAT, WHOLE, kind)) == found


# -- streams of images

IMAGE_STREAM: Json = {**PICTURE, "stream": True, "partial_images": 2}
EVENTS = render_json(IMAGES, dict(IMAGE_STREAM)).body
FRAMES = [frame + b"\n\n" for frame in EVENTS.split(b"\n\n") if frame]


@pytest.mark.parametrize(
    ("found", "body"),
    [
        ([], EVENTS),
        (["img-event-name"], EVENTS.replace(b"event: image_generation.completed\n", b"")),
        (["img-event-order"], b"".join([FRAMES[0], FRAMES[2], FRAMES[1]])),
        (["img-event-done"], EVENTS + b"data: [DONE]\n\n"),
        (["eof-truncated"], b"".join(FRAMES[:2])),
        (["usage-missing-stream"], EVENTS.replace(b'"usage"', b'"used"')),
        (["img-meta-null"], EVENTS.replace(b'"quality":"high"', b'"quality":null')),
        (["err-mid-stream"], FRAMES[0] + b"data: " + error() + b"\n\n"),
        (["img-stream-events"], render_json(IMAGES, dict(PICTURE)).body),
        (["img-binary-body"], b"\x89PNG"),
        (["empty-stream"], b""),
        (["err-html"], b"<html>"),
    ],
)
def test_streams_of_images(found: list[str], body: bytes) -> None:
    judged = [key for key in keys(judge_image_stream(IMAGE_STREAM, body, SSE)) if key != "extra-fields"]

    assert judged == found


def test_a_picture_that_nobody_chose_a_form_for() -> None:
    """A model that is not OpenAI's may answer in either form."""
    for image in ({"url": "https://example.com/a.png"}, {"b64_json": "aGk="}):
        body = json.dumps({"created": 1, "data": [image]}).encode()
        assert judge_images({"model": "flux"}, body) == []
        assert (judge_images({"model": "dall-e-2"}, body) == []) is ("url" in image)


def test_headers() -> None:
    good = {"X-Request-ID": "req_1"}
    assert judge_headers(good, b"{}") == []
    assert judge_headers(good | {"content-encoding": "gzip"}, b"\x1f\x8b\x08") == []
    for encoding in ("gzip", "br", "deflate", "zstd"):
        assert keys(judge_headers(good | {"content-encoding": encoding}, b"{}")) == ["content-encoding-kept"]


def test_every_kind_of_finding_is_tested() -> None:
    """What the catalogue names is planted in test_faults; what only the judge names is planted here."""
    tables = (STREAMS, WHOLES, OTHERS, ERRORS, BYTES)
    tested = {case[0] for table in tables for case in table}
    tested |= {"not-json", "img-event-name", "img-event-order", "img-event-done"}

    assert sorted(row.key for row in ROWS.values() if not row.named and row.key not in tested) == []
