"""Recordings in the place of a server: bodies, and HAR files with their requests."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from trueline.check import judge_files
from trueline.check.offline import read_file
from trueline.recordings import Body, Ending, Recording
from trueline.recordings import Call as RecordedCall
from trueline.sim import example_request, render_json

Json = dict[str, Any]
SECRET = "sk-" + "hidden9" * 5


def recorded(fault: str | None, stream: bool | None = None, path: str | None = None, request: Any = None) -> bytes:
    """A reply's body."""
    if fault is not None:
        path, request = example_request(fault, stream)
    assert path is not None
    return render_json(path, request, [fault] if fault else []).body


CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
BODIES = {
    "chat.json": ("/v1/chat/completions", CHAT),
    "chat.sse": ("/v1/chat/completions", {**CHAT, "stream": True}),
    "usage.sse": ("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    "choices.sse": ("/v1/chat/completions", {**CHAT, "stream": True, "n": 3}),
    "images.json": ("/v1/images/generations", {"model": "dall-e-2", "prompt": "tea"}),
    "embeddings.json": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
    "base64.json": ("/v1/embeddings", {"model": "e", "input": "a", "encoding_format": "base64"}),
    "models.json": ("/v1/models", None),
    "completion.json": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"}),
    "completion.sse": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi", "stream": True}),
    "error.json": ("/v1/chat/completions", {"model": "gpt-4o"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_clean_bodies_are_clean(name: str) -> None:
    path, request = BODIES[name]
    card = judge_files([(f"folder/{name}", recorded(None, path=path, request=request))])

    assert [entry.name for entry in card.entries if entry.level != "legal"] == []
    assert card.grade.letter == "A+"
    assert (card.target, card.offline) == (name, True)


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        ("role-repeated", True), ("usage-total-mismatch", False), ("sse-no-space", True), ("tool-index-missing", True),
        ("img-created-missing", None), ("emb-nested", None), ("models-fields-missing", None), ("err-detail", None),
        ("completions-chat-shape", None), ("eof-truncated", True), ("finish-foreign-vocab", False),
    ],
)  # fmt: skip
def test_faults_in_bodies_are_named(fault: str, stream: bool | None) -> None:
    card = judge_files([("reply", recorded(fault, stream))])

    assert fault in {entry.name for entry in card.entries}


def har(*entries: Json) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


def entry(path: str, request: Json | None, body: bytes, status: int = 200, encoded: bool = False) -> Json:
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return {
        "request": {
            "method": "POST" if request is not None else "GET",
            "url": f"https://api.example.com{path}?x=1",
            "headers": [{"name": "Authorization", "value": f"Bearer {SECRET}"}],
            **({"postData": {"mimeType": "application/json", "text": json.dumps(request)}} if request else {}),
        },
        "response": {
            "status": status,
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "X-Request-Id", "value": "req_1"},
            ],
            "content": {"text": text, **({"encoding": "base64"} if encoded else {})},
        },
    }


def test_every_exchange_of_a_har_file_with_its_request() -> None:
    request = {**CHAT, "n": 2}
    whole = render_json("/v1/chat/completions", request, ["n-ignored"]).body
    vectors = render_json("/v1/embeddings", {"model": "e", "input": "a", "encoding_format": "base64"}, []).body
    data = har(
        entry("/v1/chat/completions", request, whole),
        entry("/v1/embeddings", {"model": "e", "input": "a"}, vectors, encoded=True),
        entry("/static/logo.png", None, b"not ours"),
        {"request": 7},
    )
    card = judge_files([("session.har", data)])

    assert [group.name for group in card.groups] == ["chat", "embeddings"]
    assert {"n-ignored", "emb-base64-unasked"} <= {entry.name for entry in card.entries}
    assert [result.probe.id for group in card.groups for result in group.results] == [
        "chat.session.har#1",
        "embeddings.session.har#2",
    ]
    assert SECRET not in repr(card)


def test_what_trueline_recorded_itself() -> None:
    request = {**CHAT, "stream": True}
    spoiled = render_json("/v1/chat/completions", request, ["role-repeated"])
    cut = spoiled.body[: len(spoiled.body) // 2]

    def call(reply: bytes, end: Ending = "complete", limit: int = 1 << 20) -> RecordedCall:
        kept = Body.of(reply, limit=limit)
        asked = Body.of(json.dumps(request).encode(), limit=limit)
        headers = list(spoiled.headers.items())
        return RecordedCall("up", "POST", "/chat/completions", [], asked, 200, headers, kept, end=end, why="reset")

    def found(recorded_call: RecordedCall) -> set[str]:
        card = judge_files([("one.json", Recording(calls=[recorded_call]).encode())])
        return {entry.name for entry in card.entries}

    assert found(call(spoiled.body)) == {"role-repeated"}
    assert "abrupt-reset" in found(call(cut, "cut"))
    with pytest.raises(ValueError, match="no reply"):
        found(call(spoiled.body, limit=100))


def test_several_files_are_one_report() -> None:
    files = [(f"{number}.json", recorded("usage-total-mismatch", False)) for number in range(5)]
    card = judge_files(files)

    (found,) = [each for each in card.entries if each.name == "usage-total-mismatch"]
    assert found.replies == 5
    assert card.target == "0.json, 1.json, 2.json …"


@pytest.mark.parametrize(
    ("name", "data"),
    [("empty.json", b""), ("blank.sse", b" \n"), ("none.har", har()), ("broken.har", b"{"), ("list.har", b"[1]")],
)
def test_nothing_to_judge(name: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no reply|no HAR"):
        judge_files([(name, data)])


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"null", b"[]", b"{}", b"data: 7\n\n", b'{"data":[1]}', b'{"choices":5}', b"<html></html>"]
)
def test_garbage_is_judged_and_never_crashes(data: bytes) -> None:
    assert judge_files([("reply", data)]).level("must")


def test_names_tell_where_an_exchange_was() -> None:
    assert [name for name, _ in read_file("a/b.json", b"{}")] == ["b.json"]
