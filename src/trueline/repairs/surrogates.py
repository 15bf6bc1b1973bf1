"""Halves of UTF-16 pairs, joined over deltas or replaced (`lone-surrogate`)."""

from __future__ import annotations

from ..context import ReplyContext
from ..events import Finish, Opaque, ReasoningDelta, ReplyEnd, TextDelta
from ..wire import jsonio
from .base import Result, Rule

__all__ = ["Surrogates"]


class Surrogates(Rule):
    """A high half at the end of a delta waits for the next delta of its kind; any other lone half is U+FFFD."""

    sees = (TextDelta, ReasoningDelta, Finish, ReplyEnd)
    mends = ("lone-surrogate",)

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._held: dict[int, TextDelta | ReasoningDelta] = {}

    def see(self, event: TextDelta | ReasoningDelta | Finish | ReplyEnd) -> Result:
        kind = type(event)
        if kind is Finish or kind is ReplyEnd:
            if not self._held:
                return event
            return [*self._release(None if kind is ReplyEnd else event.choice), event]  # type: ignore[union-attr]
        text = event.text  # type: ignore[union-attr]
        if not self._held and (text.isascii() or not jsonio.has_surrogates(text)):
            return event
        return self._mend(event)  # type: ignore[arg-type]

    def settled(self, kind: type) -> bool:
        return not self._held

    def _mend(self, event: TextDelta | ReasoningDelta) -> Result:
        held = self._held.pop(event.choice, None)
        before: list[TextDelta | ReasoningDelta] = []
        if held is not None:
            if type(held) is type(event):
                event.text = held.text + event.text
            else:
                held.text = "�"
                before.append(held)
        if event.text and 0xD800 <= ord(event.text[-1]) <= 0xDBFF:
            rest = type(event)(event.choice, event.text[-1])
            self._held[event.choice] = rest
            event.text = event.text[:-1]
        if jsonio.has_surrogates(event.text):
            event.text = jsonio.mend_surrogates(event.text)
        if event.text:
            return [*before, event]
        return [*before, *([] if event.extras is None else [Opaque(event.extras, event.choice, event.logprobs)])]

    def _release(self, choice: int | None) -> list[TextDelta | ReasoningDelta]:
        choices = list(self._held) if choice is None else [choice]
        released = [self._held.pop(c) for c in choices if c in self._held]
        for event in released:
            event.text = "�"
        return released
