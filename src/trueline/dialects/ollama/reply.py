"""Ollama's replies as events: a whole one is one object, a stream one a line, and the last line says `done`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from ...context import ReplyContext
from ...errors import UpstreamFormatError, UpstreamReplyError
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    ReasoningDelta,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ...wire import jsonio
from .. import error_bodies

__all__ = ["ChatReader", "read_error", "read_whole"]

Fields = dict[str, Any]

_FINISH = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}
_TOO_LONG = ("input length exceeds", "exceeds the context", "exceed_context_size")
_NO_MODEL = re.compile(r"model ['\"].{1,500}['\"] not found", re.IGNORECASE)
_DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


class ChatReader:
    """One stream's events, one line at a time; never raises."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._started = False
        self._calls = 0
        self._logprobs = context.request.logprobs is True

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """See Reader."""
        if not isinstance(payload, dict):
            return []
        if payload.get("error"):
            return [Failure(_failure(payload))]
        message = payload.get("message")
        said: Fields = message if isinstance(message, dict) else {"content": payload.get("response")}
        if not isinstance(message, dict) and "response" in payload:
            said["thinking"] = payload.get("thinking")
        events: list[Event] = [] if self._started else self._begin(payload)
        thought, text = said.get("thinking"), said.get("content")
        if isinstance(thought, str) and thought:
            events.append(ReasoningDelta(0, thought))
        logprobs = _logprobs(payload.get("logprobs")) if self._logprobs else UNSET
        if isinstance(text, str) and text:
            events.append(TextDelta(0, text, logprobs))
        calls = said.get("tool_calls")
        if isinstance(calls, list) and calls:
            events += self._called(calls)
        if payload.get("done") is True:
            events += self._end(payload)
        return events

    def _begin(self, payload: Fields) -> list[Event]:
        self._started = True
        model = payload.get("model")
        start = ReplyStart(created=_seconds(payload.get("created_at")))
        if isinstance(model, str) and model:
            start.model = model
        return [start, ChoiceStart(0)]

    def _called(self, calls: list[Any]) -> list[Event]:
        events: list[Event] = []
        for call in calls:
            inner = call.get("function") if isinstance(call, dict) else None
            if not isinstance(inner, dict):
                continue
            given = inner.get("arguments")
            arguments = given if isinstance(given, str) else jsonio.encode({} if given is None else given).decode()
            identity = call.get("id")
            if not isinstance(identity, str) or not identity:
                identity = "call_" + self._context.mint.token(24)  # older servers have none
            events.append(
                ToolFragment(0, id=identity, name=inner.get("name"), kind="function", arguments=arguments, whole=True)
            )
            self._calls += 1
        return events

    def _end(self, payload: Fields) -> list[Event]:
        reason = _FINISH.get(str(payload.get("done_reason")), "stop")
        finish = "tool_calls" if self._calls and reason == "stop" else reason
        kept = {name: payload[name] for name in _DURATIONS if payload.get(name)}
        events: list[Event] = [Finish(0, finish)]
        counts = _usage(payload)
        extras = Extras(reply={"ollama": kept}) if kept else None
        if counts is not None:
            events.append(Usage(counts, extras))
        return [*events, ReplyEnd(True)]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply; a Failure for what is none."""
    known = isinstance(payload, dict) and (payload.get("error") or "message" in payload or "response" in payload)
    if not known:
        said = error_bodies.error_in(payload)
        return [Failure(said or UpstreamFormatError("The upstream's reply is no reply of Ollama's chat API."))]
    reader = ChatReader(context)
    events = reader.read(payload)
    if type(events[-1]) is Failure:
        return events
    for event in events:
        if type(event) is ChoiceStart and not any(type(other) is TextDelta for other in events):
            event.content = None if any(type(other) is ToolFragment for other in events) else ""
    return events if type(events[-1]) is ReplyEnd else [*events, ReplyEnd(False)]


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """OpenAI's error for a failing reply of Ollama."""
    error = error_bodies.read_error(status, headers, body)
    error.faults = ()
    return _sharper(error)


def _failure(payload: Fields) -> UpstreamReplyError:
    """An error inside a stream: the status was sent, so what it would have been is told from its words."""
    status, said = payload.get("status_code"), payload["error"]
    words = said if isinstance(said, str) else jsonio.encode(said).decode()
    if type(status) is not int or not 400 <= status < 600:
        status = 404 if _NO_MODEL.match(words) else 500
    return _sharper(UpstreamReplyError(words, status=status))


def _sharper(error: UpstreamReplyError) -> UpstreamReplyError:
    words = error.message.lower()
    if any(part in words for part in _TOO_LONG):
        error.code = "context_length_exceeded"
    elif error.status == 404 and "model" in words:
        error.code, error.param = "model_not_found", "model"
    return error


def _usage(payload: Fields) -> Fields | None:
    """OpenAI's usage.  A prompt that was wholly cached is not counted by older servers."""
    names = {"prompt_eval_count": "prompt_tokens", "eval_count": "completion_tokens"}
    counts = {name: payload[own] for own, name in names.items() if type(payload.get(own)) is int}
    if not counts:
        return None
    if len(counts) == 2:
        counts["total_tokens"] = sum(counts.values())
    return counts


def _logprobs(said: Any) -> Fields | UnsetType:
    """Ollama's have OpenAI's shape, but for the list around them."""
    return {"content": said, "refusal": None} if isinstance(said, list) and said else UNSET


def _seconds(value: Any) -> int | UnsetType:
    """A time such as `2026-01-05T11:27:37.219957542Z`; one of 1970 is none."""
    if not isinstance(value, str):
        return UNSET
    try:
        seconds = int(datetime.fromisoformat(value[:19] + "+00:00").timestamp())
    except ValueError:
        return UNSET
    return seconds if seconds > 0 else UNSET
