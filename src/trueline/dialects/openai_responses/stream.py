"""Streamed replies of the Responses API as events.

    response.created  (output_item.added  increments*  output_item.done)*  response.completed|incomplete|failed

Items are told apart by their place in the output: some servers give another id with each event.  The end brings all of
the output again; what no event before it told is taken from there.
https://platform.openai.com/docs/api-reference/responses-streaming (seen 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ...context import ReplyContext
from ...events import Event, Failure
from .errors import failed, in_payload
from .items import CUSTOM, FUNCTION, MESSAGE, THOUGHT, Item, Items
from .meaning import logprobs, start_of
from .reply import ending, is_response, read_whole

__all__ = ["ResponseReader"]

Fields: TypeAlias = dict[str, Any]


class ResponseReader:
    """Payloads of one stream to events; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._started = False
        self._ended = False
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._all: list[Item] = []
        self.items = Items()

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if not isinstance(payload, dict) or self._ended:
            return []
        kind = payload.get("type")
        if not isinstance(kind, str):
            if kind is None and event is not None and event.startswith(b"response."):
                kind = event.decode("latin-1")  # told by the name of the event alone
                payload = {**payload, "type": kind}
            else:
                return self._other(payload, event)
        known = _INCREMENTS.get(kind)
        if known is not None:
            return self._increment(payload, *known)
        handle = _EVENTS.get(kind)
        if handle is not None:
            return handle(self, payload)
        failing = "error" in kind or event == b"error" or payload.get("error")
        return self._other(payload, event) if failing or is_response(payload) else []  # progress, keepalives

    def _other(self, payload: Fields, event: bytes | None) -> list[Event]:
        if is_response(payload) and not self._started:
            self._ended = True
            return read_whole(payload, self._context)
        error = in_payload(payload, event)
        return [Failure(error)] if error is not None else []

    def _begin(self, response: Any = None) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [start_of(response if isinstance(response, dict) else {}, whole=False)]

    def _created(self, payload: Fields) -> list[Event]:
        return self._begin(payload.get("response"))

    # -- items --------------------------------------------------------------------------------------------------------

    def _find(self, payload: Fields, kind: str) -> Item | None:
        """The item of this kind that an event is of, by its place, else by its id, else the last one."""
        index, identity = payload.get("output_index"), payload.get("item_id")
        found = self._by_index.get(index) if type(index) is int else None
        if found is not None and found.kind == kind:
            return found
        named = self._by_id.get(identity) if isinstance(identity, str) else None
        if named is not None and named.kind == kind:
            return named
        if type(index) is int or isinstance(identity, str):
            return None
        return next((item for item in reversed(self._all) if item.kind == kind), None)

    def _open(self, payload: Fields, said: Fields) -> tuple[Item, list[Event]]:
        item, events = self.items.open(said)
        index = payload.get("output_index")
        if type(index) is int:
            self._by_index[index] = item
        for identity in (said.get("id"), payload.get("item_id")):
            if isinstance(identity, str):
                self._by_id[identity] = item
        self._all.append(item)
        return item, events

    def _found(self, payload: Fields, kind: str, said: Fields) -> tuple[Item, list[Event]]:
        found = self._find(payload, kind)
        return (found, []) if found is not None else self._open(payload, said)

    def _added(self, payload: Fields) -> list[Event]:
        said = payload.get("item")
        if not isinstance(said, dict):
            return self._begin()
        return [*self._begin(), *self._open(payload, said)[1]]

    def _done(self, payload: Fields) -> list[Event]:
        said = payload.get("item")
        if not isinstance(said, dict):
            return []
        kind = str(said.get("type"))
        item = self._find({"item_id": said.get("id"), **payload}, kind)
        if item is None:
            item = next((one for one in self._all if one.kind == kind and not one.closed), None)
        events: list[Event] = []
        if item is None:
            item, events = self._open(payload, said)
        return [*self._begin(), *events, *self.items.close(item, said)]

    # -- increments ---------------------------------------------------------------------------------------------------

    def _increment(self, payload: Fields, kind: str, channel: str, key: str, complete: bool) -> list[Event]:
        """More of an item (`delta`), or all of a part of it, under `key`."""
        text = payload.get(key)
        if not isinstance(text, str) or not text:
            return [] if self._started else self._begin()
        item, events = self._found(payload, kind, {"type": kind})
        if item.closed:
            return []
        position = payload.get("summary_index" if channel == "summary" else "content_index")
        position = position if type(position) is int else 0
        given = logprobs(payload.get("logprobs"))
        made = (self.items.rest if complete else self.items.more)(item, channel, position, text, given)
        return [*self._begin(), *events, *made] if events or not self._started else made

    def _part_done(self, payload: Fields) -> list[Event]:
        part = payload.get("part")
        known = _PARTS.get(str(part.get("type"))) if isinstance(part, dict) else None
        if known is None:
            return []
        return self._increment({**payload, **payload["part"], "type": None}, *known)

    def _annotated(self, payload: Fields) -> list[Event]:
        item = self._find(payload, MESSAGE)
        if item is None or item.closed:
            return []
        position = payload.get("content_index")
        return self.items.annotate(item, position if type(position) is int else 0, payload.get("annotation"))

    # -- the end ------------------------------------------------------------------------------------------------------

    def _finished(self, payload: Fields) -> list[Event]:
        given = payload.get("response")
        response = given if isinstance(given, dict) else payload
        if not response.get("status"):
            response = {**response, "status": str(payload.get("type") or "completed").removeprefix("response.")}
        self._ended = True
        return [*self._begin(response), *self._left(response), *ending(self.items, response, whole=False)]

    def _left(self, response: Fields) -> list[Event]:
        """What the output at the end has, and no event before it told; then items that nothing ended."""
        output = response.get("output")
        given = [said for said in output if isinstance(said, dict)] if isinstance(output, list) else []
        counts: dict[str, int] = {}
        events: list[Event] = []
        for said in given:
            kind = str(said.get("type"))
            nth = counts[kind] = counts.get(kind, 0) + 1
            known = [item for item in self._all if item.kind == kind]
            if len(known) >= nth:
                events += self.items.close(known[nth - 1], said)
            else:
                item, opened = self._open({}, said)
                events += [*opened, *self.items.close(item, said)]
        for item in self._all:
            if not item.closed:
                events += self.items.close(item, self._put_together(item))
        return events

    def _put_together(self, item: Item) -> Fields:
        """An item that was never told as a whole."""
        said = dict(item.begun)
        if item.kind == MESSAGE:
            said["content"] = [{"type": "output_text", "text": item.said("text"), "annotations": []}]
        elif item.kind in (FUNCTION, CUSTOM):
            said["arguments" if item.kind == FUNCTION else "input"] = item.said("input")
        return said

    def _failed(self, payload: Fields) -> list[Event]:
        self._ended = True
        response = payload.get("response")
        error = response.get("error") if isinstance(response, dict) else payload.get("error")
        return [Failure(failed(error))]


