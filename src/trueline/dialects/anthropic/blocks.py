"""The content blocks of a message as events: the same for one that streams and for one that is whole.

Text, thoughts and the client's calls have a place in OpenAI's format.  A reply with more than that (searches that the
server made, cited text, thoughts between calls) carries its blocks as they were in the extra `anthropic`, so that the
next request can give them back.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import UNSET

from ...context import ReplyContext
from ...events import ChoiceStart, Event, Extras, Opaque, ReasoningDelta, TextDelta, ToolFragment
from ...wire import jsonio
from .meaning import FORMAT, answer_tool, citation

__all__ = ["Block", "Blocks"]

Fields: TypeAlias = dict[str, Any]

TEXT, THOUGHT, CALL, OTHER = "text", "thinking", "tool_use", ""
_KINDS: Final = {TEXT: TEXT, THOUGHT: THOUGHT, CALL: CALL}


class Block:
    """One block: how it began, and what came for it since."""

    __slots__ = ("begun", "call", "citations", "kind", "pieces", "signature", "start")

    def __init__(self, kind: str, begun: Fields, start: int) -> None:
        self.kind = kind
        self.begun = begun
        self.start = start
        """Characters of the answer before it."""
        self.pieces: list[str] = []
        """Text, thoughts, or the JSON of an input."""
        self.signature = ""
        self.citations: list[Any] = []
        self.call: int | None = None
        """Of the client's call: its position.  None for one that is the answer."""


