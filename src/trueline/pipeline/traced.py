"""The chain and the context of an exchange that is watched: `trueline explain` sees what every rule did.

They are chosen when the exchange begins; one that is not watched pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..context import FormatOptions, ReplyContext, Route
from ..events import Event
from ..messages import ChatRequest, CompletionRequest
from ..mint import Mint
from ..repairs import Result, Rule
from .base import Chain, See

__all__ = ["TracedContext", "Tracer", "chain_for"]


class Tracer(Protocol):
    """Who watches one exchange."""

    def noted(self, fault: str) -> None:
        """A fault was noted, by whoever has its turn."""

    def took(self, event: Event) -> None:
        """The reader has read an event, and the rules begin with it."""

    def gave(self, events: list[Event]) -> None:
        """What the rules made of that event."""

    def watch(self, rule: str, see: Callable[[Any], Result]) -> Callable[[Any], Result]:
        """Stands for `see` of that rule."""


class TracedContext(ReplyContext):
    """A context that tells its tracer of every fault."""

    __slots__ = ("tracer",)

    def __init__(
        self,
        request: ChatRequest | CompletionRequest,
        route: Route,
        mint: Mint,
        options: FormatOptions,
        tracer: Tracer,
    ) -> None:
        super().__init__(request, route, mint, options)
        self.tracer = tracer

    def note(self, fault: str) -> None:
        """See ReplyContext."""
        super().note(fault)
        if fault not in self.usual:
            self.tracer.noted(fault)


class _TracedChain(Chain):
    __slots__ = ("_tracer",)

    def __init__(self, context: TracedContext) -> None:
        super().__init__(context)
        self._tracer = context.tracer

    def _see(self, rule: Rule, kind: type) -> See:
        return self._tracer.watch(type(rule).__name__, rule.see)

    def push(self, event: Event, out: list[Event], after: int = -1) -> None:
        """See Chain."""
        if after >= 0:  # what a rule made, on its way to the later ones
            super().push(event, out, after)
            return
        self._tracer.took(event)
        before = len(out)
        super().push(event, out, after)
        self._tracer.gave(out[before:])


def chain_for(context: ReplyContext) -> Chain:
    """The chain of repairs for an exchange, watched where its context is."""
    return _TracedChain(context) if isinstance(context, TracedContext) else Chain(context)
