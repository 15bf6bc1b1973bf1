"""Several things at the same time, of which all are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["together"]

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]], at_once: int) -> list[T]:
    """What each gives, in order, with so many running at a time.

    The first that fails ends the others, and is raised.
    """
    works = list(works)
    turn = asyncio.Semaphore(at_once)

    async def one(work: Coroutine[Any, Any, T]) -> T:
        async with turn:
            return await work

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(work)) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    finally:
        for work in works:
            work.close()  # one that had no turn
    return [task.result() for task in tasks]