class Blocks:
    """What a message has said so far; `whole`: every block comes complete."""

    __slots__ = ("_answer_tool", "_beyond", "_native", "_positions", "_whole", "begun", "block", "calls", "length")

    def __init__(self, context: ReplyContext, whole: bool = False) -> None:
        self._answer_tool = answer_tool(context)
        self._whole = whole
        self._native: list[Fields] = []
        self._beyond = False
        self._positions: dict[str, int] = {}
        self.begun = False
        """Whether the choice was opened."""
        self.block: Block | None = None
        """The one that is open."""
        self.length = 0
        """Characters of the answer."""
        self.calls = 0

    def begin(self) -> list[Event]:
        """Open the choice, once."""
        if self.begun:
            return []
        self.begun = True
        return [ChoiceStart(0)]

    def open(self, said: Fields) -> list[Event]:
        """A block begins, with what it holds already; one that is still open ends."""
        events = self.close() if self.block is not None else []
        given = said.get("type")
        kind = _KINDS.get(given, OTHER) if isinstance(given, str) else OTHER
        block = self.block = Block(kind, said, self.length)
        if kind is OTHER:
            if given != "redacted_thinking":
                self._beyond = True
            return events
        events += self.begin()
        if kind is CALL:
            return events + self._open_call(block)
        text = said.get("text" if kind is TEXT else "thinking")
        if isinstance(text, str) and text:
            events.append(self.text(0, text) if kind is TEXT else self.thought(0, text))
        if kind is THOUGHT and isinstance(said.get("signature"), str):
            block.signature = said["signature"]
        if kind is TEXT and isinstance(said.get("citations"), list):
            block.citations += said["citations"]
        return events

    def _open_call(self, block: Block) -> list[Event]:
        said = block.begun
        if self._answer_tool is not None and said.get("name") == self._answer_tool:
            return []
        caller = said.get("caller")
        if said.get("toolset_name") or (isinstance(caller, dict) and caller.get("type") not in ("direct", None)):
            self._beyond = True
        block.call = self.calls
        self.calls += 1
        if self._whole:
            return []
        return [ToolFragment(0, block.call, said.get("id"), said.get("name"), "function", "")]

    # -- increments ---------------------------------------------------------------------------------------------------

    def text(self, choice: int, text: str, *_: Any) -> TextDelta:
        """More of the answer."""
        block = self.block
        if block is None:
            block = self.block = Block(TEXT, {"type": TEXT}, self.length)
        block.pieces.append(text)
        self.length += len(text)
        return TextDelta(choice, text)

    def thought(self, choice: int, text: str, *_: Any) -> ReasoningDelta:
        """More of a thought."""
        block = self.block
        if block is None:
            block = self.block = Block(THOUGHT, {"type": THOUGHT}, self.length)
        block.pieces.append(text)
        return ReasoningDelta(choice, text)

    def input(self, json: str) -> list[Event]:
        """More of a call's input; of the server's own calls nothing leaves yet."""
        block = self.block
        if block is None or not json:
            return []
        block.pieces.append(json)
        if block.call is not None:
            return [ToolFragment(0, block.call, arguments=json)]
        if block.kind is not CALL:
            return []
        self.length += len(json)
        return [TextDelta(0, json)]

    # -- the end of a block -------------------------------------------------------------------------------------------

    def close(self) -> list[Event]:
        """The open block ends."""
        block, self.block = self.block, None
        if block is None:
            return []
        if block.kind is TEXT:
            return self._close_text(block)
        if block.kind is THOUGHT:
            return self._close_thought(block)
        if block.kind is CALL:
            return self._close_call(block)
        native = self._with_input(block)
        self._native.append(native)
        if native.get("type") != "redacted_thinking" or not isinstance(native.get("data"), str):
            return []
        return [*self.begin(), self._detail({"type": "reasoning.encrypted", "data": native["data"]})]

    def _close_text(self, block: Block) -> list[Event]:
        native: Fields = {"type": TEXT, "text": "".join(block.pieces)}
        cited = [one for one in block.citations if isinstance(one, dict)]
        self._native.append({**native, "citations": cited} if cited else native)
        if not cited:
            return []
        self._beyond = True
        found: dict[str, list[Fields]] = {}
        for one in cited:
            place, entry = citation(one, block.start, self.length)
            found.setdefault(place, []).append(self._placed(place, entry))
        return [Opaque(Extras(message=dict(found)), 0)]

    def _close_thought(self, block: Block) -> list[Event]:
        said = "".join(block.pieces)
        if any(one.get("type") not in (THOUGHT, "redacted_thinking") for one in self._native):
            self._beyond = True
        self._native.append({"type": THOUGHT, "thinking": said, "signature": block.signature})
        if not block.signature:
            return []
        return [self._detail({"type": "reasoning.text", "text": said, "signature": block.signature})]

    def _close_call(self, block: Block) -> list[Event]:
        said, native = block.begun, self._with_input(block)
        given = native.get("input")
        arguments = "" if block.pieces else _json(given)
        if block.call is None:
            self._native.append({"type": TEXT, "text": "".join(block.pieces) or arguments})
            if not arguments:
                return []
            self.length += len(arguments)
            return [TextDelta(0, arguments)]
        self._native.append(native)
        if self._whole:
            return [
                ToolFragment(0, UNSET, said.get("id"), said.get("name"), "function", arguments or "{}", whole=True),
            ]
        return [ToolFragment(0, block.call, arguments=arguments)] if arguments else []

    def _with_input(self, block: Block) -> Fields:
        """The block as a whole message would have it."""
        if not block.pieces:
            return block.begun
        try:
            value = jsonio.decode_strict("".join(block.pieces).encode("utf-8", "replace"))
        except jsonio.JSONError:
            return block.begun
        return {**block.begun, "input": value}

    def _detail(self, detail: Fields) -> Opaque:
        entry = self._placed("reasoning_details", {**detail, "format": FORMAT})
        return Opaque(Extras(message={"reasoning_details": [entry]}), 0)

    def _placed(self, name: str, entry: Fields) -> Fields:
        """An entry of a list in a delta says where it belongs, as OpenAI's own do."""
        if self._whole:
            return entry
        position = self._positions.get(name, 0)
        self._positions[name] = position + 1
        return {**entry, "index": position}

    def native(self) -> list[Event]:
        """All blocks as they were, where events cannot tell them."""
        if not self._beyond or not self._native:
            return []
        return [*self.begin(), Opaque(Extras(message={"anthropic": {"content": self._native}}), 0)]


def _json(value: Any) -> str:
    return jsonio.encode(value).decode() if value is not None else "{}"
