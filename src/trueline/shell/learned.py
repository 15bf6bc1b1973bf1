"""What upstreams turned out to take and to keep, for as long as the process runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..dialects.openai_chat.refusals import Lesson
from ..providers import Capabilities
from .routes import Choice

__all__ = ["Learned"]

_MOST = 1000
"""Models, whose names clients choose."""


class Learned:
    """By upstream and model, what is known: what the settings and the table of providers say, and what it taught."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        """Called when more is known."""
        self._known: dict[tuple[str, str | None], Capabilities] = {}
        self._gives: dict[tuple[str, str | None, bool], bool] = {}
        self._silent: dict[tuple[str, bool], bool] = {}

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
        self._changed()

    def forget(self, choice: Choice, model: str | None, field: str) -> None:
        """It was of no use: of this, what was known before."""
        self.add(choice, model, Lesson(field, getattr(choice.backend.capabilities, field)))

    # -- several choices ----------------------------------------------------------------------------------------------

    def gives_all(self, choice: Choice, request: Any) -> bool | None:
        """Whether the upstream gives as many choices as it is asked for; None where that is not known."""
        gave = self._gives.get((choice.backend.name, request.model, request.stream))
        if gave is not None:
            return gave
        known = self.of(choice, request.model)
        return True if known.n is None and "n" in known.keeps else known.n

    def gave(self, upstream: str, model: str | None, stream: bool, complete: bool) -> None:
        """An upstream gave them all, or did not; whole replies may say more of choices than streams do."""
        if len(self._gives) >= _MOST:
            self._gives.clear()
        self._gives[upstream, model, stream] = complete

    # -- usage --------------------------------------------------------------------------------------------------------

    def may_count(self, choice: Choice, request: Any) -> bool:
        """Whether Trueline may have to count the request: the reply owes a usage, and nobody has yet reported one."""
        stream = request.stream
        if stream and not getattr(request, "include_usage", False):
            return False
        return self._silent.get((choice.backend.name, stream), True)

    def heard(self, upstream: str, stream: bool, reported: bool) -> None:
        """An upstream reported the usage of a reply, or did not."""
        self._silent[upstream, stream] = not reported
