"""Answers that stand in another place than the content, copied to it where an option asks for that."""

from __future__ import annotations

from typing import Any

from ..context import ReplyContext
from ..events import ChoiceStart, Event, Finish, Opaque, ReasoningDelta, TextDelta, ToolFragment
from ..finish_words import meaning
from .base import Result, Rule

__all__ = ["AnswerInThoughts", "PicturesInChat"]


class AnswerInThoughts(Rule):
    """Copy the thoughts of a whole reply that stopped by itself and says nothing else."""

    sees = (TextDelta, ReasoningDelta, ToolFragment, Finish)
    mends = ("reasoning-holds-answer",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.chat and not context.request.stream and context.opted("reasoning-holds-answer")

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._thoughts: dict[int, list[str]] = {}
        self._answered: set[int] = set()

    def see(self, event: TextDelta | ReasoningDelta | ToolFragment | Finish) -> Result:
        choice = event.choice
        if isinstance(event, ReasoningDelta):
            self._thoughts.setdefault(choice, []).append(event.text)
        elif not isinstance(event, Finish):
            if not isinstance(event, TextDelta) or event.text.strip():
                self._answered.add(choice)
        elif choice not in self._answered and choice in self._thoughts and meaning(event.reason) == "stop":
            self._answered.add(choice)
            self.note("reasoning-holds-answer")
            return [TextDelta(choice, "".join(self._thoughts[choice])), event]
        return event


class PicturesInChat(Rule):
    """Write the pictures of a message's `images` into its text as well, as Markdown."""

    sees = (ChoiceStart, TextDelta, ReasoningDelta, Finish, Opaque)
    mends = ("img-in-chat",)

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        return context.chat and context.opted("img-in-chat")

    def see(self, event: Any) -> Result:
        extras = event.extras
        urls = _urls(extras.message.get("images")) if extras is not None and extras.message else []
        if not urls:
            return event  # type: ignore[no-any-return]  # one of `sees`
        self.note("img-in-chat")
        if isinstance(event, ChoiceStart) and event.content is None:
            event.content = ""
        text: Event = TextDelta(event.choice, "".join(f"![image]({url})" for url in urls))
        return [text, event] if isinstance(event, Finish) else [event, text]


def _urls(images: Any) -> list[str]:
    found: list[str] = []
    for image in images if isinstance(images, list) else []:
        inner = image.get("image_url") if isinstance(image, dict) else None
        url = inner.get("url") if isinstance(inner, dict) else inner
        if isinstance(url, str) and url:
            found.append(url)
    return found
