"""Prepare the checkout's virtual environment from a lock file: `_setup.py ROOT LOCK`.  Standard library only.

Does nothing when the stamp of the last run still fits (same lock, same Python, same folder).  The guard is a file
lock, which the kernel drops with its holder, so two scripts may start at once and one may be killed at any point.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

VERSION = "{}.{}".format(*sys.version_info[:2])
# The interpreter that a venv is made from, also when this one is a venv's own.
BASE = getattr(sys, "_base_executable", None) or sys.executable

LAUNCHER = """#!/bin/sh
exec "$(dirname -- "$0")/python" -m trueline "$@"
"""


def main(root: Path, lock: Path) -> None:
    """Bring ROOT/.venv to what LOCK says."""
    venv = root / ".venv"
    stamp = venv / f"stamp-{lock.stem}"
    wanted = f"{VERSION} {sys.platform} {root} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"
    if is_ready(venv, stamp, wanted):
        return
    with open(root / ".venv.lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_ready(venv, stamp, wanted):  # another script did it while this one waited
            return
        print(f"trueline: preparing .venv from {lock.name}, once …", file=sys.stderr, flush=True)
        pip = make_venv(venv)
        run([*pip, "install", "-qq", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)])
        add_checkout(venv, root)
        stamp.write_text(wanted)


def is_ready(venv: Path, stamp: Path, wanted: str) -> bool:
    """Whether the last run left exactly what is wanted."""
    try:
        return stamp.read_text() == wanted and venv_version(venv) == VERSION
    except OSError:
        return False


def venv_version(venv: Path) -> str | None:
    """The Python version of a venv that runs; None otherwise (none there, or its base was removed)."""
    if Path(sys.prefix) == venv:
        return VERSION
    code = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        done = subprocess.run([venv / "bin/python", "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def make_venv(venv: Path) -> list[str]:
    """Make the venv unless a fitting one is there; return the pip command that installs into it."""
    python = str(venv / "bin/python")
    if venv_version(venv) == VERSION and succeeds([python, "-m", "pip", "--version"]):
        return [python, "-m", "pip"]
    if succeeds([BASE, "-c", "import venv, ensurepip"]):
        run([BASE, "-m", "venv", "--clear", str(venv)])
        return [python, "-m", "pip"]
    # Debian and Ubuntu split ensurepip off; a pip that is there for other reasons does as well.
    if succeeds([BASE, "-c", "import venv"]) and succeeds([BASE, "-m", "pip", "--python", BASE, "--version"]):
        run([BASE, "-m", "venv", "--clear", "--without-pip", str(venv)])
        return [BASE, "-m", "pip", "--python", python]
    sys.exit(
        f"trueline: {BASE} cannot make virtual environments (no venv or ensurepip). On Debian and Ubuntu:\n"
        f"    apt-get install python3-venv\n"
        f"or name another Python 3.11 or newer: PYTHON=/path/to/python3"
    )


def add_checkout(venv: Path, root: Path) -> None:
    """Make `import trueline` and `.venv/bin/trueline` mean this checkout, with no build step."""
    paths = sysconfig.get_path("purelib", scheme="venv", vars={"base": str(venv), "platbase": str(venv)})
    Path(paths, "trueline-checkout.pth").write_text(f"{root / 'src'}\n")
    launcher = venv / "bin/trueline"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


def succeeds(command: list[str]) -> bool:
    """Whether a command exits with 0; its output is nobody's business."""
    return subprocess.run(command, capture_output=True).returncode == 0


def run(command: list[str]) -> None:
    """Run a command whose failure ends the script; what it says about it is shown as it is."""
    # A user's own pip settings for the place of an installation would defeat the venv.
    env = {k: v for k, v in os.environ.items() if k not in {"PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PYTHONHOME"}}
    code = subprocess.run(command, env=env).returncode
    if code:
        sys.exit(f"trueline: set-up failed: {' '.join(command)} exited with {code}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[1], sys.argv[2]))
