"""A whole reply of the Messages API as events: its blocks, one after another, as a stream would have brought them."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import UNSET

from ...context import ReplyContext
from ...events import Event, Extras, Failure, Finish, RefusalDelta, ReplyEnd, ReplyStart, Usage
from ..foreign import wrong_shape
from .blocks import Blocks
from .errors import in_stream
from .meaning import FINISH, TIERS, finish_extras, usage

__all__ = ["beside", "ending", "read_whole", "start_of"]

Fields: TypeAlias = dict[str, Any]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, ReplyEnd included; what is an error, or nothing known, is a Failure."""
    error = in_stream(payload)
    if error is not None:
        return [Failure(error)]
    given = payload.get("content") if isinstance(payload, dict) else None
    if not isinstance(given, list):
        return [Failure(wrong_shape(payload))]
    blocks = Blocks(context, whole=True)
    said = payload.get("usage")
    start = start_of(payload)
    start.extras = beside(payload)
    events: list[Event] = [start]
    for block in given:
        if isinstance(block, dict):
            events += blocks.open(block)
            events += blocks.close()
    reason = payload.get("stop_reason")
    events += ending(blocks, payload, reason) if isinstance(reason, str) else [*blocks.end(), *blocks.begin()]
    if isinstance(said, dict):
        events.append(Usage(usage(said)))
    return [*events, ReplyEnd(True)]


def start_of(message: Fields) -> ReplyStart:
    """The start of a reply, from the message that it is, or that its stream begins with."""
    said = message.get("usage")
    tier = said.get("service_tier") if isinstance(said, dict) else None
    model = message.get("model")
    return ReplyStart(
        message.get("id", UNSET),
        model=model if isinstance(model, str) and model else UNSET,
        service_tier=TIERS.get(tier, UNSET) if isinstance(tier, str) else UNSET,
    )


def beside(payload: Fields) -> Extras | None:
    """What else a message says of itself: its container, what was edited out of the context."""
    kept = {name: payload[name] for name in ("container", "context_management", "diagnostics") if payload.get(name)}
    return Extras(reply={"anthropic": kept}) if kept else None


def ending(blocks: Blocks, said: Fields, reason: str) -> list[Event]:
    """The events of a reply's end."""
    events = [*blocks.end(), *blocks.begin(), *blocks.native()]
    details = said.get("stop_details")
    why = details.get("explanation") if isinstance(details, dict) else None
    if reason == "refusal" and isinstance(why, str) and why and not blocks.length:
        events.append(RefusalDelta(0, why))
    word = FINISH.get(reason, reason)
    if word == "tool_calls" and not blocks.calls:
        word = "stop"  # the call was the answer
    extras = finish_extras(said)
    events.append(Finish(0, word, extras=Extras(choice=extras) if extras else None))
    return events
