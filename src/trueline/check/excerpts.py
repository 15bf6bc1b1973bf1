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

from .became import Part, became
from .heard import Heard, hear, hear_payload
from .outline import compact, differing, named, outlines, window

__all__ = ["Excerpt", "before_after"]

_WIDTH = 150
_DEEPEST = 8
_SPEAKS_FOR_ITSELF = ("delta", "message")
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

    Where no place is known, faults of the end show the end of a stream, those of usage the first usage, and others
    where the bodies begin to differ.  Nothing is shown behind Trueline where it would be the same once more.
    """
    found = _find(before, after, place, excerpt, name)
    if _is_error(after) and not _is_error(before):
        found = Excerpt(found.before, (_start(after),))
    old, new = (tuple(line if line.strip() else "(an empty line)" for line in lines) for lines in found)
    return Excerpt(old, () if old == new else new)


def _is_error(body: bytes) -> bool:
    """Is it one of OpenAI's errors, and nothing else?"""
    heard = hear(body)
    first = heard.payloads[0] if len(heard.payloads) == 1 and not heard.streamed else None
    return isinstance(first, dict) and first.keys() == {"error"}


def _find(before: bytes, after: bytes, place: str, excerpt: str, name: str) -> Excerpt:
    if not place and name == "usage-missing-stream" and (usage := _first_usage(hear(after))):
        return Excerpt(_end(before), (usage,))
    if not place and name.startswith(_AT_THE_END) and hear(before).streamed:
        return Excerpt(_end(before), _end(after))
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
        return _chunks(was, number, now, path, name)
    if len(was.payloads) == 1 and not was.streamed and path and _STEP.match(path) and " " not in path:
        one, other = was.payloads[0], now.payloads[0] if len(now.payloads) == 1 else None
        return _around(one, other, _steps(path), name) or _fields(one, other, path)
    return (None if place else _unplaced(was, now, excerpt, name)) or _starts(before, after, excerpt)


def _unplaced(was: Heard, now: Heard, excerpt: str, name: str) -> Excerpt | None:
    """What the fault is named after, where that came, went or changed; else what was found; else the first change."""
    if len(was.payloads) == len(now.payloads) == 1 and not was.streamed:
        one, other = was.payloads[0], now.payloads[0]
        both = isinstance(one, dict) and isinstance(other, dict)
        if both and (not excerpt or named(differing(one, other), name)):
            return _around(one, other, [], name)
    if excerpt:
        return Excerpt((window(excerpt, 0),))
    if was.streamed and now.streamed:
        left = {compact(_said(payload)) for payload in now.payloads}
        changed = next((at for at, each in enumerate(was.payloads) if compact(_said(each)) not in left), None)
        return None if changed is None else _chunks(was, changed, now, "", name)
    return None


# ---- lines


def _lines(before: bytes, after: bytes, number: int) -> Excerpt:
    old, new = _split(before), _split(after)
    if not 0 < number <= len(old):
        return _starts(before, after, "")
    if not old[number - 1]:  # the end of an event, which is told by its last line
        number = next((at for at in range(number, 0, -1) if old[at - 1].strip()), number)
    line = old[number - 1]
    other = _likest(line, new)
    at = len(line) if line.endswith("\r") else 0
    if not at and other and window(line, 0) == window(other, 0):
        at = _differ_at(line, other)
    return Excerpt((window(line, at),), (window(other, at) if other else _GONE,))


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
    words, call = _words(payload), _CALL_ID.search(compact(payload))
    same = [other for other in now.payloads if call and call[0] in compact(other)]
    same = same or [other for other in now.payloads if words and _words(other) == words] or now.payloads
    texts = [compact(_said(other)) for other in same]
    likest = _likest(compact(_said(payload)), texts)
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


def _chunks(was: Heard, number: int, now: Heard, path: str, name: str) -> Excerpt:
    """A place in an event, and in what became of that event."""
    old, steps = was.payloads[number], _steps(path)
    position = steps[1] if steps[:1] == ["choices"] and len(steps) > 1 else 0
    parts = [] if _CALL_ID.search(compact(old)) else became(was, number, position, now)
    if parts is None:
        return Excerpt((window(compact(_at(old, steps) if _at(old, steps) is not _ABSENT else old), 0),), (_GONE,))
    if not parts:
        other = _counterpart(old, now)
        return _around(old, other, steps, name) or _fields(old, other, path)
    made = [_around(old, part.payload, steps, name, part) or _fields(old, part.payload, path) for part in parts[:2]]
    # What came and left as it was says nothing; of two events one may be that.
    told = [each for each in made if each.before != each.after] or made[:1]
    return Excerpt(told[0].before, tuple(line for each in told for line in each.after))


