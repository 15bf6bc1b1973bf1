"""What every stage of one exchange may know: the request, the way it took, the options, and where faults are noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from .messages import ChatRequest, CompletionRequest
from .mint import Mint
from .owed import Owed
from .said import Said

__all__ = ["Enforce", "FormatOptions", "ReplyContext", "Route", "UsageSource"]

UsageSource = Literal["reported", "mended", "counted", "estimated"]
"""Who says what an exchange used: the upstream; the upstream, with its numbers put right; Trueline, by the model's own
tokenizer; Trueline, from sizes."""

Keeping = Literal["auto", "on", "off"]
"""Who sees to it that a reply keeps what was asked: Trueline where it is not known that the upstream does, always
Trueline, or the upstream alone."""


class Route(msgspec.Struct, frozen=True):
    """Which way a request went; part of a derived fingerprint and of error messages, so it carries no secret."""

    upstream: str = "upstream"
    """Name of the upstream in the settings, or its host."""
    model: str | None = None
    """The model name that the upstream was asked for, where it differs from the client's."""
    tokenizers: Mapping[str, str] = {}
    """Files of tokenizers by model, where the settings give any."""


class Enforce(msgspec.Struct, frozen=True, cache_hash=True):
    """What of a request Trueline sees to itself, where the upstream did not."""

    max_tokens: Keeping = "auto"
    """`max_tokens` and `max_completion_tokens`."""
    stop: Keeping = "auto"
    n: Keeping = "auto"
    logprobs: Keeping = "auto"
    response_format: Keeping = "auto"
    tool_choice: Keeping = "auto"
    on_invalid: Literal["error", "retry", "pass"] = "pass"
    """What becomes of an answer that does not keep to `response_format` or `tool_choice`."""
    retries: int = 2
    """How often at most a whole reply is asked for again."""


class FormatOptions(msgspec.Struct, frozen=True, cache_hash=True):
    """How replies are written where OpenAI's format leaves a choice."""

    extras: Literal["keep", "drop"] = "keep"
    """Fields beyond OpenAI's schema."""
    reasoning: Literal["reasoning_content", "reasoning", "think", "drop"] = "reasoning_content"
    """Where thoughts go: a field of that name, a `<think>` block in the content, or nowhere."""
    think_tags: Literal["split", "keep"] = "split"
    """Whether a reply that begins with a `<think>` block is split into thoughts and answer."""
    model_name: Literal["upstream", "requested"] = "upstream"
    id: Literal["keep", "openai"] = "keep"
    """`keep` a stable id of the upstream, or always mint one in OpenAI's form."""
    fingerprint: Literal["derive", "keep"] = "derive"
    """Where the upstream has no `system_fingerprint`: one is derived from the backend, or there is none."""
    tool_calls: Literal["as_sent", "whole"] = "as_sent"
    """Whether a streamed tool call leaves as it comes, or in one piece when it is complete."""
    options: tuple[str, ...] = ()
    """Ids of faults with the action `option` that are mended as well (`switches.py`)."""
    off: tuple[str, ...] = ()
    """Ids of faults that are not mended, so that what the upstream said leaves (`switches.py`)."""
    enforce: Enforce = Enforce()
    """What of the request is kept although the upstream does not."""


class ReplyContext:
    """One exchange.  `note` counts a fault by its id (`faults.py`)."""

    __slots__ = (
        "chat",
        "defers",
        "faults",
        "kept",
        "left",
        "mint",
        "options",
        "owed",
        "recount",
        "request",
        "route",
        "said",
        "tier",
        "translated",
        "upstream_id",
        "usage",
        "usage_source",
        "usual",
        "within",
    )

    def __init__(
        self,
        request: ChatRequest | CompletionRequest,
        route: Route,
        mint: Mint,
        options: FormatOptions = FormatOptions(),
    ) -> None:
        self.request = request
        self.chat = isinstance(request, ChatRequest)
        """A chat, and not a legacy completion: those have no tools, no thoughts and other log probabilities."""
        self.route = route
        self.mint = mint
        self.options = options
        self.faults: dict[str, int] = {}
        self.usage: dict[str, Any] | None = None
        """OpenAI's `usage` of the exchange once it is known, whether it leaves or not."""
        self.usage_source: UsageSource | None = None
        self.recount = False
        """The reply was cut here, so what the upstream reports of the completion is not what was sent."""
        self.within: tuple[int, int] | None = None
        """The fewest and the most tokens of a completion that was cut at its limit here."""
        self.kept = False
        """The upstream was seen to keep a limit that the reply reached."""
        self.left = False
        """The reply was ended here, and the upstream may go on: its connection is of no more use."""
        self.said: Said | None = None
        """What the reply said so far, as far as it may have to be counted."""
        self.defers = False
        """Whoever drives the exchange takes long work off its event loop (see `owe`)."""
        self.owed: Owed | None = None
        self.translated = False
        """The upstream speaks an API of its own, in which OpenAI's ids, times and objects have no place."""
        self.usual: frozenset[str] = frozenset()
        """Faults of OpenAI's format that are the upstream's own form of saying things: put right, and not noted."""
        self.upstream_id: str | None = None
        """The upstream's own id, where it was replaced."""
        self.tier: Any = None
        """The service tier that the reply names, as it names it."""

    @property
    def tiers(self) -> tuple[Any, Any]:
        """The service tiers that the request and the reply name, so far."""
        return self.request.body.get("service_tier"), self.tier

    def mends(self, fault: str) -> bool:
        """Whether a mend was not switched off."""
        return fault not in self.options.off

    def opted(self, fault: str) -> bool:
        """Whether an option was switched on."""
        return fault in self.options.options

    def owe(
        self, work: Callable[[], None], then: Callable[[], None] | None = None, size: int = 0, waits: bool = True
    ) -> bool:
        """Have long work done, such as a count or the loading of a vocabulary; whether it is done already.

        If not, nothing more of the reply is taken until it is: the pipeline keeps what comes (`Pipeline.owed`).  `then`
        takes over what it found, `size` is of how many bytes it is, and without `waits` it may be dropped after a
        while, so that the reply goes on without it.
        """
        if not self.defers:
            work()
            if then is not None:
                then()
            return True
        if self.owed is None:
            self.owed = Owed()
        self.owed.add(work, then, size, waits)
        return False

    def note(self, fault: str) -> None:
        if fault in self.usual:
            return
        self.faults[fault] = self.faults.get(fault, 0) + 1
