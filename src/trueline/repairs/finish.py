"""Why a choice ended: one of OpenAI's five words, once, after everything else of the choice (`faults.md` 4, 5 and 15).

A finish is held until something else happens than more of its own choice, because text, tool calls and repeats come
after it at some servers, and an error after it wins (ruling 6).  No token waits for that.
"""

from __future__ import annotations

from typing import Any

from ..context import ReplyContext
from ..errors import UpstreamCutError, UpstreamReplyError
from ..events import (
    ChoiceStart,
    Event,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ..finish_words import STRENGTH
from ..finish_words import meaning as meaning_of
from .base import Result, Rule

__all__ = ["FinishReasons"]

_OWN_FAULTS = {
    "tool_call": "finish-tool_call-singular",
    "tool_use": "finish-tool_call-singular",
    "sensitive": "err-moderation-200",
}
_OPENAI = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))


class FinishReasons(Rule):
    """Map, hold, deduplicate and, where the upstream said that it was done, supply finish reasons."""

    sees = (
        ChoiceStart,
        TextDelta,
        ReasoningDelta,
        RefusalDelta,
        ToolCallStart,
        ToolCallDelta,
        Finish,
        Opaque,
        Usage,
        ReplyEnd,
    )
    mends = (
        "finish-length-masked",
        "finish-length-false",
        "finish-foreign-vocab",
        "finish-stop-with-tools",
        "finish-tool_calls-without-tools",
        "finish-tool_call-singular",
        "finish-function_call-for-tools",
        "finish-null-nonstream",
        "finish-error-value",
        "finish-twice",
        "finish-missing",
        "finish-lost-with-logprobs",
        "err-moderation-200",
        "n-ignored",
        "n-finish-shared",
        "content-after-finish",
        "eof-truncated",
        "empty-stream",
        "done-missing",
    )

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._open: dict[int, None] = {}  # choices that have started and not finished, in order
        self._spoke: set[int] = set()
        self._calls: dict[int, str] = {}  # choice -> kind of its calls
        self._held: dict[int, Finish] = {}
        self._finished: set[int] = set()
        self._limit = _limit(context.request.body)
        self._completion: int | None = None
        self._owes_usage = context.request.stream and context.request.include_usage

    def see(self, event: Any) -> Result:
        kind = type(event)
        if kind is Finish:
            return self._finish(event)
        if kind is ReplyEnd:
            return self._end(event)
        if kind is Usage:
            said = event.data.get("completion_tokens", event.data.get("output_tokens"))
            self._completion = said if type(said) is int else self._completion
            if event.alone and said and self._owes_usage and self._open.keys() - self._held.keys():
                self.note("usage-in-finish-chunk")  # before the finish
            return event  # type: ignore[no-any-return]  # one of `sees`
        choice = event.choice
        if kind is Opaque:
            if choice is None and self._held and "moderation" in (event.extras.reply or ()):
                return [*self._release(), event]
            return None if choice in self._finished else event
        if kind is ChoiceStart:
            self._open[choice] = None
        else:
            self._spoke.add(choice)
            if kind is ToolCallStart:
                self._calls[choice] = event.kind
        if self._held or self._finished:
            return self._after_finish(event, choice)
        return event  # type: ignore[no-any-return]  # one of `sees`

    def settled(self, kind: type) -> bool:
        return 0 in self._spoke and not self._held and not self._finished

    def _after_finish(self, event: Any, choice: int) -> Result:
        if choice in self._finished:
            self.note("content-after-finish")
            return None  # another choice spoke meanwhile, so that the finish is out
        if choice in self._held:
            self.note("content-after-finish")
            return event  # type: ignore[no-any-return]  # one of `sees`
        return [*self._release(), event]

    def _finish(self, event: Finish) -> Result:
        meaning = self._meaning(event.reason)
        choice = event.choice
        if meaning == "empty_is_error":
            meaning = "stop" if choice in self._spoke else "error"
        if meaning == "error":
            self.note("finish-error-value")
            return Failure(_failed(event.reason))
        held = self._held.get(choice)
        if held is None and choice not in self._finished:
            event.reason = meaning
            self._held[choice] = event
            return None
        self.note("finish-twice")
        if held is not None and STRENGTH.get(meaning, 0) > STRENGTH.get(held.reason, 0):
            held.reason = meaning
        return None

    def _meaning(self, word: str) -> str:
        if word in _OPENAI:
            return word
        meaning = meaning_of(word)
        fault = _OWN_FAULTS.get(word.lower(), "finish-foreign-vocab")
        if meaning in _OPENAI and not self.context.mends(fault):
            return word
        self.note(fault)
        return meaning

    def _reason(self, choice: int, word: str) -> str:
        """The word for this choice, knowing what it said: length and content_filter outrank everything."""
        if word in ("length", "content_filter") or word not in _OPENAI:
            return word
        calls = self._calls.get(choice)
        if calls is None:
            right, fault = "stop", "finish-tool_calls-without-tools"
        else:
            right = "function_call" if calls == "function_call" else "tool_calls"
            fault = "finish-stop-with-tools" if word == "stop" else "finish-function_call-for-tools"
        if word == right or (word == "stop" and self.context.request.named_tool) or not self.context.mends(fault):
            return word
        self.note(fault)
        return right

    def _measured(self, word: str) -> str:
        """`length` by the tokens that were reported and those that were asked for, where an option believes them."""
        said, limit = self._completion, self._limit
        if said is None or limit is None or self.context.request.n != 1:
            return word
        if word in ("stop", "tool_calls") and said >= limit and self.context.opted("finish-length-masked"):
            self.note("finish-length-masked")
            return "length"
        if word == "length" and 0 < said < limit and self.context.opted("finish-length-false"):
            self.note("finish-length-false")
            return "stop"
        return word

    def _release(self) -> list[Event]:
        released: list[Event] = []
        for choice, finish in self._held.items():
            finish.reason = self._reason(choice, self._measured(finish.reason))
            self._open.pop(choice, None)
            self._finished.add(choice)
            released.append(finish)
        self._held.clear()
        return released

    def _end(self, event: ReplyEnd) -> Result:
        if not self._open and not self._finished:
            self.note("empty-stream")
            return Failure(
                UpstreamCutError("The upstream's reply ended before it said anything.", code="upstream_empty_reply")
            )
        missing = [choice for choice in self._open if choice not in self._held]
        if missing and not event.done:
            return self._cut()
        if not event.done:
            self.note("done-missing")
        for choice in missing:
            fault = self._lost()
            if not self.context.mends(fault):
                return self._cut()
            self.note(fault)
            calls = self._calls.get(choice)
            reason = "stop" if calls is None else "function_call" if calls == "function_call" else "tool_calls"
            self._held[choice] = Finish(choice, reason)
        released = self._release()
        if len(self._finished) < self.context.request.n:
            self.note("n-ignored")
        return [*released, event]

    def _cut(self) -> Failure:
        self.note("eof-truncated")
        return Failure(UpstreamCutError("The upstream's reply was cut: it ended with no finish reason."))

    def _lost(self) -> str:
        """The fault of a choice that has no finish though the upstream says that it is done."""
        if self._held or self._finished:
            return "n-finish-shared"
        if not self.context.request.stream:
            return "finish-null-nonstream"
        return "finish-lost-with-logprobs" if self.context.request.logprobs else "finish-missing"


def _limit(body: dict[str, Any]) -> int | None:
    """How many tokens were asked for at most."""
    given = body.get("max_completion_tokens") or body.get("max_tokens")
    return given if isinstance(given, int) else None


def _failed(word: str) -> UpstreamReplyError:
    return UpstreamReplyError(f"The upstream ended its reply with an error (finish reason '{word}').", status=502)
