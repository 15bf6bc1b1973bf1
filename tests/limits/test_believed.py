"""The rest of a stream came in one read with the upstream's report, which is believed where it may well be true."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from engine.kit import CountingMint
from limits.play import chunk, streamed
from limits.test_rooms import KINDS, course, request
from trueline.context import Enforce
from trueline.events import Usage
from trueline.pipeline import Route, chat_pipeline
from trueline.repairs.limits.keeping import visible
from trueline.repairs.usage import mend_usage, unnoted
from trueline.tokens import tokenizer_for
from trueline.tokens.tokenizers import Encoding

TOKENIZER = tokenizer_for("gpt-4o")
PIECES = KINDS["words"] * 40
SAID = TOKENIZER.count("".join(PIECES))
DONE = b"data: [DONE]\n\n"
SAMPLE = 256
"""Characters that tell how long the tokens of a text are."""
AUTO, ON = Enforce(), Enforce(max_tokens="on")


def report(completion: Any, reasoning: Any = None) -> bytes:
    """The event that reports so many tokens."""
    total = 8 + completion if isinstance(completion, int) else 8
    used: dict[str, Any] = {"prompt_tokens": 8, "completion_tokens": completion, "total_tokens": total}
    if reasoning is not None:
        used["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": []}
    return b"data: %b\n\n" % json.dumps({**body, "usage": used}).encode()


def reported(completion: Any, pieces: Sequence[str] = PIECES, finish: str = "length") -> list[bytes]:
    """A stream that says these pieces, and reports so many tokens."""
    return [*streamed(pieces, finish)[:-1], report(completion), DONE]


@pytest.fixture
def weighed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was counted."""
    TOKENIZER.load()
    texts: list[str] = []
    weigh = Encoding.weigh

    def counted(self: Encoding, text: str, start: int, end: int) -> int:
        texts.append(text[start:end])
        return weigh(self, text, start, end)

    monkeypatch.setattr(Encoding, "weigh", counted)
    return texts


def leaves(reads: list[bytes], limit: int, enforce: Enforce = AUTO, stop: Any = ()) -> tuple[list[Any], list[Any]]:
    """The deltas that leave, and what else is known: see `course`."""
    out = course(request("gpt-4o", limit, stop), reads, enforce, True, False)
    events = [line[6:] for part in out if isinstance(part, bytes) for line in part.splitlines() if line[6:7] == b"{"]
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return [delta for choice in choices if (delta := choice["delta"])], out


def _events(read: list[bytes]) -> list[Any]:
    """The deltas that were sent, and what stood in the place of one."""
    sent = [json.loads(event.partition(b"data: ")[2]) for event in read if b'"index"' in event]
    choices = [choice for event in sent for choice in event["choices"]]
    return [choice.get("delta") or choice.get("message") or {} for choice in choices]


def content(deltas: list[Any]) -> str:
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("more", [0, 9])
def test_what_may_be_true_is_believed(more: int, finish: str, weighed: list[str]) -> None:
    deltas, out = leaves([b"".join(reported(SAID, finish=finish))], SAID + more)

    assert content(deltas) == "".join(PIECES)
    assert out[-3:] == [False, finish == "length", "reported"]
    assert "max_completion_tokens-ignored" not in out[-4]
    assert sum(map(len, weighed)) <= SAMPLE


def test_thoughts_that_nobody_sees_do_not_count(weighed: list[str]) -> None:
    sent = [*streamed(PIECES, "stop")[:-1], report(SAID + 900, 900), DONE]

    assert content(leaves([b"".join(sent)], SAID + 9)[0]) == "".join(PIECES)
    assert sum(map(len, weighed)) <= SAMPLE


def test_what_was_counted_before_is_not_counted_again(weighed: list[str]) -> None:
    sent, half = reported(SAID), len(PIECES) // 2
    pipe = chat_pipeline(request("gpt-4o", SAID + 9, []), Route("up"), CountingMint())

    out = b"".join(map(pipe.feed, [*sent[:half], b"".join(sent[half:])]))

    assert out.count(b'"content":') == len(PIECES) + 1
    assert 0 < sum(map(len, weighed)) <= len("".join(PIECES[:half]))


_THOUGHTS = [chunk({"reasoning_content": piece}) for piece in PIECES]
_BEGIN, *_CONTENT = streamed(PIECES)[:-1]
_CONTENT, _FINISH = _CONTENT[:-1], _CONTENT[-1:]
_TRUE = report(SAID)
_NAMED = [b"event: message\n" + event for event in _CONTENT]
_DIGITS = b'{"index": 0, "delta": {"content": "%b"}, "finish_reason": null}' % (b"7," * 300)

_MESSAGE = _BEGIN.replace(
    b'"delta": {"role": "assistant", "content": ""}', b'"message": {"content": "%b"}' % (b"7," * 200)
)
assert b"7," in _MESSAGE


def _digits(number: int) -> bytes:
    return chunk({"content": f"{number % 10},"})


