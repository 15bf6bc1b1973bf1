"""A deadline that is moved with every read and costs a timer only when it comes close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Watchdog"]


class Watchdog:
    """Calls back once the deadline has passed; moving the deadline back is one assignment, no new timer.

    The timer that runs out early looks at the deadline and sets itself again.  One watchdog lives as long as its
    connection, so that a busy connection makes no timer per request either.
    """

    __slots__ = ("_callback", "_deadline", "_loop", "_scheduled", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._deadline: float | None = None
        self._scheduled = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, deadline: float | None) -> None:
        """Move the deadline (loop time); None takes it away."""
        self._deadline = deadline
        if deadline is not None and (self._timer is None or deadline < self._scheduled):
            self._schedule(deadline)

    def stop(self) -> None:
        """Take the deadline away for good, and give the timer back to the loop."""
        self._deadline = None
        self._callback = _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._scheduled = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        deadline = self._deadline
        if deadline is None:
            return
        # uvloop's clock ticks in milliseconds and may fire that much early
        if deadline - self._loop.time() > 0.002:
            self._schedule(deadline)
            return
        self._deadline = None
        self._callback()


def _nothing() -> None:
    """Stands for the callback of a watchdog that was stopped, whose owner is to be freed."""
