"""A limit whose vocabulary is loaded beside the event loop: what comes meanwhile is kept, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.letters import Letters
from limits.play import streamed
from trueline.context import FormatOptions, Route
from trueline.messages import read_chat_request
from trueline.pipeline import chat_pipeline
from trueline.repairs.limits import keeping


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    made = Letters()
    made.go.set()
    monkeypatch.setattr(keeping, "tokenizer_of", lambda context: made)
    monkeypatch.setattr(keeping, "tokenizer_for", lambda model, files: made)
    return made


def asked(stream: bool, **more: Any) -> Any:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}], **more}
    pipe = chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), FormatOptions())
    pipe.defer()
    return pipe


def text_of(out: bytes) -> tuple[str, str | None]:
    text, finish = "", None
    for line in out.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:]).get("choices", ()):
                text += choice["delta"].get("content") or ""
                finish = choice["finish_reason"] or finish
    return text, finish


def test_what_comes_while_it_is_loaded_is_kept(letters: Letters) -> None:
    pipe = asked(True, max_tokens=4)
    sent = streamed(["abc", "d", "efgh", "ij", "klmnopqrstuvwxyz" * 4], model="m")
    said = b"".join(pipe.feed(event) for event in sent[:3])

    assert text_of(said) == ("abcd", None) and not pipe.owed and not letters.begun.is_set()
    assert pipe.feed(sent[3]) == b"" and pipe.owed is not None
    assert pipe.feed(sent[4]) == b"" and pipe.feed(sent[5]) == b""
    assert not letters.begun.is_set()
    pipe.owed()
    rest = pipe.settle()
    assert letters.loaded and pipe.owed is None
    assert text_of(said + rest) == ("abcdefgh", "length")
    assert pipe.done and pipe.left and rest.endswith(b"data: [DONE]\n\n")
    assert pipe.faults["max_completion_tokens-ignored"] == 1


@pytest.mark.parametrize("limit", [4, 5, 13, 30])
@pytest.mark.parametrize("at_once", [False, True])
def test_an_upstream_that_ends_meanwhile(letters: Letters, limit: int, at_once: bool) -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    sent = streamed([text[at : at + 3] for at in range(0, len(text), 3)], model="m")
    pipe = asked(True, max_tokens=limit)
    out = b"".join(map(pipe.feed, [b"".join(sent)] if at_once else sent)) + pipe.close()
    turns = 0
    while pipe.owed is not None:
        turns += 1
        pipe.owed()
        out += pipe.settle()

    assert turns == (limit < len(text)), "it is loaded once, and only if it may matter"
    assert text_of(out) == ((text[: 2 * limit], "length") if limit < 13 else (text, "stop"))
    assert pipe.done and out.endswith(b"data: [DONE]\n\n")


def test_stop_strings_are_found_behind_it(letters: Letters) -> None:
    pipe = asked(True, max_tokens=20, stop=["rst"])
    out = b"".join(map(pipe.feed, streamed(["abcdefghijklmnop", "qr", "s", "tu", "vw"], model="m"))) + pipe.close()
    while pipe.owed is not None:
        pipe.owed()
        out += pipe.settle()

    assert text_of(out) == ("abcdefghijklmnopq", "stop")


def test_a_whole_reply(letters: Letters) -> None:
    message = {"role": "assistant", "content": "abcdefghij", "refusal": None}
    reply = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
    }  # fmt: skip
    pipe = asked(False, max_tokens=3)
    assert pipe.feed(json.dumps(reply).encode()) == b""
    assert pipe.close() == b"" and pipe.owed is not None
    out = b""
    while pipe.owed is not None:
        pipe.owed()
        out += pipe.settle()
    choice = json.loads(out)["choices"][0]

    assert (choice["message"]["content"], choice["finish_reason"]) == ("abcdef", "length")


def test_a_failure_meanwhile_is_told(letters: Letters) -> None:
    pipe = asked(True, max_tokens=4)
    out = b"".join(map(pipe.feed, streamed(["abc", "defg"], model="m")[:-2]))
    assert pipe.owed is not None
    out += pipe.feed(streamed(["h", "i"], model="m")[1]) + pipe.close()
    while pipe.owed is not None:
        pipe.owed()
        out += pipe.settle()

    assert text_of(out)[0] == "abcdefgh" and b'"code":"upstream_cut"' in out
