"""The engine's budget: how it is compared, and that it is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.micro import BUDGET, CASES, Budget, Fastest, compare, read_budget, written
from bench.micro_beside import BESIDE, Pairs, faster_quarter, too_dear
from bench.micro_cases import EVENTS, MICRO
from bench.micro_server import SERVED
from bench.replies import STREAM_FAULTS, WHOLE_FAULTS
from meta.source import ROOT

SOME = Budget(1.5, {"a": 2.0, "b": 10.0})


@pytest.mark.parametrize(
    ("measured", "wrong"),
    [
        ({"a": 2.9, "b": 15.0}, []),
        ({"a": 3.1}, ["a: 3.10 units, and 3.00 are the limit (2.00 measured)"]),
        ({"c": 1.0}, ["c: no budget; measured 1.00 units"]),
    ],
)
def test_compare(measured: dict[str, float], wrong: list[str]) -> None:
    assert compare(measured, SOME) == wrong


def test_what_may_cost_so_much_of_another() -> None:
    name = "anthropic stream, exact"
    assert too_dear({name: 1.6}) == {name: f"{name}: 1.60 times 'chat stream, exact', and 1.5 times is the limit"}
    assert too_dear({name: 1.5}) == {}
    assert {*BESIDE, *(other for other, _ in BESIDE.values())} <= {case.name for case in CASES}


def test_pairs_are_measured_in_turn() -> None:
    ran: list[str] = []

    class Ran:
        unit, units = "event", 1

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self) -> None:
            ran.append(self.name)

    one, two = "anthropic stream, exact", "chat stream, exact"
    pairs = Pairs([Ran(one), Ran(two)])
    pairs.measure([one], 2)

    assert ran == [two, one] * 2
    assert set(pairs.times()) == {one}


def test_the_faster_quarter_of_the_rounds_counts() -> None:
    assert faster_quarter([9, 1, 8, 2, 9, 9, 9, 9]) == 1.5
    assert faster_quarter([7, 5, 6]) == 5


def test_what_a_limit_may_cost_is_not_loosened() -> None:
    """15 % of a stream, whether its events come one by one or all at once."""
    served = {name: most for name, (_, most) in BESIDE.items() if name.startswith("served stream")}

    assert len(served) == 14
    assert max(served.values()) == 1.15
    assert all(most == 1.1 for name, most in served.items() if "kept before" in name)


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.name)
def test_what_is_served_is_all_that_was_said(case: Any) -> None:
    out = case.run()

    assert out.startswith(b"HTTP/1.1 200 OK\r\n")
    assert out.count(b'"content":') == EVENTS + 1
    assert b'"finish_reason":"stop"' in out
    assert out.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    fastest = Fastest()
    fastest.reference, fastest.cases = 1000.0, {"a, b": 2500.0, "c": 1_000_000.0}
    path = tmp_path / "budget.toml"
    path.write_text(written(fastest, 1.5), encoding="utf-8")

    assert read_budget(path) == Budget(1.5, {"a, b": 2.5, "c": 1000.0})


def test_every_case_has_a_budget() -> None:
    assert {case.name for case in CASES} == set(read_budget().units)
    assert read_budget().margin > 1


@pytest.mark.parametrize("case", MICRO, ids=lambda case: case.name)
def test_a_case_is_what_its_name_says(case: object) -> None:
    """Exact replies note nothing, others note at least as many faults as they were given, and all are answered."""
    [case] = [each for each in MICRO if each is case]
    pipe = case.make()
    out = b"".join([*(pipe.feed(data) for data in case.replies[0]), pipe.close()])

    assert pipe.error is None
    assert out
    given = case.name.partition(", ")[2]
    count = next((int(word) for word in given.split() if word.isdigit() and "fault" in given), 0)
    if "exact" in given or "arguments" in given:
        assert pipe.faults == {}
    else:
        assert len(pipe.faults) >= min(count, 1)
    if case.name in (f"chat stream, {len(STREAM_FAULTS)} faults", f"chat whole, {len(WHOLE_FAULTS)} faults"):
        assert len(pipe.faults) >= count


def test_the_engine_keeps_its_budget() -> None:
    """In a process of its own: coverage, where it is on, would measure itself.  CPU time against CPU time, no clock."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    command = [sys.executable, "-m", "bench", "micro", "--short"]
    done = subprocess.run(command, cwd=ROOT, env=env | {"PYTHONPATH": paths}, capture_output=True, text=True)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\nthe budget is {BUDGET.relative_to(ROOT)}"
