"""Work that takes too long for an event loop: counting long texts, loading a vocabulary.

One or two threads serve the whole process; there are none before the first piece of work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

__all__ = ["begin_work", "work_off"]

THREADS = 2

log = logging.getLogger("trueline.work")


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="trueline-work")


def _safely(work: Callable[[], None]) -> None:
    """Work that fails is logged, and its exchange goes on without it."""
    try:
        work()
    except Exception:
        log.exception("counting failed; an estimate takes its place")


def begin_work(work: Callable[[], None], then: Callable[[], None]) -> None:
    """Have it done, then call `then` on the event loop, whether it failed or not."""
    done = asyncio.get_running_loop().run_in_executor(_threads(), _safely, work)
    done.add_done_callback(lambda _: then())


async def work_off(work: Callable[[], None]) -> None:
    """Have it done; returns when it is, or has failed."""
    await asyncio.get_running_loop().run_in_executor(_threads(), _safely, work)
