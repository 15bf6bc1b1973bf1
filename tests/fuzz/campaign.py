"""Run mutants for a while, count what was seen, and make what fails small."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from fuzz.cases import Case
from fuzz.mutate import mutated
from fuzz.target import Second, problems

__all__ = ["Failure", "Tally", "minimised", "run"]

_TRIES = 400


@dataclass
class Failure:
    """A case that fails, as small as it could be made."""

    case: Case
    why: str
    number: int
    """Which execution it was: `--seed` and this find it again."""


@dataclass
class Tally:
    """What a campaign saw."""

    executions: int = 0
    noted: set[str] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


def run(
    seeds: Sequence[Case],
    seed: int,
    going: Callable[[int], bool],
    second: Second | None = None,
    most: int = 10,
    start: int = 0,
) -> Tally:
    """Mutants of the seeds while `going(executions)`, up to `most` different failures."""
    tally, kinds = Tally(), set[str]()
    while going(tally.executions) and len(tally.failures) < most:
        number = start + tally.executions
        case = mutated(seeds, random.Random(f"{seed}:{number}"))
        tally.executions += 1
        found = problems(case, tally.noted, second)
        if found and (kind := kind_of(found[0])) not in kinds:
            kinds.add(kind)
            small = minimised(case, lambda one, kind=kind: _fails_so(one, kind, second))  # type: ignore[misc]
            why = next((p for p in problems(small, set(), second) if kind_of(p) == kind), found[0])
            tally.failures.append(Failure(small, why, number))
    return tally


def kind_of(problem: str) -> str:
    """What two failures of the same cause have in common: the last line of a traceback, or the rule."""
    if problem.startswith("exception"):
        lines = problem.strip().splitlines()
        return lines[-1].partition(":")[0] + next((line for line in reversed(lines) if " line " in line), "")
    return problem.partition(":")[0]


def _fails_so(case: Case, kind: str, second: Second | None) -> bool:
    return any(kind_of(problem) == kind for problem in problems(case, set(), second))


def minimised(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The case with everything taken out of it that it does not need to fail: events, lines, then bytes."""
    tries = _TRIES
    for name in ("options", "headers"):
        simpler = replace(case, **{name: {}})  # type: ignore[arg-type]
        case = simpler if fails(simpler) else case
    for separator in (b"\n\n", b"\n", b",", b""):
        parts = case.body.split(separator) if separator else [bytes((b,)) for b in case.body]
        size = max(len(parts) // 2, 1)
        while size and tries > 0:
            at = 0
            while at < len(parts) and tries > 0:
                tries -= 1
                less = parts[:at] + parts[at + size :]
                smaller = replace(case, body=separator.join(less))
                if fails(smaller):
                    parts, case = less, smaller
                else:
                    at += size
            size //= 2
        tries = max(tries, _TRIES // 2)
    return case
