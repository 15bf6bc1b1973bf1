"""What an exchange used: as its upstream said, or counted from what was asked and said."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from ..context import ReplyContext, UsageSource
from ..said import Said
from ..tokens import TokenizerError, tokenizer_for
from ..tokens.completion import count_completion
from ..tokens.pieces import PieceTokenizer
from ..tokens.prompt import count_prompt
from .usage import mend_usage, unnoted

__all__ = [
    "Numbers",
    "Tally",
    "count",
    "estimate",
    "is_loaded",
    "is_quick",
    "load",
    "size_of",
    "tally",
    "tokenizer_of",
]

AT_ONCE = 4096
"""Bytes of prompt and reply up to which they are counted at once, with a vocabulary that is there."""
LOOKED_AT = 16 * 1024
"""Bytes of a prompt of whose texts an estimate is made at once."""
_NOBODYS = "-"
"""The name of a model without a vocabulary."""


class Tally:
    """Tokens of one exchange, and who says so."""

    __slots__ = ("completion", "prompt", "source", "usage")

    def __init__(self, prompt: int, completion: int, source: UsageSource, usage: dict[str, Any]) -> None:
        self.prompt = prompt
        self.completion = completion
        self.source = source
        self.usage = usage
        """OpenAI's `usage`, with details where there are any."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        mine, others = ((t.prompt, t.completion, t.source, t.usage) for t in (self, other))
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # its usage may still change


class Numbers(NamedTuple):
    """What was counted."""

    prompt: int
    completion: int
    exact: bool


def tally(context: ReplyContext) -> Tally | None:
    """What was used so far, without taking long: for the log, where nobody was to get a count.

    None where the reply has not begun.
    """
    usage, source = context.usage, context.usage_source
    if usage is not None and source is None:  # the stream ended before its end
        mended = mend_usage(usage, unnoted)
        source = "reported" if mended == usage else "mended"
        usage = mended if mended["completion_tokens"] else None
    if usage is None or source is None:
        if context.said is None:
            return None
        numbers = count(context) if is_quick(context) else estimate(context)
        source = "counted" if numbers.exact else "estimated"
        prompt, completion = numbers.prompt, numbers.completion
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return Tally(usage["prompt_tokens"], usage["completion_tokens"], source, usage)


def is_loaded(context: ReplyContext) -> bool:
    """Whether counting needs no `load` first."""
    return tokenizer_of(context).loaded


def load(context: ReplyContext) -> None:
    """Load the vocabulary, which takes part of a second; where it cannot be had, an estimate takes its place."""
    with suppress(TokenizerError):
        tokenizer_of(context).load()


def size_of(context: ReplyContext) -> int:
    """Bytes of prompt and reply."""
    return context.request.prompt_size + (context.said.size if context.said is not None else 0)


def is_quick(context: ReplyContext) -> bool:
    """Whether `count` takes no longer than a millisecond."""
    said = context.said
    if not is_loaded(context):
        return False
    return (said.size if said is not None else 0) <= AT_ONCE and context.request.prompt_size <= AT_ONCE


def count(context: ReplyContext, prompt: bool = True, completion: bool = True) -> Numbers:
    """The numbers by the model's own tokenizer, which is loaded for it; what is not asked for is 0.

    Not for an event loop, unless `is_quick`.
    """
    said, request = context.said or Said(), context.request
    model, files, exact = _model(context), context.route.tokenizers, True
    prompt_tokens = completion_tokens = 0
    if prompt and request.whole:
        counted = count_prompt(request.body, model, files)
        prompt_tokens, exact = counted.tokens, counted.exact
    elif prompt:
        prompt_tokens, exact = _prompt_about(context), False
    if completion and said.kept:
        counted = count_completion(said.messages(), model, files, request.body, cut=context.recount)
        completion_tokens, exact = counted.tokens, exact and counted.exact
    elif completion:
        completion_tokens, exact = said.about, False
    return Numbers(prompt_tokens, completion_tokens, exact)


def estimate(context: ReplyContext) -> Numbers:
    """The numbers by what kinds of characters there are, without taking long."""
    return Numbers(_prompt_about(context), context.said.about if context.said is not None else 0, False)


def _prompt_about(context: ReplyContext) -> int:
    request = context.request
    size = request.prompt_size
    if request.whole and size <= LOOKED_AT:
        return count_prompt(request.body, _NOBODYS).tokens
    return size // 4 + 1  # of JSON, of which little is known but its size


def _model(context: ReplyContext) -> str | None:
    """The name by which the model's tokenizer is known: the upstream's, or else the client's."""
    asked, own = context.request.model, context.route.model
    return own if own is not None and (asked is None or tokenizer_for(own, context.route.tokenizers).exact) else asked


def tokenizer_of(context: ReplyContext) -> PieceTokenizer:
    """The tokenizer of the model that was asked."""
    return tokenizer_for(_model(context), context.route.tokenizers)
