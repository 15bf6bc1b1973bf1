"""Log probabilities in OpenAI's shape, and only where they were asked for (`faults.md` section 12, rules.md C12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from ..context import ReplyContext
from ..events import (
    ChoiceStart,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from .base import Result, Rule

__all__ = ["Logprobs"]

Fields = dict[str, Any]

LOWEST = -9999.0
_SIDES = ("content", "refusal")


class Logprobs(Rule):
    """Mend `logprobs` wherever an event carries it."""

    sees = (ChoiceStart, TextDelta, ReasoningDelta, RefusalDelta, ToolCallStart, ToolCallDelta, Finish, Opaque)
    mends = (
        "logprobs-legacy",
        "logprobs-object-of-nulls",
        "logprobs-inf",
        "logprobs-unasked",
        "logprobs-entry",
        "logprobs-top",
    )

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        """Chats only."""
        return context.chat

    def see(self, event: Any) -> Result:
        value = event.logprobs
        if value is not UNSET and value is not None:
            event.logprobs = self._mend(value, event)
        return event  # type: ignore[no-any-return]  # one of `sees`

    def settled(self, kind: type) -> bool:
        return True

    def _mend(self, value: Any, event: Any) -> Any:
        if not self.context.request.logprobs and self.context.mends("logprobs-unasked"):
            nulls = isinstance(value, dict) and all(one is None for one in value.values())
            self.note("logprobs-object-of-nulls" if nulls else "logprobs-unasked")
            return None
        if not isinstance(value, dict):
            self.note("logprobs-legacy")
            return None
        if "token_logprobs" in value or isinstance(value.get("tokens"), list):
            self.note("logprobs-legacy")
            return self._legacy(value)
        mended = dict(value)
        for side in _SIDES:
            tokens = value.get(side)
            if isinstance(tokens, list):
                mended[side] = self._entries(tokens, self._token)
            elif tokens is not None:
                self.note("logprobs-object-of-nulls")
                mended[side] = None
        if not any(isinstance(mended.get(side), list) for side in _SIDES):
            self.note("logprobs-object-of-nulls")
            return None
        mended.setdefault("content", None)
        return mended

    def _entries(self, tokens: list[Any], read: Callable[[Fields], Fields]) -> list[Fields]:
        if not all(isinstance(token, dict) for token in tokens):
            self.note("logprobs-entry")
        return [read(token) for token in tokens if isinstance(token, dict)]

    def _token(self, token: Fields) -> Fields:
        asked = self.context.request.top_logprobs
        top = token.get("top_logprobs")
        if not isinstance(top, list):
            self.note("logprobs-entry")
            top = []
        if len(top) > asked:
            self.note("logprobs-top")
        return {**self._entry(token), "top_logprobs": self._entries(top[:asked], self._entry)}

    def _entry(self, token: Fields) -> Fields:
        text = token.get("token")
        if not isinstance(text, str):
            self.note("logprobs-entry")
            text = ""
        logprob = token.get("logprob")
        if not isinstance(logprob, (int, float)) or isinstance(logprob, bool) or not logprob >= LOWEST:
            self.note("logprobs-inf")
            logprob = LOWEST
        raw = token.get("bytes", UNSET)
        if raw is not None and not (isinstance(raw, list) and all(type(byte) is int for byte in raw)):
            self.note("logprobs-entry")
            raw = list(text.encode("utf-8", "replace"))
        return {**token, "token": text, "logprob": logprob, "bytes": raw}

    def _legacy(self, value: Fields) -> Any:
        """`{"tokens": [], "token_logprobs": [], "top_logprobs": []}` of the old completions API (`logprobs-legacy`)."""
        tokens = value.get("tokens")
        scores = value.get("token_logprobs")
        if not isinstance(tokens, list) or not isinstance(scores, list):
            return None
        tops = value.get("top_logprobs")
        tops = tops if isinstance(tops, list) else []
        content = []
        for position, (token, score) in enumerate(zip(tokens, scores, strict=False)):
            top = tops[position] if position < len(tops) else None
            pairs = [_of_text(t, p) for t, p in top.items()] if isinstance(top, dict) else []
            content.append(self._token({**_of_text(str(token), score), "top_logprobs": pairs}))
        return {"content": content, "refusal": None}


def _of_text(token: str, score: Any) -> Fields:
    return {"token": token, "logprob": score, "bytes": list(token.encode("utf-8", "replace"))}
