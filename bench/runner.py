"""A run: rounds of cases, each gateway in turn within a case, so that a drifting machine troubles all alike."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import measure
from .cases import CASES, Case
from .contenders import Contender
from .measure import Pace
from .processes import Server, cores, free_port
from .world import Gateway, World, world

__all__ = ["Plan", "Record", "run"]

REFERENCE = "nginx"
EXTRAS = ("latency", "first-token", "memory", "held", "big", "startup")
"""What is measured beside the rows of CASES."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does."""

    contenders: Sequence[Contender]
    rounds: int
    pace: Pace
    parts: frozenset[str]
    """Keys of CASES and words of EXTRAS."""


@dataclass
class Record:
    """All samples: figure -> gateway -> one value a round (None where there was none)."""

    samples: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, figure: str, gateway: str, value: float | None) -> None:
        """One more sample."""
        self.samples.setdefault(figure, {}).setdefault(gateway, []).append(value)

    def add_all(self, case: str, gateway: str, result: dict[str, Any]) -> None:
        """Every number of a measurement, and its errors as problems."""
        for name, value in result.items():
            if isinstance(value, int | float):
                self.add(f"{case}.{name}", gateway, float(value))
        for wrong in ("errors", "lost"):
            if result.get(wrong):
                words = str(result.get("complaints") or "").strip().splitlines()
                self.problems.append(f"{case}, {gateway}: {result[wrong]} {wrong} {words[0][:200] if words else ''}")

    def last(self, figure: str, gateway: str, default: float) -> float:
        """The newest sample of a figure."""
        values = [each for each in self.samples.get(figure, {}).get(gateway, []) if each is not None]
        return values[-1] if values else default


def run(plan: Plan, say: Callable[[str], None]) -> Record:
    """Measure everything that the plan has; `say` is told what goes on."""
    record = Record()
    with world(plan.contenders, any(case.tls and case.key in plan.parts for case in CASES)) as made:
        for key, why in made.failed.items():
            record.problems.append(f"{key} did not start: {why}")
        for gateway in made.gateways.values():
            record.add("startup.ready_s", gateway.contender.key, gateway.ready_seconds)
            gateway.server.signal(STOP)
        for gateway in made.tls.values():
            gateway.server.signal(STOP)
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            one_round(plan, made, record, number, say)
    if "startup" in plan.parts:
        import_time(record)
    return record


STOP, GO = 19, 18  # SIGSTOP, SIGCONT on Linux


@contextlib.contextmanager
def awake(gateway: Gateway) -> Iterator[Gateway]:
    """Only the gateway that is measured runs: what others do when idle would count against it."""
    gateway.server.signal(GO)
    try:
        yield gateway
        settle(gateway)
    finally:
        gateway.server.signal(STOP)


def settle(gateway: Gateway) -> None:
    """Let a gateway that works on after its clients have gone finish that, within reason."""
    if gateway.contender.patience == 1:
        return
    for _ in range(20):
        before = gateway.server.cpu()
        time.sleep(0.25)
        if gateway.server.cpu() - before < 0.02:
            return


def one_round(plan: Plan, made: World, record: Record, number: int, say: Callable[[str], None]) -> None:
    """Every part once."""
    pace = plan.pace
    for gateway in made.gateways.values():
        with awake(gateway):
            key = gateway.contender.key
            if "memory" in plan.parts and number == 0:
                say(f"  memory: {key}")
                guess = max(20.0, 1000 * gateway.contender.load)
                attempt(record, "memory", key, partial(measure.memory, made, gateway, longer_for(gateway, pace), guess))
    for case in CASES:
        if case.key in plan.parts:
            run_one_case(made, record, case, pace, number, say)
    for part, function in (("latency", measure.latency), ("first-token", measure.first_token)):
        if part in plan.parts:
            say(f"  {part}")
            compare(made, record, part, function, pace, number)
    if number == 0:
        seldom(plan, made, record, say)


def attempt(record: Record, case: str, key: str, function: Callable[[], dict[str, Any]]) -> None:
    """Take a measurement; one that fails is a problem, and the run goes on."""
    try:
        record.add_all(case, key, function())
    except (RuntimeError, KeyError, OSError) as failure:
        record.add(f"{case}.cpu_us", key, None)
        record.problems.append(f"{case}, {key}: {failure!r}")


def longer_for(gateway: Gateway, pace: Pace) -> Pace:
    """The pace of this gateway."""
    return Pace(pace.warm, pace.seconds * gateway.contender.patience)


