"""The programs in C: the upstream and the load.  Built where the source is newer than the program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["SOURCES", "BuildError", "build", "compiler"]

SOURCES = Path(__file__).parent / "native"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


class BuildError(Exception):
    """The compiler is missing, or did not like the source; its words."""


def compiler() -> str | None:
    """The path of a C compiler."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(name: str, folder: Path) -> Path:
    """The program `name`, built into `folder`; raises BuildError."""
    cc = compiler()
    if cc is None:
        raise BuildError("there is no C compiler; on Debian and Ubuntu: apt-get install gcc libc6-dev")
    program, source = folder / name, SOURCES / f"{name}.c"
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    if program.exists() and program.stat().st_mtime > newest:
        return program
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([cc, *FLAGS, "-o", program, source, "-lm"], capture_output=True, text=True)
    if done.returncode:
        raise BuildError(done.stderr)
    return program
