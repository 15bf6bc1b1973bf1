"""Content that goes on and is plainly within what was asked for: nearly all of a stream, with one call for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...events import Opaque, TextDelta
from ..base import Result
from .choice import Choice
from .meter import Meter
from .stops import Stops

__all__ = ["Quick"]

_WIDEST = 4
"""Bytes of a character at most: the room is taken so at first, and measured when it may be used up."""


class Quick:
    """Takes contents of choice 0 while that is all that comes; `see` takes what has to be looked at."""

    __slots__ = ("_see", "choice", "meter")

    def __init__(self, see: Callable[[Any], Result]) -> None:
        self._see = see
        self.choice: Choice | None = None
        """Choice 0, while its content goes on; None: each event has to be looked at."""
        self.meter: Meter | None = None
        """What measures it, if anything does."""

    def seer(self, stops: Stops | None, limit: bool) -> Callable[[Any], Result]:
        """What takes contents."""
        if stops is None:
            return self._measurer()
        return self._both(stops) if limit else self._looker(stops)

    def _room(self) -> tuple[int, list[str]]:
        """Bytes that may come in any case, and where their texts go."""
        meter = self.meter
        return (-1, []) if meter is None or self.choice is None else (meter.sized(), meter.added)

    def _measurer(self) -> Callable[[Any], Result]:
        left, added = -1, [""]

        def content(event: TextDelta) -> Result:
            nonlocal left, added
            text = event.text
            left -= len(text) if text.isascii() else _WIDEST * len(text)
            if left >= 0 and self.choice is not None and not event.choice:
                added.append(text)
                return event
            result = self._see(event)
            left, added = self._room()
            return result

        return content

    def _looker(self, stops: Stops) -> Callable[[Any], Result]:
        lasts, find, others = stops.lasts, stops.find, stops.words[2:]
        one, two = stops.words[0], stops.words[1 % len(stops.words)]

        def content(event: TextDelta) -> Result:
            text, choice = event.text, self.choice
            if choice is None or event.choice:
                return self._see(event)
            if choice.waits or text[-1:] in lasts or one in text or two in text or (others and find(text)):
                return self._held(choice, event, stops)
            return event

        return content

    def _both(self, stops: Stops) -> Callable[[Any], Result]:
        lasts, find, others = stops.lasts, stops.find, stops.words[2:]
        one, two = stops.words[0], stops.words[1 % len(stops.words)]
        left, added = -1, [""]

        def content(event: TextDelta) -> Result:
            nonlocal left, added
            text, choice = event.text, self.choice
            left -= len(text) if text.isascii() else _WIDEST * len(text)
            if left < 0 or choice is None or event.choice:
                result = self._see(event)
                left, added = self._room()
                return result
            if choice.waits or text[-1:] in lasts or one in text or two in text or (others and find(text)):
                return self._held(choice, event, stops)
            added.append(text)
            return event

        return content

    def _held(self, choice: Choice, event: TextDelta, stops: Stops) -> Result:
        """A content that is within the limit, and may hold the beginning of a stop string, or another part of one."""
        text = choice.waits + event.text
        end, rest = stops.take(text)
        if rest is not None or isinstance(event.logprobs, dict) or isinstance(choice.logprobs, dict):
            return self._see(event)
        if self.meter is not None:
            self.meter.added.append(event.text)
        if end == len(text) and not choice.waits:
            return event
        choice.waits, event.text = text[end:], text[:end]
        return event if end else None if event.extras is None else Opaque(event.extras, event.choice)
