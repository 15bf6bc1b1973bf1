"""Thoughts that came as text, moved to where thoughts belong (`faults.md` section 8).

Only a reply that begins with an opening tag is split: an opening tag that is missing cannot be told from an answer that
mentions `</think>` (ruling 7), and a tag in the middle of an answer is the answer's.
"""

from __future__ import annotations

import re
from typing import TypeVar

from msgspec import UNSET

from ..context import ReplyContext
from ..events import Event, Finish, Opaque, ReasoningDelta, RefusalDelta, ReplyEnd, TextDelta, ToolFragment
from .base import Result, Rule

__all__ = ["BLOCKS", "ThinkTags"]

_TAGS = ("think", "thinking", "reasoning", "thought", "seed:think")
BLOCKS: dict[str, str] = {
    **{f"<{tag}>": f"</{tag}>" for tag in _TAGS},
    # gpt-oss, whose hosts forget to take its channels apart
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
}
"""What opens a block of thoughts -> what closes it."""
_OPENING = tuple(BLOCKS)
_LONGEST = max(map(len, _OPENING))
_BLANKS = re.compile(r"\s*")
_LINE_FEEDS = re.compile(r"[\r\n]*")
_Part = TypeVar("_Part", TextDelta, ReasoningDelta)


MAX_BLANKS = 64
"""Blanks before a tag: a stream of nothing else is no beginning of a thought, and must not wait."""


class _State:
    """Where one choice is: `start` before the first character that decides, `inside` a block, `after` it, or `off`."""

    __slots__ = ("closing", "fresh", "held", "phase", "pieces")

    def __init__(self) -> None:
        self.phase = "start"
        self.held = ""
        self.closing = ""
        self.fresh = False
        """The block was just opened: line feeds at its beginning are none of it."""
        self.pieces: list[TextDelta] = []
        """What came since the start: if it was no tag, all of it leaves as it came."""


