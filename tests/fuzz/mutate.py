"""A reply, spoilt: in its bytes, in its JSON, in the order of its events, in its framing."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args, get_type_hints

from engine.garbage import JUNK, NAMES, places
from fuzz.cases import KINDS, PATHS, Case
from trueline.context import FormatOptions
from trueline.faults import FAULTS
from trueline.switches import OFF, OPTIONS

__all__ = ["mutated"]

_TOKENS = (
    *(
        b"data: ",
        b"data:",
        b"\n\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"[DONE]",
        b"data: [DONE]\n\n",
        b"event: error\n",
        b": ping\n",
    ),
    *(b"\xef\xbb\xbfdata: ", b"\n\r", b"\r\r", b"\x00\x00", b"[" * 300, b'{"a":' * 300, b"1" * 5000, b"-" * 9),
    *(b"null", b"{}", b"[]", b'""', b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 40, b"true", b'"', b"\\", b"{", b"}"),
    *(b"\xff", b"\xed\xa0\x80", b"\xf0\x9f", b"\xef\xbb\xbf", b"\x00", b"\\ud83d", b"\\u0000", b"\xe2\x80\xa8", b"["),
    *(
        b"<think>",
        b"</think>",
        b"<html><title>x</title>",
        b"event: done\n",
        b"id: 1\n",
        b"retry: x\n",
        b"]",
        b",",
        b":",
    ),
)
_SPOTS = 3
_QUOTED = re.compile("`([^`]{1,60})`")
_SAID = tuple(sorted({said for fault in FAULTS.values() for said in _QUOTED.findall(fault.line)}))
"""What the table of faults quotes: words, names of fields, pieces of JSON."""


def mutated(seeds: Sequence[Case], dice: random.Random) -> Case:
    """One of the seeds with one to four things changed."""
    case = dice.choice(seeds)
    body = case.body
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4))):
        body = dice.choice(_CHANGES)(body, dice, seeds)
    case = replace(case, body=body[:100_000], cuts=dice.randrange(1 << 30), broken=not dice.randrange(8))
    if not dice.randrange(12):
        case = replace(case, kind=dice.choice(KINDS))
    if case.kind == "errors":
        case = replace(case, status=dice.choice((case.status, case.status, 400, 404, 422, 429, 500, 503, 529)))
    return replace(case, request=_asked(case, dice), options=_options(dice))


def _asked(case: Case, dice: random.Random) -> dict[str, Any]:
    """The request, now and then in the other mode."""
    request = dict(case.request)
    if case.kind not in PATHS:
        return request
    if case.kind in ("chat", "completions") and not dice.randrange(6):
        request["stream"] = not request.get("stream")
    if not request.get("stream"):
        request.pop("stream_options", None)
    return request


def _options(dice: random.Random) -> dict[str, Any]:
    """Settings of the format: half of the time OpenAI's own, else some of them otherwise."""
    if dice.randrange(2):
        return {}
    chosen: dict[str, Any] = {
        name: dice.choice(values) for name, values in _CHOICES.items() if not dice.randrange(len(_CHOICES) // 2)
    }
    if not dice.randrange(3):
        chosen["options"] = dice.sample(sorted(OPTIONS), dice.choice((1, 3, len(OPTIONS))))
    if not dice.randrange(8):
        chosen["off"] = dice.sample(sorted(OFF), dice.choice((1, 3, len(OFF))))
    return chosen


_CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(kind)
    for name, kind in get_type_hints(FormatOptions).items()
    if name not in ("options", "off", "enforce")
}


# -- bytes


