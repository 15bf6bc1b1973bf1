"""Which count a limit is held to: an upstream that kept it by its own count must never be cut.

With `on`, the limit is held by the best count there is.  With `auto`, where the tokens can only be estimated, a reply
is held to the fewest that it may have, and its thoughts do not count (servers differ).  A whole reply that says how
many tokens it has is believed, and so is the rest of a stream of which the end is there, where that is likely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...context import ReplyContext
from ...events import Event, Finish, ReasoningDelta, ReplyStart, ToolCallDelta, ToolCallStart, Usage
from ...finish_words import meaning
from ...tokens import ESTIMATE, TokenizerError, tokenizer_for
from ...tokens.least import LEAST
from ...tokens.pieces import PieceTokenizer
from ..tally import tokenizer_of
from ..usage import counts, mend_usage, unnoted
from .meter import Meter
from .texts import TEXTS, Texts, said_by
from .trim import size_of

__all__ = ["MAX_DOUBT", "Keeping", "visible"]

MAX_DOUBT = 256
"""Tokens beyond a limit that are held at most."""


class Keeping:
    """The limit of one exchange, and how it is measured."""

    def __init__(self, context: ReplyContext, limit: int) -> None:
        self._context = context
        self._limit = limit
        self._auto = context.options.enforce.max_tokens == "auto"
        self._by_entries = bool(context.request.body.get("logprobs"))
        self._tokenizer: PieceTokenizer = tokenizer_of(context)
        self._cuts = 0
        self.measures = True
        """False: the vocabulary cannot be had, and an estimate would not do."""

    @property
    def limit(self) -> int:
        """Tokens that were asked for at most."""
        return self._limit

    @property
    def doubt(self) -> int:
        """Tokens beyond the limit that are held, and not cut, until it is clear that the upstream did not keep it: one
        that counts otherwise says `length` soon.
        """
        return min(self._limit // 2 + 16, MAX_DOUBT) if self._auto else 0

    def cut(self, choices: int) -> None:
        """One of so many choices was cut at the limit: what is known of the completion's tokens."""
        self._cuts += 1
        least = 0 if self._tokenizer.exact else self._limit * self._cuts
        self._context.within = least, self._limit * max(choices, self._context.request.n)

    def doubted(self) -> Meter:
        """Measures what is held."""
        return Meter(self._counting, self.doubt)

    @property
    def _counting(self) -> PieceTokenizer:
        return self._tokenizer if self._tokenizer.exact or not self._auto else LEAST

    def hear(self, model: Any) -> None:
        """The reply names its model: if that has another vocabulary than what was asked for, neither is known."""
        if not isinstance(model, str) or not model or self._context.options.model_name == "requested":
            return
        files = self._context.route.tokenizers
        heard = tokenizer_for(model, files)
        if heard is self._tokenizer or (heard is ESTIMATE and self._tokenizer.name in files.values()):
            return
        self._tokenizer = ESTIMATE

    @property
    def loaded(self) -> bool:
        """Whether counting needs no `load` first."""
        return self._tokenizer.loaded or not self.measures

    def load(self) -> None:
        """Load the vocabulary: not on an event loop."""
        try:
            self._tokenizer.load()
        except TokenizerError:
            self.measures = not self._auto

    def believes(self, reported: int | None) -> bool:
        """Whether a report of so many tokens (`visible`), of all of a reply, says that its limit was kept."""
        return self._auto and reported is not None and 0 < reported <= self._limit

    def counts(self, event: Event) -> bool:
        """Whether the text of an event is held to the limit."""
        return not (self._auto and isinstance(event, ReasoningDelta) and not self._tokenizer.exact)

    def texts(self) -> Texts | None:
        """Measures a choice of a stream; the choices of a whole reply are known from `measured`."""
        if not self._context.request.stream or not self.measures:
            return None
        tokenizer, limit = self._tokenizer, self._limit
        thoughts = tokenizer.exact or not self._auto
        meter = Meter(tokenizer if thoughts else LEAST, limit)
        return Texts(meter, limit, by_entries=self._by_entries, thoughts=thoughts)

    def measured(self, events: list[Event]) -> tuple[int, Callable[[], dict[int, Texts | None]]]:
        """For a whole reply, how many bytes of it have to be counted, and what makes that which measures each choice,
        by what the reply says of itself: nothing where the limit was kept.
        """
        reported: int | None = None
        finishes: dict[int, str] = {}
        said: dict[int, list[str]] = {}
        for event in events:
            if isinstance(event, Usage):
                reported = visible(event, any(isinstance(event, ReasoningDelta) for event in events))
            elif isinstance(event, Finish):
                finishes[event.choice] = event.reason
            elif isinstance(event, ReplyStart):
                self.hear(event.model)
            elif isinstance(event, (*TEXTS, ToolCallStart, ToolCallDelta)) and self.counts(event):
                said.setdefault(event.choice, []).append(said_by(event))
        if len(said) != 1 and reported is not None and reported > self._limit:
            reported = None  # of all of them together
        kept = self.believes(reported)
        sizes = [sum(map(size_of, texts)) for texts in said.values()]

        def made() -> dict[int, Texts | None]:
            if not self.measures:
                return {}
            return {number: self._texts_for(finishes.get(number), reported, said[number]) for number in said}

        return 0 if kept else sum(size for size in sizes if size > self._limit), made

    def _texts(self, meter: Meter) -> Texts:
        thoughts = self._tokenizer.exact or not self._auto
        return Texts(meter, self._limit, by_entries=self._by_entries, thoughts=thoughts)

    def _meter(self) -> Meter:
        return Meter(self._counting, self._limit)

    def _texts_for(self, finish: str | None, reported: int | None, said: list[str]) -> Texts | None:
        meter = self._meter_for(finish, reported, said)
        return self._texts(meter) if meter is not None else None

    def _meter_for(self, finish: str | None, reported: int | None, said: list[str]) -> Meter | None:
        """For a choice that ended so, with so many tokens by its own report."""
        if self.believes(reported):
            return None
        if not self._auto:
            return self._meter()
        if self._tokenizer.exact or reported is None or (finish is not None and meaning(finish) == "length"):
            return self._meter()
        estimated = sum(map(ESTIMATE.count, said))
        if reported > estimated * 2:  # of more than can be seen
            return self._meter()
        return Meter(ESTIMATE, self._limit, estimated / reported)


def visible(usage: Usage, thoughts: bool) -> int | None:
    """The tokens of what can be seen of a reply, by its own report; `thoughts`: these can."""
    data = usage.data
    said: Any = data.get("completion_tokens")
    if type(said) is int and "completion_tokens_details" not in data:  # then nothing else would change it
        return said if said > 0 else None
    if not counts(data):
        return None
    data = mend_usage(data, unnoted)
    said = data["completion_tokens"]
    details = data.get("completion_tokens_details")
    thought = details.get("reasoning_tokens") if isinstance(details, dict) else None
    if said <= 0:
        return None
    return int(said) if thoughts or type(thought) is not int else max(said - thought, 1)
