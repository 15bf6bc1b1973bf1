"""What a reply has said so far, by choice: what there is to count where nobody reports usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .events import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart

__all__ = ["Said"]

_PIECES = 256
"""Increments that are kept apart: a long reply is not kept in a million small strings."""

Message = dict[str, Any]


class _Size:
    """How much text came, and no more of it."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0

    def add(self, text: str) -> None:
        self.size += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

    def length(self) -> int:
        """Bytes of UTF-8."""
        return self.size


class _Text(_Size):
    """A text that comes in increments."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def add(self, text: str) -> None:
        self.pieces.append(text)
        if len(self.pieces) >= _PIECES:
            self.join()

    def join(self) -> None:
        """Keep the increments so far as one."""
        text = "".join(self.pieces)
        self.pieces[:] = [text]

    def length(self) -> int:
        text = str(self)
        return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

    def __str__(self) -> str:
        return "".join(self.pieces)


class Said:
    """The texts of a reply: `add` each event that brings one.  `keep=False`: only how much text that is."""

    __slots__ = ("_calls", "_kind", "_texts", "kept")

    def __init__(self, keep: bool = True) -> None:
        self.kept = keep
        self._kind = _Text if keep else _Size
        self._texts: dict[tuple[int, str], _Size] = {(0, "content"): self._kind()}
        self._calls: dict[tuple[int, int], tuple[str, str, _Size]] = {}

    def add(self, event: TextDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ToolCallDelta) -> None:
        """Keep the text of an event."""
        kind = type(event)
        if kind is ToolCallStart or kind is ToolCallDelta:
            self._add_call(event)
            return
        key = event.choice, _NAMES[kind]
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self._kind()
        text.add(event.text)  # type: ignore[union-attr]  # calls have left

    def text_seer(self) -> Callable[[TextDelta], TextDelta]:
        """Adds a text and gives it back: what `add` does, in half the time."""
        first, add = self._texts[0, "content"], self.add

        def measure(event: TextDelta) -> TextDelta:
            if event.choice:
                add(event)
                return event
            text = event.text
            first.size += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            return event

        if not isinstance(first, _Text):
            return measure
        pieces = first.pieces

        def keep(event: TextDelta) -> TextDelta:
            if event.choice:
                add(event)
                return event
            pieces.append(event.text)
            if len(pieces) >= _PIECES:
                first.join()
            return event

        return keep

    def _add_call(self, event: Any) -> None:
        key = event.choice, event.index
        call = self._calls.get(key)
        if call is None:
            name = event.name if type(event) is ToolCallStart else ""
            call = self._calls[key] = (name, event.kind, self._kind())
        call[2].add(event.arguments)

    @property
    def size(self) -> int:
        """Bytes of UTF-8, of all of it."""
        texts = sum(text.length() for text in self._texts.values())
        return texts + sum(len(name) + arguments.length() for name, _, arguments in self._calls.values())

    @property
    def thought(self) -> bool:
        """Whether there were thoughts."""
        return any(name == "reasoning_content" for _, name in self._texts)

    def texts(self) -> list[str]:
        """Everything that was said, names of calls among it."""
        called = (part for name, _, arguments in self._calls.values() for part in (name, str(arguments)))
        return [*map(str, self._texts.values()), *called] if self.kept else []

    def messages(self) -> list[Message]:
        """A message for each choice, as a whole reply would have it; empty where no texts are kept."""
        if not self.kept:
            return []
        found: dict[int, Message] = {}
        for (choice, name), text in self._texts.items():
            if text.length():
                found.setdefault(choice, {"role": "assistant", "content": None})[name] = str(text)
        for (choice, _), (called, kind, arguments) in self._calls.items():
            message = found.setdefault(choice, {"role": "assistant", "content": None})
            if kind == "function_call":
                message[kind] = {"name": called, "arguments": str(arguments)}
            else:
                inner = {"name": called, "input" if kind == "custom" else "arguments": str(arguments)}
                message.setdefault("tool_calls", []).append({"type": kind, kind: inner})
        return [found[choice] for choice in sorted(found)]


_NAMES: dict[type, str] = {TextDelta: "content", ReasoningDelta: "reasoning_content", RefusalDelta: "refusal"}
