"""Memory that a burst of load took and nobody uses: given back to the system once the burst is over.

What ends is freed at once, but the allocators keep its pages.  For a process that is Trueline's own: in another
application, collections are that one's to time.  What stays are arenas (a megabyte each) of Python's allocator in which
one object is in use: those that uvloop keeps for its next handles and timers are spread over many.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator, Sized
from contextlib import contextmanager

__all__ = ["Housekeeper", "housekeeping", "resident"]

EVERY = 2.0
"""Seconds between two looks at the memory; each costs some microseconds."""
WORTH = 4 * 1024 * 1024
"""Bytes of growth that are worth the milliseconds of giving back."""


@contextmanager
def housekeeping(running: Sized) -> Iterator[None]:
    """Look after the memory of this process; `running` has as many members as there are exchanges."""
    gc.collect()
    gc.freeze()  # what was made at the start stays: no collection need look at it again
    keeper = Housekeeper(running)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class Housekeeper:
    """Gives memory back when half of the exchanges of a burst have ended and the process has grown."""

    def __init__(self, running: Sized) -> None:
        self.given_back = 0
        """How often."""
        self._running = running
        self._most = 0
        self._kept = resident()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from time to time."""
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self.start()
        self.look()

    def look(self) -> None:
        """Give back, if it is time."""
        now = len(self._running)
        self._most = max(self._most, now)
        if now > self._most // 2 or resident() < self._kept + WORTH:
            return
        self._most = now
        gc.collect()  # empties Python's free lists, too
        _trim()
        self._kept = resident()
        self.given_back += 1


def _trim() -> None:
    """Have the C library return its free pages, where it can (glibc)."""
    import ctypes  # which a process without bursts never needs

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not tell (/proc)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError):
        return 0
