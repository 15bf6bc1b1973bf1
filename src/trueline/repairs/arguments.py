"""Tool calls that end without arguments (`tool-args-empty`)."""

from __future__ import annotations

from ..context import ReplyContext
from ..events import Event, Failure, Finish, ReplyEnd, ToolCallDelta, ToolCallStart
from .base import Result, Rule

__all__ = ["MissingArguments"]


class _Calls:
    """The calls of one choice: the one that has no arguments yet, and what came of others meanwhile."""

    __slots__ = ("bare", "waiting")

    def __init__(self) -> None:
        self.bare: ToolCallStart | None = None
        self.waiting: list[ToolCallStart | ToolCallDelta] = []


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
            calls.waiting.append(event)
            return None
        if isinstance(event, ToolCallStart):
            if event.kind != "custom" and not event.arguments:
                calls.bare = event
            return event
        if not event.arguments:
            return event  # only what else a fragment says
        calls.bare = None
        if calls.waiting:
            self.note("tool-index-back")
        return [event, *self._release(calls)]

    def _release(self, calls: _Calls) -> list[Event]:
        """What waited, up to the next call that has no arguments, and what there is of that one."""
        waiting, calls.waiting = calls.waiting, []
        released: list[Event] = []
        for event in waiting:
            out = self._take(calls, event)
            released.extend(out if isinstance(out, list) else [] if out is None else [out])
        return released

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
