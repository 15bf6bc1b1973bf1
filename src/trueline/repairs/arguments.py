"""Tool calls that end without arguments (`tool-args-empty`)."""

from __future__ import annotations

from ..context import ReplyContext
from ..events import Finish, ToolCallDelta, ToolCallStart
from .base import Result, Rule

__all__ = ["MissingArguments"]


class MissingArguments(Rule):
    """A call that ends without arguments takes none: `{}`, which clients can parse.

    It waits for the finish that goes out: the upstream's own may come before the arguments do.
    """

    sees = (ToolCallStart, ToolCallDelta, Finish)
    mends = ("tool-args-empty",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.mends("tool-args-empty")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._bare: dict[int, dict[int, ToolCallStart]] = {}

    def see(self, event: ToolCallStart | ToolCallDelta | Finish) -> Result:
        if isinstance(event, ToolCallDelta):
            bare = self._bare.get(event.choice)
            if bare:
                bare.pop(event.index, None)
            return event
        if isinstance(event, ToolCallStart):
            if event.kind != "custom":
                self._bare.setdefault(event.choice, {})[event.index] = event
            return event
        bare = self._bare.pop(event.choice, None)
        if not bare or event.reason == "length":
            return event
        for _ in bare:
            self.note("tool-args-empty")
        return [*(ToolCallDelta(event.choice, call.index, "{}", call.kind) for call in bare.values()), event]