NOT_BELIEVED: dict[str, tuple[int, list[list[bytes]], Enforce]] = {
    # The limit, and what comes in each read.
    "more than was asked for": (100, [reported(101)], AUTO),
    "nothing": (100, [reported(None)], AUTO),
    "none": (100, [reported(0)], AUTO),
    "far fewer than that may be": (100, [reported(1)], AUTO),
    "fewer than that may well be": (100, [reported(100)], AUTO),
    "fewer than were left": (
        240,
        [*([event] for event in [_BEGIN, *_CONTENT[:160]]), [*_CONTENT[160:], *_FINISH, report(230), DONE]],
        AUTO,
    ),
    "fewer than there are, where nothing is believed": (SAID * 5 // 6, [reported(SAID * 5 // 6)], ON),
    "thoughts that are seen besides": (
        SAID + 20,
        [[_BEGIN, *_THOUGHTS[:60], *_CONTENT, *_FINISH, report(SAID + 75, 75), DONE]],
        AUTO,
    ),
    "what came before the last event": (SAID + 5, [[_BEGIN, *_CONTENT, _TRUE, *_NAMED, *_FINISH, DONE]], AUTO),
    "what came before more": (SAID + 5, [[_BEGIN, *_CONTENT, _TRUE], [*_CONTENT, *_FINISH, DONE]], AUTO),
    "what came with more before the end": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, _TRUE, _CONTENT[0]], [*_CONTENT[1:], *_FINISH, DONE]],
        AUTO,
    ),
    "what came before a comment that tells of an end": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, _TRUE, b": data: [DONE]\n\n"], [*_CONTENT, *_FINISH, DONE]],
        AUTO,
    ),
    "what came before a comment": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, _TRUE, b": still here\n\n"], [*_CONTENT, *_FINISH, DONE]],
        AUTO,
    ),
    "fewer than short words may well be": (
        SAID + 5,
        [[_BEGIN, *map(_digits, range(500)), *_FINISH, _TRUE, DONE]],
        AUTO,
    ),
    "a message in the place of a delta": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, _MESSAGE, *_FINISH, _TRUE, DONE]],
        AUTO,
    ),
    "fewer than there may well be behind a ruler": (
        SAID + 5,
        [[_BEGIN, chunk({"content": "-" * 300 + "\n"}), *map(_digits, range(1500)), *_FINISH, _TRUE, DONE]],
        AUTO,
    ),
    "fewer than there may well be behind a long word": (
        60,
        [[_BEGIN, chunk({"content": "Internationalization"}), *map(_digits, range(500)), *_FINISH, report(60), DONE]],
        AUTO,
    ),
    "more in another shape": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, chunk({"content": "7," * 300}, stop_reason=None), _TRUE, DONE]],
        AUTO,
    ),
    "what it comes with": (
        SAID + 5,
        [[_BEGIN, *_CONTENT, _TRUE.replace(b'"choices": []', b'"choices": [%b]' % _DIGITS), DONE]],
        AUTO,
    ),
    "what came far behind the content": (SAID + 5, [[_BEGIN, *_CONTENT, *_THOUGHTS, *_FINISH, _TRUE, DONE]], AUTO),
}


@pytest.mark.parametrize("case", NOT_BELIEVED)
def test_what_is_not_believed(case: str, weighed: list[str]) -> None:
    limit, reads, enforce = NOT_BELIEVED[case]

    deltas, out = leaves([b"".join(read) for read in reads], limit, enforce)

    thoughts = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    sent = "".join(content(_events(read)) for read in reads)
    assert sent.startswith(content(deltas))
    assert TOKENIZER.count(thoughts) + TOKENIZER.count(content(deltas)) == limit
    assert b'"finish_reason":"length"' in b"".join(part for part in out if isinstance(part, bytes))
    assert (out[-4]["max_completion_tokens-ignored"], out[-2]) == (1, False)
    assert weighed


def test_what_is_held_leaves_before_the_rest() -> None:
    """One long word: nobody knows yet how many tokens it has."""
    TOKENIZER.load()
    pieces = [*PIECES[:100], *["lighthouse"] * 100]
    limit = TOKENIZER.count("".join(pieces))
    sent = reported(limit, pieces)

    deltas, out = leaves([b"".join(sent[:170]), b"".join(sent[170:])], limit)

    assert out[0].count(b'"content":"lighthouse"') < 69
    assert content(deltas) == "".join(pieces)


def test_a_stop_string_is_looked_for_in_what_is_believed(weighed: list[str]) -> None:
    pieces = [*PIECES, " here", " it", " ENDS", " not", *PIECES[:40]]

    deltas, out = leaves([b"".join(reported(SAID * 6 // 5, pieces))], SAID * 5 // 4, stop=["ENDS"])

    assert content(deltas).endswith(" here it ")
    assert b'"finish_reason":"stop"' in out[0]


_COUNTS = (None, 0, 7, 12, 12.0, "12", -3, 100, "x", [1])


@pytest.mark.parametrize("completion", _COUNTS)
@pytest.mark.parametrize("reasoning", ["absent", *_COUNTS])
def test_what_a_report_says_is_what_it_says_when_it_is_mended(reasoning: Any, completion: Any) -> None:
    data: dict[str, Any] = {"prompt_tokens": 5, "completion_tokens": completion}
    data["total_tokens"] = 5 + completion if type(completion) is int else 17
    if reasoning != "absent":
        data["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    mended = mend_usage(data, unnoted)
    said = mended["completion_tokens"]
    hidden = (mended.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)

    assert visible(Usage(dict(data)), True) == (said or None)
    assert visible(Usage(dict(data)), False) == (max(said - hidden, 1) if said else None)