class ThinkTags(Rule):
    """Split `<think>…</think>answer`, wherever the tags are cut; hold no more than a possible tag."""

    sees = (TextDelta, ReasoningDelta, ToolFragment, RefusalDelta, Finish, ReplyEnd)
    mends = ("think-in-content", "think-unclosed", "think-open-missing", "reasoning-tag-variants", "whitespace-around")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._states: dict[int, _State] = {}
        self._opening = _OPENING if context.mends("reasoning-tag-variants") else _OPENING[:1]
        self._trims = context.mends("whitespace-around")
        self._assumes = context.opted("think-open-missing")

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        options = context.options
        return context.chat and options.think_tags == "split" and options.reasoning != "think"

    def see(self, event: TextDelta | ReasoningDelta | ToolFragment | RefusalDelta | Finish | ReplyEnd) -> Result:
        if isinstance(event, ReasoningDelta):
            if self._assumes:  # its thoughts have a field of their own
                self._states.setdefault(event.choice, _State()).phase = "off"
            return event
        if isinstance(event, ReplyEnd):
            released = [e for choice in self._states for e in self._release(choice)]
            return [*released, event] if released else event
        state = self._states.get(event.choice)
        if not isinstance(event, TextDelta):
            if state is None or not (state.held or state.phase == "inside"):
                return event
            return [*self._release(event.choice), event]
        if state is None:
            state = self._states[event.choice] = _State()
        if state.phase == "off":
            return event
        return self._split(state, event)

    def settled(self, kind: type) -> bool:
        if kind is ReasoningDelta:
            return not self._assumes
        return kind is TextDelta and (state := self._states.get(0)) is not None and state.phase == "off"

    def _split(self, state: _State, event: TextDelta) -> Result:
        text = state.held + event.text
        state.held = ""
        events: list[Event] = []
        if state.phase == "start":
            state.pieces.append(event)
        at = 0  # a position and no rest: a text may hold any number of blocks
        while at < len(text):
            if state.phase == "start":
                at = self._begin(state, text, at, events)
            elif state.phase == "inside":
                at = self._inside(state, text, at, event, events)
            else:
                at = self._after(state, text, at, event, events)
        if not events and event.extras is not None and not (state.pieces and state.pieces[-1] is event):
            return Opaque(event.extras, event.choice)
        return event if len(events) == 1 and events[0] is event else events

    def _begin(self, state: _State, text: str, at: int, events: list[Event]) -> int:
        begin = _end(_BLANKS, text, at)
        tag = self._tag(text, begin)
        if tag is None and len(text) - at <= MAX_BLANKS + _LONGEST and self._may_open(text[begin:]):
            state.held = text[at:]
            return len(text)
        pieces, state.pieces = state.pieces, []
        if tag is None and not (self._assumes and not state.closing):
            state.phase = "off"
            events.extend(pieces)
            return len(text)
        events.extend(Opaque(p.extras, p.choice) for p in pieces[:-1] if p.extras is not None)
        if tag is not None:
            return self._open(state, tag, begin)
        self.note("think-open-missing")
        state.phase, state.closing, state.fresh = "inside", BLOCKS[_OPENING[0]], True
        return at

    def _tag(self, text: str, at: int) -> str | None:
        return next((tag for tag in self._opening if text.startswith(tag, at)), None)

    def _may_open(self, text: str) -> bool:
        """Whether this may be the beginning of a tag."""
        return len(text) < _LONGEST and any(tag.startswith(text) for tag in self._opening)

    def _open(self, state: _State, tag: str, at: int) -> int:
        self.note("think-in-content")
        if tag != _OPENING[0]:
            self.note("reasoning-tag-variants")
        state.phase, state.closing, state.fresh = "inside", BLOCKS[tag], True
        return at + len(tag)

    def _inside(self, state: _State, text: str, at: int, event: TextDelta, events: list[Event]) -> int:
        if state.fresh:
            at = _end(_LINE_FEEDS, text, at)
            if at == len(text):
                return at
            state.fresh = False
        closing = state.closing
        end = text.find(closing, at)
        if end >= 0:
            if end > at:
                events.append(_part(ReasoningDelta, event, text[at:end]))
            state.phase = "after"
            return end + len(closing)
        keep = len(text) - min(_partial_suffix(text, closing), len(text) - at)
        if keep > at:
            events.append(_part(ReasoningDelta, event, text[at:keep]))
        state.held = text[keep:]
        return len(text)

    def _after(self, state: _State, text: str, at: int, event: TextDelta, events: list[Event]) -> int:
        """Behind a block: the line feeds there belong to neither side, and another block may begin."""
        begin = _end(_LINE_FEEDS, text, at) if self._trims else at
        if begin > at:
            self.note("whitespace-around")
        if begin == len(text):
            return begin
        first = _end(_BLANKS, text, begin)
        tag = self._tag(text, first)
        if tag is not None:
            return self._open(state, tag, first)
        rest = _part(TextDelta, event, text[begin:])
        if text.startswith("<", first) and self._may_open(text[first:]):
            state.phase = "start"
            state.pieces.append(rest)
            return self._begin(state, text, begin, events)
        state.phase = "off"
        events.append(rest)
        return len(text)

    def _release(self, choice: int) -> list[Event]:
        """The text of this choice is over: what was held is what it looked like."""
        state = self._states.get(choice)
        if state is None:
            return []
        held, state.held = state.held, ""
        if state.phase == "inside":
            self.note("think-unclosed")
            state.phase = "off"
            return [ReasoningDelta(choice, held)] if held else []
        if state.phase == "start":
            state.phase = "off"
        pieces, state.pieces = state.pieces, []
        return list(pieces)


def _part(kind: type[_Part], event: TextDelta, text: str) -> _Part:
    """One of the events that `event` becomes; the first one takes what came along with the text."""
    part = kind(event.choice, text, event.logprobs, event.extras, event.last)
    event.logprobs, event.extras = UNSET, None
    return part


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _partial_suffix(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
