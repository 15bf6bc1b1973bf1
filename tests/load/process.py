"""`trueline serve` as a process of its own, and what Linux knows of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.local import SECONDS, clean_environment

__all__ = ["Worker", "cpu_seconds", "peak_mb", "resident_mb", "worker"]


class Worker:
    """A running proxy.  Its log goes to a file, as a pipe that nobody empties would stop it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        screen = ""
        for line in process.stdout:
            screen += line
            if "Ready" in line:
                break
        found = re.search(r"Base URL +http://127\.0\.0\.1:(\d+)/v1", screen)
        assert found, screen
        self.pid = process.pid
        self.port = int(found[1])
        self._process = process

    def stop(self) -> int:
        """Drain it; the exit code."""
        self._process.terminate()
        return self._process.wait(SECONDS)


@contextmanager
def worker(upstream: str, folder: Path, server: str) -> Iterator[Worker]:
    """A proxy before an upstream, gone at the end of the block; `server`: how it takes its requests."""
    arguments = ["-m", "trueline", "serve", "--port", "0", "--server", server, "--upstream", upstream]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=clean_environment(),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.wait(SECONDS)
        if process.stdout:
            process.stdout.close()


def resident_mb(pid: int) -> float | None:
    """Resident memory in MB; None where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def cpu_seconds(pid: int) -> float | None:
    """CPU time, user and system; None where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float | None:
    """The most resident memory so far, in MB; None where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
