"""The scripts are plain sh, can be run, and CI runs them and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meta.source import ROOT

SHELL = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix in {"", ".sh"})


@pytest.mark.parametrize("path", [*SHELL, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_script_is_plain_sh(path: Path) -> None:
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert path.suffix == ".sh" or (path.read_text().startswith("#!/bin/sh\n") and os.access(path, os.X_OK))


def test_ci_runs_the_test_script_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == [
        'exec "$(dirname -- "$0")/../scripts/test"'
    ]


def sourced(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh with scripts/_setup.sh sourced, as the scripts beside it do."""
    code = f'. "{ROOT}/scripts/_setup.sh"\n{command}'
    environ = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(
        ["sh", "-c", code, str(ROOT / "scripts" / "serve")], capture_output=True, text=True, env=environ
    )


def test_the_chosen_python_is_used() -> None:
    assert sourced("find_python", PYTHON=sys.executable).stdout == f"{sys.executable}\n"


def test_a_chosen_python_that_does_not_run_is_named() -> None:
    done = sourced("find_python", PYTHON="no-such-python")

    assert done.returncode != 0
    assert done.stderr == "trueline: PYTHON=no-such-python is not a Python 3.11 or newer\n"


def test_no_python_at_all_is_said() -> None:
    done = sourced("usable() { false; }; find_python")

    assert done.returncode != 0
    assert "no Python 3.11 or newer on the PATH" in done.stderr
