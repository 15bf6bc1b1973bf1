"""Long texts are measured beside the event loop, and none costs more than its share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import heard_stream, heard_whole, streamed
from trueline.context import FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs.limits.asked import MAX_STOP, MAX_STOP_TEXT, limit_of, stops_of
from trueline.repairs.limits.meter import Meter
from trueline.repairs.limits.stops import Stops, Taken
from trueline.tokens import tokenizer_for
from trueline.tokens.pieces import WINDOW, PieceTokenizer

LONG = "The lighthouse was built in the year of the great storm, and kept since. " * 900


def asked(stream: bool, **more: Any) -> Any:
    tokenizer_for("gpt-4o").load()
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hi"}], **more}
    pipe = chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), FormatOptions())
    pipe.defer()
    return pipe


def rest_of(pipe: Any) -> tuple[bytes, int]:
    out, turns = pipe.close(), 0
    while pipe.owed is not None:
        pipe.owed()
        out += pipe.settle()
        turns += 1
    return out, turns


def whole(text: str) -> bytes:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    ).encode()


@pytest.mark.parametrize("limit", [5, 5000])
def test_a_long_whole_reply_is_owed(limit: int) -> None:
    pipe = asked(False, max_tokens=limit)
    pipe.feed(whole(LONG))
    assert pipe.close() == b"" and pipe.owed is not None
    out, _ = rest_of(pipe)
    wanted = LONG[: tokenizer_for("gpt-4o").cut(LONG, limit)]

    assert json.loads(out)["choices"][0]["message"]["content"] == wanted
    assert heard_whole(LONG, max_tokens=limit).text == wanted


def test_a_short_one_is_not() -> None:
    pipe = asked(False, max_tokens=5)
    pipe.feed(whole(LONG[:200]))
    assert json.loads(pipe.close())["choices"][0]["finish_reason"] == "length"


def test_what_fails_leaves_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Meter, "take", lambda self, text: 1 // 0)
    for stream in (False, True):
        pipe = asked(stream, max_tokens=5)
        for data in streamed([LONG, "."]) if stream else [whole(LONG)]:
            pipe.feed(data)
        pipe.close()
        with pytest.raises(ZeroDivisionError):
            pipe.owed()
        out = pipe.settle()
        out += rest_of(pipe)[0]
        assert LONG[-200:].encode() in out and pipe.error is None


@pytest.mark.parametrize("size", [400, 40_000])
def test_a_long_stream_is_owed_where_it_has_to_be_counted(size: int) -> None:
    limit, text, out, turns = 25_000, LONG * 3, b"", 0
    pipe = asked(True, max_tokens=limit)
    for data in streamed([text[at : at + size] for at in range(0, len(text), size)]):
        out += pipe.feed(data)
        while pipe.owed is not None:
            pipe.owed()
            out += pipe.settle()
            turns += 1
    out += rest_of(pipe)[0]
    said = [json.loads(line[6:]) for line in out.split(b"\n\n") if line.startswith(b"data: {")]
    got = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in said)

    assert got == text[: tokenizer_for("gpt-4o").cut(text, limit)]
    assert 1 <= turns <= 10


class Watched(PieceTokenizer):
    """Finds no safe place, and counts how much is looked through."""

    name, exact, loaded, looked = "watched", True, True, 0

    def load(self) -> None:
        """See PieceTokenizer."""

    def weigh(self, text: str, start: int, end: int) -> int:
        """See PieceTokenizer."""
        return (end - start + 7) // 8

    def cover(self, text: str, start: int, end: int, units: int) -> int:
        """See PieceTokenizer."""
        return start + 8 * units

    def piece_end(self, text: str, start: int, about: int = WINDOW) -> int:
        """See PieceTokenizer."""
        self.looked += 1
        return start + 4096 if len(text) > start + 4096 else start


def test_a_run_without_an_end_is_looked_at_now_and_then() -> None:
    watched, sent, over = Watched(), "", False
    meter = Meter(watched, 2000)
    for _ in range(40_000):
        if meter.passes("a"):
            sent += "a"
            continue
        out, over = meter.take("a")
        sent += out
        if over:
            break
    assert over and sent == "a" * 16_000
    assert watched.looked < 1000


def test_stop_strings_are_bounded() -> None:
    many = [chr(0x4E00 + n) * 1000 for n in range(10)]
    assert stops_of({"stop": many}) == tuple(many[: MAX_STOP_TEXT // 1000])
    assert stops_of({"stop": [*many, "END"]})[-1] == "END"
    assert stops_of({"stop": ["a" * (MAX_STOP + 1), "b", "b"]}) == ("b",)
    text = heard_stream(streamed(["so it goes ", many[0][:500], many[0][500:], "."]), stop=many).text
    assert text == "so it goes "


@pytest.mark.parametrize(
    ("stops", "text", "taken"),
    [
        ((" zzz",), " word", Taken(5, None)),
        ((" zzz",), " word ", Taken(5, None)),
        ((" zzz",), "a zz", Taken(1, None)),
        ((" zzz",), "a zzzb", Taken(1, 1)),
        (("ab", "b"), "aab", Taken(1, 0)),
        (tuple(chr(97 + n) * 40 for n in range(20)), "x" + "c" * 39, Taken(1, None)),
        (tuple(chr(97 + n) * 40 for n in range(20)), "cd" * 9, Taken(17, None)),
        (("\n\n###", "END"), "the \n", Taken(4, None)),
    ],
)
def test_what_may_stop(stops: tuple[str, ...], text: str, taken: Taken) -> None:
    looked = Stops(stops)
    assert looked.take(text) == taken
    assert looked.passes(text) == (taken == Taken(len(text), None))


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 30}, 5),
        ({"max_tokens": 50, "max_completion_tokens": 30}, 30),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5),
        ({"max_tokens": 0, "max_completion_tokens": 30}, 30),
        ({"max_tokens": True}, None),
        ({"max_tokens": 5, "echo": True}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_smaller_limit_counts(body: dict[str, Any], limit: int | None) -> None:
    assert limit_of(body) == limit
