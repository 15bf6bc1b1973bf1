"""Fuzz every reader: `_fuzz.py [--seconds N] [--seed N] [--from K] [--keep]`.  Exit code 1 if something failed.

A run is made again with its `--seed`; one failure of it with `--from` its number and `--most 1`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from fuzz.campaign import Failure, Tally, run
from fuzz.cases import of_the_simulator, recorded, save
from fuzz.entries import of_entries
from fuzz.oracle import shared_oracle
from fuzz.providers import of_providers
from trueline.faults import FAULTS

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SEEDS = ROOT / "tests" / "fuzz" / "seeds"


def main() -> int:
    """Run until the time is over, then say what was seen."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description="Spoil replies and see that every reader bears it."
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long (default: 120)")
    parser.add_argument("--seed", type=int, default=None, help="the same run once more (default: another one)")
    parser.add_argument("--from", type=int, default=0, dest="start", help="begin with this execution")
    parser.add_argument("--most", type=int, default=10, help="stop after so many different failures (default: 10)")
    parser.add_argument("--keep", action="store_true", help="write failures to tests/fuzz/seeds, as tests")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)

    replies = [*recorded(SHARED / "corpus"), *of_the_simulator()]
    seeds = [*replies, *of_entries(replies), *of_providers(SHARED / "corpus")]
    print(f"seed {seed}, {len(seeds)} bodies to begin with, {asked.seconds:g} seconds", flush=True)
    end = time.monotonic() + asked.seconds
    second = shared_oracle(SHARED / "spec" / "oracle.py")
    tally = run(seeds, seed, lambda _: time.monotonic() < end, second, asked.most, asked.start)
    for failure in tally.failures:
        report(failure, seed, asked.keep)
    summary(tally)
    return 1 if tally.failures else 0


def report(failure: Failure, seed: int, keep: bool) -> None:
    """Print a failure, and how to see it again; keep it as a test where that is asked for."""
    case = failure.case
    print(f"\nFAILED  {failure.why.strip()}")
    print(f"  {case.kind}, from {case.name}; again with: scripts/fuzz --seed {seed} --from {failure.number} --most 1")
    print(f"  request {case.request}\n  options {case.options}, broken {case.broken}, cuts {case.cuts}")
    print(f"  body {case.body[:2000]!r}")
    if keep:
        SEEDS.mkdir(exist_ok=True)
        path = SEEDS / f"{case.kind}-{seed}-{failure.number}.json"
        save(case, failure.why.strip().splitlines()[-1], path)
        print(f"  kept as {path.relative_to(ROOT)}")


def summary(tally: Tally) -> None:
    """How much was run, and which faults were met."""
    unseen = sorted(set(FAULTS) - tally.noted)
    print(f"\n{tally.executions} executions, {len(tally.failures)} failures")
    print(f"{len(FAULTS) - len(unseen)} of {len(FAULTS)} faults were noted; not: {', '.join(unseen)}")


if __name__ == "__main__":
    sys.exit(main())
