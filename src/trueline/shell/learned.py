"""What upstreams turned out to take and to keep, for as long as the process runs."""

from __future__ import annotations

import msgspec

from ..dialects.openai_chat.refusals import Lesson
from ..providers import Capabilities
from .routes import Choice

__all__ = ["Learned"]

_MOST = 1000
"""Models, whose names clients choose."""


class Learned:
    """By upstream and model, what is known: what the settings and the table of providers say, and what it taught."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], Capabilities] = {}

    def of(self, choice: Choice, model: str | None) -> Capabilities:
        """What is known of the upstream, for a model of that name."""
        known = self._known
        if not known:
            return choice.backend.capabilities
        return known.get((choice.backend.name, choice.model or model), choice.backend.capabilities)

    def add(self, choice: Choice, model: str | None, lesson: Lesson) -> None:
        """The upstream taught this."""
        key = (choice.backend.name, choice.model or model)
        known = msgspec.structs.replace(self.of(choice, model), **{lesson.field: lesson.value})
        if key not in self._known and len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[key] = known

    def forget(self, choice: Choice, model: str | None, field: str) -> None:
        """It was of no use: of this, what was known before."""
        self.add(choice, model, Lesson(field, getattr(choice.backend.capabilities, field)))
