"""DashScope's whole replies as events."""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...errors import UpstreamFormatError
from ...events import ChoiceStart, Event, Failure, Finish, ReplyEnd, TextDelta, ToolFragment, Usage
from .errors import failure
from .meaning import usage
from .stream import GenerationReader

__all__ = ["read_whole"]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, which is the only payload of a stream that says everything."""
    error = failure(payload)
    if error is not None:
        return [Failure(error)]
    events = GenerationReader(context).read(payload)
    choices = [event for event in events if type(event) is ChoiceStart]
    if not choices:
        return [Failure(UpstreamFormatError("The upstream's reply is no reply of DashScope's."))]
    finished = {event.choice for event in events if type(event) is Finish}
    events += [Finish(choice.choice, "stop") for choice in choices if choice.choice not in finished]  # `output.text`
    for choice in choices:
        said = {type(event) for event in events if getattr(event, "choice", None) == choice.choice}
        if TextDelta not in said:
            choice.content = None if ToolFragment in said else ""
    counts = usage(payload.get("usage"))
    if counts is not None and not any(type(event) is Usage for event in events):
        events.append(Usage(counts))
    return [*events, ReplyEnd(True)]
