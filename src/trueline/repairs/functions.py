"""Tool calls that answer functions: their client knows one call, in the form of 2023, and no tools."""

from __future__ import annotations

from ..context import ReplyContext
from ..events import Finish, ToolCallDelta, ToolCallStart
from .base import Result, Rule

__all__ = ["CallsOfFunctions"]


class CallsOfFunctions(Rule):
    """The first tool call of a choice as its `function_call`, where Trueline sent the functions on as tools."""

    sees = (ToolCallStart, ToolCallDelta, Finish)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        """Chats only; whether the request was changed is known when it was sent."""
        return context.chat

    def see(self, event: ToolCallStart | ToolCallDelta | Finish) -> Result:
        if not getattr(self.context.request, "asked_as_tools", False):
            return event
        if isinstance(event, Finish):
            if event.reason == "tool_calls":
                event.reason = "function_call"
            return event
        if event.index:
            return None  # there is no place for a second one
        event.kind = "function_call"
        return event

    def settled(self, kind: type) -> bool:
        return kind is not Finish
