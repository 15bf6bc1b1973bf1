"""What is known of one choice while its end is looked for."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from .meter import Meter
from .stops import Stops
from .texts import Texts

__all__ = ["Choice"]


class Choice:
    """Of a reply."""

    __slots__ = ("beyond", "doubt", "ended", "logprobs", "marks", "over", "stopping", "stops", "texts", "waits")

    def __init__(self, texts: Texts | None, stops: Stops | None) -> None:
        self.texts = texts
        """Where a limit is measured."""
        self.stops = stops
        self.marks = stops.marks if stops is not None else ("", "")
        """See Holder."""
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

    def take(self, text: str) -> str | None:
        """See Holder: a content that holds no stop string leaves, up to what may begin one."""
        stops = self.stops
        if stops is None or isinstance(self.logprobs, dict):
            return None
        whole = self.waits + text
        for stop in stops.words:
            if stop in whole:
                return None
        if whole[-1:] not in stops.lasts:
            self.waits = ""
            return whole
        end = stops.held(whole)
        self.waits = whole[end:]
        return whole[:end]

    @property
    def closed(self) -> bool:
        """Nothing more is said in it."""
        return self.over or self.ended
