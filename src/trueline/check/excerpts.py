"""The evidence for a fault, as a line or two: what the server sent at that place, and what Trueline makes of it.

The judge names places in four ways, and each has its own way to be shown:

    line 7                            that line of the body, and the line that became of it
    chunk 3, choices[0].delta.role    the object around that field, in that event and in the one that became of it
    usage.total_tokens                the same in a whole reply
    choice 0                          the text of that choice
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ..wire import jsonio
from .heard import Heard, hear, hear_payload

__all__ = ["Excerpt", "before_after"]

_WIDTH = 150
_AROUND = 24
_LEAST = 64
"""What is shown of a long line at least, where the place is at its end."""
_COMPARED = 2000
_LIKE = 0.4
"""How alike two lines must be for one to have become the other."""
_PLACE = re.compile(r"(?:(line|chunk|choice) (\d+))?(?:, )?(.*)", re.DOTALL)
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_CALL_ID = re.compile(r'"id":"call_[^"]+"')
_ABSENT: Any = object()
_GONE = "(nothing)"


class Excerpt(NamedTuple):
    """Lines of the reply before and after; empty where nothing of it is to be shown."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


_AT_THE_END = ("done-", "eof-", "finish-missing", "usage-missing", "usage-only")
"""How the names of faults begin that show at the end of a stream."""


def before_after(before: bytes, after: bytes, place: str = "", excerpt: str = "", name: str = "") -> Excerpt:
    """What stands at `place` in both bodies; `excerpt` is what was found there, and `name` the fault.

    Where no place is known, faults of the end show the end of a stream, and those of usage the first usage.
    """
    if not place and name.startswith(_AT_THE_END) and hear(before).streamed:
        return Excerpt((_end(before),), (_end(after),))
    if not place and name.startswith("usage-"):
        old = _first_usage(hear(before))
        if old is not None:
            return Excerpt((old,), (_first_usage(hear(after)) or _GONE,))
    found = _PLACE.fullmatch(place)
    kind, number, path = (found[1], int(found[2] or 0), found[3]) if found else (None, 0, "")
    if kind == "line":
        return _lines(before, after, number)
    was, now = hear(before), hear(after)
    if kind == "choice":
        return _texts(was, now, number)
    if kind == "chunk" and number < len(was.payloads):
        return _fields(was.payloads[number], _counterpart(was.payloads[number], now), path)
    if path and len(was.payloads) == 1 and _STEP.match(path) and " " not in path:
        return _fields(was.payloads[0], now.payloads[0] if len(now.payloads) == 1 else None, path)
    return _starts(before, after, excerpt)


# ---- lines


def _lines(before: bytes, after: bytes, number: int) -> Excerpt:
    old, new = _split(before), _split(after)
    if not 0 < number <= len(old):
        return _starts(before, after, "")
    line = old[number - 1]
    other = _likest(line, new)
    at = len(line) if line.endswith("\r") else 0
    return Excerpt((_window(line, at),), (_window(other, at) if other else _GONE,))


def _split(body: bytes) -> list[str]:
    """Lines with the CR that some of them end in."""
    return body.decode("utf-8", "replace").split("\n")


def _likest(line: str, others: Sequence[str]) -> str:
    """The line that is most like this one; nothing where none is."""
    best, score = "", 0.0
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(line[:_COMPARED])
    for other in dict.fromkeys(others):
        matcher.set_seq1(other[:_COMPARED])
        ratio = matcher.quick_ratio()
        # What Trueline leaves out makes a line less alike, though all that is left comes from the first one.
        kept = ratio * (len(line) + len(other)) / (2 * len(other) or 1)
        if ratio > _LIKE and ratio + kept > score:
            best, score = other, ratio + kept
    return best


# ---- fields


def _counterpart(payload: Any, now: Heard) -> Any:
    """The event that became of one: the one that says most of the same."""
    if not now.streamed or not now.payloads:
        return now.payloads[0] if now.payloads else None
    words, call = _words(payload), _CALL_ID.search(_compact(payload))
    same = [other for other in now.payloads if call and call[0] in _compact(other)]
    same = same or [other for other in now.payloads if words and _words(other) == words] or now.payloads
    texts = [_compact(_said(other)) for other in same]
    likest = _likest(_compact(_said(payload)), texts)
    return same[texts.index(likest)] if likest in texts else same[0]


def _words(payload: Any) -> str:
    """The text or arguments that a chunk adds: what a repair leaves as it is."""
    heard = hear_payload(payload)
    return heard.first.text + "".join(call.arguments for call in heard.calls)


