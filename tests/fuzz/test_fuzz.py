"""The fuzzer itself: it runs, finds what is wrong, makes it small; and what it once found stays mended."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fuzz.campaign import minimised, run
from fuzz.cases import Case, load, of_the_simulator, recorded, save
from fuzz.entries import of_entries
from fuzz.mutate import mutated
from fuzz.oracle import shared_oracle
from fuzz.target import problems
from meta.source import ROOT
from trueline.faults import FAULTS

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

ORACLE = ROOT.parent / "shared" / "spec" / "oracle.py"
SEEDS = sorted((Path(__file__).parent / "seeds").glob("*.json"))
EXECUTIONS = 800


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_what_was_found_stays_mended(path: Path) -> None:
    assert problems(load(path), set(), shared_oracle(ORACLE)) == []


def test_replies_that_nobody_spoilt_have_no_problems() -> None:
    replies = list(of_the_simulator())
    for case in (*replies, *of_entries(replies)):
        assert problems(replace(case, cuts=1), set()) == [], case.name


def test_a_short_campaign_finds_nothing() -> None:
    replies = list(of_the_simulator())
    tally = run([*replies, *of_entries(replies)], 0, lambda done: done < EXECUTIONS, shared_oracle(ORACLE))

    assert [(failure.why, failure.case) for failure in tally.failures] == []
    assert tally.executions == EXECUTIONS
    assert len(tally.noted & FAULTS.keys()) > 100


def test_a_short_campaign_over_recordings_finds_nothing(shared: Path) -> None:
    tally = run(list(recorded(shared / "corpus")), 0, lambda done: done < EXECUTIONS, shared_oracle(ORACLE))

    assert [(failure.why, failure.case) for failure in tally.failures] == []


def test_the_same_seed_makes_the_same_mutants() -> None:
    seeds = list(of_the_simulator())

    assert [mutated(seeds, random.Random(n)) for n in range(50)] == [
        mutated(seeds, random.Random(n)) for n in range(50)
    ]


def test_a_failure_is_made_small() -> None:
    case = Case("chat", b"data: 1\n\n" * 50 + b"data: needle\n\n" + b"data: 2\n\n" * 50, options={"extras": "drop"})

    small = minimised(case, lambda one: b"needle" in one.body)

    assert (small.body, small.options) == (b"needle", {})


def test_a_case_survives_its_file(tmp_path: Path) -> None:
    for body in (b"text\n\xc3\xa9", b"\xff\x00"):
        case = Case("chat", body, {"stream": True}, options={"id": "openai"}, cuts=7, broken=True)
        save(case, "because", tmp_path / "case.json")
        assert load(tmp_path / "case.json") == replace(case, name="")


def test_the_script() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_fuzz.py", "--seconds", "1", "--seed", "7"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"},
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 7, ")
    assert " executions, 0 failures\n" in done.stdout
    assert " faults were noted; not: " in done.stdout
