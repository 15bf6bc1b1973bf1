"""Only the fields that OpenAI sends, where `extras: drop` asks for that (`extra-fields`)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ..context import ReplyContext
from ..events import (
    ChoiceStart,
    Extras,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyStart,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from .base import Result, Rule
from .usage import DETAILS, TOTALS

__all__ = ["DropExtras", "HiddenThoughts"]

Fields = dict[str, Any]

# By whether the reply is streamed.  What they hold is the writer's to check.
_REPLY = {True: ("moderation", "obfuscation"), False: ("metadata", "moderation", "obfuscation")}
_MESSAGE = {True: ("audio",), False: ("annotations", "audio")}
_FILTERS = ("content_filter_results", "content_filter_result", "prompt_filter_results", "prompt_annotations")
_LEGACY = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
_TOKEN = ("token", "logprob", "bytes", "top_logprobs")


_BLOCKS = ("reasoning_details", "thinking_blocks")
_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking_content", "thinking", "thought")
_SAID = ("text", "thinking", "summary")
_EMPTY = frozenset(("type", "index", "format", "id"))


class HiddenThoughts(Rule):
    """Take thoughts out of the lists of blocks beside them too, where they are dropped or leave as text.

    What else a block holds stays: a next turn needs its signature.
    """

    sees = (ChoiceStart, TextDelta, ReasoningDelta, RefusalDelta, ToolCallStart, ToolCallDelta, Finish, Opaque)
    mends = ("reasoning-other-names",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.chat and context.options.reasoning in ("drop", "think")

    def see(self, event: Any) -> Result:
        extras = event.extras
        if extras is None or not extras.message:
            return event  # type: ignore[no-any-return]  # one of `sees`
        message = self._hidden(extras.message)
        if message != extras.message:
            self.note("reasoning-other-names")
            event.extras = None
            if message or extras.reply or extras.choice:
                event.extras = Extras(extras.reply, extras.choice, message or None)
        gone = type(event) is Opaque and event.extras is None
        return None if gone else event

    def _hidden(self, message: Fields) -> Fields:
        kept = dict(message)
        for name in _BLOCKS:
            if isinstance(kept.get(name), list):
                blocks = [_without_thought(block) for block in kept[name]]
                kept[name] = [block for block in blocks if block is not None]
                if not kept[name]:
                    del kept[name]
        if self.context.options.reasoning == "drop":
            for name in _FIELDS:
                if kept.get(name) is not None:
                    del kept[name]
        return kept


def _without_thought(block: Any) -> Any:
    """What a block holds beside its text; None where that is nothing."""
    if not isinstance(block, dict) or not any(isinstance(block.get(name), str) for name in _SAID):
        return block
    rest = {name: value for name, value in block.items() if name not in _SAID}
    return rest if any(rest[name] is not None for name in rest.keys() - _EMPTY) else None


class DropExtras(Rule):
    """Take away what OpenAI's schema does not know, at every level; thoughts too, unless they are written as text."""

    sees = (
        ReplyStart,
        ChoiceStart,
        TextDelta,
        ReasoningDelta,
        RefusalDelta,
        ToolCallStart,
        ToolCallDelta,
        Finish,
        Opaque,
        Usage,
    )
    mends = ("extra-fields", "content-filter-results")

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.options.extras == "drop"

    def see(self, event: Any) -> Result:
        kind = type(event)
        if kind is ReasoningDelta and self.context.options.reasoning != "think":
            self.note("extra-fields")
            return None
        if event.extras is not None:
            event.extras = self._kept(event.extras)
        if kind is ReplyStart and not self.context.chat and event.service_tier is not UNSET:
            self.note("extra-fields")
            event.service_tier = UNSET
        if kind is Opaque:
            return event if event.extras is not None else None
        if kind is Usage:
            event.data = self._usage(event.data)
        elif kind is ToolCallStart or kind is ToolCallDelta:
            if event.call_extras or event.function_extras:
                self.note("extra-fields")
            event.call_extras = event.function_extras = None
        if kind is not Usage and kind is not ReplyStart and isinstance(event.logprobs, dict):
            event.logprobs = _logprobs(event.logprobs) if self.context.chat else _only(event.logprobs, _LEGACY) or None
        return event  # type: ignore[no-any-return]  # one of `sees`

    def _kept(self, extras: Extras) -> Extras | None:
        stream = self.context.request.stream
        reply = _only(extras.reply, _REPLY[stream] if self.context.chat else ())
        message = _only(extras.message, _MESSAGE[stream])
        if (
            extras.choice
            or len(reply or ()) != len(extras.reply or ())
            or len(message or ()) != len(extras.message or ())
        ):
            self.note("extra-fields")
            if any(name in (extras.choice or ()) or name in (extras.reply or ()) for name in _FILTERS):
                self.note("content-filter-results")
        return Extras(reply=reply, message=message) if reply or message else None

    def _usage(self, data: Fields) -> Fields:
        kept = {name: data[name] for name in TOTALS}
        for name, counts in DETAILS.items():
            if name in data:
                kept[name] = _only(data[name], counts) or {}
        if kept != data:
            self.note("extra-fields")
        return kept


def _only(fields: Fields | None, names: tuple[str, ...]) -> Fields | None:
    return {k: v for k, v in fields.items() if k in names} if fields else None


def _logprobs(value: Fields) -> Fields:
    kept: Fields = {}
    for side in ("content", "refusal"):
        if side in value:
            tokens = value[side]
            kept[side] = [_known_token(t) for t in tokens] if isinstance(tokens, list) else tokens
    return kept


def _known_token(token: Fields) -> Fields:
    return {**(_only(token, _TOKEN) or {}), "top_logprobs": [_only(t, _TOKEN[:3]) for t in token["top_logprobs"]]}
