"""From a problem with the schema to the name of the fault: tables by place and value.

A place is a path without its numbers (`choices[].finish_reason`); the message or delta of a choice is called
`choices[].part`.  The first row whose place matches and whose test holds names the problem; what no row names is a
plain schema finding, and the key "" leaves it to a rule that names it better.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .findings import Docket
from .schema import ABSENT, Kind, Problem, check, path_text

__all__ = ["Diagnosis", "at", "judge_shape", "place_of"]

_NUMBERS = re.compile(r"\[\d+\]")

Test = Callable[[Problem], bool]


class Diagnosis(NamedTuple):
    """A row: at this place (`*` at its end: anything below), where the test holds, the problem has this name."""

    place: str
    test: Test
    key: str


def place_of(problem: Problem) -> str:
    """The path without numbers."""
    place = "".join("[]" if isinstance(step, int) else f".{step}" for step in problem.path).removeprefix(".")
    for part in ("choices[].message", "choices[].delta"):
        if place == part or place.startswith(part + "."):
            return "choices[].part" + place.removeprefix(part)
    return place


def at(place: str, key: str, *values: Any, test: Test | None = None, kind: str | None = None) -> Diagnosis:
    """A row for some values (ABSENT for a missing field), for a test, or for any value."""

    def holds(problem: Problem) -> bool:
        if kind is not None and problem.kind != kind:
            return False
        if test is not None:
            return test(problem)
        return not values or any(_same(problem.value, value) for value in values)

    return Diagnosis(place, holds, key)


def _same(found: Any, value: Any) -> bool:
    return found is value or (type(found) is type(value) and bool(found == value))


def judge_shape(docket: Docket, value: Any, kind: Kind, table: tuple[Diagnosis, ...], where: str = "") -> None:
    """Note every problem that a value has with its shape, under the name of its fault."""
    for problem in check(value, kind):
        place = place_of(problem)
        key = next((row.key for row in table if _matches(row.place, place) and row.test(problem)), None)
        path = path_text(problem.path)
        spot = f"{where}, {path}" if where and path else where or path
        shown = problem.value if problem.value is not ABSENT else _names(problem.parent)
        if key == "":
            continue
        if key is not None:
            docket.note(key, spot, shown, level=docket.extra_level if problem.kind == "extra" else "must")
        elif problem.kind == "extra":
            docket.note("extra-fields", spot, problem.value, level=docket.extra_level)
        elif problem.kind == "missing":
            docket.note("schema-missing", spot, shown, what=f"`{_plain(path)}` is missing", wanted=problem.wanted)
        else:
            docket.note("schema", spot, shown, what=f"`{_plain(path)}` is wrong", wanted=problem.wanted)


def _matches(pattern: str, place: str) -> bool:
    return place.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == place


def _plain(path: str) -> str:
    """A path without its numbers: findings of many chunks and choices are one."""
    return _NUMBERS.sub("[]", path)


def _names(parent: Any) -> Any:
    """What an object has, where a field is missing."""
    return list(parent) if isinstance(parent, dict) else parent
