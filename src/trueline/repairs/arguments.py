"""Tool calls that end without arguments (`tool-args-empty`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..context import ReplyContext
from ..events import Event, Failure, Finish, ReplyEnd, ToolCallDelta, ToolCallStart
from .base import Result, Rule

__all__ = ["MissingArguments"]


class _Waiting:
    """An event that waits for the arguments of a call before it."""

    __slots__ = ("event", "number")

    def __init__(self, number: int, event: ToolCallStart | ToolCallDelta) -> None:
        self.number = number
        self.event: ToolCallStart | ToolCallDelta | None = event  # None: it left ahead of its turn


class _Calls:
    """The calls of one choice: the one that has no arguments yet, and what came of others meanwhile.

    What waits is kept by time and by call, so that no call looks at all that waits for the others.
    """

    __slots__ = ("_by_call", "_by_time", "_count", "bare")

    def __init__(self) -> None:
        self.bare: ToolCallStart | None = None
        self._by_time: deque[_Waiting] = deque()
        self._by_call: dict[int, deque[_Waiting]] = {}
        self._count = 0

    def hold(self, event: ToolCallStart | ToolCallDelta) -> None:
        """Let an event wait."""
        self._count += 1
        waiting = _Waiting(self._count, event)
        self._by_time.append(waiting)
        self._by_call.setdefault(event.index, deque()).append(waiting)

    def next(self) -> ToolCallStart | ToolCallDelta | None:
        """The event that waits longest."""
        while self._by_time:
            event = self._by_time.popleft().event
            if event is not None:
                self._by_call[event.index].popleft()
                return event
        return None

    def next_of(self, index: int) -> tuple[ToolCallStart | ToolCallDelta, bool] | None:
        """The next event of one call, and whether others came before it."""
        waiting = self._by_call.get(index)
        if not waiting:
            return None
        first = waiting.popleft()
        event, first.event = first.event, None
        assert event is not None
        while self._by_time[0].event is None and self._by_time[0] is not first:
            self._by_time.popleft()
        return event, self._by_time[0] is not first


class MissingArguments(Rule):
    """A call that ends without arguments takes none: `{}`, which clients can parse.

    It waits for the finish that goes out: the upstream's own may come before the arguments do.  Other calls wait
    behind it, since clients take a call for complete when the next one begins.
    """

    sees = (ToolCallStart, ToolCallDelta, Finish, Failure, ReplyEnd)
    mends = ("tool-args-empty", "tool-index-back")

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.mends("tool-args-empty")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._choices: dict[int, _Calls] = {}

    def see(self, event: ToolCallStart | ToolCallDelta | Finish | Failure | ReplyEnd) -> Result:
        if isinstance(event, ToolCallStart | ToolCallDelta):
            calls = self._choices.get(event.choice)
            if calls is None:
                calls = self._choices[event.choice] = _Calls()
            elif calls.bare is None and isinstance(event, ToolCallDelta):
                return event
            return self._take(calls, event)
        if not self._choices:
            return event
        if isinstance(event, Finish):
            return [*self._end(event.choice, event.reason != "length"), event]
        return [*(held for choice in list(self._choices) for held in self._end(choice, False)), event]

    def _take(self, calls: _Calls, event: ToolCallStart | ToolCallDelta) -> Result:
        bare = calls.bare
        if bare is not None and event.index != bare.index:
            calls.hold(event)
            return None
        if isinstance(event, ToolCallStart):
            if _is_bare(event):
                calls.bare = event
            return event
        if not event.arguments:
            return event  # only what else a fragment says
        calls.bare = None
        released = self._release(calls)
        if released:
            self.note("tool-index-back")
        return [event, *released]

    def _release(self, calls: _Calls) -> list[Event]:
        """What waited, up to the next call that has no arguments, and what there is of that one."""
        released: list[Event] = []
        while calls.bare is None and (event := calls.next()) is not None:
            released.append(event)
            if isinstance(event, ToolCallStart) and _is_bare(event):
                calls.bare = event
                released.extend(self._of_bare(calls, event.index))
        return released

    def _of_bare(self, calls: _Calls, index: int) -> Iterator[Event]:
        """What waits of the call that others wait for, up to its first arguments."""
        while (found := calls.next_of(index)) is not None:
            event, overtook = found
            yield event
            if isinstance(event, ToolCallDelta) and event.arguments:
                calls.bare = None
                if overtook:
                    self.note("tool-index-back")
                return

    def _end(self, choice: int, complete: bool) -> list[Event]:
        """All that waited; calls that are complete without arguments get `{}`."""
        calls = self._choices.pop(choice, None)
        if calls is None:
            return []
        released: list[Event] = []
        while calls.bare is not None:
            bare, calls.bare = calls.bare, None
            if complete:
                self.note("tool-args-empty")
                released.append(ToolCallDelta(choice, bare.index, "{}", bare.kind))
            released.extend(self._release(calls))
        return released


def _is_bare(event: ToolCallStart) -> bool:
    return event.kind != "custom" and not event.arguments
