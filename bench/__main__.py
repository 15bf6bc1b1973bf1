"""`scripts/bench`: what a gateway costs, measured beside nginx and other gateways in one run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cases import CASES
from .contenders import CONTENDERS, Contender
from .figures import summary
from .measure import Pace
from .native_build import BuildError
from .pages import write_pages
from .processes import cores, step_aside
from .runner import EXTRAS, Plan, Record, run
from .table import terminal
from .world import WORK

QUICK_PARTS = frozenset({case.key for case in CASES if case.quick} | {"latency", "first-token", "memory"})
ALL_PARTS = frozenset({case.key for case in CASES} | set(EXTRAS))
QUICK_GATEWAYS = ("nginx", "trueline", "trueline-compiled")
NGINX_COMMAND = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx-light"]


def main() -> int:
    """Measure what was asked for; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked = arguments().parse_args()
    if asked.mode == "micro":
        from .micro import main as micro

        return micro(asked.short, asked.set)
    if asked.mode == "profile":
        from .profile import main as profile

        return profile()
    if asked.saved:
        show(*saved(asked.saved), asked.write_readme)
        return 0
    if asked.install:
        install(CONTENDERS)
    try:
        return measure(asked)
    except BuildError as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def arguments() -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "mode", nargs="?", choices=["quick", "full", "micro", "profile"], default="quick", help="default: quick"
    )
    parser.add_argument("--only", metavar="PART,…", help=f"of {', '.join(sorted(ALL_PARTS))}")
    parser.add_argument("--gateways", metavar="NAME,…", help=f"of {', '.join(each.key for each in CONTENDERS)}")
    parser.add_argument("--rounds", type=int, help="how often each case is measured (quick: 2, full: 3)")
    parser.add_argument("--seconds", type=float, help="how long each measurement lasts (quick: 1, full: 1.5)")
    parser.add_argument("--install", action="store_true", help="install nginx (as root) and the peers first")
    parser.add_argument("--saved", type=Path, metavar="FILE", help="measure nothing: show what an earlier run has left")
    parser.add_argument("--short", action="store_true", help="micro: fewer rounds")
    parser.add_argument("--set", action="store_true", help="micro: make what is measured the budget")
    parser.add_argument(
        "--write-readme", action="store_true", help="write the table and the plot into the documentation"
    )
    return parser


def install(contenders: Sequence[Contender]) -> None:
    """nginx by apt, the peers by the clients of their registries, under .bench/."""
    for contender in contenders:
        if contender.version() is None:
            print(f"bench: installing {contender.title} …", flush=True)
            try:
                if contender.install:
                    contender.install()
                elif contender.key == "nginx" and os.geteuid() == 0:
                    subprocess.run(NGINX_COMMAND, check=True, stdout=subprocess.DEVNULL)
            except (subprocess.CalledProcessError, OSError) as failure:
                print(f"bench: {contender.title}: {failure}", file=sys.stderr)


def measure(asked: argparse.Namespace) -> int:
    """The quick or the full run."""
    quick = asked.mode == "quick"
    present = choose(asked.gateways, quick)
    parts = frozenset(asked.only.split(",")) if asked.only else QUICK_PARTS if quick else ALL_PARTS
    if unknown := parts - ALL_PARTS:
        print(f"bench: no such part: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    pace = Pace(0.3 if quick else 0.5, asked.seconds or (1.0 if quick else 1.5))
    plan = Plan(list(present.values()), asked.rounds or (2 if quick else 3), pace, parts)
    began = time.monotonic()
    step_aside()
    record = run(plan, lambda line: print(line, file=sys.stderr, flush=True))
    facts = about(present, asked.mode, plan, time.monotonic() - began)
    save(record, facts, WORK / f"{asked.mode}.json")
    show(record, facts, asked.write_readme)
    return 1 if not record.samples else 0


def show(record: Record, facts: dict[str, Any], write: bool) -> None:
    """Print the report of a run, and write it into the documentation where that is asked for."""
    present = {each.key: each for each in CONTENDERS if each.key in facts["versions"]}
    print_report(record, present, facts)
    if write:
        print("written:", ", ".join(write_pages(record.samples, headings(present, facts), facts)))


def saved(path: Path) -> tuple[Record, dict[str, Any]]:
    """What an earlier run has left."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Record(data["samples"], data["problems"]), data["about"]


def choose(wanted: str | None, quick: bool) -> dict[str, Contender]:
    """The gateways to measure, of those that are installed; what is absent is said."""
    names = wanted.split(",") if wanted else QUICK_GATEWAYS if quick else [each.key for each in CONTENDERS]
    present = {each.key: each for each in CONTENDERS if each.key in names and each.version() is not None}
    for each in CONTENDERS:
        if each.key in names and each.key not in present:
            print(f"bench: absent: {each.title}; {each.get}", file=sys.stderr)
    if quick and not wanted and "trueline-compiled" in present:
        present.pop("trueline", None)  # what scripts/serve starts is measured, in less than a minute
    elif "trueline" in names and "trueline" not in present:
        present["trueline-asgi"] = next(each for each in CONTENDERS if each.key == "trueline-asgi")
    return present


def about(present: dict[str, Contender], mode: str, plan: Plan, seconds: float) -> dict[str, Any]:
    """The circumstances of a run."""
    versions = {key: each.version() for key, each in present.items()}
    return {
        "mode": mode, "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "seconds": round(seconds),
        "rounds": plan.rounds, "seconds_each": plan.pace.seconds, "cores": len(frozenset().union(*cores())),
        "cpu": cpu_name(), "system": f"{platform.system()} {platform.release()}", "load": os.getloadavg()[0],
        "python": platform.python_version(), "versions": versions,
    }  # fmt: skip


def cpu_name() -> str:
    """As the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def headings(present: dict[str, Contender], facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The columns: each gateway with its version."""
    return [(key, f"{each.title} {facts['versions'][key]}") for key, each in present.items()]


def print_report(record: Record, present: dict[str, Contender], facts: dict[str, Any]) -> None:
    """The table, the circumstances and what went wrong."""
    print(terminal(record.samples, headings(present, facts)))
    print(f"\n{facts['cores']} cores ({facts['cpu']}), {facts['system']}, Python {facts['python']}, one worker each;")
    print(f"medians (range) of {facts['rounds']} rounds in {facts['seconds']} s; × is against nginx, round by round")
    print(f"all samples: .bench/{facts['mode']}.json")
    for problem in record.problems:
        print(f"problem: {problem}")


def save(record: Record, facts: dict[str, Any], path: Path) -> None:
    """The figures and all samples, as JSON."""
    data = {"about": facts, "figures": summary(record.samples), "samples": record.samples, "problems": record.problems}
    path.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
