"""`bench micro`: what the engine alone costs per event and per reply, against a budget; exit code 1 beyond it.

The unit is a fixed piece of work of the same kind (JSON read, changed and written by msgspec, and some plain Python),
measured in the same process, in turn with the engine: a slow or busy machine slows both. Of many rounds the fastest
counts, in CPU time; what is over its budget is measured again before it fails.
"""

from __future__ import annotations

import gc
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .micro_beside import BESIDE, Case, Pairs, cpu_ns, too_dear
from .micro_cases import MICRO
from .micro_server import SERVED

__all__ = ["CASES", "Budget", "Fastest", "compare", "main", "measure", "read_budget"]

CASES: tuple[Case, ...] = (*MICRO, *SERVED)
BUDGET = Path(__file__).with_name("budget.toml")
WORK = 1000
"""Pieces of reference work in a round."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The figures that were measured when they were last set, in units, and how far above them is too far."""

    margin: float
    units: Mapping[str, float]

    def limit(self, name: str) -> float | None:
        """The most units that a case may cost; None where the table has no such case."""
        return self.units[name] * self.margin if name in self.units else None


def read_budget(path: Path = BUDGET) -> Budget:
    """The table beside this file."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Budget(float(table["margin"]), {name: float(value) for name, value in table["units"].items()})


def compare(measured: Mapping[str, float], budget: Budget) -> list[str]:
    """What is beyond its budget or has none, as sentences."""
    wrong = []
    for name, units in measured.items():
        limit = budget.limit(name)
        if limit is None:
            wrong.append(f"{name}: no budget; measured {units:.2f} units")
        elif units > limit:
            wrong.append(
                f"{name}: {units:.2f} units, and {limit:.2f} are the limit ({budget.units[name]:.2f} measured)"
            )
    return wrong


# -- measuring --------------------------------------------------------------------------------------------------------

REFERENCE = (
    b'{"id":"chatcmpl-reference","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-2024-08-06",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":" word"},"logprobs":null,"finish_reason":null}]}'
)


class Holder:
    """Something with attributes."""

    __slots__ = ("count", "text")

    def __init__(self, text: str, count: int) -> None:
        self.text, self.count = text, count


def reference_work() -> None:
    """The yardstick. Changing it changes every number in budget.toml."""
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    for number in range(WORK):
        value = decode(REFERENCE)
        choice = value["choices"][0]
        held = Holder(choice["delta"].pop("content"), number)
        for key in ("index", "logprobs", "finish_reason"):
            if key in choice and isinstance(held.count, int):
                held.count += len(held.text)
        choice["delta"] = {"content": held.text}
        b"data: %b\n\n" % encode(value)


class Fastest:
    """The fastest rounds so far: of the reference work and of each case."""

    def __init__(self) -> None:
        self.reference = float("inf")
        self.cases: dict[str, float] = {}

    def round(self, cases: Sequence[Case]) -> None:
        """Each case once, the reference work between them."""
        for case in cases:
            self.reference = min(self.reference, cpu_ns(reference_work) / WORK)
            spent = cpu_ns(case.run) / case.units
            self.cases[case.name] = min(spent, self.cases.get(case.name, spent))

    def units(self) -> dict[str, float]:
        """Case -> reference works that one event or reply costs."""
        return {name: spent / self.reference for name, spent in self.cases.items()}


def measure(cases: Sequence[Case], rounds: int, budget: Budget, tries: int = 4) -> Fastest:
    """Measure; what is beyond its budget is measured again, up to `tries` times as long, before that is believed."""
    fastest = Fastest()
    for case in cases:
        case.run()  # what is done once, such as imports and caches, is not what is measured
    for _ in range(rounds):
        fastest.round(cases)
    for _ in range(tries):
        late = [case for case in cases if over(fastest, case.name, budget)]
        for _ in range(rounds if late else 0):
            fastest.round(late)
    return fastest


def measure_pairs(cases: Sequence[Case], rounds: int, tries: int = 4) -> Pairs:
    """The same for what is measured beside another case."""
    pairs = Pairs(cases)
    pairs.measure(BESIDE, rounds)
    for _ in range(tries):
        pairs.measure(too_dear(pairs.times()), rounds)
    return pairs


def over(fastest: Fastest, name: str, budget: Budget) -> bool:
    """Whether a case is beyond its limit so far."""
    return bool(compare({name: fastest.units()[name]}, budget))


def main(short: bool, set_budget: bool = False) -> int:
    """Measure all cases and print them beside their budgets, or make what was measured the budget."""
    gc.collect()
    gc.freeze()
    budget = read_budget()
    rounds = 5 if short else 40
    fastest = measure(CASES, rounds, budget, 0 if set_budget else 4)
    print(report(fastest, budget))
    if set_budget:
        BUDGET.write_text(written(fastest, budget.margin), encoding="utf-8")
        return 0
    times = measure_pairs(CASES, rounds).times()
    print(report_pairs(times))
    wrong = [*compare(fastest.units(), budget), *too_dear(times).values()]
    for line in wrong:
        print(f"over budget: {line}")
    return 1 if wrong else 0


def report(fastest: Fastest, budget: Budget) -> str:
    """A line per case."""
    units = fastest.units()
    width = max(map(len, units))
    lines = [f"{'':{width}}      CPU µs   units   limit"]
    for case in CASES:
        limit = budget.limit(case.name)
        shown = f"{limit:7.2f}" if limit is not None else "      –"
        spent = f"{fastest.cases[case.name] / 1000:10.2f} {units[case.name]:7.2f}"
        lines.append(f"{case.name:{width}}  {spent} {shown}   per {case.unit}")
    return "\n".join([*lines, f"A unit is the reference work, {fastest.reference / 1000:.2f} µs here."])


def report_pairs(times: Mapping[str, float]) -> str:
    """A line per case that is measured beside another."""
    width = max(map(len, times))
    lines = [f"\n{'measured in turn':{width}}  times  limit"]
    for name, (other, most) in BESIDE.items():
        lines.append(f"{name:{width}}  {times[name]:5.2f}  {most:5.2f}   {other}")
    return "\n".join(lines)


def written(fastest: Fastest, margin: float) -> str:
    """The file of the budget."""
    head = (
        "# What the engine may cost, per event or per reply, in units of the reference work of micro.py:\n"
        "# what was measured, and by how much it may be exceeded.  Written by: scripts/bench micro --set\n"
    )
    note = f"# Measured where a unit was {fastest.reference / 1000:.2f} µs of CPU.\n"
    rows = "".join(f'"{name}" = {units:.2f}\n' for name, units in fastest.units().items())
    return f"{head}margin = {margin}\n\n{note}[units]\n{rows}"
