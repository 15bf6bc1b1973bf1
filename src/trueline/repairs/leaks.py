"""What leaks into the text of an answer, taken out where an option asks for it (`faults.md` section 12).

Each rule holds back only what may be such a leak: the beginning of the text until it is decided, or as many characters
at its end as could begin one.
"""

from __future__ import annotations

import re
from typing import ClassVar

from ..context import ReplyContext
from ..events import Event, Finish, Opaque, RefusalDelta, ReplyEnd, TextDelta, ToolFragment
from .base import Result, Rule
from .limits import FORMAT, asks

__all__ = ["SPECIAL_TOKENS", "JsonFences", "PrefillEcho", "TextEnds"]

SPECIAL_TOKENS = (
    "<|im_end|>",
    "</s>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
)
"""Tokens by which chat templates end a turn."""

_FENCE = re.compile(r"\s*```(?:json|JSON)?[ \t]*\n")
_MAY_BE_FENCE = re.compile(r"\s*(?:`{0,2}|```(?:j|js|jso|json|J|JS|JSO|JSON)?[ \t]*)\Z")
MAX_START = 1024
"""Characters at the beginning of a text that may be blanks before a fence."""
MAX_END = 64
"""Characters at the end of a text that may be a closing fence and the blanks around it: more of them must not wait."""
_CUT = ("length", "max_tokens", "model_length")


class _Held(Rule):
    """A rule that sees the text of each choice go by, and may keep some of it for a while."""

    sees = (TextDelta, ToolFragment, RefusalDelta, Finish, ReplyEnd)

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._texts: dict[int, str] = {}
        self._over: set[int] = set()

    @property
    def holding(self) -> list[int]:
        """The choices of which something is held."""
        return list(self._texts)

    def take(self, choice: int, text: str) -> tuple[str, str]:
        """What leaves of `text`, and what is held."""
        raise NotImplementedError

    def end(self, choice: int, held: str, cut: bool) -> str:
        """What leaves of what was held, when the text is over; `cut`: by a limit."""
        return held

    def see(self, event: TextDelta | ToolFragment | RefusalDelta | Finish | ReplyEnd) -> Result:
        if isinstance(event, TextDelta):
            return event if event.choice in self._over else self._text(event)
        if isinstance(event, ReplyEnd):
            released = [e for choice in self.holding for e in self._release(choice, not event.done)]
        else:
            released = self._release(event.choice, isinstance(event, Finish) and event.reason.lower() in _CUT)
        return [*released, event] if released else event

    def _text(self, event: TextDelta) -> Result:
        before = self._texts.pop(event.choice, "")
        out, held = self.take(event.choice, before + event.text)
        if held:
            self._texts[event.choice] = held
        return self._left(event, out)

    @staticmethod
    def _left(event: TextDelta, out: str) -> Result:
        """The event with what leaves of its text."""
        if not out and not isinstance(event.logprobs, dict):
            return None if event.extras is None else Opaque(event.extras, event.choice)
        event.text = out
        return event

    def _release(self, choice: int, cut: bool) -> list[Event]:
        if choice not in self._texts:
            return []
        text = self.end(choice, self._texts.pop(choice), cut)
        return [TextDelta(choice, text)] if text else []


class TextEnds(_Held):
    """Cut a template's token off the end of a text."""

    mends = ("special-token-leak",)
    _ENDS: ClassVar[tuple[str, ...]] = tuple(token + end for token in SPECIAL_TOKENS for end in ("", "\n"))
    _LONGEST: ClassVar[int] = max(map(len, _ENDS))

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.opted("special-token-leak")

    def take(self, choice: int, text: str) -> tuple[str, str]:
        for length in range(min(self._LONGEST, len(text)), 0, -1):
            if any(end.startswith(text[-length:]) for end in self._ENDS):
                return text[:-length], text[-length:]
        return text, ""

    def end(self, choice: int, held: str, cut: bool) -> str:
        if cut or held not in self._ENDS:
            return held
        self.note("special-token-leak")
        return ""


class PrefillEcho(_Held):
    """Cut the beginning of the answer that the request already had."""

    mends = ("prefill-echo",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.chat and context.opted("prefill-echo") and bool(_prefill(context))

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._prefill = _prefill(context)
        self._echoed: dict[int, int] = {}  # what is held is so many characters of the prefill

    def _text(self, event: TextDelta) -> Result:
        at = self._echoed.pop(event.choice, 0)
        end = at + len(event.text)
        if end < len(self._prefill) and self._prefill.startswith(event.text, at):
            self._echoed[event.choice] = end
            return self._left(event, "")
        self._over.add(event.choice)
        if not event.text.startswith(self._prefill[at:]):
            return self._left(event, self._prefill[:at] + event.text)
        self.note("prefill-echo")
        return self._left(event, event.text[len(self._prefill) - at :])

    @property
    def holding(self) -> list[int]:
        return list(self._echoed)

    def _release(self, choice: int, cut: bool) -> list[Event]:
        at = self._echoed.pop(choice, 0)
        return [TextDelta(choice, self._prefill[:at])] if at else []


def _prefill(context: ReplyContext) -> str:
    messages = context.request.body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return ""
    content = last.get("content")
    return content if isinstance(content, str) and content.strip() else ""


class JsonFences(_Held):
    """Take the Markdown fence off JSON that was asked for as such."""

    mends = ("json-mode-fenced",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return bool(asks(context) & FORMAT)

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._inside: set[int] = set()

    def take(self, choice: int, text: str) -> tuple[str, str]:
        if choice not in self._inside:
            fence = _FENCE.match(text)
            if fence is None:
                if len(text) <= MAX_START and _MAY_BE_FENCE.match(text):
                    return "", text
                self._over.add(choice)
                return text, ""
            self.note("json-mode-fenced")
            self._inside.add(choice)
            text = text[fence.end() :]
        body = text.rstrip()
        fence_at = max(len(body.rstrip("`")), len(body) - 3)
        at = max(len(body[:fence_at].rstrip()), len(text) - MAX_END)
        return text[:at], text[at:]

    def end(self, choice: int, held: str, cut: bool) -> str:
        return "" if choice in self._inside and held.strip() == "```" else held
