"""Usage that nobody reported, or that cannot be true: counted here, and marked as counted (`faults.md` section 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..context import ReplyContext, UsageSource
from ..events import ReasoningDelta, RefusalDelta, ReplyEnd, TextDelta, ToolCallDelta, ToolCallStart, Usage
from ..said import Said
from .base import Passing, Result, Rule
from .credible import few_for_prompt, few_for_reply, many_for_reply
from .tally import Numbers, count, estimate, is_loaded, is_quick, load, size_of, tokenizer_of
from .usage import counts, owes_usage

__all__ = ["MissingUsage"]

Fields = dict[str, Any]

MARK = "x_trueline"
"""The field of a usage that says that Trueline counted it, and how."""


class MissingUsage(Rule):
    """A reply that lacks the usage that it owes gets a count, marked as one; so does one that reports what cannot be:
    nothing at all, no completion for a text, no prompt.

    What takes long is owed (`ReplyContext.owe`); until then the event holds an estimate.
    """

    sees = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallStart, ToolCallDelta, Usage, ReplyEnd)
    mends = ("usage-missing-stream", "usage-missing-nonstream", "usage-placeholder-zero")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._owes = owes_usage(context)
        self._said = context.said = Said(self._owes)
        self._reported = False
        """A usage came by, that leaves."""

    def see(self, event: Any) -> Result:
        kind = type(event)
        if kind is Usage:
            return self._checked(event)
        elif kind is not ReplyEnd:
            self._said.add(event)
        elif self._owes:
            self._owes = False
            if not self.context.left:  # else it was not waited for
                self.note("usage-missing-stream" if self.context.request.stream else "usage-missing-nonstream")
            usage = Usage({})
            self._count(usage, True, True)
            return [usage, event]
        elif not self._reported:
            self._disbelieve()
        return event  # type: ignore[no-any-return]  # one of `sees`

    def passing(self, kind: type) -> Passing | None:
        """Text is most of what comes, and is kept."""
        keep = self._said.keeper(kind)
        return Passing(keep=keep) if keep is not None else None

    def _checked(self, usage: Usage) -> Usage:
        """The one report that leaves, with counts in place of what cannot be."""
        owes, self._owes = self._owes, False
        self._reported = True
        if not owes:
            return usage
        data, context = usage.data, self.context
        nothing = not counts(data)
        if nothing:
            usage.data = {}
        prompt = nothing or not self._is_prompt(data)
        completion = nothing or not self._is_completion(data)
        if prompt or completion:
            self.note("usage-placeholder-zero")
        if prompt or completion or context.recount:
            self._count(usage, prompt, completion or context.recount)
        return usage

    def _is_prompt(self, data: Fields) -> bool:
        """Whether the prompt may have had so many tokens."""
        tokens = data["prompt_tokens"]
        return not few_for_prompt(tokens, self.context) if tokens else not _asks(self.context)

    def _is_completion(self, data: Fields) -> bool:
        """Whether what was said may have so many tokens."""
        tokens = data["completion_tokens"]
        if not tokens:
            return not self._said.size
        if self.context.recount or few_for_reply(tokens, self.context):
            return self.context.recount
        return not many_for_reply(data, self.context)

    def _disbelieve(self) -> None:
        """What the upstream reported and nobody asked for: where it cannot be, it is not known."""
        context = self.context
        known = context.usage
        if known is None or context.usage_source is None or not counts(known):
            return
        if not (self._is_prompt(known) and self._is_completion(known)):
            context.usage = context.usage_source = None

    def _count(self, usage: Usage, prompt: bool, completion: bool) -> None:
        context = self.context
        if is_quick(context):
            self._fill(usage, prompt, completion, count(context, prompt, completion), self._thoughts())
            return
        if context.defers:
            self._fill(usage, prompt, completion, estimate(context))
        self._owe(
            partial(self._fill, usage, prompt, completion),
            lambda: (count(context, prompt, completion), self._thoughts()),
        )

    def _fill(self, usage: Usage, prompt: bool, completion: bool, numbers: Numbers, thoughts: int = 0) -> None:
        """Put the numbers where they are missing: that of the prompt, of the completion, or both."""
        context, data = self.context, usage.data
        prompt_tokens = numbers.prompt if prompt else data["prompt_tokens"]
        completion_tokens, details = data.get("completion_tokens", 0), data.get("completion_tokens_details")
        if completion:
            completion_tokens, details = self._said_of(numbers.completion, thoughts, details)
        source: UsageSource = "counted" if numbers.exact else "estimated"
        known = {
            **data,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        if details is not None:
            known["completion_tokens_details"] = details
        if context.options.extras == "keep":
            known[MARK] = source
        usage.data, context.usage, context.usage_source = known, known, source

    def _thoughts(self) -> int:
        """Tokens of the thoughts that a reply shows which was cut here."""
        if not self.context.recount or not self._said.thought:
            return 0
        tokenizer = tokenizer_of(self.context)
        return sum(tokenizer.count(message.get("reasoning_content") or "") for message in self._said.messages())

    def _said_of(self, tokens: int, thoughts: int, details: Any) -> tuple[int, Any]:
        """A completion that was counted, and its details: thoughts that it does not show are told by the upstream
        alone.
        """
        told = details.get("reasoning_tokens") if isinstance(details, dict) else None
        hidden = told if type(told) is int and not self._said.thought else 0
        counted, tokens = tokens, tokens + hidden
        if self.context.within is not None:
            least, most = self.context.within
            tokens = min(max(tokens, least), most)
        if type(told) is int:
            thought = max(tokens - counted, 0) if hidden else thoughts if self.context.recount else told
            details = {**details, "reasoning_tokens": min(thought, tokens)}
        return tokens, details

    def _owe(self, fill: Callable[[Numbers, int], None], work: Callable[[], tuple[Numbers, int]]) -> None:
        """Have it counted; the vocabulary is waited for, and a count that takes too long is not."""
        context = self.context
        found: list[tuple[Numbers, int]] = []

        def owe() -> None:
            context.owe(lambda: found.append(work()), lambda: fill(*found[0]), size_of(context), waits=False)

        if is_loaded(context):
            owe()
        else:
            context.owe(lambda: load(context), owe)


def _asks(context: ReplyContext) -> bool:
    """Whether there is a prompt that has tokens."""
    body = context.request.body
    messages = body.get("messages")
    if not context.chat or not isinstance(messages, list):
        return bool(body.get("prompt"))
    return any(isinstance(message, dict) and message.get("content") for message in messages)
