"""A deadline that is moved with every read, and costs nothing while it is far away.

All watchdogs of an event loop share one timer.  Those whose deadlines lie close together are looked at together: a
stream sets two deadlines of minutes and ends long before them, and a timer for each would be made for nothing, and
would hold on to memory, as event loops keep what they once made for timers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from math import ceil
from weakref import ReferenceType, WeakKeyDictionary, ref

__all__ = ["LATE", "Watchdog"]

LATE = 0.01
"""Seconds that a deadline may be noticed late."""
_EARLY = 0.002
"""Seconds that the timer may run out early: uvloop's clock ticks in milliseconds."""
_ROUNDING = 1e-6
"""Seconds by which two sums of the same seconds may differ."""
_FAR = ((10.0, 1.0), (0.25, 0.1))
"""Seconds until a deadline -> seconds between two looks there: it is looked at in time to be put where it is near."""
_NEVER = float("inf")


class Watchdog:
    """Calls back once the deadline has passed; moving the deadline back is one assignment.

    Looked at before its deadline, it is put further back.  One watchdog lives as long as its connection.
    """

    __slots__ = ("_callback", "_deadline", "_look", "_wheel")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._deadline: float | None = None
        self._look = _NEVER
        """When it is looked at next."""
        self._wheel = _wheel_of(loop)

    def set(self, deadline: float | None) -> None:
        """Move the deadline (loop time); None takes it away."""
        self._deadline = deadline
        if deadline is not None and deadline < self._look:
            self._wheel.put(self, deadline)

    def stop(self) -> None:
        """Take the deadline away for good."""
        self._deadline = None
        self._callback = _nothing
        if self._look != _NEVER:
            self._wheel.remove(self)

    def looked_at(self, now: float) -> None:
        """For the wheel: call back if it is time, else wait for the deadline that has been set since."""
        self._look = _NEVER
        deadline = self._deadline
        if deadline is None:
            return
        if deadline - now > _ROUNDING:
            self._wheel.put(self, deadline)
            return
        self._deadline = None
        self._callback()


class _Wheel:
    """The watchdogs of an event loop, by when they are looked at next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._looks: dict[float, dict[Watchdog, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = _NEVER
        """When the timer runs out."""

    def put(self, watchdog: Watchdog, deadline: float) -> None:
        """Look at it shortly before a deadline that is far, shortly after one that is near."""
        if watchdog._look != _NEVER:
            self.remove(watchdog)
        watchdog._look = look = _look_for(deadline, self._loop.time())
        others = self._looks.get(look)
        if others is None:
            self._looks[look] = {watchdog: None}
            if look < self._next:
                self._wait(look)
        else:
            others[watchdog] = None

    def remove(self, watchdog: Watchdog) -> None:
        """Look at it no more; the timer may run out for nothing."""
        look, watchdog._look = watchdog._look, _NEVER
        others = self._looks.get(look)
        if others is not None:  # else they are being looked at
            others.pop(watchdog, None)
            if not others:
                del self._looks[look]

    def _wait(self, look: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = look
        # A context of its own: the one of the request at hand is not that of the others, and is to be freed.
        self._timer = self._loop.call_at(look, self._turn, context=Context())

    def _turn(self) -> None:
        self._timer = None
        self._next = _NEVER
        now = self._loop.time()
        for look in [each for each in self._looks if each - now <= _EARLY]:
            for watchdog in self._looks.pop(look, ()):
                if watchdog._look == look:  # else it was moved by one that was looked at before it
                    self._look_at(watchdog, now)
        look = min(self._looks, default=_NEVER)
        if look < self._next:
            self._wait(look)

    def _look_at(self, watchdog: Watchdog, now: float) -> None:
        try:
            watchdog.looked_at(now)
        except Exception as error:
            self._loop.call_exception_handler({"message": "A deadline's callback failed.", "exception": error})


def _look_for(deadline: float, now: float) -> float:
    left = deadline - now
    for distance, step in _FAR:
        if left > distance:
            return deadline // step * step
    return ceil(deadline / LATE) * LATE


_wheels: WeakKeyDictionary[asyncio.AbstractEventLoop, ReferenceType[_Wheel]] = WeakKeyDictionary()
"""Weakly both ways: a wheel knows its loop, and is kept by its watchdogs and its timer."""


def _wheel_of(loop: asyncio.AbstractEventLoop) -> _Wheel:
    known = _wheels.get(loop)
    wheel = known() if known is not None else None
    if wheel is None:
        wheel = _Wheel(loop)
        _wheels[loop] = ref(wheel)
    return wheel


def _nothing() -> None:
    """Stands for the callback of a watchdog that was stopped, whose owner is to be freed."""
