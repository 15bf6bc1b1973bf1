"""The engine's budget: how it is compared, and that it is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.micro import BUDGET, Budget, Fastest, abreast, behind, compare, read_budget, written
from bench.micro_cases import BESIDE, MICRO
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
    dear = {"anthropic stream, exact": 3.2, "chat stream, exact": 2.0}
    assert abreast(dear) == ["anthropic stream, exact: 1.60 times 'chat stream, exact', and 1.5 times is the limit"]
    assert behind(dear) == {"anthropic stream, exact", "chat stream, exact"}
    limited = {"chat stream, usage reported, limit far off": 2.4, "chat stream, usage reported": 2.0}
    assert "1.20 times 'chat stream, usage reported', and 1.15" in abreast(limited)[0]
    assert abreast(dear | {"chat stream, exact": 2.2}) == []
    assert abreast(dict(read_budget().units)) == []
    assert {name for name in BESIDE} | {other for other, _ in BESIDE.values()} <= {case.name for case in MICRO}


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    fastest = Fastest()
    fastest.reference, fastest.cases = 1000.0, {"a, b": 2500.0, "c": 1_000_000.0}
    path = tmp_path / "budget.toml"
    path.write_text(written(fastest, 1.5), encoding="utf-8")

    assert read_budget(path) == Budget(1.5, {"a, b": 2.5, "c": 1000.0})


def test_every_case_has_a_budget() -> None:
    assert {case.name for case in MICRO} == set(read_budget().units)
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
