"""Work that takes too long for an event loop: counting long texts, loading a vocabulary, judging large answers.

Two threads serve the whole process; there are none before the first piece of work.  The smallest piece goes first, and
of large ones no more than one is done at a time, so that small ones never wait for long.  What may be left out is given
up after a while, and what nobody waits for any longer is not begun.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from heapq import heappop, heappush
from itertools import count
from threading import Lock

from ..owed import Owed

__all__ = ["Job", "Workers", "begin_work", "work_off"]

THREADS = 2
LARGE = 64 * 1024
"""Bytes from which a piece of work is large: that may take tens of milliseconds, and for odd texts seconds."""
PATIENCE = 0.3
"""Seconds after which a reply goes on without what may be left out."""

log = logging.getLogger("trueline.work")

Work = Callable[[], None]


class Job:
    """A piece of work, and who waits for it on an event loop."""

    __slots__ = ("_loop", "_then", "_timer", "size", "work")

    def __init__(self, work: Work, then: Work) -> None:
        self._loop = asyncio.get_running_loop()
        self._then: Work | None = then
        self.work = work
        self.size = work.size if isinstance(work, Owed) else 0
        self._timer: asyncio.TimerHandle | None = None
        if isinstance(work, Owed) and not work.waits:
            self._timer = self._loop.call_later(PATIENCE, self._over)

    @property
    def wanted(self) -> bool:
        """Somebody still waits for it."""
        return self._then is not None

    def drop(self) -> None:
        """Nobody waits for it any longer."""
        self._then = None
        if self._timer is not None:
            self._timer.cancel()

    def run(self) -> None:
        """In a thread.  Work that fails is logged, and its exchange goes on without it."""
        try:
            self.work()
        except Exception:
            log.exception("counting failed; an estimate takes its place")
        with suppress(RuntimeError):  # the loop may be gone
            self._loop.call_soon_threadsafe(self._over)

    def _over(self) -> None:
        """It is done, or there is no more time for it."""
        then = self._then
        self.drop()
        if then is not None:
            then()


class Workers:
    """The threads, and what waits for them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="trueline-work")
        self._lock = Lock()
        self._waiting: list[tuple[int, int, Job]] = []
        self._numbers = count()
        self._large = 0

    def add(self, job: Job) -> None:
        """Have it done when its turn comes."""
        with self._lock:
            heappush(self._waiting, (job.size, next(self._numbers), job))
        self._threads.submit(self._run)

    def _run(self) -> None:
        """Do what can be done now; where that is nothing, the thread that does a large job looks again."""
        while (job := self._next()) is not None:
            try:
                job.run()
            finally:
                with self._lock:
                    self._large -= job.size >= LARGE

    def _next(self) -> Job | None:
        with self._lock:
            while self._waiting:
                size, _, job = self._waiting[0]
                if job.wanted and size >= LARGE and self._large:
                    return None
                heappop(self._waiting)
                if job.wanted:
                    self._large += size >= LARGE
                    return job
        return None


@lru_cache(maxsize=1)
def _workers() -> Workers:
    return Workers()


def begin_work(work: Work, then: Work) -> Job:
    """Have it done, then call `then` on the event loop: when it is done, has failed, or is given up."""
    job = Job(work, then)
    _workers().add(job)
    return job


async def work_off(work: Work) -> None:
    """Have it done; returns when it is, has failed, or is given up."""
    done = asyncio.get_running_loop().create_future()
    job = begin_work(work, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        job.drop()
