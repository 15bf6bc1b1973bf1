"""Processes of a benchmark run: started on chosen cores, measured by the kernel's accounting, ended in any case."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["Cores", "Server", "cores", "free_port", "prepare", "runs", "step_aside", "tree"]

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2
Cores = frozenset[int]


@lru_cache(maxsize=1)
def cores() -> tuple[Cores, Cores]:
    """(those of the load and the upstream, the one of the gateway that is measured)."""
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 2:
        return frozenset(have), frozenset(have)
    return frozenset(have[:-1]), frozenset(have[-1:])


def step_aside() -> None:
    """Keep off the core of what is measured: it would wait for milliseconds while its CPU time is added up."""
    os.sched_setaffinity(0, cores()[0])


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def prepare(on: Cores) -> Callable[[], None]:
    """What a child does before it is the program: its core, its end with ours, and first in the queue if it may."""
    libc = ctypes.CDLL(None)

    def inside() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, on)
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, -15)

    return inside


class Server:
    """A process, and those that it starts.  `with server:` ends them all, however the block ends."""

    def __init__(
        self,
        command: Sequence[str],
        on: Cores,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command, self.log = list(command), log
        self.began = time.monotonic()
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, cwd=cwd,
                preexec_fn=prepare(on), start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process id of the first process."""
        return self.process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        family = tree(self.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        while any(map(runs, family)):
            time.sleep(0.005)

    def wait_until_ready(self, url: str, seconds: float) -> float:
        """Ask until the answer is 200; the seconds since the start.

        Raises RuntimeError with the end of the log where it ended or was not ready in time.
        """
        while time.monotonic() - self.began < seconds and self.process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as reply:
                if reply.status == 200:
                    return time.monotonic() - self.began
            time.sleep(0.005)
        raise RuntimeError(f"{self.command[0]} did not get ready:\n{self.log.read_text(errors='replace')[-1500:]}")

    def cpu(self) -> float:
        """CPU seconds of the family so far, of all threads, from the scheduler's own sum (nanoseconds)."""
        return sum(cpu_seconds(pid) for pid in tree(self.pid))

    def memory(self) -> float:
        """Proportional resident memory of the family, in MB: pages that they share count once."""
        return sum(proportional_kb(pid) for pid in tree(self.pid)) / 1024

    def forget_peak(self) -> None:
        """Begin to count the peak anew."""
        for pid in tree(self.pid):
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """The largest resident memory of the family since `forget_peak`, in MB."""
        return sum(status_kb(pid, "VmHWM") for pid in tree(self.pid)) / 1024

    def signal(self, number: int) -> None:
        """Send a signal to the family."""
        for pid in tree(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, at = [pid], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds of all threads of one process; 0 for one that is gone."""
    clock = (~pid << 3) | CPUCLOCK_SCHED  # what clock_getcpuclockid(3) makes of a process id on Linux
    try:
        return time.clock_gettime(clock)
    except OSError:
        return 0.0


def proportional_kb(pid: int) -> float:
    """PSS where the kernel gives it, else RSS."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    except OSError:
        pass
    return status_kb(pid, "VmRSS")


def status_kb(pid: int, name: str) -> float:
    """A size of /proc/PID/status in kB; 0 where there is none."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return float(line.split()[1])
    return 0.0
