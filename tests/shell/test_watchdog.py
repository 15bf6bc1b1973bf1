"""Deadlines: never early, hardly late, and one timer for all of a loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import cast
from weakref import ref

import pytest

from shell.upstream.scripted import client, echoing, serve
from trueline.shell.watchdog import Watchdog
from trueline.shell.wheel import LATE


class Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback

    def cancel(self) -> None:
        self.callback = lambda: None


class Loop:
    """What watchdogs ask of a loop: a clock that stands until a test moves it, and timers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.failures: list[object] = []
        self.made = 0
        self._timers: list[tuple[float, int, Timer]] = []
        self._number = count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], context: Context) -> Timer:
        self.made += 1
        timer = Timer(when, callback)
        heappush(self._timers, (when, next(self._number), timer))
        return timer

    def call_exception_handler(self, context: dict[str, object]) -> None:
        self.failures.append(context["exception"])

    def run_until(self, end: float) -> None:
        """Let time pass, timer by timer."""
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heappop(self._timers)
            self.now = max(self.now, when)
            timer.callback()
        self.now = end

    def watchdog(self, callback: Callable[[], None]) -> Watchdog:
        return Watchdog(cast(asyncio.AbstractEventLoop, self), callback)

    def recorded(self) -> tuple[Watchdog, list[float]]:
        """A watchdog, and when it called back."""
        fired: list[float] = []
        return self.watchdog(lambda: fired.append(self.now)), fired


@pytest.mark.parametrize("seconds", [0.0, 0.003, 0.05, 0.2501, 0.3, 0.999, 1.0, 5.0, 9.99, 10.001, 61.7, 300, 6e5])
@pytest.mark.parametrize("began", [1000.0, 1000.0049, 1000.987])
def test_a_deadline_is_noticed_in_time(seconds: float, began: float) -> None:
    loop = Loop()
    loop.now = began
    watchdog, fired = loop.recorded()

    watchdog.set(began + seconds)
    loop.run_until(began + seconds + 1)

    (when,) = fired
    assert began + seconds <= when + 1e-6 <= began + seconds + LATE + 2e-6
    assert loop.made <= 6


def test_moving_a_deadline_back_makes_no_timer() -> None:
    loop = Loop()
    watchdog, fired = loop.recorded()
    for late in range(5, 3000):
        watchdog.set(1000.0 + late)
    assert loop.made == 1

    loop.run_until(3998.9)
    assert fired == []
    loop.run_until(4000.0)
    assert fired == [3999.0]


def test_many_watchdogs_share_a_timer() -> None:
    loop = Loop()
    watchdogs = [loop.recorded() for _ in range(1000)]
    for number, (watchdog, _) in enumerate(watchdogs):
        watchdog.set(1300.0 + number / 1000)
    assert loop.made == 1

    loop.run_until(1302.0)

    assert all(
        0 <= fired[0] - 1300.0 - number / 1000 + 1e-6 <= LATE + 2e-6 for number, (_, fired) in enumerate(watchdogs)
    )
    assert loop.made < 150


def test_a_nearer_deadline_counts() -> None:
    loop = Loop()
    watchdog, fired = loop.recorded()
    watchdog.set(1600.0)
    watchdog.set(1005.0)
    watchdog.set(1001.0)
    loop.run_until(2000.0)
    assert fired == [1001.0]


def test_a_deadline_that_is_taken_away_does_not_come() -> None:
    loop = Loop()
    watchdog, fired = loop.recorded()
    watchdog.set(1005.0)
    watchdog.set(None)
    loop.run_until(1010.0)
    assert fired == []
    watchdog.set(1012.0)
    loop.run_until(1020.0)
    assert fired == [1012.0]


def test_a_stopped_watchdog_is_freed_with_its_owner() -> None:
    loop = Loop()

    class Owner:
        def __init__(self) -> None:
            self.watchdog = loop.watchdog(self.expired)

        def expired(self) -> None:
            raise AssertionError

    owner = Owner()
    seen = ref(owner)
    owner.watchdog.set(1600.0)
    owner.watchdog.stop()
    del owner
    assert seen() is None
    loop.run_until(1700.0)
    assert loop.failures == []


def test_one_that_fails_stops_no_other() -> None:
    loop = Loop()

    def fail() -> None:
        raise ValueError

    first, second = loop.watchdog(fail), loop.watchdog(fail)
    third, fired = loop.recorded()
    for watchdog in (first, second, third):
        watchdog.set(1001.0)
    loop.run_until(1002.0)
    assert [type(failure) for failure in loop.failures] == [ValueError, ValueError]
    assert fired == [1001.0]


def test_one_may_move_and_stop_another_that_is_due_with_it() -> None:
    loop = Loop()
    stopped, fired_stopped = loop.recorded()
    moved, fired_moved = loop.recorded()
    nearer, fired_nearer = loop.recorded()

    def meddle() -> None:
        stopped.stop()
        moved.set(1003.0)
        nearer.set(1000.5)

    first = loop.watchdog(meddle)
    for watchdog in (first, stopped, moved, nearer):
        watchdog.set(1001.0)
    loop.run_until(1010.0)

    assert (fired_stopped, fired_moved, fired_nearer) == ([], [1003.0], [1001.0])


def test_one_may_set_itself_again() -> None:
    loop = Loop()
    fired: list[float] = []

    def again() -> None:
        fired.append(loop.now)
        if len(fired) < 3:
            watchdog.set(loop.now + 1)

    watchdog = loop.watchdog(again)
    watchdog.set(1001.0)
    loop.run_until(1010.0)
    assert fired == [1001.0, 1002.0, 1003.0]


def test_a_loop_is_freed_with_its_watchdogs() -> None:
    loop = Loop()
    watchdog, _ = loop.recorded()
    watchdog.set(1600.0)
    seen = ref(loop)
    del loop, watchdog
    gc.collect()
    assert seen() is None


async def test_connections_share_a_timer() -> None:
    async with serve(echoing) as server, client() as upstream:
        for _ in range(3):
            response = await upstream.request("POST", server.target, "/", [], b"x")
            await response.read_all(10)
        (connection,) = upstream._pool._kept
        wheel = connection.watchdog._wheel
        timer = wheel._timer
        assert timer is not None
        for _ in range(5):
            response = await upstream.request("POST", server.target, "/", [], b"x")
            await response.read_all(10)
        assert wheel._timer is timer
        second = await upstream.request("POST", server.target, "/", [], b"x")
        third = await upstream.request("POST", server.target, "/", [], b"x")
        assert {each.watchdog._wheel for each in upstream._pool._kept} == {wheel}
        for each in (second, third):
            await each.read_all(10)
