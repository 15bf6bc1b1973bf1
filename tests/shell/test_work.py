"""Work beside the event loop: small pieces first, one large one at a time, none that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from trueline.owed import Owed
from trueline.shell import work
from trueline.shell.work import LARGE, Job, begin_work, work_off

SECONDS = 30


class Pieces:
    """Pieces of work that say in which order they were begun, and wait until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.went_on = asyncio.Event()
        self._gates: dict[str, threading.Event] = {}

    def piece(self, name: str, size: int = 0, waits: bool = True, held: bool = False) -> Job:
        gate = self._gates[name] = threading.Event()

        def do() -> None:
            self.begun.append(name)
            if held:
                assert gate.wait(SECONDS)

        def then() -> None:
            self.ended.append(name)
            self.went_on.set()

        owed = Owed()
        owed.add(do, None, size, waits)
        return begin_work(owed, then)

    def let_go(self, *names: str) -> None:
        for name in names or self._gates:
            self._gates[name].set()

    async def until_ended(self, *names: str) -> None:
        async with asyncio.timeout(SECONDS):
            while not set(names) <= set(self.ended):
                self.went_on.clear()
                await self.went_on.wait()


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    own = work.Workers()
    monkeypatch.setattr(work, "_workers", lambda: own)


@pytest.fixture
def pieces() -> Iterator[Pieces]:
    made = Pieces()
    yield made
    made.let_go()


async def test_small_pieces_go_before_large_ones(pieces: Pieces) -> None:
    for number in range(8):
        pieces.piece(f"large {number}", LARGE + number, held=True)
    pieces.piece("small", 10)
    await pieces.until_ended("small")

    assert pieces.begun == ["large 0", "small"]
    pieces.let_go()
    await pieces.until_ended(*(f"large {number}" for number in range(8)))
    assert pieces.begun == ["large 0", "small", *(f"large {number}" for number in range(1, 8))]


async def test_of_small_pieces_the_smallest_goes_first(pieces: Pieces) -> None:
    pieces.piece("one", held=True)
    pieces.piece("other", held=True)
    for size in (30, 10, 20):
        pieces.piece(f"of {size}", size)
    pieces.let_go("one")
    await pieces.until_ended("of 30", "of 10", "of 20")

    assert pieces.begun[2:] == ["of 10", "of 20", "of 30"]


async def test_what_nobody_waits_for_is_not_begun(pieces: Pieces) -> None:
    pieces.piece("large", LARGE, held=True)
    dropped = pieces.piece("dropped", LARGE)
    pieces.piece("last", LARGE)
    dropped.drop()
    pieces.let_go()
    await pieces.until_ended("last")

    assert pieces.begun == ["large", "last"] and "dropped" not in pieces.ended


async def test_what_may_be_left_out_is_given_up(pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 0)
    pieces.piece("needed", LARGE, held=True)
    pieces.piece("begun", waits=False, held=True)
    pieces.piece("not begun", LARGE, waits=False)
    await pieces.until_ended("begun", "not begun")

    assert pieces.ended == ["begun", "not begun"]
    pieces.let_go()
    await pieces.until_ended("needed")
    assert "not begun" not in pieces.begun and pieces.ended.count("begun") == 1


async def test_who_is_cancelled_waits_for_nothing(pieces: Pieces) -> None:
    pieces.piece("large", LARGE, held=True)
    owed = Owed()
    owed.add(lambda: pieces.begun.append("second"), None, LARGE, True)
    task = asyncio.create_task(work_off(owed))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pieces.let_go()
    pieces.piece("last", LARGE)
    await pieces.until_ended("last")

    assert pieces.begun == ["large", "last"]


async def test_what_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("no such vocabulary")

    await work_off(fail)

    assert "no such vocabulary" in caplog.text
