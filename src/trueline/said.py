"""What a reply has said so far, by choice: what there is to count where nobody reports usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .events import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStart
from .tokens import ESTIMATE

__all__ = ["Said"]

_PIECES = 256
"""Increments that are kept apart: a long reply is not kept in a million small strings."""
SHORT = 4096
"""Bytes of a text that is kept in any case, so that it can be counted."""
_LOOKED_AT, _PARTS = 64 * 1024, 16
"""Characters of a text, in so many parts, that are looked at for an estimate of it."""

Message = dict[str, Any]


class _Text:
    """A text that comes in increments, and stays."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def add(self, text: str) -> None:
        self.pieces.append(text)
        if len(self.pieces) >= _PIECES:
            self.fold()

    def extend(self, texts: list[str], text: str) -> None:
        """Add several, none of which is long, and which are all of a text."""
        self.pieces.append(text)
        if len(self.pieces) >= _PIECES:
            self.fold()

    def fold(self) -> None:
        """Keep many increments as one."""
        self.pieces[:] = ["".join(self.pieces)]

    @property
    def whole(self) -> bool:
        """All of it is here."""
        return True

    def length(self) -> int:
        """Bytes of UTF-8."""
        return _bytes_of(str(self))

    def weight(self) -> int:
        """About so many tokens, in the units of the estimate."""
        return _weight(str(self))

    def __str__(self) -> str:
        return "".join(self.pieces)


class _Brief(_Text):
    """A text that stays while it is short; of a longer one there is only its size."""

    __slots__ = ("_gone", "_weight")

    def __init__(self) -> None:
        super().__init__()
        self._gone = self._weight = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        if len(self.pieces) >= _PIECES or len(text) > SHORT:
            self.fold()
        if len(text) > SHORT:
            self._shorten(len(self.pieces))

    def extend(self, texts: list[str], text: str) -> None:
        self.pieces += texts
        if len(self.pieces) >= _PIECES:
            self.fold()

    def fold(self) -> None:
        """Shorten what came since, as if each piece of it had been added by itself."""
        while len(self.pieces) >= _PIECES:
            self._shorten(_PIECES)

    def _shorten(self, count: int) -> None:
        """Keep the first so many increments as one, or only their size."""
        text = "".join(self.pieces[:count])
        size = _bytes_of(text)
        if not self._gone and size <= SHORT:
            self.pieces[:count] = [text]
            return
        self._gone += size
        self._weight += _weight(text)
        del self.pieces[:count]

    @property
    def whole(self) -> bool:
        self.fold()
        return not self._gone

    def length(self) -> int:
        self.fold()
        return self._gone + super().length()

    def weight(self) -> int:
        self.fold()
        return self._weight + super().weight()


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _weight(text: str) -> int:
    """Of a long text, as many parts are looked at as take a millisecond."""
    size = len(text)
    if size <= _LOOKED_AT:
        return ESTIMATE.weigh(text, 0, size) if text else 0
    part, step = _LOOKED_AT // _PARTS, size // _PARTS
    seen = sum(ESTIMATE.weigh(text, start, start + part) for start in range(0, step * _PARTS, step))
    return seen * size // _LOOKED_AT


class Said:
    """The texts of a reply: `add` each event that brings one.  `keep=False`: of long texts only how long they are."""

    __slots__ = ("_calls", "_kind", "_texts")

    def __init__(self, keep: bool = True) -> None:
        self._kind: type[_Text] = _Text if keep else _Brief
        self._texts: dict[tuple[int, str], _Text] = {(0, "content"): self._kind()}
        self._calls: dict[tuple[int, int], tuple[str, str, _Text]] = {}

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

    def keeper(self, kind: type) -> Callable[[list[str], str], object] | None:
        """Adds more to a text of the first choice, where there is one of this type: several, none of which is long."""
        text = self._texts.get((0, _NAMES.get(kind, "")))
        return text.extend if text is not None else None

    def _add_call(self, event: Any) -> None:
        key = event.choice, event.index
        call = self._calls.get(key)
        if call is None:
            name = event.name if type(event) is ToolCallStart else ""
            call = self._calls[key] = (name, event.kind, self._kind())
        call[2].add(event.arguments)

    def _all(self) -> Iterator[_Text]:
        yield from self._texts.values()
        for _, _, arguments in self._calls.values():
            yield arguments

    @property
    def kept(self) -> bool:
        """Everything that was said is here."""
        return all(text.whole for text in self._all())

    @property
    def size(self) -> int:
        """Bytes of UTF-8, of all of it."""
        return sum(text.length() for text in self._all()) + sum(len(name) for name, _, _ in self._calls.values())

    @property
    def about(self) -> int:
        """About so many tokens, without taking long."""
        names = sum(_weight(name) for name, _, _ in self._calls.values())
        return ESTIMATE.in_tokens(sum(text.weight() for text in self._all()) + names)

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
