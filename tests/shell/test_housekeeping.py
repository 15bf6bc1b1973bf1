"""Memory is given back when a burst is over, and not before; a burst takes it from where it can be given back."""

from __future__ import annotations

import asyncio
import sys

import pytest

from shell.upstream.scripted import until
from trueline.shell import housekeeping
from trueline.shell.housekeeping import CALM, CROWD, WORTH, Housekeeper

LOOKS: list[tuple[list[tuple[int, int]], int]] = [
    ([(0, 0), (0, 0)], 0),
    ([(100, WORTH), (60, WORTH)], 0),  # still under load
    ([(100, WORTH), (50, WORTH)], 1),
    ([(100, WORTH - 1), (0, WORTH - 1)], 0),  # not worth it
    ([(0, WORTH)], 1),  # a request of many megabytes, come and gone between two looks
    ([(100, WORTH), (0, WORTH), (0, WORTH)], 2),  # what ended last may not have been free by then
    ([(100, WORTH), (0, WORTH), (0, WORTH), (0, WORTH)], 2),  # what could not be given back is not asked for again
    ([(100, WORTH), (50, WORTH), (25, 2 * WORTH)], 2),
    (
        [(1000, WORTH), (400, WORTH), (300, WORTH), (150, WORTH), (0, WORTH)],
        3,
    ),  # the rest of a burst ended: that is much, too
    ([(1000, WORTH), (CROWD, WORTH), (0, WORTH), (0, WORTH)], 2),  # that is little
]
"""Running exchanges and bytes more than at the start, at each look; how often memory was given back."""


@pytest.mark.parametrize(("looks", "times"), LOOKS)
def test_when_memory_is_given_back(looks: list[tuple[int, int]], times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = 0
    monkeypatch.setattr(housekeeping, "resident", lambda: memory)
    running: set[int] = set()
    keeper = Housekeeper(running)

    for number, more in looks:
        running.clear()
        running.update(range(number))
        memory = more
        keeper.look()

    assert keeper.given_back == times


COUNTS: list[tuple[list[int], list[bool]]] = [
    ([0, CROWD, CROWD], []),
    ([CROWD + 1], [True]),
    ([100, 500, 500, 900], [True]),
    ([100, *[100] * (CALM - 1)], [True]),
    ([100, *[100] * CALM], [True, False]),
    ([100, *[90] * CALM, 100, 101], [True, False, True]),
    ([100, *[0] * CALM, 100, 100], [True, False]),  # as many as before need no more memory
]
"""Running exchanges at each count; whether new objects come from the C library, at each change."""


class FakeAllocators:
    def __init__(self) -> None:
        self.library = False
        self.changes: list[bool] = []

    def use_library(self, library: bool) -> None:
        if library != self.library:
            self.library = library
            self.changes.append(library)


@pytest.mark.parametrize(("counts", "changes"), COUNTS)
def test_where_the_memory_of_a_burst_comes_from(counts: list[int], changes: list[bool]) -> None:
    running: set[int] = set()
    keeper = Housekeeper(running)
    fake = keeper.allocators = FakeAllocators()  # type: ignore[assignment]
    for number in counts:
        running.clear()
        running.update(range(number))
        keeper.count()
    assert fake.changes == changes


def test_the_next_burst_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "resident", lambda: 0)
    running = set(range(500))
    keeper = Housekeeper(running)
    fake = keeper.allocators = FakeAllocators()  # type: ignore[assignment]
    monkeypatch.setattr(housekeeping, "resident", lambda: WORTH)
    for _ in range(CALM + 1):
        keeper.count()
    keeper.look()
    running.clear()
    keeper.look()
    running.update(range(100))
    keeper.count()
    assert (keeper.given_back, fake.changes) == (1, [True, False, True, False, True])


@pytest.mark.parametrize("before", [False, True])
async def test_the_loops_reserve_is_renewed_before_memory_is_given_back(
    before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = asyncio.Event()
    memory = 0
    monkeypatch.setattr(housekeeping, "resident", lambda: memory)
    monkeypatch.setattr(housekeeping, "_trim", given.set)
    running: set[int] = set()
    keeper = Housekeeper(running)
    fake = keeper.allocators = FakeAllocators()  # type: ignore[assignment]
    fake.library = before
    keeper.start()
    memory = WORTH

    keeper.look()

    assert not given.is_set()
    assert fake.library is before
    assert fake.changes == ([] if before else [True, False])
    await asyncio.wait_for(given.wait(), 10)
    keeper.stop()
    assert fake.library is False


@pytest.mark.parametrize("missing", ["ctypes", None])
async def test_giving_back_ends_whatever_fails(missing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError

    running: set[int] = set()
    keeper = Housekeeper(running, fail if missing is None else lambda: None)
    fake = keeper.allocators = FakeAllocators()  # type: ignore[assignment]
    failed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context.get("exception")))
    if missing is not None:
        monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(housekeeping, "resident", lambda: WORTH)
    keeper._kept = 0
    keeper.start()
    keeper.look()
    await until(lambda: keeper._kept == WORTH)
    assert fake.library is False
    keeper.stop()
    assert [type(each) for each in failed] == ([ValueError] if missing is None else [])


async def test_what_is_asked_meanwhile_is_answered_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(housekeeping, "resident", lambda: WORTH)
    monkeypatch.setattr(housekeeping, "_trim", lambda: done.append("given back"))
    keeper = Housekeeper(set(), lambda: done.append("made anew"))
    keeper._kept = 0
    keeper.start()
    keeper.look()
    await until(lambda: bool(done))
    done.append("asked")
    await until(lambda: keeper._kept == WORTH)
    keeper.stop()

    assert done == ["made anew", "asked", "given back"]
