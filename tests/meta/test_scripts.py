"""The scripts are plain sh, can be run, and CI runs them and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
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


def test_what_was_compiled_is_used_until_the_source_changes(tmp_path: Path) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    stamp, source = tmp_path / ".compiled/stamp", tmp_path / "src/trueline/a.py"
    for path in (stamp, source):
        path.parent.mkdir(parents=True)
    source.touch()
    use = f'root={tmp_path}; python={sys.executable}; use_compiled; echo "$PYTHONPATH"'

    assert sourced(use).stdout == "\n", "nothing was compiled"
    for said, age, shown, note in (
        (suffix, 1, f"{tmp_path}/.compiled", ""),
        (suffix, -1, "", "trueline: the source has changed since scripts/compile ran; what it made is not used\n"),
        (".other.so", 1, "", "trueline: scripts/compile ran with another Python; what it made is not used\n"),
    ):
        stamp.write_text(f"{said}\n")
        os.utime(stamp, (source.stat().st_mtime + age,) * 2)
        done = sourced(use)
        assert (done.stdout, done.stderr) == (f"{shown}\n", note)
