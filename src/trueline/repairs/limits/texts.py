"""The texts of one choice, measured: what leaves of each event, and where the limit cuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET

from ...events import Event, Opaque, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from ..base import ENDLESS, Holder, Passing
from .meter import Meter
from .trim import parted, size_of, widths

__all__ = ["TEXTS", "Measured", "Texts", "part", "said_by", "written"]

TEXTS: Final = (TextDelta, ReasoningDelta, RefusalDelta)

Measured = tuple[list[Event], bool]
"""What leaves, and whether the limit was reached: then `cut` or `uncut` says what becomes of the rest."""


class Texts:
    """Thoughts, content and calls of a choice; they share one limit."""

    __slots__ = ("_entries", "_held", "_last", "_limit", "_meter", "_ready", "_thoughts")

    def __init__(self, meter: Meter, limit: int, *, by_entries: bool, thoughts: bool) -> None:
        self._meter = meter
        self._limit = limit
        self._thoughts = thoughts
        """Whether thoughts count."""
        self._entries: int | None = 0 if by_entries else None
        """Tokens by the log probabilities of the content; None where these do not tell."""
        self._held: list[Any] = []
        """Events of which a part may be beyond the limit: each leaves as it came, or not at all."""
        self._ready = 0
        """So many of their characters are within it."""
        self._last: Any = None
        """The last event with text: more of it is written like this one."""

    def passing(
        self, kind: type, holder: Holder | None, likely: Callable[[Usage], int], believe: Callable[[], object]
    ) -> Passing:
        """How many bytes of a text of this type are within the limit in any case, and what takes them."""
        if kind is ReasoningDelta and not self._thoughts:
            return Passing()
        if type(self._last) is not kind or self._entries is not None:
            return Passing(-1)
        meter = self._meter
        admit = meter.admit if meter.admits else None
        return Passing(meter.room, ENDLESS, meter.keep, holder, meter.more, admit, likely, believe)

    def passes(self, event: TextDelta) -> bool:
        """Take a content that begins, or goes on, within the limit in any case; False: it was not taken."""
        last = self._last
        if self._entries is not None or (type(last) is not TextDelta and last is not None):
            return False
        if not self._meter.passes(event.text):
            return False
        self._last = event
        return True

    def likely(self, tokens: int) -> int:
        """See Meter."""
        return self._meter.likely(tokens)

    def counts(self, event: Any) -> bool:
        """Whether tokens have to be counted for this event."""
        if not self._thoughts and type(event) is ReasoningDelta:
            return False
        if self._entries is not None and type(event) is TextDelta and _tells(event):
            return False
        name = event.name if type(event) is ToolCallStart else ""
        return size_of(name) + size_of(said_by(event)) + (self._entries or 0) + 1 > self._meter.room

    def pending(self, event: Any) -> int:
        """Characters, about, that have to be counted when this event is taken."""
        return self._meter.uncounted + len(said_by(event))

    def take(self, event: Any) -> Measured:
        """Take the next text, or the next piece of this one."""
        meter, last = self._meter, self._last
        if not self._thoughts and type(event) is ReasoningDelta:
            return [event], False
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
                self._held.append(event)
                return released, over
        if type(event) is ToolCallStart and not meter.passes(event.name):
            if meter.take(event.name)[1] or meter.begin()[1]:
                self._held, self._ready = [event], 0
                return released, True
        elif type(event) is ToolCallStart:
            meter.begin()
        self._last = event
        text = said_by(event)
        if meter.passes(text):
            return [*released, event], False
        self._held.append(event)
        out, over = meter.take(text)
        return [*released, *self._release(len(out))], over

    @property
    def held(self) -> bool:
        """Whether a part of the text has not left, which may be beyond the limit."""
        return bool(self._held)

    def rest(self) -> Measured:
        """The text is over: what was held of it."""
        if self._last is None or self._entries is not None:
            return [], False
        out, over = self._meter.begin()
        return self._release(len(out)), over

    def _release(self, more: int) -> list[Event]:
        """What leaves of the events that are held, of which so many characters more are within the limit."""
        held, released = self._held, []
        self._ready += more
        while held and len(said_by(held[0])) <= self._ready:
            self._ready -= len(said_by(held[0]))
            released.append(held.pop(0))
        return released

    @property
    def beyond(self) -> str:
        """The text that came and is beyond the limit."""
        return "".join(map(said_by, self._held))[self._ready :]

    def cut(self) -> list[Event]:
        """What is within the limit, of an event that is not all within it."""
        if not self._held or not self._ready:
            return []
        event, text = self._held[0], said_by(self._held[0])
        if type(event) in TEXTS:
            event.logprobs = part(event.logprobs, text, self._ready)[0]
        return written(event, text[: self._ready])

    def uncut(self) -> list[Event]:
        """All that came, although it is beyond the limit."""
        held, self._held = self._held, []
        return held

    def _by_entries(self, event: TextDelta, before: int) -> Measured:
        sizes = widths(event.logprobs) or []
        left = self._limit - before
        self._entries = before + len(sizes)
        if len(sizes) <= left:
            return [event], False
        out = _beginning(event.text, sum(sizes[:left]))
        self._held, self._ready = [event], len(out)
        return [], True


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
