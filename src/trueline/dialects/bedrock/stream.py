"""Streamed replies of ConverseStream as events.

    messageStart  contentBlockStart?  contentBlockDelta*  contentBlockStop  …  messageStop  metadata

The end is `metadata`, which brings the usage; a stream that stops behind `messageStop` has said all but that.
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
    Finish,
    Opaque,
    ReasoningDelta,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ..error_bodies import error_in
from .errors import exception
from .meaning import FINISH, cited_pages, forced_tool, usage
from .reply import read_whole

__all__ = ["ConverseReader"]

Fields = dict[str, Any]

_BESIDE = ("trace", "performanceConfig", "serviceTier")


class ConverseReader:
    """One stream's events, one payload at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._forced = forced_tool(context)
        self._started = False
        self._length = 0
        self._block_start = 0
        self._tools: dict[Any, int | None] = {}
        """By the block's index: the call's, or None for the one that is the answer."""
        self._thought: list[str] = []
        self._signature = ""
        self._redacted = ""
        self._calls = 0
        self._cited: list[Fields] = []

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if not isinstance(payload, dict):
            return []
        name = (event or b"").decode("latin-1")
        if not name and len(payload) == 1:  # some proxies send the events as JSON, each under its name
            name, inner = next(iter(payload.items()))
            payload = inner if isinstance(inner, dict) else {}
        kind, _, what = name.partition(":")
        if kind in ("exception", "error") or name.endswith("Exception"):
            return [Failure(exception(what or name, payload))]
        handle = _EVENTS.get(name)
        if handle is not None:
            return handle(self, payload)
        if "output" in payload:
            return read_whole(payload, self._context)
        error = error_in(payload, event)
        return [Failure(error)] if error is not None else []

    def _begin(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [ReplyStart(), ChoiceStart(0)]

    def _message_start(self, payload: Fields) -> list[Event]:
        return self._begin()

    def _block(self, payload: Fields) -> list[Event]:
        events = self._begin()
        start = payload.get("start")
        call = start.get("toolUse") if isinstance(start, dict) else None
        self._block_start = self._length
        if isinstance(call, dict) and call.get("type") != "server_tool_use":
            index = payload.get("contentBlockIndex")
            if self._forced is not None and call.get("name") == self._forced:
                self._tools[index] = None
                return events
            self._tools[index] = self._calls
            events.append(
                ToolFragment(0, self._calls, call.get("toolUseId"), call.get("name"), kind="function", arguments="")
            )
            self._calls += 1
        elif isinstance(start, dict) and start:
            events.append(Opaque(Extras(message={"content_blocks": [start]}), 0))
        return events

    def _delta(self, payload: Fields) -> list[Event]:
        delta = payload.get("delta")
        if not isinstance(delta, dict):
            return []
        text = delta.get("text")
        if isinstance(text, str):
            self._length += len(text)
            made: list[Event] = [TextDelta(0, text)] if text else []
        else:
            made = self._other_delta(delta, payload.get("contentBlockIndex"))
        return made if self._started else [*self._begin(), *made]

    def _other_delta(self, delta: Fields, index: Any) -> list[Event]:
        call, thought, cited = (delta.get(name) for name in ("toolUse", "reasoningContent", "citation"))
        if isinstance(call, dict):
            arguments = call.get("input")
            if not isinstance(arguments, str) or not arguments or index not in self._tools:
                return []
            position = self._tools[index]
            if position is None:
                self._length += len(arguments)
                return [TextDelta(0, arguments)]
            return [ToolFragment(0, position, arguments=arguments)]
        if isinstance(thought, dict):
            return self._think(thought)
        if isinstance(cited, dict):
            self._cited.append(cited)
        return []

    def _think(self, thought: Fields) -> list[Event]:
        text, signature, redacted = (thought.get(name) for name in ("text", "signature", "redactedContent"))
        if isinstance(signature, str):
            self._signature += signature
        if isinstance(redacted, str):
            self._redacted += redacted
        if not isinstance(text, str) or not text:
            return []
        self._thought.append(text)
        return [ReasoningDelta(0, text)]

    def _block_stop(self, payload: Fields) -> list[Event]:
        details: list[Fields] = []
        if self._signature:
            said = {"type": "reasoning.text", "text": "".join(self._thought), "signature": self._signature}
            details.append({**said, "format": "anthropic-claude-v1"})
        if self._redacted:
            details.append({"type": "reasoning.encrypted", "data": self._redacted, "format": "anthropic-claude-v1"})
        urls, others = cited_pages(self._cited, self._block_start, self._length)
        self._thought, self._signature, self._redacted, self._cited = [], "", "", []
        self._block_start = self._length
        message = {"annotations": urls, "citations": others, "reasoning_details": details}
        kept = {name: value for name, value in message.items() if value}
        return [Opaque(Extras(message=kept), 0)] if kept else []

    def _message_stop(self, payload: Fields) -> list[Event]:
        finish = FINISH.get(str(payload.get("stopReason")), "stop")
        if finish == "tool_calls" and not self._calls:
            finish = "stop"
        more = payload.get("additionalModelResponseFields")
        extras = Extras(reply={"bedrock": {"additionalModelResponseFields": more}}) if more else None
        return [*self._begin(), Finish(0, finish, extras=extras)]

    def _metadata(self, payload: Fields) -> list[Event]:
        kept = {name: payload[name] for name in _BESIDE if payload.get(name)}
        counts = usage(payload.get("usage"))
        events = self._begin()
        extras = Extras(reply={"bedrock": kept}) if kept else None
        if counts is not None:
            events.append(Usage(counts, extras))
        elif extras is not None:
            events.append(Opaque(extras))
        return [*events, ReplyEnd(True)]


_EVENTS: dict[str, Callable[[ConverseReader, Fields], list[Event]]] = {
    "contentBlockDelta": ConverseReader._delta,
    "contentBlockStart": ConverseReader._block,
    "contentBlockStop": ConverseReader._block_stop,
    "messageStart": ConverseReader._message_start,
    "messageStop": ConverseReader._message_stop,
    "metadata": ConverseReader._metadata,
}
