"""Replies that are large in one way: read to the end, with nothing lost.

Whoever looks at all that came before for each thing that comes needs hours for these; the suite's limit of time for one
test is what fails then.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.kit import DONE, ROLE, STOP, chat, chunk, dumps, play, sse, whole
from trueline.context import FormatOptions
from trueline.wire import jsonio

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

MANY = 4_000
LONG = 100_000
TOOLS = [{"type": "function", "function": {"name": "f"}}]
ALL_HELD = FormatOptions(tool_calls="whole", options=("tool-markup-leak", "json-mode-fenced"))


def call(index: int, arguments: str = "{}") -> dict[str, Any]:
    return {
        "index": index,
        "id": f"call_{index}",
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
    }


def folded(body: bytes, options: FormatOptions = FormatOptions()) -> dict[str, Any]:
    """The message of a stream that answers a request for a whole reply."""
    played = play(body, chat(tools=TOOLS, response_format={"type": "json_object"}), options)
    assert played.error is None
    message: dict[str, Any] = played.body["choices"][0]["message"]
    return message


@pytest.mark.parametrize("options", [FormatOptions(), ALL_HELD])
def test_many_calls(options: FormatOptions) -> None:
    body = sse(ROLE, *(chunk({"tool_calls": [call(index)]}) for index in range(MANY)), chunk({}, "tool_calls"))

    calls = folded(body, options)["tool_calls"]

    assert [one["id"] for one in calls] == [f"call_{index}" for index in range(MANY)]


def bare(index: int) -> Any:
    return chunk({"tool_calls": [call(index, "")]})


def test_many_calls_without_arguments() -> None:
    body = sse(ROLE, *map(bare, range(MANY)), chunk({}, "tool_calls"))

    calls = folded(body)["tool_calls"]

    assert [one["function"]["arguments"] for one in calls] == ["{}"] * MANY


@pytest.mark.parametrize("order", [1, -1])
def test_many_calls_whose_arguments_come_later(order: int) -> None:
    """In their order, or the other way round: each call waits for the one before it."""
    numbers = range(MANY)[::order]
    pieces = [chunk({"tool_calls": [{"index": n, "function": {"arguments": f'{{"n":{n}}}'}}]}) for n in numbers]
    body = sse(ROLE, *map(bare, range(MANY)), *pieces, chunk({}, "tool_calls"))

    calls = folded(body)["tool_calls"]

    assert [json.loads(one["function"]["arguments"])["n"] for one in calls] == list(range(MANY))


@pytest.mark.parametrize("options", [FormatOptions(), ALL_HELD])
@pytest.mark.parametrize("name", ["f", None])
def test_a_call_with_an_extra_in_each_piece(name: str | None, options: FormatOptions) -> None:
    """With the name first, or not until the end."""
    first = {**call(0, '{"a":"'), "function": {"name": name, "arguments": '{"a":"'}}
    pieces = [{"index": 0, f"x{n}": n, "function": {"arguments": "b", f"y{n}": n}} for n in range(MANY)]
    last = {"index": 0, "function": {"name": name or "f", "arguments": '"}'}}
    body = sse(ROLE, *(chunk({"tool_calls": [one]}) for one in (first, *pieces, last)), chunk({}, "tool_calls"))

    [made] = folded(body, options)["tool_calls"]

    assert [made[f"x{n}"] for n in range(MANY)] == [made["function"][f"y{n}"] for n in range(MANY)] == [*range(MANY)]
    assert json.loads(made["function"]["arguments"]) == {"a": "b" * MANY}


def test_many_calls_behind_one_that_is_not_complete() -> None:
    first = chunk({"tool_calls": [call(0, '{"a":"' + "x" * LONG)]})
    others = [chunk({"tool_calls": [call(index)]}) for index in range(1, MANY)]
    last = chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]})

    calls = folded(sse(ROLE, first, *others, last, chunk({}, "tool_calls")), ALL_HELD)["tool_calls"]

    assert len(calls) == MANY
    assert len(json.loads(calls[0]["function"]["arguments"])["a"]) == LONG


@pytest.mark.parametrize("again", [{"name": "f"}, {}])
def test_arguments_in_many_pieces(again: dict[str, str]) -> None:
    """With the name in each of them, so that each might begin another call."""
    piece = {"tool_calls": [{"index": 0, "function": {**again, "arguments": "}" * 20}}]}
    events = [chunk({"tool_calls": [call(0, '{"a":"')]}), *[chunk(piece)] * MANY]
    last = chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]})

    calls = folded(sse(ROLE, *events, last, chunk({}, "tool_calls")))["tool_calls"]

    assert json.loads(calls[0]["function"]["arguments"]) == {"a": "}" * 20 * MANY}


@pytest.mark.parametrize("parts", [1, MANY])
def test_many_blocks_of_thoughts(parts: int) -> None:
    events = [chunk({"content": "<think>a</think>\n" * (MANY // parts)})] * parts

    message = folded(sse(ROLE, *events, chunk({"content": "b"}), STOP))

    assert (message["reasoning_content"], message["content"]) == ("a" * MANY, "b")


def test_texts_in_many_pieces() -> None:
    audio = {"audio": {"id": "audio_1", "data": "aaaa" * 5, "transcript": "b" * 20}}
    pieces = [{"content": "c" * 20}, {"reasoning_content": "d" * 20}, {"annotations": [{"index": 0}]}, audio]

    message = folded(sse(ROLE, *[chunk(piece) for piece in pieces] * MANY, STOP))

    assert (message["content"], message["reasoning_content"]) == ("c" * 20 * MANY, "d" * 20 * MANY)
    assert len(dumps(message)) > 20 * 4 * MANY


def test_events_that_say_nothing_but_an_extra_each() -> None:
    events = [chunk({"content": ""}, **{f"x{number}": number}) for number in range(MANY)]

    played = play(sse(ROLE, *events, STOP))

    assert f'"x{MANY - 1}":{MANY - 1}'.encode() in played.out


def test_a_printed_call_in_many_pieces() -> None:
    pieces = ['<tool_call>{"name":"f","arguments":{"a":"', *["x" * 20] * MANY, '"}}</tool_call>']

    message = folded(sse(ROLE, *(chunk({"content": piece}) for piece in pieces), STOP), ALL_HELD)

    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"a": "x" * 20 * MANY}


@pytest.mark.parametrize("parts", [1, MANY])
def test_blanks_in_fenced_json(parts: int) -> None:
    blanks = [chunk({"content": " " * (LONG // parts)})] * parts

    fenced = sse(ROLE, chunk({"content": "```json\n{"}), *blanks, chunk({"content": "}\n```"}), STOP)

    assert folded(fenced, ALL_HELD)["content"] == "{" + " " * LONG + "}"


def test_blanks_that_no_fence_follows() -> None:
    body = sse(ROLE, *[chunk({"content": " "})] * LONG, chunk({"content": "{}"}), STOP)

    assert folded(body, ALL_HELD)["content"] == " " * LONG + "{}"


@pytest.mark.parametrize("rest", ["!", "?"])
def test_a_long_beginning_that_is_echoed_in_small_pieces(rest: str) -> None:
    beginning = "ab" * LONG + "!"
    asked = chat(stream=True, messages=[{"role": "assistant", "content": beginning}])
    pieces = [chunk({"content": "ab" * 10})] * (LONG // 10)

    played = play(
        sse(ROLE, *pieces, chunk({"content": rest + "c"}), STOP), asked, FormatOptions(options=("prefill-echo",))
    )

    said = "".join(one["choices"][0]["delta"].get("content", "") for one in played.payloads if one["choices"])
    assert said == ("c" if rest == "!" else "ab" * LONG + "?c")


@pytest.mark.parametrize("line", [b"data: %s\n", b"%s\n"])
def test_many_lines_in_one_read(line: bytes) -> None:
    """Without a blank line between them."""
    body = b"".join(line % dumps(chunk({"content": "a"})) for _ in range(5 * MANY)) + sse(STOP)

    assert folded(body)["content"] == "a" * 5 * MANY
    assert len(play(body).payloads) > 5 * MANY


def test_many_choices_of_one_answer() -> None:
    """In one reply that was cut apart by kind."""
    calls = [{"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(MANY)]
    parts = [{"role": "assistant", "content": "a", f"x{n}": n, "tool_calls": [one]} for n, one in enumerate(calls)]
    choices = [{"index": 0, "message": part, "finish_reason": "stop"} for part in parts]

    message = play(dumps({**whole(), "choices": choices}), chat(tools=TOOLS)).body["choices"][0]["message"]

    assert message["content"] == "a" * MANY
    assert len(message["tool_calls"]) == MANY and message[f"x{MANY - 1}"] == MANY - 1


def test_many_values_with_raw_control_characters() -> None:
    assert jsonio.decode_all(b'{"a":"\x01"}' * LONG) == [{"a": "\x01"}] * LONG


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"[" * LONG,
        b'data: {"a":' * LONG,
        b"data: {\n" * MANY,
        b"data: }\n" * MANY,
        b"data: data: " * MANY,
        b"\r" * LONG,
        b"event: x\n" * MANY,
        b"<html><title" * MANY,
        b'{"error":{"message":"' + b"{'a': " * MANY + b'"}}',
    ],
    ids=lambda body: body[:20].decode(),
)
def test_nonsense_ends_in_an_error(body: bytes) -> None:
    for data in (body, [body[at : at + 50] for at in range(0, len(body), 50)]):
        assert play(data).error is not None
    assert play(sse(ROLE)[: -len(DONE)] + body).error is None  # behind the first chunk: an error event


def test_a_whole_reply_of_many_parts() -> None:
    parts = [{"type": "text", "text": "x"}] * MANY

    played = play(dumps(whole({"role": "assistant", "content": parts})), chat())

    assert played.body["choices"][0]["message"]["content"] == "x" * MANY
