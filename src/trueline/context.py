"""What every stage of one exchange may know: the request, the way it took, the options, and where faults are noted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .messages import ChatRequest, CompletionRequest
from .mint import Mint
from .options import Enforce, FormatOptions, Route, UsageSource
from .owed import Owed
from .said import Said

__all__ = ["Enforce", "FormatOptions", "ReplyContext", "Route", "UsageSource"]


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

    def owes(self) -> bool:
        """Whether work is owed now."""
        return self.owed is not None

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
