"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from ..context import ReplyContext
from ..events import Event

__all__ = ["Result", "Rule"]

Result: TypeAlias = Event | list[Event] | None


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

    def seer(self, kind: type) -> Callable[[Any], Result]:
        """What takes the events of one type: `see`, or what does the same for these in less time."""
        return self.see

    def settled(self, kind: type) -> bool:
        """Whether a plain event of this type would pass unchanged and leave no trace, and so would any number of them.

        Plain: of the only choice, with text that is not empty and well-formed, and no log probabilities.  Asked again
        after every other event.
        """
        return False

    def resume(self) -> Result:
        """What was held until work was done that the rule owed (`ReplyContext.owe`); asked when it is."""
        return None
