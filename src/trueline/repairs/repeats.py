"""Text that comes again: running totals instead of increments, and an answer repeated whole at its end."""

from __future__ import annotations

from ..context import ReplyContext
from ..events import (
    Event,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyEnd,
    TextDelta,
    ToolFragment,
)
from .base import Passing, Result, Rule
from .thinking import BLOCKS

__all__ = ["Repeats"]

MIN_TEXT = 8
"""Characters below which a repeat is taken for speech: `"ha"`, `"haha"` is legal."""
MIN_EVIDENCE = 2
"""Deltas, one after the other, that each begin with all of the text before they are believed to be running totals."""
MAX_PIECES = 64
"""Deltas that are kept apart: each costs more memory than its text."""
MAX_TEXT = 128 * 1024
"""Characters after which a text that was not repeated so far is no longer kept: endless streams need no memory."""

_OPENING = tuple(BLOCKS)
_CLOSING = tuple(BLOCKS.values())


class _Said:
    """The text of one choice so far, and the deltas that may be running totals of it."""

    __slots__ = ("_length", "_measured", "_total", "cumulative", "forgotten", "held", "pieces")

    def __init__(self) -> None:
        self._total = ""
        self.pieces: list[str] = []  # joined when a delta is long enough to repeat everything, or they are many
        self._length = self._measured = 0
        self.held: list[TextDelta | ReasoningDelta] = []
        self.cumulative = False
        self.forgotten = False

    @property
    def total(self) -> str:
        self._join()
        return self._total

    @property
    def length(self) -> int:
        """Characters of all of it."""
        if len(self.pieces) > self._measured:
            text = "".join(self.pieces[self._measured :])
            self.pieces[self._measured :] = [text]
            self._measured += 1
            self._length += len(text)
        return self._length

    def _join(self) -> None:
        if self.pieces:
            self._length = self.length
            self._total += "".join(self.pieces)
            self.pieces.clear()
            self._measured = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        if len(self.pieces) >= MAX_PIECES:
            self.fold()

    def keep(self, _: list[str], text: str) -> None:
        """See Passing."""
        if not self.forgotten:
            self.pieces.append(text)
            if len(self.pieces) >= MAX_PIECES:
                self.fold()

    def fold(self) -> None:
        """Join what is kept apart, and forget it where there is too much."""
        self._join()
        if self._length > MAX_TEXT and not self.cumulative:
            self.forgotten = True
            self._total = ""


class Repeats(Rule):
    """Turn running totals into increments, and drop a final delta that says everything once more.

    A delta that begins with all that was said and goes on may be a running total.  One may be chance, so it is held
    until the next delta confirms it or does not (hysteresis); nothing else waits.
    """

    sees = (TextDelta, ReasoningDelta, RefusalDelta, ToolFragment, Finish, Failure, ReplyEnd)
    mends = ("content-cumulative", "final-full-repeat")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._said: dict[tuple[type, int], _Said] = {}
        self._holding = False
        self._running, self._final = map(context.mends, self.mends)

    def see(
        self, event: TextDelta | ReasoningDelta | RefusalDelta | ToolFragment | Finish | Failure | ReplyEnd
    ) -> Result:
        kind = type(event)
        if kind is not TextDelta and kind is not ReasoningDelta:
            released = self._release(event) if self._holding else []
            return [*released, event] if released else event
        if not self._holding:
            return self._take(kind, event)  # type: ignore[arg-type]  # no other type is seen
        released = self._release(event)
        result = self._take(kind, event)  # type: ignore[arg-type]  # no other type is seen
        if not released:
            return result
        return [*released, *(result if isinstance(result, list) else [] if result is None else [result])]

    def settled(self, kind: type) -> bool:
        return not self._holding and (said := self._said.get((kind, 0))) is not None and said.forgotten

    def passing(self, kind: type) -> Passing | None:
        """A text that is shorter than what was said repeats nothing: it is kept."""
        said = self._said.get((kind, 0))
        if said is None or any(one.held for one in self._said.values()):  # what is held leaves before any other text
            return None
        if said.forgotten:
            return Passing()
        return Passing(longest=said.length - 1, keep=said.keep)

    def _take(self, kind: type, event: TextDelta | ReasoningDelta) -> Result:
        key = (kind, event.choice)
        said = self._said.get(key)
        if said is None:
            said = self._said[key] = _Said()
        length = said.length
        text = event.text
        if said.held or (length and (event.last or len(text) >= length)):
            return event if said.forgotten else self._compare(said, event)
        if not said.forgotten:
            said.add(text)
        return event

    def _compare(self, said: _Said, event: TextDelta | ReasoningDelta) -> Result:
        text = event.text
        base = said.held[-1].text if said.held else said.total
        if said.cumulative and text == base:
            self.note("content-cumulative")
            return Opaque(event.extras, event.choice) if event.extras is not None else None
        if event.last and len(text) >= MIN_TEXT and self._final and (text == base or _after_thoughts(base, text)):
            self.note("final-full-repeat")
            return Opaque(event.extras, event.choice) if event.extras is not None else None
        if len(text) > len(base) and text.startswith(base) and self._running:
            if not said.cumulative and (len(said.held) + 1 < MIN_EVIDENCE or len(base) < MIN_TEXT):
                said.held.append(event)
                self._holding = True
                return None
            return self._increment(said, event)
        said.cumulative = False
        held, said.held = said.held, []
        for one in (*held, event):
            said.add(one.text)
        return [*held, event] if held else event

    def _increment(self, said: _Said, event: TextDelta | ReasoningDelta) -> Result:
        self.note("content-cumulative")
        total = said.total
        extras = [Opaque(one.extras, one.choice) for one in said.held if one.extras is not None]
        said.cumulative = True
        said.held = []
        said.add(event.text[len(total) :])
        event.text = event.text[len(total) :]
        return [*extras, event]

    def _release(self, event: Event) -> list[Event]:
        """What is held of the event's choice and cannot be confirmed any more, because something else comes."""
        released: list[Event] = []
        choice = getattr(event, "choice", None)  # None: all of them
        for (kind, index), said in self._said.items():
            if not said.held or choice not in (None, index) or kind is type(event):
                continue
            last = said.held[-1]
            if isinstance(event, Finish) and last.last and said.length >= MIN_TEXT:
                self.note("final-full-repeat")
                last.text = last.text[said.length :]
                released.append(last)
            elif isinstance(event, Finish) and self._running and _grew(said):
                self.note("content-cumulative")
                released.extend(Opaque(one.extras, one.choice) for one in said.held[:-1] if one.extras is not None)
                last.text = last.text[said.length :]
                released.append(last)
            else:
                released.extend(said.held)
            said.held = []
        self._holding = any(said.held for said in self._said.values())
        return released


def _grew(said: _Said) -> bool:
    """Whether a short answer came as running totals: each delta begins with the one before, and is no mere repeat."""
    held = said.held
    enough = len(held) >= MIN_EVIDENCE and len(held[-1].text) >= MIN_TEXT
    return enough and all(one.text.replace(said.total, "").strip() for one in held)


def _after_thoughts(total: str, text: str) -> bool:
    """Whether `text` is all of the answer that followed a block of thoughts, which are still in the text here."""
    if not total.endswith(text) or not total.lstrip().startswith(_OPENING):
        return False
    return total[: -len(text)].rstrip().endswith(_CLOSING)
