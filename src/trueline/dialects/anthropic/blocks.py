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
from .meaning import FORMAT, answer_tool, citation, is_answer_called

__all__ = ["Block", "Blocks"]

Fields: TypeAlias = dict[str, Any]

TEXT, THOUGHT, CALL, OTHER = "text", "thinking", "tool_use", ""
_KINDS: Final = {TEXT: TEXT, THOUGHT: THOUGHT, CALL: CALL}


class Block:
    """One block: how it began, and what came for it since."""

    __slots__ = ("begun", "call", "citations", "kind", "pieces", "place", "signature", "start")

    def __init__(self, kind: str, begun: Fields, start: int, place: int) -> None:
        self.kind = kind
        self.begun = begun
        self.start = start
        """Characters of the answer before it."""
        self.place = place
        """Its position in the message."""
        self.pieces: list[str] = []
        """Text, thoughts, or the JSON of an input."""
        self.signature = ""
        self.citations: list[Any] = []
        self.call: int | None = None
        """Of the client's call: its position.  None for one that is the answer."""


class Blocks:
    """What a message has said so far; `whole`: every block comes complete.

    Several may be open at once, each under its index.  Where a call may be the answer, text waits for the end: beside
    such a call it is none.
    """

    __slots__ = (
        "_answer",
        "_answer_tool",
        "_beyond",
        "_held",
        "_native",
        "_open",
        "_positions",
        "_seen",
        "_whole",
        "begun",
        "calls",
        "holds",
        "length",
    )

    def __init__(self, context: ReplyContext, whole: bool = False) -> None:
        self._answer_tool = answer_tool(context)
        self._answer: Block | None = None
        """The call that is the answer: the first one."""
        self.holds = self._answer_tool is not None and is_answer_called(context)
        """Whether text waits."""
        self._held: list[Event] = []
        self._whole = whole
        self._native: list[Fields | None] = []
        self._beyond = False
        self._positions: dict[str, int] = {}
        self._open: dict[int | None, Block] = {}
        self._seen: set[int | None] = set()
        """The indices of all blocks that were opened."""
        self.begun = False
        """Whether the choice was opened."""
        self.length = 0
        """Characters of the answer."""
        self.calls = 0

    def begin(self) -> list[Event]:
        """Open the choice, once."""
        if self.begun:
            return []
        self.begun = True
        return [ChoiceStart(0)]

    def at(self, index: Any) -> Block | None:
        """The open block of that index; the latest one where it has no index, or one that no block ever had."""
        index = _index(index)
        block = self._open.get(index)
        if block is None and self._open and (index is None or index not in self._seen):
            block = next(reversed(self._open.values()))
        return block

    def of_kind(self, index: Any, kind: str) -> Block:
        """As `at`, for an increment of this kind: a block that nobody opened begins with it."""
        block = self.at(index)
        if block is None or block.kind != kind:
            key = _index(index)
            block = self._new(key if key not in self._open else -1 - len(self._native), kind, {"type": kind})
        return block

    def _new(self, index: int | None, kind: str, begun: Fields) -> Block:
        block = self._open[index] = Block(kind, begun, self.length, len(self._native))
        self._native.append(None)
        self._seen.add(index)
        return block

    def open(self, said: Fields, index: Any = None) -> list[Event]:
        """A block begins, with what it holds already; one that is still open at its index ends."""
        index = _index(index)
        events = self.close(index) if index in self._open else []
        given = said.get("type")
        kind = _KINDS.get(given, OTHER) if isinstance(given, str) else OTHER
        block = self._new(index, kind, said)
        if kind is OTHER:
            if given != "redacted_thinking":
                self._beyond = True
            return events
        events += self.begin()
        if kind is CALL:
            return events + self._open_call(block)
        text = said.get("text" if kind is TEXT else "thinking")
        if isinstance(text, str) and text:
            events += self.say(block, text) if kind is TEXT else [self.thought(block, 0, text)]
        if kind is THOUGHT and isinstance(said.get("signature"), str):
            block.signature = said["signature"]
        if kind is TEXT and isinstance(said.get("citations"), list):
            block.citations += said["citations"]
        return events

    def _open_call(self, block: Block) -> list[Event]:
        said = block.begun
        if self._answer_tool is not None and said.get("name") == self._answer_tool:
            if self._answer is None:
                self._answer = block
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

    def say(self, block: Block, text: str) -> list[Event]:
        """More of the answer, which may wait."""
        return self._wait([self.text(block, 0, text)])

    def _wait(self, events: list[Event]) -> list[Event]:
        if not self.holds:
            return events
        self._held += events
        return []

    def text(self, block: Block, choice: int, text: str, *_: Any) -> TextDelta:
        """As `say`, where nothing waits."""
        block.pieces.append(text)
        self.length += len(text)
        return TextDelta(choice, text)

    def thought(self, block: Block, choice: int, text: str, *_: Any) -> ReasoningDelta:
        """More of a thought."""
        block.pieces.append(text)
        return ReasoningDelta(choice, text)

    def input(self, block: Block, json: str) -> list[Event]:
        """More of a call's input; of the server's own calls nothing leaves yet."""
        if not json or block.kind in (TEXT, THOUGHT):
            return []
        block.pieces.append(json)
        if block.call is not None:
            return [ToolFragment(0, block.call, arguments=json)]
        if block is not self._answer:
            return []
        self.length += len(json)
        return [TextDelta(0, json)]

    # -- the end of a block -------------------------------------------------------------------------------------------

    def close(self, index: Any = None) -> list[Event]:
        """The block of that index ends; the latest one where it has none."""
        block = self.at(index)
        if block is None:
            return []
        del self._open[next(key for key, one in self._open.items() if one is block)]
        if block.kind is TEXT:
            return self._wait(self._close_text(block))
        if block.kind is THOUGHT:
            return self._close_thought(block)
        if block.kind is CALL:
            return self._close_call(block)
        native = self._native[block.place] = self._with_input(block)
        if native.get("type") != "redacted_thinking" or not isinstance(native.get("data"), str):
            return []
        return [*self.begin(), self._detail({"type": "reasoning.encrypted", "data": native["data"]})]

    def end(self) -> list[Event]:
        """All blocks end; text that waited leaves, unless a call was the answer."""
        events: list[Event] = []
        for index in list(self._open):
            events += self.close(index)
        held, self._held = self._held, []
        if self._answer is None:
            return events + held
        self._beyond = self._beyond or bool(held)
        return events

    def _close_text(self, block: Block) -> list[Event]:
        native: Fields = {"type": TEXT, "text": "".join(block.pieces)}
        cited = [one for one in block.citations if isinstance(one, dict)]
        self._native[block.place] = {**native, "citations": cited} if cited else native
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
        before = self._native[: block.place]
        if any(one is None or one.get("type") not in (THOUGHT, "redacted_thinking") for one in before):
            self._beyond = True
        self._native[block.place] = {"type": THOUGHT, "thinking": said, "signature": block.signature}
        if not block.signature:
            return []
        return [self._detail({"type": "reasoning.text", "text": said, "signature": block.signature})]

    def _close_call(self, block: Block) -> list[Event]:
        said, native = block.begun, self._with_input(block)
        given = native.get("input")
        arguments = "" if block.pieces else _json(given)
        if block is self._answer:
            self._native[block.place] = {"type": TEXT, "text": "".join(block.pieces) or arguments}
            if not arguments:
                return []
            self.length += len(arguments)
            return [TextDelta(0, arguments)]
        self._native[block.place] = native
        if block.call is None:  # a second answer
            self._beyond = True
            return []
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
        content = [one for one in self._native if one is not None]
        return [*self.begin(), Opaque(Extras(message={"anthropic": {"content": content}}), 0)]


def _index(value: Any) -> int | None:
    return value if type(value) is int else None


def _json(value: Any) -> str:
    return jsonio.encode(value).decode() if value is not None else "{}"
