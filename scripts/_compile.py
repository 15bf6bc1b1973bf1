"""Compile the hot path with mypyc: `_compile.py ROOT`.  See docs/performance.md and docs/adr/0010.

What comes of it is a copy of the package under .compiled/, with an extension module beside each compiled file.  The
source stays what it is: nothing is compiled that does not run the same without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

COMPILED = (
    "context.py",
    "messages.py",
    "owed.py",
    "said.py",
    "dialects/openai_chat/chunks.py",
    "dialects/openai_chat/fields.py",
    "dialects/openai_chat/stream_writer.py",
    "dialects/openai_chat/whole.py",
    "dialects/openai_chat/whole_writer.py",
    "pipeline/*.py",
    "repairs/**/*.py",
    "wire/frames.py",
    "wire/jsonio.py",
    "wire/sse.py",
    "shell/awaited.py",
    "shell/clock.py",
    "shell/conduct.py",
    "shell/exchange.py",
    "shell/gateway.py",
    "shell/headers.py",
    "shell/journal.py",
    "shell/known_head.py",
    "shell/learned.py",
    "shell/metrics.py",
    "shell/native/client.py",
    "shell/native/exchange.py",
    "shell/native/turns.py",
    "shell/tape.py",
    "shell/watchdog.py",
    "shell/upstream/call.py",
    "shell/upstream/client.py",
    "shell/upstream/connection.py",
    "shell/upstream/headers.py",
    "shell/upstream/pool.py",
)
"""Modules of the package that requests and events go through.  Those that define `msgspec.Struct`s cannot be."""

SETUP = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from mypyc.build import mypycify
from setuptools import setup
from setuptools.command.build_ext import build_ext

class Parallel(build_ext):
    def build_extensions(self):
        one_by_one = self.compiler.compile
        def compile(sources, *args, **named):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                made = pool.map(lambda source: one_by_one([source], *args, **named), sources)
                return [path for paths in made for path in paths]
        self.compiler.compile = compile
        super().build_extensions()

arguments = ["--config-file=", "--cache-dir=/dev/null", "--follow-imports=silent", *sys.argv[2:]]
sys.argv[2:] = ["--inplace"]
modules = mypycify(arguments, opt_level="2", debug_level="0", multi_file=True)
setup(name="trueline-compiled", packages=[], ext_modules=modules, cmdclass={"build_ext": Parallel})
"""
"""One file of C for each module: one for all of them takes the C compiler three times as long."""


def main(root: Path) -> None:
    """Fill ROOT/.compiled; what was there stays in use until the new one is complete."""
    demand_compiler()
    began = time.monotonic()
    made, old, target = root / ".compiled.new", root / ".compiled.old", root / ".compiled"
    for leftover in (made, old):
        shutil.rmtree(leftover, ignore_errors=True)
    made.mkdir()
    began_at = time.time()
    shutil.copytree(root / "src/trueline", made / "trueline", ignore=shutil.ignore_patterns("__pycache__"))
    files = compiled_files(made)
    print(
        f"trueline: compiling {len(files)} modules with mypyc, which takes some minutes …", file=sys.stderr, flush=True
    )
    (made / "setup.py").write_text(SETUP)
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", *files],
        cwd=made,
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}\ntrueline: compiling failed; Trueline runs as it is without")
    for rest in ("build", "setup.py"):
        path = made / rest
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    stamp = made / "stamp"
    stamp.write_text(sysconfig.get_config_var("EXT_SUFFIX") + "\n")
    os.utime(stamp, (began_at, began_at))  # what changes while the compiler runs is newer than what it read
    if target.exists():
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    print(f"trueline: compiled in {time.monotonic() - began:.0f} s; scripts/serve uses it until the source changes")


def compiled_files(where: Path) -> list[str]:
    """The files to compile, from `where`.  Every row of the table names at least one."""
    files: list[str] = []
    for pattern in COMPILED:
        found = sorted((where / "trueline").glob(pattern))
        if not found:
            sys.exit(f"trueline: nothing is named {pattern}, which is to be compiled")
        files += [str(path.relative_to(where)) for path in found]
    return files


def demand_compiler() -> None:
    """Say what is missing before minutes are spent."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(f"trueline: there is no C compiler ({compiler}). On Debian and Ubuntu: apt-get install gcc libc6-dev")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        sys.exit(
            "trueline: Python's headers are not there (Python.h). On Debian and Ubuntu: apt-get install python3-dev"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
