"""What a case of `bench micro` may cost beside another one, whatever either costs; both are measured in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Protocol

__all__ = ["BESIDE", "Case", "Pairs", "cpu_ns", "faster_quarter", "too_dear"]


class Case(Protocol):
    """See Micro and Served."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def units(self) -> int: ...

    def run(self) -> object: ...


_PLAIN = "usage reported"
_LIMITS: dict[str, tuple[str, float, float, float]] = {
    # What is asked for: beside what, and what that may cost at most in the engine alone, and in the whole server where
    # events come one by one, and all at once.
    "limit far off": (_PLAIN, 1.15, 1.15, 1.15),
    "limit near": (_PLAIN, 1.2, 1.15, 1.15),  # 69 % of it is reached
    "limit nearer": (_PLAIN, 1.2, 1.15, 1.15),  # 87 %
    "limit all but reached": (_PLAIN, 1.25, 1.15, 1.15),  # 96 %
    "stop strings": (_PLAIN, 1.15, 1.15, 1.15),  # every 13th word begins one
    "limits on": (f"{_PLAIN}, stop strings", 1.15, 1.15, 1.15),  # half of the text is counted
}


def _limits() -> dict[str, tuple[str, float]]:
    beside: dict[str, tuple[str, float]] = {}
    for asked, (other, engine, paced, burst) in _LIMITS.items():
        for kind, end, most in (("chat", "", engine), ("served", "", paced), ("served", ", all at once", burst)):
            beside[f"{kind} stream, {_PLAIN}, {asked}{end}"] = (f"{kind} stream, {other}{end}", most)
    for end in ("", ", all at once"):
        beside[f"served stream, {_PLAIN}, limit all but reached, kept before{end}"] = (
            f"served stream, {_PLAIN}{end}",
            1.1,
        )
    return beside


BESIDE: Mapping[str, tuple[str, float]] = {
    "anthropic stream, exact": ("chat stream, exact", 1.5),
    "anthropic stream, exact, all at once": ("chat stream, exact, all at once", 1.5),
    "anthropic stream, tool arguments": ("chat stream, tool arguments", 1.5),
    "chat stream, usage reported, limits far off": ("chat stream, usage reported", 1.15),
    "first event behind 100 KB, usage to count": ("first event behind 100 KB, nothing to count", 1.15),
    **_limits(),
}
"""Case -> the one beside which it is measured, and how many times that it may cost."""


def cpu_ns(work: Callable[[], object]) -> int:
    """CPU time of a call; collections of garbage happen before it, not in it."""
    gc.collect()
    gc.disable()
    try:
        began = time.thread_time_ns()
        work()
        return time.thread_time_ns() - began
    finally:
        gc.enable()


def faster_quarter(rounds: Sequence[float]) -> float:
    """The mean of the fastest quarter, which is steadier than the fastest one."""
    return fmean(sorted(rounds)[: max(len(rounds) // 4, 1)])


class Pairs:
    """Rounds of each case and of the one beside it, one after the other: what slows one slows both."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = {case.name: case for case in cases}
        self._spent: dict[str, tuple[list[float], list[float]]] = {}

    def measure(self, names: Iterable[str], rounds: int) -> None:
        """So many rounds of each pair."""
        for name in names:
            case, other = self._cases[name], self._cases[BESIDE[name][0]]
            spent, beside = self._spent.setdefault(name, ([], []))
            for _ in range(rounds):
                beside.append(cpu_ns(other.run) / other.units)
                spent.append(cpu_ns(case.run) / case.units)

    def times(self) -> dict[str, float]:
        """Case -> how many times the other one it costs, by the faster quarter of the rounds of each."""
        return {name: faster_quarter(spent) / faster_quarter(beside) for name, (spent, beside) in self._spent.items()}


def too_dear(times: Mapping[str, float]) -> dict[str, str]:
    """The cases that cost too much beside another one, each with a sentence."""
    return {
        name: f"{name}: {times[name]:.2f} times '{other}', and {most} times is the limit"
        for name, (other, most) in BESIDE.items()
        if name in times and times[name] > most
    }
