"""What is known of one choice while its end is looked for."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from .meter import Meter
from .texts import Texts

__all__ = ["Choice"]


class Choice:
    """Of a reply."""

    __slots__ = ("beyond", "doubt", "ended", "logprobs", "over", "stopping", "texts", "waits")

    def __init__(self, texts: Texts | None) -> None:
        self.texts = texts
        """Where a limit is measured."""
        self.beyond: list[Any] | None = None
        """What came behind the limit, until it is clear whether the upstream kept it by its own count."""
        self.doubt: Meter | None = None
        """Measures how much more may come until then."""
        self.waits = ""
        """The end of the content, which may begin a stop string, and its log probabilities."""
        self.logprobs: Any = UNSET
        self.stopping = False
        """A stop string was reached; whether the upstream knows is not clear yet."""
        self.over = False
        """It was ended here."""
        self.ended = False
        """The upstream has ended it."""

    @property
    def closed(self) -> bool:
        """Nothing more is said in it."""
        return self.over or self.ended
