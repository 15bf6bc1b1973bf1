"""Thoughts that came as text, moved to where thoughts belong (`faults.md` section 8).

Only a reply that begins with an opening tag is split: an opening tag that is missing cannot be told from an answer that
mentions `</think>` (ruling 7), and a tag in the middle of an answer is the answer's.
"""

from __future__ import annotations

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

    def _split(self, state: _State, event: TextDelta) -> Result:
        text = state.held + event.text
        state.held = ""
        events: list[Event] = []
        if state.phase == "start":
            state.pieces.append(event)
        while text:
            if state.phase == "start":
                text = self._begin(state, text, events)
            elif state.phase == "inside":
                text = self._inside(state, text, event, events)
            else:  # after: the blanks that follow a block belong to neither side
                text = self._trim(text)
                if not text:
                    break
                if text.lstrip().startswith("<") and self._may_open(text.lstrip()):
                    state.phase = "start"
                    state.pieces.append(_part(TextDelta, event, text))
                    continue
                state.phase = "off"
                events.append(_part(TextDelta, event, text))
                break
        if not events and event not in state.pieces and event.extras is not None:
            return Opaque(event.extras, event.choice)
        return events

    def _trim(self, text: str) -> str:
        trimmed = text.lstrip("\r\n") if self._trims else text
        if trimmed != text:
            self.note("whitespace-around")
        return trimmed

    def _may_open(self, text: str) -> bool:
        return any(text.startswith(tag) or tag.startswith(text) for tag in self._opening)

    def _begin(self, state: _State, text: str, events: list[Event]) -> str:
        stripped = text.lstrip()
        tag = next((t for t in self._opening if stripped.startswith(t)), None)
        if (
            tag is None
            and len(text) <= MAX_BLANKS + _LONGEST
            and (not stripped or (len(stripped) < _LONGEST and any(t.startswith(stripped) for t in self._opening)))
        ):
            state.held = text
            return ""
        pieces, state.pieces = state.pieces, []
        if tag is None and self._assumes and not state.closing:
            self.note("think-open-missing")
            events.extend(Opaque(p.extras, p.choice) for p in pieces[:-1] if p.extras is not None)
            state.phase, state.closing, state.fresh = "inside", BLOCKS[_OPENING[0]], True
            return text
        if tag is None:
            state.phase = "off"
            events.extend(pieces)
            return ""
        self.note("think-in-content")
        if tag != _OPENING[0]:
            self.note("reasoning-tag-variants")
        events.extend(Opaque(p.extras, p.choice) for p in pieces[:-1] if p.extras is not None)
        state.phase, state.closing, state.fresh = "inside", BLOCKS[tag], True
        return stripped[len(tag) :]

    def _inside(self, state: _State, text: str, event: TextDelta, events: list[Event]) -> str:
        if state.fresh:
            text = text.lstrip("\r\n")
            if not text:
                return ""
            state.fresh = False
        closing = state.closing
        at = text.find(closing)
        if at >= 0:
            if at:
                events.append(_part(ReasoningDelta, event, text[:at]))
            state.phase = "after"
            return text[at + len(closing) :]
        keep = _partial_suffix(text, closing)
        if len(text) > keep:
            events.append(_part(ReasoningDelta, event, text[: len(text) - keep]))
        state.held = text[len(text) - keep :] if keep else ""
        return ""

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


def _partial_suffix(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
