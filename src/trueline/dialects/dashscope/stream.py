"""DashScope's streams as events: each payload holds what came since the last, under `output.choices` or `output.text`.

Without `incremental_output` it holds everything so far.  Which it is, is seen: a model may know only one of both.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from msgspec import UNSET, Struct

from ...context import ReplyContext
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ...wire import jsonio
from .errors import failure
from .meaning import finish_of, sources, texts_of, usage

__all__ = ["GenerationReader"]

Fields = dict[str, Any]


class _Call(Struct):
    position: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    """What was said of them."""
    opened: bool = False
    """Its name has left: that comes in pieces, too."""


class _Choice(Struct):
    text: list[str] = []
    calls: dict[Any, _Call] = {}
    finished: bool = False


class GenerationReader:
    """One stream's events, one payload at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._logprobs = context.request.logprobs is True
        self._started = False
        self._choices: dict[int, _Choice] = {}
        self._search: Fields = {}

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        error = failure(payload, event)
        if error is not None:
            return [Failure(error)]
        output = payload.get("output") if isinstance(payload, dict) else None
        if not isinstance(output, dict):
            return []
        events: list[Event] = []
        if not self._started:
            self._started = True
            identity = payload.get("request_id")
            events.append(ReplyStart(id=identity) if isinstance(identity, str) and identity else ReplyStart())
        info = output.get("search_info")
        if isinstance(info, dict) and info.get("search_results"):
            self._search = info
        for position, choice in enumerate(_choices(output)):
            self._choice(position, choice, events)
        if self._choices and all(one.finished for one in self._choices.values()):
            counts = usage(payload.get("usage"))
            if counts is not None:
                events.append(Usage(counts))
        return events

    def _choice(self, position: int, given: Fields, events: list[Event]) -> None:
        index = given.get("index")
        index = index if type(index) is int and index >= 0 else position
        if index >= max(self._context.request.n, 1):
            return  # one that was not asked for
        message = given.get("message")
        message = message if isinstance(message, dict) else {}
        calls = message.get("tool_calls")
        calls = calls if isinstance(calls, list) else []
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
            events.append(ChoiceStart(index, None if calls and not message.get("content") else ""))
        before = len(events)
        thought = message.get("reasoning_content")
        if isinstance(thought, str) and thought:
            events.append(ReasoningDelta(index, thought))
        text, others = texts_of(message.get("content"))
        if text:
            choice.text.append(text)
            events.append(TextDelta(index, text))
        if others:
            events.append(Opaque(Extras(message={"content_parts": others}), index))
        self._add_logprobs(index, given.get("logprobs"), events, before)
        for place, call in enumerate(calls):
            if isinstance(call, dict):
                self._call(index, choice, call, place, events)
        reason = finish_of(given.get("finish_reason"))
        if reason is not None and not choice.finished:
            self._finish(index, choice, reason, events)

    def _add_logprobs(self, index: int, said: Any, events: list[Event], before: int) -> None:
        if not self._logprobs or not isinstance(said, dict) or not said.get("content"):
            return
        for event in events[before:]:
            if type(event) is TextDelta:
                event.logprobs = {"content": said["content"], "refusal": None}
                return
        events.append(Opaque(Extras(), index, {"content": said["content"], "refusal": None}))

    # -- tool calls ---------------------------------------------------------------------------------------------------

    def _call(self, index: int, choice: _Choice, given: Fields, place: int, events: list[Event]) -> None:
        number = given.get("index")
        key = number if type(number) is int else place
        inner = given.get("function")
        inner = inner if isinstance(inner, dict) else {}
        identity, name, arguments = given.get("id"), inner.get("name"), inner.get("arguments")
        call = choice.calls.get(key)
        if call is None:
            self._open(index, choice, events)
            call = choice.calls[key] = _Call(len(choice.calls))
        if isinstance(identity, str) and identity:
            call.id = call.id or identity
        again = call.opened and name == call.name  # increments do not repeat it: this is everything so far, once more
        if isinstance(name, str) and name and not call.opened:
            call.name = name if name.startswith(call.name) else call.name + name
        text = (
            arguments if isinstance(arguments, str) else "" if arguments is None else jsonio.encode(arguments).decode()
        )
        if not text:
            return
        self._open(index, choice, events)
        if again and text.startswith(call.arguments):
            text = text[len(call.arguments) :]
        call.arguments += text
        if text:
            events.append(ToolFragment(index, call.position, arguments=text))

    def _open(self, index: int, choice: _Choice, events: list[Event]) -> None:
        """Begin the calls that are known by name, before anything else of them."""
        for call in choice.calls.values():
            if not call.opened and call.name:
                call.opened = True
                identity = call.id or UNSET
                events.append(ToolFragment(index, call.position, identity, call.name, "function", arguments=""))

    def _finish(self, index: int, choice: _Choice, reason: str, events: list[Event]) -> None:
        self._open(index, choice, events)
        choice.finished = True
        if reason == "tool_calls" and not choice.calls:
            reason = "stop"
        elif reason == "stop" and choice.calls:
            reason = "tool_calls"
        if self._search and index == 0:
            kept: Fields = {"search_info": self._search}
            cited = sources(self._search, _whole(choice.text))
            if cited:
                kept["annotations"] = cited
            events.append(Opaque(Extras(message=kept), index))
        events.append(Finish(index, reason))


def _whole(texts: list[str]) -> str:
    """What was said in increments, or in totals."""
    totals = len(texts) > 2 and all(later.startswith(text) for text, later in pairwise(texts))
    return texts[-1] if totals else "".join(texts)


def _choices(output: Fields) -> list[Fields]:
    """The choices of an output, or the one of its older form, which has its text beside its finish reason."""
    given = output.get("choices")
    if isinstance(given, list) and given:
        return [choice for choice in given if isinstance(choice, dict)]
    if "text" not in output:
        return []
    return [{"index": 0, "message": {"content": output["text"]}, "finish_reason": output.get("finish_reason")}]
