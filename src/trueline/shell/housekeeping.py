"""Memory that a burst of load takes: got where it can be given back, and given back once the burst is over.

What ends is freed at once, but the allocators keep its pages.  For a process that is Trueline's own: in another
application, collections are that one's to time.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from functools import partial

from .allocators import Allocators

__all__ = ["Housekeeper", "housekeeping", "resident"]

EVERY = 0.1
"""Seconds between two counts of the exchanges that run."""
LOOKS = 20
"""How many counts go by between two looks at the memory, each of which costs some microseconds."""
CROWD = 40
"""Exchanges at once, above which more of them are a burst: what it needs is to be given back afterwards."""
CALM = 5
"""Counts without a new most, after which no more are expected."""
GAP = 0.005
"""Seconds between two steps of giving back."""
SPARE = 250
"""Handles that uvloop keeps for the next calls, once it has had so many."""
WORTH = 4 * 1024 * 1024
"""Bytes of growth that are worth the milliseconds of giving back."""


@contextmanager
def housekeeping(running: Sized, renew: Callable[[], None]) -> Iterator[None]:
    """Look after the memory of this process; `running` has as many members as there are exchanges.

    `renew` makes anew what was made in a burst and is to stay.
    """
    gc.collect()
    gc.freeze()  # what was made at the start stays: no collection need look at it again
    keeper = Housekeeper(running, renew)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class Housekeeper:
    """Gives memory back when half of the exchanges of a burst have ended and the process has grown.

    While there are more and more exchanges, what they keep comes from the C library, whose memory goes back by pages;
    once they are all there, what their events need for a moment comes from Python's allocator, which is faster.
    """

    def __init__(self, running: Sized, renew: Callable[[], None] = lambda: None) -> None:
        self.given_back = 0
        """How often."""
        self.allocators = Allocators()
        self._running = running
        self._renew = renew
        self._high = CROWD
        """The most exchanges at once in this burst."""
        self._calm = 0
        """Counts since there were more than ever."""
        self._most = 0
        self._rest = 0
        """Exchanges that still ran when memory was last given back."""
        self._again = False
        """To be done once more: what ended last may not have been free by then."""
        self._kept = resident()
        self._counts = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from time to time."""
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(EVERY, self._turn)

    def stop(self) -> None:
        """Look no more."""
        self.allocators.use_library(False)
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self.start()
        self.count()
        self._counts += 1
        if self._counts % LOOKS == 0:
            self.look()

    def count(self) -> None:
        """See whether there are more exchanges than ever, or have not been for a while."""
        now = len(self._running)
        if now > self._high:
            self._high = now
            self._calm = 0
            self.allocators.use_library(True)
        elif self.allocators.library:
            self._calm += 1
            if self._calm == CALM:
                self.allocators.use_library(False)

    def look(self) -> None:
        """Give back, if it is time."""
        now = len(self._running)
        self._most = max(self._most, now)
        if now > self._most // 2:
            return
        more_ended = self._rest > CROWD and now <= self._rest // 2
        if not (more_ended or self._again) and resident() < self._kept + WORTH:
            return
        self._again = not self._again
        self._most = self._rest = now
        self._high = max(CROWD, now)
        self.given_back += 1
        loop = self._loop
        if loop is None:
            for step in self._steps([]):
                step()
        else:
            loop.call_soon(self._take, loop, self._steps(self._new_handles(loop)))

    def _new_handles(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Handle]:
        """Those that the loop has in reserve, and as many new ones, from memory that goes back by pages."""
        with self._library():
            return [loop.call_soon(_nothing) for _ in range(2 * SPARE)]

    @contextmanager
    def _library(self) -> Iterator[None]:
        before = self.allocators.library
        self.allocators.use_library(True)
        try:
            yield
        finally:
            self.allocators.use_library(before)

    def _take(self, loop: asyncio.AbstractEventLoop, steps: Iterator[Callable[[], object]]) -> None:
        """Take one step, and the others a little later: all at once would hold up whoever asks now for milliseconds."""
        for step in steps:
            loop.call_later(GAP, self._take, loop, steps)
            step()
            return

    def _steps(self, handles: list[asyncio.Handle]) -> Iterator[Callable[[], object]]:
        yield partial(_leave_new, handles)
        yield gc.collect  # empties Python's free lists, too: what is made now is made of new memory
        yield self._make_anew
        yield gc.collect  # frees what that replaced
        yield _forget_names
        yield _trim
        yield self._keep

    def _make_anew(self) -> None:
        with self._library():
            self._renew()

    def _keep(self) -> None:
        self._kept = resident()


def _leave_new(handles: list[asyncio.Handle]) -> None:
    """Keep the new handles in reserve, and not those that the burst made here and there."""
    del handles[SPARE:]
    handles.clear()


def _nothing() -> None:
    """What a handle calls that was made to be kept in reserve."""


def _forget_names() -> None:
    """Empty the table of attributes that were looked up, which keeps names that C code made for one look."""
    forget = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)
    if forget is not None:
        forget()


def _trim() -> None:
    """Have the C library return its free pages, where it can (glibc)."""
    try:
        import ctypes
    except (ImportError, OSError):  # Python can be built without, or without libraries
        return
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