def _said(payload: Any) -> Any:
    """A chunk without its envelope, which all chunks share."""
    if isinstance(payload, dict) and isinstance(payload.get("choices"), list):
        return {"choices": payload["choices"], "usage": payload.get("usage")}
    return payload


class _Seen(NamedTuple):
    """A field as far as it is there."""

    around: str
    """The object that holds it, or would; empty where the field is one of the reply's own."""
    leaf: str | None
    """None: it is absent."""


def _fields(was: Any, now: Any, path: str) -> Excerpt:
    steps = [int(index) if index else name for name, index in _STEP.findall(path)]
    if not steps:
        return Excerpt((_window(_compact(was), 0),), (_window(_compact(now), 0),) if now is not None else ())
    name = next((step for step in reversed(steps) if isinstance(step, str)), "")
    seen = [_look(value, steps) for value in (was, now)]
    alone = any(len(each.around) > _WIDTH or not each.around for each in seen) and isinstance(steps[-1], str)
    old, new = (_field(each, name, alone) for each in seen)
    return Excerpt((old,), (new,) if now is not None else ())


def _look(value: Any, steps: list[Any]) -> _Seen:
    """Follow the steps as far as they lead."""
    parents = [value]
    for step in steps:
        child = _child(parents[-1], step)
        if child is _ABSENT:
            break
        parents.append(child)
    missing = len(parents) <= len(steps)
    around = parents[-1] if missing else parents[-2]
    if isinstance(around, list) and len(parents) > 2:
        around = parents[-2] if missing else parents[-3]
    return _Seen("" if around is value else _compact(around), None if missing else _compact(parents[-1]))


def _field(seen: _Seen, name: str, alone: bool) -> str:
    """The field by itself, or within its object where that is short enough."""
    if alone and seen.leaf is not None:
        return _window(f'"{name}": {seen.leaf}', 0)
    at = seen.around.find(f'"{name}"')
    if alone and at < 0:
        # It may have another name now, that begins like the old one.
        at = seen.around.find(f'"{name}')
        return _window(seen.around, at) if at >= 0 else f"(no {name})"
    return _window(seen.around, max(at, 0))


def _child(value: Any, step: Any) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else _ABSENT
    return value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT


def _compact(value: Any) -> str:
    try:
        return jsonio.encode(value).decode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError):
        return repr(value)


# ---- texts, and bodies as a whole


def _texts(was: Heard, now: Heard, number: int) -> Excerpt:
    old, new = (list(heard.choices.values()) for heard in (was, now))
    if number >= len(old) or not (old[number].text or old[number].reasoning):
        return Excerpt()
    line = old[number].text or old[number].reasoning
    other = new[number].text if number < len(new) else ""
    at = _differ_at(line, other)
    return Excerpt((_window(line, at),), (_window(other or _GONE, at),))


def _starts(before: bytes, after: bytes, excerpt: str) -> Excerpt:
    old, new = (_start(body) for body in (before, after))
    if old == new and excerpt:
        return Excerpt((_window(excerpt, 0),))
    return Excerpt((old or "(an empty body)",), (new or _GONE,))


def _end(body: bytes) -> str:
    """The last line of a stream."""
    lines = [line.rstrip() for line in _split(body) if line.strip()]
    return _window(lines[-1], len(lines[-1])) if lines else "(an empty body)"


def _first_usage(heard: Heard) -> str | None:
    """The first usage, with how many choices stand beside it in a stream."""
    for payload in heard.payloads:
        usage = payload.get("usage") if isinstance(payload, dict) else None
        if usage:
            choices = payload.get("choices")
            beside = f'"choices": [{"…" if choices else ""}], ' if heard.streamed and choices is not None else ""
            return _window(f'{beside}"usage": {_compact(usage)}', 0)
    return None


def _start(body: bytes) -> str:
    """The beginning of a body on one line."""
    heard = hear(body)
    if heard.payloads and isinstance(heard.payloads[0], dict):
        return _window(_compact(_said(heard.payloads[0]) if heard.streamed else heard.payloads[0]), 0)
    return _window(" ".join(body[: 2 * _WIDTH].decode("utf-8", "replace").split()), 0)


def _differ_at(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _window(line: str, at: int) -> str:
    """The part of a long line around a place."""
    if len(line) <= _WIDTH:
        return line
    start = max(0, min(at - _AROUND, len(line) - _LEAST))
    end = start + _WIDTH - 2
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