def _bytes(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    at = dice.randrange(len(body) + 1)
    end = min(len(body), at + dice.choice((1, 1, 2, 8, 60)))
    new = dice.choice((b"", bytes((dice.randrange(256),)), dice.choice(_TOKENS), body[at:end] * 2))
    return body[:at] + new + body[end if dice.randrange(2) else at :]


def _truncated(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    return body[: dice.randrange(len(body) + 1)]


def _spliced(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    other = dice.choice(seeds).body
    return body[: dice.randrange(len(body) + 1)] + other[dice.randrange(len(other) + 1) :]


def _prolonged(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    """A part of it many times over: long lines, deep nests, the same key twice."""
    at = dice.randrange(len(body) + 1)
    part = body[at : at + dice.choice((1, 1, 3, 20, 200))] or b"["
    return body[:at] + part * (dice.choice((2, 300, 5000)) // len(part) + 2) + body[at:]


def _dressed(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    """Something before all of it, or behind it."""
    one = dice.choice(_TOKENS)
    return one + body if dice.randrange(2) else body + one


# -- events


def _events(body: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in body.split(b"\n\n") if event]


def _reordered(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    events = _events(body)
    if len(events) < 2:
        return body
    first, second = dice.randrange(len(events)), dice.randrange(len(events))
    match dice.randrange(4):
        case 0:
            del events[first]
        case 1:
            events.insert(second, events[first])
        case 2:
            events[first], events[second] = events[second], events[first]
        case _:
            events.insert(first, dice.choice(_events(dice.choice(seeds).body) or [b"\n"]))
    return b"".join(events)


def _reframed(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    old, new = dice.choice(
        (
            *((b"\n", b"\r\n"), (b"\n", b"\r"), (b"\n\n", b"\n"), (b"data: ", b"data:"), (b"data: ", b"")),
            *((b"data: ", b"event: x\ndata: "), (b"data: ", b"data: data: "), (b"\n\n", b"\n\n\n"), (b"[DONE]", b"")),
            *((b"{", b"{\n"), (b"}\n\ndata: {", b"}{"), (b"data: ", b": ")),
        )
    )
    return body.replace(old, new)


# -- JSON


def _restructured(body: bytes, dice: random.Random, seeds: Sequence[Case]) -> bytes:
    """Wrong things in one of the JSON values of the body."""
    lines = body.split(b"\n")
    spots = [place for place, line in enumerate(lines) if line[:7] == b"data: {"]
    if not spots:
        return _spoilt(body, dice)
    for place in dice.sample(spots, min(len(spots), dice.randrange(1, _SPOTS + 1))):
        lines[place] = b"data: " + _spoilt(lines[place][6:], dice)
    return b"\n".join(lines)


def _spoilt(text: bytes, dice: random.Random) -> bytes:
    """JSON with wrong things in it; what is no JSON, or nests too deep for Python's own decoder, as it is."""
    try:
        return _dumps(_wronged(json.loads(text), dice))
    except (ValueError, RecursionError):
        return text


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _wronged(value: Any, dice: random.Random) -> Any:
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        found = list(places(value))
        if not found:
            return copy.deepcopy(dice.choice(JUNK))
        *path, key = dice.choice(found)
        around = value
        for step in path:
            around = around[step]
        _wrong(around, key, dice)
    return [value] if not dice.randrange(40) else value


def _wrong(around: Any, key: Any, dice: random.Random) -> None:
    junk = copy.deepcopy(dice.choice(JUNK)) if dice.randrange(4) else _said(dice)
    match dice.randrange(9):
        case 0 | 1 | 2:
            around[key] = junk
        case 3:
            del around[key]
        case 4 if isinstance(around, dict):
            around[dice.choice(NAMES if dice.randrange(3) else _SAID)] = junk
        case 5:
            around[key] = [around[key]]
        case 6:
            around[key] = {dice.choice(NAMES): around[key]}
        case 7 if isinstance(around, list):
            around.insert(key, copy.deepcopy(around[key]))
        case _:
            around[key] = str(around[key]) if isinstance(around[key], (int, float)) else None


def _said(dice: random.Random) -> Any:
    word = dice.choice(_SAID)
    try:
        return json.loads(word)
    except ValueError:
        return word.strip('"')


Change = Callable[[bytes, random.Random, Sequence[Case]], bytes]
_CHANGES: tuple[Change, ...] = (
    *(_restructured,) * 6,
    *(_reordered,) * 3,
    *(_bytes,) * 3,
    *(_reframed, _truncated, _spliced, _prolonged, _dressed),
)