_TEXT: Final = (MESSAGE, "text")
_REFUSAL: Final = (MESSAGE, "refusal")
_SUMMARY: Final = (THOUGHT, "summary")
_THOUGHTS: Final = (THOUGHT, "thought")
_INCREMENTS: Final[dict[str, tuple[str, str, str, bool]]] = {
    "response.output_text.delta": (*_TEXT, "delta", False),
    "response.output_text.done": (*_TEXT, "text", True),
    "response.refusal.delta": (*_REFUSAL, "delta", False),
    "response.refusal.done": (*_REFUSAL, "refusal", True),
    "response.function_call_arguments.delta": (FUNCTION, "input", "delta", False),
    "response.function_call_arguments.done": (FUNCTION, "input", "arguments", True),
    "response.custom_tool_call_input.delta": (CUSTOM, "input", "delta", False),
    "response.custom_tool_call_input.done": (CUSTOM, "input", "input", True),
    "response.reasoning_summary_text.delta": (*_SUMMARY, "delta", False),
    "response.reasoning_summary_text.done": (*_SUMMARY, "text", True),
    "response.reasoning_text.delta": (*_THOUGHTS, "delta", False),
    "response.reasoning_text.done": (*_THOUGHTS, "text", True),
    "response.reasoning.delta": (*_THOUGHTS, "delta", False),
    "response.reasoning.done": (*_THOUGHTS, "text", True),
}
"""By event: the kind of its item, what it adds to, where the text stands, and whether that is all of it."""
_PARTS: Final[dict[str, tuple[str, str, str, bool]]] = {
    "output_text": (*_TEXT, "text", True),
    "refusal": (*_REFUSAL, "refusal", True),
    "reasoning_text": (*_THOUGHTS, "text", True),
    "summary_text": (*_SUMMARY, "text", True),
}
_EVENTS: Final[dict[str, Callable[[ResponseReader, Fields], list[Event]]]] = {
    "response.created": ResponseReader._created,
    "response.in_progress": ResponseReader._created,
    "response.queued": ResponseReader._created,
    "response.output_item.added": ResponseReader._added,
    "response.output_item.done": ResponseReader._done,
    "response.content_part.done": ResponseReader._part_done,
    "response.reasoning_summary_part.done": ResponseReader._part_done,
    "response.output_text.annotation.added": ResponseReader._annotated,
    "response.completed": ResponseReader._finished,
    "response.done": ResponseReader._finished,
    "response.incomplete": ResponseReader._finished,
    "response.failed": ResponseReader._failed,
    "response.cancelled": ResponseReader._failed,
}
