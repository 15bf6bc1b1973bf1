"""Cohere's streamed replies as events.

message-start  (tool-plan-delta | content-start content-delta content-end | citation-start citation-end |
tool-call-start tool-call-delta tool-call-end)*  message-end  [DONE]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...context import ReplyContext
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Opaque,
    ReasoningDelta,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from .. import error_bodies
from .meaning import cited, failed, finish, usage
from .reply import read_whole

__all__ = ["ChatReader"]

Fields = dict[str, Any]


class ChatReader:
    """One stream's events, one payload at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._started = False
        self._length = 0
        self._offsets: dict[int, int] = {}
        self._calls: dict[str, int] = {}
        self._plan: list[str] = []

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if not isinstance(payload, dict):
            return []
        handle = _EVENTS.get(str(payload.get("type")))
        if handle is None:
            if isinstance(payload.get("message"), dict):
                return read_whole(payload, self._context)
            error = error_bodies.error_in(payload, event)
            return [Failure(error)] if error is not None else []
        delta = payload.get("delta")
        message = delta.get("message") if isinstance(delta, dict) else None
        made = handle(self, payload, message if isinstance(message, dict) else {})
        return made if self._started else [*self._begin({}), *made]

    def _begin(self, payload: Fields) -> list[Event]:
        self._started = True
        identity = payload.get("id")
        return [ReplyStart(id=identity) if isinstance(identity, str) else ReplyStart(), ChoiceStart(0)]

    def _message_start(self, payload: Fields, message: Fields) -> list[Event]:
        return [] if self._started else self._begin(payload)

    def _content(self, payload: Fields, message: Fields) -> list[Event]:
        content = message.get("content")
        if not isinstance(content, dict):
            return []
        index = payload.get("index")
        if type(index) is int and index not in self._offsets:
            self._offsets[index] = self._length
        text, thought = content.get("text"), content.get("thinking")
        if isinstance(text, str) and text:
            self._length += len(text)
            return [TextDelta(0, text)]
        return [ReasoningDelta(0, thought)] if isinstance(thought, str) and thought else []

    def _planned(self, payload: Fields, message: Fields) -> list[Event]:
        plan = message.get("tool_plan")
        if not isinstance(plan, str) or not plan:
            return []
        self._plan.append(plan)
        return [ReasoningDelta(0, plan)]

    def _call_start(self, payload: Fields, message: Fields) -> list[Event]:
        call = message.get("tool_calls")
        if not isinstance(call, dict):
            return []
        inner = call.get("function")
        inner = inner if isinstance(inner, dict) else {}
        position = self._calls[str(payload.get("index"))] = len(self._calls)
        arguments = inner.get("arguments")
        fragment = ToolFragment(
            0,
            position,
            call.get("id"),
            inner.get("name"),
            kind="function",
            arguments=arguments if isinstance(arguments, str) else "",
        )
        if not self._plan:
            return [fragment]
        plan, self._plan = "".join(self._plan), []
        return [Opaque(Extras(message={"tool_plan": plan}), 0), fragment]

    def _call_delta(self, payload: Fields, message: Fields) -> list[Event]:
        call = message.get("tool_calls")
        inner = call.get("function") if isinstance(call, dict) else None
        arguments = inner.get("arguments") if isinstance(inner, dict) else None
        position = self._calls.get(str(payload.get("index")))
        if not isinstance(arguments, str) or not arguments or position is None:
            return []
        return [ToolFragment(0, position, arguments=arguments)]

    def _citation(self, payload: Fields, message: Fields) -> list[Event]:
        urls, others = cited(message.get("citations") or [], self._offsets)
        kept = {name: value for name, value in (("annotations", urls), ("citations", others)) if value}
        return [Opaque(Extras(message=kept), 0)] if kept else []

    def _message_end(self, payload: Fields, message: Fields) -> list[Event]:
        delta = payload.get("delta")
        said: Fields = delta if isinstance(delta, dict) else {}
        reason = said.get("finish_reason")
        error = failed(reason, said.get("error"))
        if error is not None:
            return [Failure(error)]
        events: list[Event] = [finish(reason, bool(self._calls))]
        counts = usage(said.get("usage"))
        if counts is not None:
            events.append(Usage(counts))
        return events

    def _nothing(self, payload: Fields, message: Fields) -> list[Event]:
        return []


_EVENTS: dict[str, Callable[[ChatReader, Fields, Fields], list[Event]]] = {
    "message-start": ChatReader._message_start,
    "content-start": ChatReader._content,
    "content-delta": ChatReader._content,
    "content-end": ChatReader._nothing,
    "tool-plan-delta": ChatReader._planned,
    "tool-call-start": ChatReader._call_start,
    "tool-call-delta": ChatReader._call_delta,
    "tool-call-end": ChatReader._nothing,
    "citation-start": ChatReader._citation,
    "citation-end": ChatReader._nothing,
    "message-end": ChatReader._message_end,
    "debug": ChatReader._nothing,
}
