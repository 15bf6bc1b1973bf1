"""Whole replies of Converse as events."""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...errors import UpstreamFormatError
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
from ...wire import jsonio
from ..error_bodies import error_in
from .meaning import cited_pages, finish, finish_extras, forced_tool, usage

__all__ = ["read_whole"]

Fields = dict[str, Any]

_BESIDE = ("trace", "performanceConfig", "serviceTier", "additionalModelResponseFields")


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply; a Failure for what is none."""
    output = payload.get("output") if isinstance(payload, dict) else None
    message = output.get("message") if isinstance(output, dict) else None
    if not isinstance(payload, dict) or (not isinstance(message, dict) and payload.get("stopReason") is None):
        return [Failure(error_in(payload) or UpstreamFormatError("The upstream's reply is no reply of Converse."))]
    said = _Message(context)
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            said.take(block)
    kept = {name: payload[name] for name in _BESIDE if payload.get(name)}
    events: list[Event] = [
        ReplyStart(extras=Extras(reply={"bedrock": kept}) if kept else None),
        ChoiceStart(0, "" if said.events and said.has_text else None),
        *said.answer(),
    ]
    beside = said.beside()
    if beside:
        events.append(Opaque(Extras(message=beside), 0))
    reason = payload.get("stopReason")
    if reason is not None:
        more = finish_extras(reason)
        events.append(Finish(0, finish(reason, said.calls > 0), extras=Extras(choice=more) if more else None))
    counts = usage(payload.get("usage"))
    if counts is not None:
        events.append(Usage(counts))
    return [*events, ReplyEnd(True)]


class _Message:
    """The blocks of one message."""

    def __init__(self, context: ReplyContext) -> None:
        self.events: list[Event] = []
        self.has_text = False
        self.calls = 0
        self._forced = forced_tool(context)
        self._answer: str | None = None
        """What the call that is the answer says."""
        self._length = 0
        self._details: list[Fields] = []
        self._urls: list[Fields] = []
        self._citations: list[Fields] = []
        self._blocks: list[Fields] = []

    def take(self, block: Fields) -> None:
        text, cited, thought, call = (block.get(k) for k in ("text", "citationsContent", "reasoningContent", "toolUse"))
        if isinstance(text, str):
            self._say(text)
        elif isinstance(cited, dict):
            start = self._length
            content = cited.get("content")
            for part in content if isinstance(content, list) else ():
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    self._say(part["text"])
            urls, others = cited_pages(cited.get("citations"), start, self._length)
            self._urls += urls
            self._citations += others
        elif isinstance(thought, dict):
            self._think(thought)
        elif isinstance(call, dict) and call.get("type") != "server_tool_use":
            self._call(call)
        else:
            self._blocks.append(block)

    def answer(self) -> list[Event]:
        """The events; where a call is the answer, text beside it is none, and is kept as a block."""
        if self._answer is None:
            return self.events
        text = "".join(event.text for event in self.events if isinstance(event, TextDelta))
        if text:
            self._blocks.insert(0, {"text": text})
        self._urls, self._citations = [], []
        return [*(event for event in self.events if not isinstance(event, TextDelta)), TextDelta(0, self._answer)]

    def beside(self) -> Fields:
        """What OpenAI's message has no place for, and its annotations."""
        said = {
            "annotations": self._urls,
            "citations": self._citations,
            "reasoning_details": self._details,
            "content_blocks": self._blocks,
        }
        return {name: value for name, value in said.items() if value}

    def _say(self, text: str) -> None:
        if text:
            self.has_text = True
            self._length += len(text)
            self.events.append(TextDelta(0, text))

    def _think(self, thought: Fields) -> None:
        inner = thought.get("reasoningText")
        inner = inner if isinstance(inner, dict) else {}
        text, signature = inner.get("text"), inner.get("signature")
        if isinstance(text, str) and text:
            self.events.append(ReasoningDelta(0, text))
        if isinstance(signature, str) and signature:
            said = {"type": "reasoning.text", "text": text or "", "signature": signature}
            self._details.append({**said, "format": "anthropic-claude-v1"})
        redacted = thought.get("redactedContent")
        if isinstance(redacted, str) and redacted:
            self._details.append({"type": "reasoning.encrypted", "data": redacted, "format": "anthropic-claude-v1"})

    def _call(self, call: Fields) -> None:
        given = call.get("input")
        arguments = given if isinstance(given, str) else jsonio.encode({} if given is None else given).decode()
        if self._forced is not None and call.get("name") == self._forced:
            if self._answer is None:
                self._answer, self.has_text = arguments, True
            else:
                self._blocks.append({"toolUse": call})
            return
        identity, name = call.get("toolUseId"), call.get("name")
        self.events.append(ToolFragment(0, id=identity, name=name, kind="function", arguments=arguments, whole=True))
        self.calls += 1
