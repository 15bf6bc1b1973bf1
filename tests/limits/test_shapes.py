"""Limits of other replies than one text of one chat: completions, several choices, calls, thoughts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import chunk
from trueline.context import Enforce, FormatOptions
from trueline.messages import read_chat_request, read_completion_request
from trueline.pipeline import Route, chat_pipeline, completion_pipeline
from trueline.tokens import tokenizer_for

TEXT = "One two three — caf\u00e9 👩‍👩‍👧‍👦 four five six seven, and then some more of it."
DONE = b"data: [DONE]\n\n"
TURBO = "gpt-3.5-turbo-instruct"


def through(pipe: Any, sent: bytes, size: int) -> bytes:
    out: bytes = b"".join(pipe.feed(sent[at : at + size]) for at in range(0, len(sent), size)) + pipe.close()
    assert pipe.error is None
    return out


# -- legacy completions


def completion(text: str, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": TURBO, "choices": [choice]}


def completed(sent: bytes, size: int, **asked: Any) -> tuple[str, str | None]:
    request = read_completion_request(json.dumps({"model": TURBO, "prompt": "Count.", **asked}).encode())
    out = through(completion_pipeline(request, Route("up"), CountingMint(), FormatOptions()), sent, size)
    events = [json.loads(line[6:]) for line in out.split(b"\n\n") if line.startswith(b"data: {")] or [json.loads(out)]
    choices = [choice for event in events for choice in event["choices"]]
    return "".join(c["text"] for c in choices), next((c["finish_reason"] for c in choices if c["finish_reason"]), None)


def events_of(parts: Sequence[str]) -> bytes:
    made = [completion(part) for part in parts] + [completion("", finish="stop")]
    return b"".join(b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\n\n" for each in made) + DONE


CUTS = [{"stop": ["four", "fi"]}, {"stop": "\u00e9"}, {"max_tokens": 5}, {"max_tokens": 9}, {"max_tokens": 12}]


@pytest.mark.parametrize("asked", CUTS, ids=str)
def test_completions_at_every_cut(asked: dict[str, Any]) -> None:
    tokenizer = tokenizer_for(TURBO)
    if "stop" in asked:
        wanted = TEXT[: TEXT.index("four" if isinstance(asked["stop"], list) else "\u00e9")], "stop"
    else:
        wanted = TEXT[: tokenizer.cut(TEXT, asked["max_tokens"])], "length"
    whole = json.dumps(completion(TEXT, finish="stop"), ensure_ascii=False).encode()
    sent = events_of([TEXT[at : at + 7] for at in range(0, len(TEXT), 7)])

    assert completed(whole, 1 << 20, **asked) == wanted
    assert {completed(sent, size, stream=True, **asked) for size in (1, 2, 3, 64, 1 << 20)} == {wanted}
    for at in range(len(TEXT) + 1):
        assert completed(events_of([TEXT[:at], TEXT[at:]]), 1 << 20, stream=True, **asked) == wanted, at


# -- several choices


def said_by(out: bytes) -> dict[int, tuple[str, str | None]]:
    text: dict[int, str] = {}
    finish: dict[int, str | None] = {}
    for line in out.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                number = choice["index"]
                text[number] = text.get(number, "") + (choice["delta"].get("content") or "")
                finish[number] = choice["finish_reason"] or finish.get(number)
    return {number: (text[number], finish[number]) for number in sorted(text)}


def several(texts: Sequence[str], **asked: Any) -> tuple[dict[int, tuple[str, str | None]], Any]:
    """Choices that come mixed, word by word."""
    begun = [chunk({"role": "assistant", "content": ""}, index=number) for number in range(len(texts))]
    words = [[*text.split(" ")] for text in texts]
    rows = [
        chunk({"content": (" " if at else "") + words[number][at]}, index=number)
        for at in range(max(map(len, words)))
        for number in range(len(texts))
        if at < len(words[number])
    ]
    ended = [chunk({}, "stop", index=number) for number in range(len(texts))]
    request = {"model": "gpt-4o", "stream": True, "n": len(texts), "messages": [{"role": "user", "content": "x"}]}
    pipe = chat_pipeline(
        read_chat_request(json.dumps({**request, **asked}).encode()), Route("up"), CountingMint(), FormatOptions()
    )
    return said_by(through(pipe, b"".join([*begun, *rows, *ended, DONE]), 1 << 20)), pipe


LONG = "alpha beta gamma delta epsilon zeta eta theta iota kappa"


def test_each_choice_is_cut_by_itself() -> None:
    said, pipe = several([LONG, "One two three", LONG.upper() + " " + LONG], max_tokens=4)
    tokenizer = tokenizer_for("gpt-4o")

    assert said[1] == ("One two three", "stop")
    assert said[0] == (LONG[: tokenizer.cut(LONG, 4)], "length")
    assert said[2] == (LONG.upper()[: tokenizer.cut(LONG.upper(), 4)], "length")
    assert pipe.faults["max_completion_tokens-ignored"] == 2


def test_a_stop_string_in_one_choice_ends_that_one() -> None:
    said, pipe = several([LONG, "One two three", "One END of it"], stop=["END", "eta t"])

    assert said == {0: (LONG[: LONG.index("eta t")], "stop"), 1: ("One two three", "stop"), 2: ("One ", "stop")}
    assert pipe.faults["stop-ignored"] == 2


def test_when_all_choices_have_ended_nothing_more_is_asked() -> None:
    _, pipe = several([LONG * 4, LONG * 4], max_tokens=2)
    assert pipe.left

    _, pipe = several([LONG, "One"], max_tokens=2)
    assert pipe.faults["max_completion_tokens-ignored"] == 1 and not pipe.left


# -- calls of tools


def call(arguments: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, **more, "function": {"arguments": arguments, **more.pop("function", {})}}]}


ARGUMENTS = json.dumps({"city": "Z\u00fcrich", "days": [1, 2, 3, 4], "note": "a rather long note about it"})


@pytest.mark.parametrize("limit", [2, 5, 9, 14])
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_arguments_of_a_call_end_in_length(limit: int, size: int) -> None:
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    sent = [
        chunk({"role": "assistant", "content": None, "tool_calls": [begun]}),
        *(chunk(call(ARGUMENTS[at : at + size])) for at in range(0, len(ARGUMENTS), size)),
        chunk({}, "tool_calls"),
        DONE,
    ]
    tools = [{"type": "function", "function": {"name": "weather"}}]
    request = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}], "tools": tools}
    options = FormatOptions(enforce=Enforce(max_tokens="on"))
    pipe = chat_pipeline(
        read_chat_request(json.dumps({**request, "max_tokens": limit}).encode()), Route("up"), CountingMint(), options
    )
    arguments, finish, names = "", None, []
    for line in through(pipe, b"".join(sent), 1 << 20).split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                for each in choice["delta"].get("tool_calls") or ():
                    arguments += each["function"].get("arguments") or ""
                    names += [each["function"]["name"]] if each["function"].get("name") else []
                finish = choice["finish_reason"] or finish

    assert finish == "length" and names == ["weather"]
    assert ARGUMENTS.startswith(arguments) and len(arguments) < len(ARGUMENTS)
    tokenizer = tokenizer_for("gpt-4o")
    assert tokenizer.count("weather") + tokenizer.count(arguments) <= limit
    assert pipe.faults["max_completion_tokens-ignored"] == 1


# -- thoughts


@pytest.mark.parametrize("limit", [1, 3, 8, 9, 14])
def test_thoughts_count(limit: int) -> None:
    thoughts, said = "Let me think about lighthouses.", "They were built of granite, mostly."
    deltas = [{"reasoning_content": thoughts[at : at + 4]} for at in range(0, len(thoughts), 4)]
    deltas += [{"content": said[at : at + 4]} for at in range(0, len(said), 4)]
    sent = [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), chunk({}, "stop"), DONE]
    request = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    options = FormatOptions(enforce=Enforce(max_tokens="on"))
    pipe = chat_pipeline(
        read_chat_request(json.dumps({**request, "max_tokens": limit}).encode()), Route("up"), CountingMint(), options
    )
    heard = {"reasoning_content": "", "content": ""}
    for line in through(pipe, b"".join(sent), 1 << 20).split(b"\n\n"):
        for choice in json.loads(line[6:])["choices"] if line.startswith(b"data: {") else ():
            for name in heard:
                heard[name] += choice["delta"].get(name) or ""
    tokenizer = tokenizer_for("gpt-4o")
    left = limit - tokenizer.count(thoughts)

    assert heard["reasoning_content"] == thoughts[: tokenizer.cut(thoughts, limit)]
    assert heard["content"] == (said[: tokenizer.cut(said, left)] if left > 0 else "")