def rate_of(record: Record, key: str) -> float:
    """Whole replies a second that a gateway managed last."""
    return record.last("whole-faults.rate", key, record.last("whole.rate", key, 500.0))


def is_enough(gateway: Gateway, number: int) -> bool:
    """A gateway that takes long is measured in two rounds: its figures are not about tenths."""
    return number >= 2 and gateway.contender.patience > 1


def run_one_case(made: World, record: Record, case: Case, pace: Pace, number: int, say: Callable[[str], None]) -> None:
    """A case for each gateway in turn."""
    say(f"  {case.title}")
    for gateway in (made.tls if case.tls else made.gateways).values():
        key = gateway.contender.key
        if (case.faulty and not gateway.contender.bears_faults) or is_enough(gateway, number):
            continue
        longer = longer_for(gateway, pace)
        with awake(gateway):
            attempt(record, case.key, key, partial(measure.run_case, made, gateway, case, longer, rate_of(record, key)))


def compare(
    made: World,
    record: Record,
    part: str,
    function: Callable[[World, Gateway, float, Pace], dict[str, Any]],
    pace: Pace,
    number: int,
) -> None:
    """What a gateway adds to nginx's time, at 30 % of its own load (100 a second at most for first tokens)."""
    reference = made.gateways.get(REFERENCE)
    for key, gateway in made.gateways.items():
        if is_enough(gateway, number):
            continue
        rate = 0.3 * rate_of(record, key)
        rate = min(rate, 100.0) if part == "first-token" else rate
        with awake(gateway):
            attempt(record, part, key, partial(function, made, gateway, rate, longer_for(gateway, pace)))
        if reference is None or gateway is reference:
            continue
        try:
            with awake(reference):
                base = function(made, reference, rate, pace)
        except RuntimeError as failure:
            record.problems.append(f"{part}, {REFERENCE}: {failure}")
            continue
        for name in ("p50", "p99"):
            mine = record.samples.get(f"{part}.{name}", {}).get(key, [])
            if len(mine) > len(record.samples.get(f"{part}.added_{name}", {}).get(key, [])) and mine[-1] is not None:
                record.add(f"{part}.added_{name}", key, mine[-1] - base[name])


def seldom(plan: Plan, made: World, record: Record, say: Callable[[str], None]) -> None:
    """What is measured once a run: it takes long, and its answer does not depend on microseconds."""
    short = Pace(0.5, 1.5)
    if "held" in plan.parts:
        for key, gateway in made.gateways.items():
            say(f"  streams held: {key}")
            with awake(gateway):
                found = measure.held(made, gateway, short, rate_of(record, key), 4000)
            record.add("held.streams", key, float(found))
    if "big" in plan.parts:
        for key in BIG_GATEWAYS & made.gateways.keys():
            say(f"  big bodies: {key}")
            big_bodies(made, record, made.gateways[key])
    if "startup" in plan.parts:
        for gateway in made.gateways.values():
            if gateway.ready_seconds < 3:
                for _ in range(3):
                    record.add("startup.ready_s", gateway.contender.key, start_again(gateway))


BIG_GATEWAYS = {"nginx", "trueline", "trueline-compiled", "trueline-asgi"}


def big_bodies(made: World, record: Record, gateway: Gateway) -> None:
    """Requests and replies of many megabytes, and of half as many: twice the size is to cost twice as much."""
    with awake(gateway):
        for name, reply, size in (
            ("request", False, 10),
            ("request", False, 20),
            ("reply", True, 25),
            ("reply", True, 50),
        ):
            take = partial(measure.big, made, gateway, size, reply, Pace(0.1, 2.0))
            attempt(record, f"big-{name}{size}", gateway.contender.key, take)


def start_again(gateway: Gateway) -> float | None:
    """Seconds until a fresh process of it answers."""
    place = type(gateway.place)(gateway.place.folder, free_port(), gateway.place.upstream_port)
    begun = gateway.contender.start(place)
    _, core = cores()
    with Server(begun.command, core, place.folder / "again.log", begun.environment()) as server:
        try:
            return server.wait_until_ready(f"http://127.0.0.1:{place.port}{gateway.contender.health}", 30)
        except RuntimeError:
            return None


def import_time(record: Record) -> None:
    """Milliseconds of `import trueline` in fresh processes."""
    code = "import time; t = time.perf_counter(); import trueline; print((time.perf_counter() - t) * 1000)"
    for _ in range(7):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        record.add("startup.import_ms", "trueline", float(done.stdout))
