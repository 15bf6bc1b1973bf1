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
)
from .base import Result, Rule

__all__ = ["FINISH_WORDS", "FinishReasons"]

_WORDS = {
    "stop": "stop end_turn stop_sequence pause_turn eos eos_token end stop_str stop_token generated complete completed "
    "finished finish stop_criteria_met done normal 1",
    "length": "length max_tokens model_length max_length max_output_tokens model_context_window_exceeded compaction 2",
    "tool_calls": "tool_calls tool_use tool_call tools tool-calls",
    "function_call": "function_call",
    "content_filter": "content_filter safety blocklist prohibited_content spii language recitation model_armor refusal "
    "error_toxic content_filtered guardrail_intervened sensitive blocked content-filter 3 4 5 6 7 8 9 10 11",
    "error": "error timeout network_error abort aborted cancelled insufficient_system_resource",
    "empty_is_error": "other finish_reason_unspecified malformed_function_call unexpected_tool_call "
    "too_many_tool_calls malformed_response load unload",
}

FINISH_WORDS: dict[str, str] = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}
"""Lower-case word of any server -> one of OpenAI's five, `error`, or `empty_is_error`: stop where there is content."""

_OWN_FAULTS = {
    "tool_call": "finish-tool_call-singular",
    "tool_use": "finish-tool_call-singular",
    "sensitive": "err-moderation-200",
}
_OPENAI = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_STRENGTH = {"stop": 0, "function_call": 1, "tool_calls": 2, "content_filter": 3, "length": 4}


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
        ReplyEnd,
    )
    mends = (
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

    def see(self, event: Any) -> Result:
        kind = type(event)
        if kind is Finish:
            return self._finish(event)
        if kind is ReplyEnd:
            return self._end(event)
        choice = event.choice
        if kind is Opaque:
            return None if choice in self._finished else event
        if kind is ChoiceStart:
            self._open[choice] = None
        else:
            self._spoke.add(choice)
            if kind is ToolCallStart:
                self._calls[choice] = event.kind
        if self._held or self._finished:
            return self._after_finish(event, choice)
        return event  # type: ignore[no-any-return]

    def _after_finish(self, event: Any, choice: int) -> Result:
        if choice in self._finished:
            self.note("content-after-finish")
            return None  # another choice spoke meanwhile, so that the finish is out
        if choice in self._held:
            self.note("content-after-finish")
            return event  # type: ignore[no-any-return]
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
        if held is not None and _STRENGTH[meaning] > _STRENGTH[held.reason]:
            held.reason = meaning
        return None

    def _meaning(self, word: str) -> str:
        if word in _OPENAI:
            return word
        lower = word.lower()
        self.note(_OWN_FAULTS.get(lower, "finish-foreign-vocab"))
        if lower.startswith("image_"):
            return "content_filter"
        return FINISH_WORDS.get(lower, "stop")

    def _reason(self, choice: int, word: str) -> str:
        """The word for this choice, knowing what it said: length and content_filter outrank everything."""
        if word in ("length", "content_filter"):
            return word
        calls = self._calls.get(choice)
        if calls is None:
            if word == "stop":
                return word
            self.note("finish-tool_calls-without-tools")
            return "stop"
        right = "function_call" if calls == "function_call" else "tool_calls"
        if word == right or (word == "stop" and self.context.request.named_tool):
            return word
        self.note("finish-stop-with-tools" if word == "stop" else "finish-function_call-for-tools")
        return right

    def _release(self) -> list[Event]:
        released: list[Event] = []
        for choice, finish in self._held.items():
            finish.reason = self._reason(choice, finish.reason)
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
            self.note("eof-truncated")
            return Failure(UpstreamCutError("The upstream's reply was cut: it ended with no finish reason."))
        if not event.done:
            self.note("done-missing")
        stream = self.context.request.stream
        for choice in missing:
            shared = bool(self._held or self._finished)
            missing_in_stream = "finish-lost-with-logprobs" if self.context.request.logprobs else "finish-missing"
            self.note("n-finish-shared" if shared else missing_in_stream if stream else "finish-null-nonstream")
            calls = self._calls.get(choice)
            reason = "stop" if calls is None else "function_call" if calls == "function_call" else "tool_calls"
            self._held[choice] = Finish(choice, reason)
        return [*self._release(), event]


def _failed(word: str) -> UpstreamReplyError:
    return UpstreamReplyError(f"The upstream ended its reply with an error (finish reason '{word}').", status=502)
