"""The texts of one choice, measured: what leaves of each event, and where the limit cuts."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from ...events import Event, Opaque, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart
from .meter import Meter
from .trim import joined, parted, size_of, widths

__all__ = ["TEXTS", "Measured", "Texts", "part", "said_by", "written"]

TEXTS: Final = (TextDelta, ReasoningDelta, RefusalDelta)

Measured = tuple[list[Event], bool]
"""What leaves, and whether the limit cuts there."""


class Texts:
    """Thoughts, content and calls of a choice; they share one limit."""

    __slots__ = ("_entries", "_held", "_last", "_limit", "_logprobs", "_meter")

    def __init__(self, meter: Meter, limit: int, by_entries: bool) -> None:
        self._meter = meter
        self._limit = limit
        self._entries: int | None = 0 if by_entries else None
        """Tokens by the log probabilities of the content; None where these do not tell."""
        self._held = ""
        self._logprobs: Any = UNSET
        self._last: Any = None
        """The last event with text: more of it is written like this one."""

    def passes(self, event: TextDelta) -> bool:
        """Take a content that goes on within the limit in any case; False: it was not taken."""
        return type(self._last) is TextDelta and self._entries is None and self._meter.passes(event.text)

    def counts(self, event: Any) -> bool:
        """Whether tokens have to be counted for this event."""
        if self._entries is not None and type(event) is TextDelta and _tells(event):
            return False
        name = event.name if type(event) is ToolCallStart else ""
        return size_of(name) + size_of(said_by(event)) + (self._entries or 0) + 1 > self._meter.room

    def take(self, event: Any) -> Measured:
        """Take the next text, or the next piece of this one."""
        meter, last = self._meter, self._last
        if self._entries is not None:
            if type(event) is TextDelta and _tells(event):
                self._last = event
                return self._by_entries(event, self._entries)
            meter.spend(self._entries)
            self._entries = None
        released: list[Event] = []
        if last is not None and not _alike(last, event):
            released, over = self.rest()
            if over:
                return released, over
        if type(event) is ToolCallStart and not meter.passes(event.name):
            if meter.take(event.name)[1] or meter.begin()[1]:
                return released, True
        elif type(event) is ToolCallStart:
            meter.begin()
        self._last = event
        text = said_by(event)
        if meter.passes(text):
            return [*released, event], False
        out, over = meter.take(text)
        whole = self._held + text
        self._held = whole[len(out) :]
        if type(event) not in TEXTS:
            return [*released, *written(event, out)], over
        event.logprobs, self._logprobs = part(joined(self._logprobs, event.logprobs), whole, len(out))
        return [*released, *written(event, out)], over

    def rest(self) -> Measured:
        """The text is over: what was held of it."""
        if self._last is None or self._entries is not None:
            return [], False
        held, self._held = self._held, ""
        out, over = self._meter.begin()
        logprobs, self._logprobs = part(self._logprobs, held, len(out))[0], UNSET
        return ([_more(self._last, out, logprobs)] if out else []), over

    def _by_entries(self, event: TextDelta, before: int) -> Measured:
        sizes = widths(event.logprobs) or []
        left = self._limit - before
        self._entries = before + len(sizes)
        if len(sizes) <= left:
            return [event], False
        out = _beginning(event.text, sum(sizes[:left]))
        event.logprobs = part(event.logprobs, event.text, len(out))[0]
        return written(event, out), True


def said_by(event: Any) -> str:
    """The text of an event."""
    text: str = event.text if type(event) in TEXTS else event.arguments
    return text


def written(event: Any, text: str) -> list[Event]:
    """The event with what leaves of its text; what came beside it leaves in any case."""
    if type(event) is ToolCallStart or type(event) is ToolCallDelta:
        event.arguments = text
        return [event] if text or type(event) is ToolCallStart or event.call_extras or event.function_extras else []
    event.text = text
    if text:
        return [event]
    return [] if event.extras is None else [Opaque(event.extras, event.choice)]


def part(logprobs: Any, text: str, at: int) -> tuple[Any, Any]:
    """The entries of the text before and behind a place."""
    if not isinstance(logprobs, dict) or at == len(text):
        return logprobs, UNSET
    return (UNSET, logprobs) if at == 0 else parted(logprobs, size_of(text[:at]))


def _tells(event: TextDelta) -> bool:
    """Whether its log probabilities are those of its text, token by token."""
    sizes = widths(event.logprobs)
    return sum(sizes) == size_of(event.text) if sizes is not None else not event.text


def _beginning(text: str, size: int) -> str:
    """The whole characters of the first `size` bytes."""
    for at, character in enumerate(text):
        size -= size_of(character)
        if size < 0:
            return text[:at]
    return text


def _alike(one: Any, other: Any) -> bool:
    """Whether two events bring more of the same text."""
    if type(one) in TEXTS:
        return type(one) is type(other)
    return type(other) is ToolCallDelta and one.index == other.index


def _more(last: Any, text: str, logprobs: Any) -> Event:
    """An event like the last one, with more of its text."""
    if type(last) in TEXTS:
        event: Event = type(last)(last.choice, text, logprobs)
        return event
    return ToolCallDelta(last.choice, last.index, text, last.kind)
