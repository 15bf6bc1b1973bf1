"""A deadline that is moved with every read, and costs nothing while it is far away: see `wheel.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .wheel import NEVER, ROUNDING, wheel_of

__all__ = ["Watchdog"]


class Watchdog:
    """Calls back once the deadline has passed; moving the deadline back is one assignment.

    Looked at before its deadline, it is put further back.  One watchdog lives as long as its connection.
    """

    __slots__ = ("_callback", "_deadline", "_wheel", "look")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._deadline: float | None = None
        self.look = NEVER
        """When it is looked at next."""
        self._wheel: Any = wheel_of(loop)

    def set(self, deadline: float | None) -> None:
        """Move the deadline (loop time); None takes it away."""
        self._deadline = deadline
        if deadline is not None and deadline < self.look:
            self._wheel.put(self, deadline)

    def stop(self) -> None:
        """Take the deadline away for good."""
        self._deadline = None
        self._callback = _nothing
        if self.look != NEVER:
            self._wheel.remove(self)

    def looked_at(self, now: float) -> None:
        """For the wheel: call back if it is time, else wait for the deadline that has been set since."""
        self.look = NEVER
        deadline = self._deadline
        if deadline is None:
            return
        if deadline - now > ROUNDING:
            self._wheel.put(self, deadline)
            return
        self._deadline = None
        self._callback()


def _nothing() -> None:
    """Stands for the callback of a watchdog that was stopped, whose owner is to be freed."""
