"""Habits of servers that are met rarely: each input is the smallest that shows one, each outcome is what was meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trueline.errors import TruelineError
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline

Json = dict[str, Any]


class _Mint:
    def now(self) -> int:
        return 1_700_000_000

    def token(self, length: int) -> str:
        return "a" * length


def run(body: bytes, **asked: Any) -> tuple[bytes, TruelineError | None, dict[str, int]]:
    request = {"model": "m", "messages": [{"role": "user", "content": "x"}], **asked}
    pipe = chat_pipeline(read_chat_request(json.dumps(request).encode()), Route("u"), _Mint())
    out = pipe.feed(body) + pipe.close()
    return out, pipe.error, pipe.faults


def streamed(*chunks: Json, end: str = "data: [DONE]\n\n", **asked: Any) -> list[Json]:
    """What leaves: `{index, delta, finish_reason}` of each chunk, and the error of an error event."""
    sent = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end
    out, error, _ = run(sent.encode(), stream=True, **asked)
    assert error is None
    events = [json.loads(e.removeprefix("data: ")) for e in out.decode().split("\n\n") if e.startswith("data: {")]
    return [e if "error" in e else choice for e in events for choice in e.get("choices", [None])]


def text_of(left: list[Json], index: int = 0) -> str:
    return "".join(c["delta"].get("content") or "" for c in left if "delta" in c and c["index"] == index)


def calls_of(left: list[Json]) -> list[tuple[str, str]]:
    calls: dict[int, list[str]] = {}
    for choice in left:
        for call in choice.get("delta", {}).get("tool_calls", []):
            name, arguments = calls.setdefault(call["index"], ["", ""])
            function = call["function"]
            calls[call["index"]] = [name + function.get("name", ""), arguments + function["arguments"]]
    return [(name, arguments) for name, arguments in calls.values()]


def finishes(left: list[Json]) -> list[str]:
    return [c["finish_reason"] for c in left if c.get("finish_reason")]


def text(content: str, index: int = 0, finish: str | None = None, **more: Any) -> Json:
    return {"id": "i", "choices": [{"index": index, "delta": {"content": content}, "finish_reason": finish, **more}]}


def finish(word: Any, **more: Any) -> Json:
    return {"id": "i", "choices": [{"index": 0, "delta": {}, "finish_reason": word, **more}]}


def call(index: Any, **function: Any) -> Json:
    entry: Json = {"index": index, "function": function}
    if "id" in function:
        entry["id"] = function.pop("id")
    return {"id": "i", "choices": [{"index": 0, "delta": {"tool_calls": [entry]}, "finish_reason": None}]}


@pytest.mark.parametrize(
    "choice", [{}, {"index": 0}, {"index": 0, "message": None, "finish_reason": None}, {"index": 0, "message": {}}]
)
def test_a_choice_that_says_nothing_is_no_answer(choice: Json) -> None:
    _, error, _ = run(json.dumps({"choices": [choice]}).encode())

    assert error is not None
    assert error.code == "upstream_invalid_reply"


def test_a_finish_without_a_message_is_azures_filtered_answer() -> None:
    out, error, _ = run(b'{"choices":[{"index":0,"finish_reason":"content_filter"}]}')

    assert error is None
    assert json.loads(out)["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize(
    ("first", "second", "strongest"),
    [
        ("length", "tool_calls", "length"),
        ("max_tokens", "end_turn", "length"),
        ("stop", "content_filter", "content_filter"),
    ],
)
def test_the_strongest_finish_of_choices_that_are_one(first: str, second: str, strongest: str) -> None:
    choices = [
        {"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": f}
        for i, (t, f) in enumerate([("a", first), ("b", second)])
    ]
    out, _, _ = run(json.dumps({"choices": choices}).encode())

    assert json.loads(out)["choices"][0]["finish_reason"] == strongest


@pytest.mark.parametrize("name", ["stop_reason", "stopReason", "done_reason", "finishReason", "native_finish_reason"])
def test_a_length_under_another_name(name: str) -> None:
    reply = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": None, name: "max_tokens"}]}
    out, _, _ = run(json.dumps(reply).encode())

    assert json.loads(out)["choices"][0]["finish_reason"] == "length"


def test_a_stop_string_is_no_finish_reason() -> None:
    left = streamed(text("a", stop_reason="Observation:"), text("b"), finish("length"))

    assert (text_of(left), finishes(left)) == ("ab", ["length"])


@pytest.mark.parametrize(("word", "meant"), [("FinishReason.MAX_TOKENS", "length"), ("FINISH_REASON.stop", "stop")])
def test_an_enum_that_leaked(word: str, meant: str) -> None:
    assert finishes(streamed(text("a"), finish(word))) == [meant]


@pytest.mark.parametrize("word", ["server_error", "FAILED", "exception"])
def test_a_word_that_says_failure_is_no_stop(word: str) -> None:
    left = streamed(text("a"), finish(word))

    assert "error" in left[-1]
    assert finishes(left) == []


def test_a_finish_of_blanks_is_none() -> None:
    sent = "".join(f"data: {json.dumps(c)}\n\n" for c in (text("a"), finish(" ")))
    out, _, faults = run(sent.encode(), stream=True)

    assert b'"error"' in out
    assert "eof-truncated" in faults


@pytest.mark.parametrize(
    "chunk", [{"choices": [], "finish_reason": "error"}, finish("stop") | {"error": {"message": "x"}}]
)
def test_an_error_at_the_root(chunk: Json) -> None:
    left = streamed(text("a"), chunk)

    assert "error" in left[-1]
    assert finishes(left) == []


def test_an_error_in_a_delta() -> None:
    left = streamed(
        text("a"), {"choices": [{"index": 0, "delta": {"error": {"message": "x"}}, "finish_reason": "stop"}]}
    )

    assert left[-1]["error"]["message"] == "x"


def test_the_last_chunk_under_the_name_done() -> None:
    last = json.dumps(text(" end", finish="length"))
    left = streamed(text("the"), end=f"event: done\ndata: {last}\n\n")

    assert (text_of(left), finishes(left)) == ("the end", ["length"])


CALLS: dict[str, tuple[list[Json], list[tuple[str, str]]]] = {
    "a new id on an empty last piece": (
        [call(0, id="x", name="a", arguments='{"p":1}'), call(0, id="y", arguments="")],
        [("a", '{"p":1}')],
    ),
    "one id for two calls": (
        [call(0, id="x", name="a", arguments='{"p":1}'), call(0, id="x", name="b", arguments='{"p":2}')],
        [("a", '{"p":1}'), ("b", '{"p":2}')],
    ),
    "empty arguments before the arguments": (
        [call(0, id="x", name="a", arguments="{}"), call(0, arguments='{"p"'), call(0, arguments=":1}")],
        [("a", '{"p":1}')],
    ),
    "empty arguments": (
        [call(0, id="x", name="a", arguments=""), call(0, arguments="{}"), call(1, id="y", name="b", arguments="{}")],
        [("a", "{}"), ("b", "{}")],
    ),
    "indexes that are fractions": (
        [
            call(0.0, id="x", name="a"),
            call(1.0, id="y", name="b"),
            call(0.0, arguments='{"p":1}'),
            call(1.0, arguments="{}"),
        ],
        [("a", '{"p":1}'), ("b", "{}")],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    chunks, meant = CALLS[name]

    left = streamed(*chunks, finish("tool_calls"))

    assert calls_of(left) == meant


@pytest.mark.parametrize(
    "chunks",
    [
        [text("hello"), call(0, id="x"), finish("stop")],
        [text("hello"), call(0, id="x", arguments=""), finish("length")],
    ],
)
def test_a_call_that_says_nothing_takes_no_answer_away(chunks: list[Json]) -> None:
    left = streamed(*chunks)

    assert text_of(left) == "hello"
    assert calls_of(left) == []
    assert len(finishes(left)) == 1


def test_choices_side_by_side_under_one_index() -> None:
    def both(*deltas: Json, word: str | None = None) -> Json:
        return {"id": "i", "choices": [{"index": 0, "delta": d, "finish_reason": word} for d in deltas]}

    left = streamed(both({"content": "a"}, {"content": "b"}), both({}, {}, word="stop"), n=2)

    assert (text_of(left, 0), text_of(left, 1), finishes(left)) == ("a", "b", ["stop", "stop"])


def test_choices_out_of_order_keep_their_index() -> None:
    choices = [
        {"index": 1, "message": {"role": "assistant", "content": "B"}, "finish_reason": "stop"},
        {"index": 0, "message": {"role": "assistant", "content": "A"}, "finish_reason": "length"},
    ]
    out, _, _ = run(json.dumps({"choices": choices}).encode(), n=2)

    left = json.loads(out)["choices"]
    assert [(c["index"], c["message"]["content"], c["finish_reason"]) for c in left] == [
        (0, "A", "length"),
        (1, "B", "stop"),
    ]


def test_blanks_do_not_wait_for_ever() -> None:
    left = streamed(*[text("\n") for _ in range(200)], finish("stop"))

    assert text_of(left) == "\n" * 200
    assert len(left) > 100


def test_counts_under_ollamas_and_googles_names() -> None:
    for names in (("prompt_eval_count", "eval_count"), ("promptTokenCount", "candidatesTokenCount")):
        usage = dict(zip(names, (300, 200), strict=True))
        out, _, _ = run(
            json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}).encode()
        )

        assert json.loads(out)["usage"] == {"prompt_tokens": 300, "completion_tokens": 200, "total_tokens": 500}
