"""Replies of healthy servers that count otherwise than Trueline does: `auto` leaves every one of them as it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from golden.play import CountingMint, pump
from limits.play import Heard, chunk, heard_stream, heard_whole, streamed
from trueline.context import Enforce, FormatOptions
from trueline.messages import read_chat_request
from trueline.pipeline import Route, chat_pipeline
from trueline.tokens import ESTIMATE, tokenizer_for

RULERS = "# " + "=" * 70 + "\nx = 1\n"
DONE = b"data: [DONE]\n\n"


def reported(sent: Sequence[bytes], completion: int) -> list[bytes]:
    """The stream, with its usage before the end."""
    usage = chunk({}).replace(
        b'"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": null}]',
        b'"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": %d, "total_tokens": %d}'
        % (completion, completion + 1),
    )
    assert b"usage" in usage
    return [*sent[:-1], usage, DONE]


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def both(text: str, finish: str, completion: int | None, model: str, **asked: Any) -> list[Heard]:
    """The same reply whole, and as a stream in several ways."""
    heard = [heard_whole(text, finish, completion, model=model, **asked)]
    for size in (4, 33, 10_000):
        sent = streamed(pieces(text, size), finish, model)
        heard.append(heard_stream(sent if completion is None else reported(sent, completion), model=model, **asked))
    return heard


def fewest(text: str) -> int:
    return min(tokenizer_for(model).count(text) for model in ("gpt-4o", "gpt-4"))


TEXTS = {
    "rulers": RULERS * 12,
    "stars": ("*" * 77 + "\n") * 30,
    "newlines": "a" + "\n" * 700 + "b",
    "dots": ("Chapter one " + "." * 60 + " 12\n") * 20,
    "boxes": "┌──────┬──────┐\n│ a    │ b    │\n└──────┴──────┘\n" * 20,
    "psql": " id |   name   | amount \n----+----------+--------\n" * 20,
    "headings": "Heading\n=======\n\nOther\n-----\n" * 20,
    "georgian": "საქართველო არის ქვეყანა კავკასიის რეგიონში, რომელიც მდებარეობს აღმოსავლეთ ევროპისა. " * 6,
    "arabic": "المملكة العربية السعودية هي أكبر دول الشرق الأوسط مساحة وتقع في جنوب غرب آسيا " * 6,
    "markdown": "| Name | Value | Comment |\n|------|-------|---------|\n| a | 1 | x |\n" * 12,
    "words": " responsibilities" * 90,
}


@pytest.mark.parametrize("completion", [None, 1], ids=["uncounted", "counted"])
@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("name", TEXTS)
def test_what_is_only_estimated_is_not_cut(name: str, finish: str, completion: int | None) -> None:
    text = TEXTS[name]
    limit = fewest(text)
    for heard in both(text, finish, completion and limit, "llama3", max_tokens=limit):
        assert (heard.text, heard.finish) == (text, finish)
        assert "max_completion_tokens-ignored" not in heard.faults


@pytest.mark.parametrize("completion", [None, 900])
def test_what_is_plainly_too_long_is_cut(completion: int | None) -> None:
    text = "The lighthouse was built in the year of the great storm, and has been kept since. " * 40
    for heard in both(text, "stop", completion, "llama3", max_tokens=20):
        assert heard.finish == "length"
        assert text.startswith(heard.text)
        assert "max_completion_tokens-ignored" in heard.faults
    assert 20 <= ESTIMATE.count(heard_stream(streamed(pieces(text, 5)), model="llama3", max_tokens=20).text) <= 80


@pytest.mark.parametrize("finish", ["stop", "content_filter"])
def test_another_model_under_a_known_name(finish: str) -> None:
    """Its own count, which follows whatever finish it has, says that it kept the limit."""
    text = "Tokenizers of other models have other words, e.g. Donaudampfschifffahrtsgesellschaft. " * 4
    limit = tokenizer_for("gpt-3.5-turbo").count(text) - 6
    model = "gpt-3.5-turbo"
    for heard in both(text, finish, limit - 2, model, max_tokens=limit):
        assert (heard.text, heard.finish) == (text, finish)
        assert heard.usage is None or heard.usage["completion_tokens"] == limit - 2
    for heard in both(text, finish, limit + 6, model, max_tokens=limit):
        assert (heard.text, heard.finish) == (text[: tokenizer_for(model).cut(text, limit)], "length")
    for heard in both(text, finish, None, model, max_tokens=limit):
        assert (heard.text, heard.finish) == (text[: tokenizer_for(model).cut(text, limit)], "length")


def test_thoughts_that_fill_the_limit() -> None:
    sent = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "Let me think about this for a moment."}),
        chunk({"content": "Four"}),
        chunk({"content": " it is."}),
        chunk({}, "stop"),
        DONE,
    ]
    kept = heard_stream(reported(sent, 4), max_tokens=4)
    assert (kept.text, kept.finish, kept.faults.get("max_completion_tokens-ignored")) == ("Four it is.", "stop", None)
    assert heard_stream(sent, max_tokens=4).finish == "length"


@pytest.mark.parametrize("stop", ["is fine", "fine.", "so long"])
def test_a_stop_string_in_what_was_held(stop: str) -> None:
    text = "One two three four five six, and all that is fine. And so on and so"
    for heard in both(text, "length", 8, "gpt-4o", max_tokens=8, stop=[stop]):
        wanted = text.partition(stop)[0]
        assert (heard.text, heard.finish) == (wanted, "stop" if wanted != text else "length")


def test_reports_on_the_way_count_at_the_end() -> None:
    sent = streamed(pieces("One two three four five six seven eight nine", 9))
    usage = {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}
    sent[-3] = sent[-3].replace(b'"choices"', b'"usage": %s, "choices"' % str(usage).replace("'", '"').encode())
    assert heard_stream(sent, max_tokens=5).finish == "stop"


_THOUGHTS = "lighthouse" * 40  # one long word: it is clear only at its end how many tokens it has
_CALL = [
    {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"x": 1}'}}]},
]
BEHIND: dict[str, list[dict[str, Any]]] = {
    "content": [{"content": "The"}, {"content": " lighthouse"}, {"content": " was"}],
    "a refusal": [{"refusal": "No"}, {"refusal": " lighthouse"}],
    "a call": _CALL,
    "content and a call": [{"content": "The"}, *_CALL],
}


def behind(case: str) -> list[bytes]:
    begin, end, done = streamed([], "stop")
    thoughts = [chunk({"reasoning_content": piece}) for piece in pieces(_THOUGHTS, 20)]
    return [begin, *thoughts, *map(chunk, BEHIND[case]), end, done]


def deltas(sent: Sequence[bytes], limit: int, kept: Any) -> list[dict[str, Any]]:
    """What leaves, one field at a time and in its order."""
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": limit}
    options = FormatOptions(enforce=Enforce(max_tokens=kept))
    out = pump(chat_pipeline(read_chat_request(json.dumps(body).encode()), Route("up"), CountingMint(), options), sent)
    events = [json.loads(line[6:]) for line in out.split(b"\n\n") if line.startswith(b"data: {")]
    said = [choice["delta"] for event in events for choice in event["choices"]]
    return [{name: delta[name]} for delta in said for name in delta if delta[name] and name != "role"]


@pytest.mark.parametrize("case", BEHIND)
def test_what_comes_behind_thoughts_that_may_be_too_long_is_held_with_them(case: str) -> None:
    limit = tokenizer_for("gpt-4o").count(_THOUGHTS) - 3

    said = deltas(reported(behind(case), limit), limit, "auto")

    assert said == [*({"reasoning_content": piece} for piece in pieces(_THOUGHTS, 20)), *BEHIND[case]]


@pytest.mark.parametrize("case", BEHIND)
def test_what_comes_behind_thoughts_that_are_too_long_does_not_leave(case: str) -> None:
    limit = tokenizer_for("gpt-4o").count(_THOUGHTS) - 3

    said = deltas(reported(behind(case), limit), limit, "on")

    assert _THOUGHTS.startswith("".join(delta["reasoning_content"] for delta in said))
    assert tokenizer_for("gpt-4o").count("".join(delta["reasoning_content"] for delta in said)) == limit
