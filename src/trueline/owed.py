"""Work that takes long and that a reply waits for: done anywhere, and taken over where the reply is written."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Owed"]


class _Task:
    __slots__ = ("done", "then", "work")

    def __init__(self, work: Callable[[], None], then: Callable[[], None] | None) -> None:
        self.work, self.then, self.done = work, then, False


class Owed:
    """Calling it does all of it, in any thread; `land` follows, in the thread of the exchange, done or not."""

    __slots__ = ("_tasks", "size", "waits")

    def __init__(self) -> None:
        self._tasks: list[_Task] = []
        self.size = 0
        """Bytes of what has to be looked at."""
        self.waits = False
        """Without it the reply cannot go on, however long it takes; else it may be dropped after a while."""

    def add(self, work: Callable[[], None], then: Callable[[], None] | None, size: int, waits: bool) -> None:
        """`then` takes over what `work` found, which it must keep to itself until then."""
        self._tasks.append(_Task(work, then))
        self.size += size
        self.waits = self.waits or waits

    def __call__(self) -> None:
        for task in self._tasks:
            task.work()
            task.done = True

    def land(self) -> None:
        """Take over what was done; what was not is done without."""
        for task in self._tasks:
            if task.done and task.then is not None:
                task.then()
