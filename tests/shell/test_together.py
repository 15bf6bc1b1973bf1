"""Several things at the same time."""

from __future__ import annotations

import asyncio

import pytest

from trueline.shell.together import together


async def test_in_order_and_so_many_at_a_time() -> None:
    running = most = 0

    async def one(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5 - number % 3):
            await asyncio.sleep(0)
        running -= 1
        return number

    assert await together([one(number) for number in range(9)], 3) == list(range(9))
    assert most == 3
    assert await together([], 3) == []


async def test_the_first_that_fails_ends_the_others() -> None:
    ended: list[int] = []

    async def one(number: int) -> None:
        try:
            if number == 1:
                raise ValueError("one")
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match="one"):
        await together([one(number) for number in range(9)], 3)
    assert sorted(ended)[:3] == [0, 1, 2]
    assert len(ended) <= 4, "the turn of the one that failed was free"


async def test_cancelled() -> None:
    begun = asyncio.Event()
    ended: list[int] = []

    async def one(number: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    task = asyncio.create_task(together([one(number) for number in range(2)], 2))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1]


async def test_cancelled_before_anything_began() -> None:
    works = [asyncio.sleep(0) for _ in range(3)]
    task = asyncio.create_task(together(works, 2))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