def _around(was: Any, now: Any, steps: list[Any], name: str, part: Part | None = None) -> Excerpt | None:
    """The object at a place and what it became, where keys came, went, or changed below it; else None."""
    here = [steps[0], part.position, *steps[2:]] if part is not None and steps[:1] == ["choices"] else steps
    old, new = _at(was, steps), _at(now, here)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return None
    if not steps:
        old, new = _inmost(old, new, name)
    keys = differing(old, new)
    label = steps[-1] if steps and isinstance(steps[-1], str) else ""
    if not keys or (label and old.keys() == new.keys()):
        return None
    head = f'"{label}": ' if label and label not in _SPEAKS_FOR_ITSELF else ""
    one, other = outlines(old, new, named(keys, name) or keys)
    return Excerpt((head + one,), (head + other,))


def _inmost(old: dict[str, Any], new: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objects within two that hold the first difference, or the one that the fault is named after."""
    for _ in range(_DEEPEST):
        keys = differing(old, new)
        if not keys or named(keys, name):
            break
        one, other = old.get(keys[0]), new.get(keys[0])
        if isinstance(one, list) and isinstance(other, list):
            pairs = zip(one, other, strict=False)
            one, other = next(((a, b) for a, b in pairs if a != b), (None, None))
        if not isinstance(one, dict) or not isinstance(other, dict):
            break
        old, new = one, other
    return old, new


def _at(value: Any, steps: list[Any]) -> Any:
    for step in steps:
        value = _child(value, step)
    return value


def _steps(path: str) -> list[Any]:
    return [int(index) if index else name for name, index in _STEP.findall(path)]


def _fields(was: Any, now: Any, path: str) -> Excerpt:
    steps = _steps(path)
    if not steps:
        return Excerpt((window(compact(was), 0),), (window(compact(now), 0),) if now is not None else ())
    name = next((step for step in reversed(steps) if isinstance(step, str)), "")
    seen = [_look(value, steps) for value in (was, now)]
    if isinstance(steps[-1], int) and not all(each.around for each in seen):
        old, new = (f"(no {path})" if each.leaf is None else window(each.leaf, 0) for each in seen)
        return Excerpt((old,), (new,) if now is not None else ())
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
    return _Seen("" if around is value else compact(around), None if missing else compact(parents[-1]))


def _field(seen: _Seen, name: str, alone: bool) -> str:
    """The field by itself, or within its object where that is short enough."""
    if alone and seen.leaf is not None:
        return window(f'"{name}": {seen.leaf}', 0)
    at = seen.around.find(f'"{name}"')
    if alone and at < 0:
        # It may have another name now, that begins like the old one.
        at = seen.around.find(f'"{name}')
        return window(seen.around, at) if at >= 0 else f"(no {name})"
    return window(seen.around, max(at, 0))


def _child(value: Any, step: Any) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else _ABSENT
    return value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT


# ---- texts, and bodies as a whole


def _texts(was: Heard, now: Heard, number: int) -> Excerpt:
    old, new = (list(heard.choices.values()) for heard in (was, now))
    if number >= len(old) or not (old[number].text or old[number].reasoning):
        return Excerpt()
    line = old[number].text or old[number].reasoning
    other = new[number].text if number < len(new) else ""
    at = _differ_at(line, other)
    return Excerpt((window(line, at),), (window(other or _GONE, at),))


def _starts(before: bytes, after: bytes, excerpt: str) -> Excerpt:
    old, new = (_start(body) for body in (before, after))
    if old == new and excerpt:
        return Excerpt((window(excerpt, 0),))
    return Excerpt((old or "(an empty body)",), (new or _GONE,))


def _end(body: bytes) -> tuple[str, ...]:
    """The last line of a stream, and the error before it where there is one."""
    lines = [line.rstrip() for line in _split(body) if line.strip()]
    last = lines[-2:] if '"error"' in "".join(lines[-2:-1]) else lines[-1:]
    return tuple(window(line, 0 if '"error"' in line else len(line)) for line in last) or ("(an empty body)",)


def _first_usage(heard: Heard) -> str | None:
    """The first usage, with how many choices stand beside it in a stream."""
    for payload in heard.payloads:
        usage = payload.get("usage") if isinstance(payload, dict) else None
        if usage:
            choices = payload.get("choices")
            beside = f'"choices": [{"…" if choices else ""}], ' if heard.streamed and choices is not None else ""
            return window(f'{beside}"usage": {compact(usage)}', 0)
    return None


def _start(body: bytes) -> str:
    """The beginning of a body on one line."""
    heard = hear(body)
    if heard.payloads and isinstance(heard.payloads[0], dict):
        return window(compact(_said(heard.payloads[0]) if heard.streamed else heard.payloads[0]), 0)
    return window(" ".join(body[: 2 * _WIDTH].decode("utf-8", "replace").split()), 0)


def _differ_at(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
