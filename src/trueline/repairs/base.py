"""What a rule is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias

from ..context import ReplyContext
from ..events import Event, Usage

__all__ = ["ENDLESS", "Holder", "Passing", "Result", "Rule"]

Result: TypeAlias = Event | list[Event] | None

ENDLESS: Final = sys.maxsize
"""The room of a rule that wants to see nothing more."""


class Holder(Protocol):
    """Holds back the end of a text, which may begin something that has to be seen."""

    waits: str
    """What it holds."""

    @property
    def marks(self) -> tuple[str, str]:
        """While it holds nothing, a text with neither of these passes; the empty one stands in every text."""

    def take(self, text: str) -> str | None:
        """What leaves of the text, behind what was held; None: it was not taken, and the event has to be seen."""


class Passing(NamedTuple):
    """How plain texts pass a rule that need not see each of them."""

    room: int = ENDLESS
    """Bytes that may pass so; less than none: the next event has to be seen."""
    longest: int = ENDLESS
    """Characters of the longest text that may."""
    keep: Callable[[list[str], str], object] | None = None
    """Called with the texts that passed, or that a holder of this rule took, before the rule sees or is asked anything
    else: with a list, which is the caller's, and with all of them in one.
    """
    holder: Holder | None = None
    """Rules behind this one meet what leaves it."""
    more: Callable[[int], int] | None = None
    """Called with so many bytes that want to pass where the room is used up: the room behind all that was kept.  None,
    or where that is too little: the event has to be seen.
    """
    admit: Callable[[str], bool] | None = None
    """Called with a text for which there is too little room: whether all of it is within it nevertheless.  `keep` is
    called with it next, and if not, as if this had not been called.  None: that cannot be known.
    """
    likely: Callable[[Usage], int] | None = None
    """Called with the upstream's report, which came with the end of the reply: how many bytes of text may well come
    before it; 0: none, or it is not believed.
    """
    believe: Callable[[], object] | None = None
    """Called where no more text than that came: the rule need not look at it.  `keep` is called with it all the same.
    """


class Rule:
    """One rule of one exchange.  Faults that it mends are listed in `mends` and noted by id."""

    sees: ClassVar[tuple[type, ...]] = ()
    """The event types that are handed to `see`."""
    mends: ClassVar[tuple[str, ...]] = ()
    """Ids of `faults.py`."""

    def __init__(self, context: ReplyContext) -> None:
        self.context = context
        self.note = context.note

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        """Whether the rule has anything to do under these options; asked once per exchange."""
        return True

    def see(self, event: Any) -> Result:
        """The event itself, another, several, or None to drop it."""
        raise NotImplementedError

    def settled(self, kind: type) -> bool:
        """Whether a plain event of this type would pass unchanged and leave no trace, and so would any number of them.

        Plain: of the only choice, with text that is not empty and well-formed, and no log probabilities.  Asked again
        after every other event.
        """
        return False

    def passing(self, kind: type) -> Passing | None:
        """How plain events of this type, which is not settled, pass without being seen; None: not at all, until
        another one came.

        Asked again when a text was longer, the room is used up and there is no more, or an event became something else.
        """
        return None

    def resume(self) -> Result:
        """What was held until work was done that the rule owed (`ReplyContext.owe`); asked when it is."""
        return None
