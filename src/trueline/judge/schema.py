"""A small language for the shapes of JSON objects, and the one checker that reads it.

    shape("Model", {"id": TEXT, "object": Words("model"), "shutdown_date?": or_null(TEXT)})

A name that ends in `?` may be absent.  The meaning is that of JSON Schema (1.0 is an integer, true is not), the
problems are made for people: each has a path, what was wanted and what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "ABSENT",
    "ANYTHING",
    "BOOLEAN",
    "INTEGER",
    "NUMBER",
    "TEXT",
    "AnyOf",
    "Kind",
    "ListOf",
    "MapOf",
    "Plain",
    "Problem",
    "Shape",
    "Words",
    "check",
    "or_null",
    "path_text",
    "shape",
]

Extras = Literal["allow", "forbid"]
Path = tuple[str | int, ...]


class _Absent:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


class Plain(NamedTuple):
    """A value without parts; `name` is how a person calls it."""

    name: str


TEXT = Plain("a string")
INTEGER = Plain("an integer")
NUMBER = Plain("a number")
BOOLEAN = Plain("true or false")
NULL = Plain("null")
ANYTHING = Plain("anything")


class Words:
    """One of some strings."""

    def __init__(self, *words: str) -> None:
        self.words = words


class ListOf(NamedTuple):
    """A list whose items are all alike."""

    item: Kind


class MapOf(NamedTuple):
    """An object with any names, whose values are all alike."""

    value: Kind


class AnyOf:
    """Any of several kinds."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds


class Shape(NamedTuple):
    """An object with these fields."""

    name: str
    fields: Mapping[str, Kind]
    required: frozenset[str]


Kind: TypeAlias = Plain | Words | ListOf | MapOf | AnyOf | Shape


def shape(name: str, fields: Mapping[str, Kind]) -> Shape:
    """A Shape from its table: a field whose name ends in `?` may be absent."""
    kinds = {field.removesuffix("?"): kind for field, kind in fields.items()}
    return Shape(name, kinds, frozenset(field for field in fields if not field.endswith("?")))


def or_null(kind: Kind) -> AnyOf:
    """The kind, or null."""
    return AnyOf(kind, NULL)


class Problem(NamedTuple):
    """One way in which a value is not what its shape says."""

    path: Path
    kind: Literal["type", "word", "missing", "extra"]
    wanted: str
    value: Any
    """What stands there; ABSENT for a missing field."""
    parent: Any
    """The object or list that holds it."""


def path_text(path: Path) -> str:
    """`choices[0].delta.role`, as a person would write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def check(value: Any, kind: Kind, extras: Extras = "forbid") -> list[Problem]:
    """All problems of a value; fields beyond the shape count only where `extras` are forbidden."""
    found = _check(value, kind, (), None)
    return found if extras == "forbid" else [problem for problem in found if problem.kind != "extra"]


def _check(value: Any, kind: Kind, path: Path, parent: Any) -> list[Problem]:
    match kind:
        case Plain():
            return [] if _is(value, kind) else [Problem(path, "type", kind.name, value, parent)]
        case Words():
            if not isinstance(value, str):
                return [Problem(path, "type", _name(kind), value, parent)]
            return [] if value in kind.words else [Problem(path, "word", _name(kind), value, parent)]
        case ListOf():
            if not isinstance(value, list):
                return [Problem(path, "type", _name(kind), value, parent)]
            return _flat(_check(item, kind.item, (*path, at), value) for at, item in enumerate(value))
        case MapOf():
            if not isinstance(value, dict):
                return [Problem(path, "type", _name(kind), value, parent)]
            return _flat(_check(item, kind.value, (*path, name), value) for name, item in value.items())
        case AnyOf():
            return _check_any(value, kind, path, parent)
        case Shape():
            return _check_shape(value, kind, path, parent)


def _check_shape(value: Any, kind: Shape, path: Path, parent: Any) -> list[Problem]:
    if not isinstance(value, dict):
        return [Problem(path, "type", _name(kind), value, parent)]
    found = [
        Problem((*path, name), "missing", _name(kind.fields[name]), ABSENT, value)
        for name in kind.fields
        if name in kind.required and name not in value
    ]
    for name, item in value.items():
        if name in kind.fields:
            found += _check(item, kind.fields[name], (*path, name), value)
        else:
            found.append(Problem((*path, name), "extra", "no such field", item, value))
    return found


def _check_any(value: Any, kind: AnyOf, path: Path, parent: Any) -> list[Problem]:
    """The problems of the branch that was most likely meant; none where one of them fits."""
    attempts = [_check(value, branch, path, parent) for branch in kind.kinds]
    if all(any(problem.path == path for problem in attempt) for attempt in attempts):
        strict = all(problem.kind == "type" for attempt in attempts for problem in attempt)
        if strict or not isinstance(value, str):
            return [Problem(path, "type", _name(kind), value, parent)]
        return [Problem(path, "word", _name(kind), value, parent)]
    return min(attempts, key=lambda attempt: _unlikely(attempt, path))


def _unlikely(attempt: list[Problem], path: Path) -> tuple[bool, bool, int, int]:
    """How little a branch can have been meant: another kind of value, another `type`, then the number of problems."""
    real = [problem for problem in attempt if problem.kind != "extra"]
    other = any(problem.path == path for problem in real)
    other_type = any(problem.kind == "word" and problem.path == (*path, "type") for problem in real)
    return bool(other), bool(other_type), len(real), len(attempt)


def _is(value: Any, kind: Plain) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is TEXT:
        return isinstance(value, str)
    if kind is INTEGER:
        return number and (isinstance(value, int) or value.is_integer())
    if kind is NUMBER:
        return number
    if kind is BOOLEAN:
        return isinstance(value, bool)
    return kind is ANYTHING or value is None


def _name(kind: Kind) -> str:
    match kind:
        case Plain():
            return kind.name
        case Words():
            return "one of " + ", ".join(kind.words) if len(kind.words) > 1 else f'"{kind.words[0]}"'
        case ListOf():
            return "a list"
        case MapOf() | Shape():
            return "an object"
        case AnyOf():
            return " or ".join(dict.fromkeys(_name(branch) for branch in kind.kinds))


def _flat(found: Iterable[list[Problem]]) -> list[Problem]:
    return [problem for each in found for problem in each]
