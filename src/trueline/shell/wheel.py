"""When the deadlines of an event loop are looked at.

All watchdogs of a loop share one timer.  Those whose deadlines lie close together are looked at together: a stream sets
two deadlines of minutes and ends long before them, and a timer for each would be made for nothing, and would hold on to
memory, as event loops keep what they once made for timers.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from math import ceil
from typing import TYPE_CHECKING, Final
from weakref import ReferenceType, WeakKeyDictionary, ref

if TYPE_CHECKING:
    from .watchdog import Watchdog

__all__ = ["LATE", "NEVER", "ROUNDING", "Wheel", "wheel_of"]

LATE: Final = 0.01
"""Seconds that a deadline may be noticed late."""
_EARLY: Final = 0.002
"""Seconds that the timer may run out early: uvloop's clock ticks in milliseconds."""
ROUNDING: Final = 1e-6
"""Seconds by which two sums of the same seconds may differ."""
_FAR: Final = ((10.0, 1.0), (0.25, 0.1))
"""Seconds until a deadline -> seconds between two looks there: it is looked at in time to be put where it is near."""
NEVER: Final = float("inf")


class Wheel:
    """The watchdogs of an event loop, by when they are looked at next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._looks: dict[float, dict[Watchdog, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = NEVER
        """When the timer runs out."""

    def put(self, watchdog: Watchdog, deadline: float) -> None:
        """Look at it shortly before a deadline that is far, shortly after one that is near."""
        if watchdog.look != NEVER:
            self.remove(watchdog)
        watchdog.look = look = _look_for(deadline, self._loop.time())
        others = self._looks.get(look)
        if others is None:
            self._looks[look] = {watchdog: None}
            if look < self._next:
                self._wait(look)
        else:
            others[watchdog] = None

    def remove(self, watchdog: Watchdog) -> None:
        """Look at it no more; the timer may run out for nothing."""
        look, watchdog.look = watchdog.look, NEVER
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
        self._next = NEVER
        now = self._loop.time()
        for look in [each for each in self._looks if each - now <= _EARLY]:
            for watchdog in self._looks.pop(look, ()):
                if watchdog.look == look:  # else it was moved by one that was looked at before it
                    self._look_at(watchdog, now)
        look = min(self._looks, default=NEVER)
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


_wheels: WeakKeyDictionary[asyncio.AbstractEventLoop, ReferenceType[Wheel]] = WeakKeyDictionary()
"""Weakly both ways: a wheel knows its loop, and is kept by its watchdogs and its timer."""


def wheel_of(loop: asyncio.AbstractEventLoop) -> Wheel:
    """The wheel of a loop, as long as somebody keeps it."""
    known = _wheels.get(loop)
    wheel = known() if known is not None else None
    if wheel is None:
        wheel = Wheel(loop)
        _wheels[loop] = ref(wheel)
    return wheel
