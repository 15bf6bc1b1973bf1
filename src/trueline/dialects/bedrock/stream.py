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
from .blocks import OtherBlock
from .errors import exception
from .meaning import cited_pages, finish, finish_extras, forced_tool, is_answer_called, usage
from .reply import read_whole

__all__ = ["ConverseReader"]

Fields = dict[str, Any]

_DELTAS = frozenset(("text", "toolUse", "reasoningContent", "citation"))
_BESIDE = ("trace", "performanceConfig", "serviceTier")


class ConverseReader:
    """One stream's events, one payload at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._forced = forced_tool(context)
        self._started = False
        self._length = 0
        self._block_start = 0
        self._holds = self._forced is not None and is_answer_called(context)
        """Whether text waits for the end: beside a call that is the answer it is none."""
        self._held: list[Event] = []
        self._answered = False
        self._answer_said = False
        self._tools: dict[int | None, int | None] = {}
        """By the block's index: the call's, or None for the one that is the answer."""
        self._others: dict[int | None, OtherBlock] = {}
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
        index = _index(payload)
        is_answer = isinstance(call, dict) and self._forced is not None and call.get("name") == self._forced
        if is_answer and not self._answered:
            self._answered = True
            self._tools[index] = None
        elif isinstance(call, dict) and call.get("type") != "server_tool_use" and not is_answer:
            self._tools[index] = self._calls
            events.append(
                ToolFragment(0, self._calls, call.get("toolUseId"), call.get("name"), kind="function", arguments="")
            )
            self._calls += 1
        elif isinstance(start, dict) and start:
            self._others[index] = OtherBlock(start)
        return events

    def _delta(self, payload: Fields) -> list[Event]:
        delta = payload.get("delta")
        if not isinstance(delta, dict):
            return []
        text = delta.get("text")
        if isinstance(text, str):
            self._length += len(text)
            made = self._wait([TextDelta(0, text)] if text else [])
        else:
            made = self._other_delta(delta, _index(payload))
        return made if self._started else [*self._begin(), *made]

    def _wait(self, events: list[Event]) -> list[Event]:
        if not self._holds:
            return events
        self._held += events
        return []

    def _other_delta(self, delta: Fields, index: int | None) -> list[Event]:
        other = self._others.get(index)
        if other is not None:
            other.add(delta)
            return []
        call, thought, cited = (delta.get(name) for name in ("toolUse", "reasoningContent", "citation"))
        if isinstance(call, dict):
            arguments = call.get("input")
            if not isinstance(arguments, str) or not arguments or index not in self._tools:
                return []
            position = self._tools[index]
            if position is None:
                self._answer_said = True
                self._length += len(arguments)
                return [TextDelta(0, arguments)]
            return [ToolFragment(0, position, arguments=arguments)]
        if isinstance(thought, dict):
            return self._think(thought)
        if isinstance(cited, dict):
            self._cited.append(cited)
        elif not delta.keys() <= _DELTAS:  # a block that nobody opened
            self._others[index] = OtherBlock({})
            self._others[index].add(delta)
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
        other = self._others.pop(_index(payload), None)
        blocks = [other.whole()] if other is not None else []
        return [
            *self._wait(_beside(annotations=urls, citations=others)),
            *_beside(reasoning_details=details, content_blocks=blocks),
        ]

    def _close(self) -> list[Event]:
        """Blocks that nobody ended, and text that waited: it leaves, unless a call was the answer."""
        blocks = [other.whole() for other in self._others.values()]
        held, self._held = self._held, []
        self._others = {}
        if self._answered:
            text = "".join(event.text for event in held if isinstance(event, TextDelta))
            blocks = ([{"text": text}] if text else []) + blocks
            held = [] if self._answer_said else [TextDelta(0, "{}")]
            self._answer_said = True
        return [*held, *_beside(content_blocks=blocks)]

    def _message_stop(self, payload: Fields) -> list[Event]:
        reason = payload.get("stopReason")
        said = finish_extras(reason)
        more = payload.get("additionalModelResponseFields")
        reply = {"bedrock": {"additionalModelResponseFields": more}} if more else None
        extras = Extras(reply=reply, choice=said) if reply or said else None
        return [*self._begin(), *self._close(), Finish(0, finish(reason, self._calls > 0), extras=extras)]

    def _metadata(self, payload: Fields) -> list[Event]:
        kept = {name: payload[name] for name in _BESIDE if payload.get(name)}
        counts = usage(payload.get("usage"))
        events = [*self._begin(), *self._close()]
        extras = Extras(reply={"bedrock": kept}) if kept else None
        if counts is not None:
            events.append(Usage(counts, extras))
        elif extras is not None:
            events.append(Opaque(extras))
        return [*events, ReplyEnd(True)]


def _index(payload: Fields) -> int | None:
    index = payload.get("contentBlockIndex")
    return index if type(index) is int else None


def _beside(**lists: list[Fields]) -> list[Event]:
    """What OpenAI's message has no place for, if there is any."""
    kept = {name: value for name, value in lists.items() if value}
    return [Opaque(Extras(message=kept), 0)] if kept else []


_EVENTS: dict[str, Callable[[ConverseReader, Fields], list[Event]]] = {
    "contentBlockDelta": ConverseReader._delta,
    "contentBlockStart": ConverseReader._block,
    "contentBlockStop": ConverseReader._block_stop,
    "messageStart": ConverseReader._message_start,
    "messageStop": ConverseReader._message_stop,
    "metadata": ConverseReader._metadata,
}
