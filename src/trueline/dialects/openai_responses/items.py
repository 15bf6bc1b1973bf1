"""The output items of a reply as events: the same for one that streams and for one that is whole.

What the last events of an item say of it is all of it.  They add what no increment brought, and say nothing twice.

Messages, thoughts and the client's calls have a place in a chat completion.  A reply with more than that (searches that
the server made, several messages, thoughts between calls) carries its items as they were in the extra
`openai_responses`, so that the next request can give them back.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import UNSET

from ...events import ChoiceStart, Event, Extras, Opaque, ReasoningDelta, RefusalDelta, TextDelta, ToolFragment
from ...wire import jsonio
from .meaning import FORMAT, NAME, citation, logprobs, picture

__all__ = ["CUSTOM", "FUNCTION", "MESSAGE", "THOUGHT", "Item", "Items"]

Fields: TypeAlias = dict[str, Any]

MESSAGE, THOUGHT, FUNCTION, CUSTOM = "message", "reasoning", "function_call", "custom_tool_call"
PICTURE = "image_generation_call"
_RANKS: Final = {THOUGHT: 0, MESSAGE: 1, FUNCTION: 2, CUSTOM: 2}
"""The order that a chat completion can tell."""
_INPUTS: Final = {FUNCTION: "arguments", CUSTOM: "input"}
_KINDS: Final = {FUNCTION: "function", CUSTOM: "custom"}
_MORE: Final = {FUNCTION: UNSET, CUSTOM: "custom"}
_PARTS: Final = {"output_text": "text", "text": "text", "refusal": "refusal"}
_OF_A_THOUGHT: Final = frozenset(("id", "type", "summary", "content", "encrypted_content", "status"))


class Item:
    """One output item: how it began, and what came for it since."""

    __slots__ = ("annotated", "begun", "call", "closed", "kind", "pieces", "starts", "thoughts")

    def __init__(self, kind: str, begun: Fields) -> None:
        self.kind = kind
        self.begun = begun
        self.pieces: dict[tuple[str, int], list[str]] = {}
        """What it said, by channel (text, refusal, summary, thought, input) and position."""
        self.starts: dict[int, int] = {}
        """Characters of the answer before a part of the message."""
        self.annotated: dict[int, int] = {}
        self.thoughts: str | None = None
        """Which of its channels is told as thoughts: a summary, or what it sums up."""
        self.call: int | None = None
        """The position of the client's call, once it was told."""
        self.closed = False

    def said(self, channel: str) -> str:
        """All of a channel so far."""
        return "".join("".join(pieces) for (name, _), pieces in self.pieces.items() if name == channel)


class Items:
    """What a reply has said so far; `whole`: every item comes complete."""

    __slots__ = (
        "_beyond",
        "_phase",
        "_positions",
        "_rank",
        "_thought",
        "_whole",
        "begun",
        "call_ids",
        "calls",
        "length",
        "native",
    )

    def __init__(self, whole: bool = False) -> None:
        self._whole = whole
        self._beyond = False
        self._rank = 0
        self._thought = False
        self._phase: str | None = None
        self._positions: dict[str, int] = {}
        self.begun = False
        """Whether the choice was opened."""
        self.length = 0
        """Characters of the answer."""
        self.calls = 0
        self.native: list[Fields] = []

    def begin(self, content: str | None = "") -> list[Event]:
        """Open the choice, once; `content`: null for one that only calls."""
        if self.begun:
            return []
        self.begun = True
        return [ChoiceStart(0, content)]

    def open(self, said: Fields) -> tuple[Item, list[Event]]:
        """An item begins; what it holds already counts when it ends."""
        kind = said.get("type")
        item = Item(kind if isinstance(kind, str) else "", said)
        if item.kind not in _INPUTS or self._whole or not said.get("name"):
            return item, []  # a call without a name waits for it
        return item, self._open_call(item, said, "")

    def _open_call(self, item: Item, said: Fields, arguments: str) -> list[Event]:
        item.call = self.calls
        self.calls += 1
        position = UNSET if self._whole else item.call
        identity = said.get("call_id") or said.get("id") or UNSET
        space = said.get("namespace")
        extras = {"namespace": space} if isinstance(space, str) and space else None
        kind, whole = _KINDS[item.kind], self._whole
        fragment = ToolFragment(0, position, identity, said.get("name"), kind, arguments, whole, call_extras=extras)
        return [*self.begin(None), fragment]

    # -- increments ---------------------------------------------------------------------------------------------------

    def more(self, item: Item, channel: str, position: int, text: str, given: Any = UNSET) -> list[Event]:
        """More of one channel of an item; `given`: the log probabilities of the text."""
        pieces = item.pieces.get((channel, position))
        if pieces is None:
            return self._first(item, channel, position, text, given)
        pieces.append(text)
        event = self._told(item, channel, text, given)
        return [] if event is None else [event]

    def _first(self, item: Item, channel: str, position: int, text: str, given: Any) -> list[Event]:
        """The beginning of a part; parts of thoughts stand apart."""
        item.pieces[channel, position] = [text]
        if channel == "text":
            item.starts[position] = self.length
        if channel in ("summary", "thought"):
            item.thoughts = item.thoughts or channel
            if item.thoughts == channel and self._thought:
                text = "\n\n" + text
        event = self._told(item, channel, text, given)
        return [*self.begin(), *([] if event is None else [event])]

    def _told(self, item: Item, channel: str, text: str, given: Any) -> Event | None:
        if channel == "text":
            self.length += len(text)
            return TextDelta(0, text, given)
        if channel == "refusal":
            return RefusalDelta(0, text)
        if channel == "input":
            return None if item.call is None else ToolFragment(0, item.call, kind=_MORE[item.kind], arguments=text)
        if channel != item.thoughts:
            return None
        self._thought = True
        return ReasoningDelta(0, text)

    def rest(self, item: Item, channel: str, position: int, text: Any, given: Any = UNSET) -> list[Event]:
        """A part is complete: what its increments left out."""
        if not isinstance(text, str) or not text:
            return []
        pieces = item.pieces.get((channel, position))
        if pieces is None:
            return [] if item.said(channel).endswith(text) else self.more(item, channel, position, text, given)
        said = "".join(pieces)
        if len(text) <= len(said) or not text.startswith(said):
            return []
        return self.more(item, channel, position, text[len(said) :])

    def annotate(self, item: Item, position: int, said: Any) -> list[Event]:
        """A citation of a part of a message."""
        item.annotated[position] = item.annotated.get(position, 0) + 1
        if not isinstance(said, dict):
            return []
        place, entry = citation(said, item.starts.get(position, self.length), self.length)
        return [*self.begin(), Opaque(Extras(message={place: [self._placed(place, entry)]}), 0)]

    # -- the end of an item -------------------------------------------------------------------------------------------

    def close(self, item: Item, said: Fields) -> list[Event]:
        """The item is complete: `said` is all of it."""
        if item.closed:
            return []
        item.closed = True
        if not said.get("type"):
            said = {**said, "type": item.kind}
        drawn = picture(said) if item.kind == PICTURE else None
        self.native.append({**said, "result": None} if drawn else said)
        self._note_order(item, said)
        if item.kind == MESSAGE:
            return self._close_message(item, said)
        if item.kind == THOUGHT:
            return self._close_thought(item, said)
        if item.kind in _INPUTS:
            return self._close_call(item, said)
        pictures: list[Event] = (
            [Opaque(Extras(message={"images": [self._placed("images", drawn)]}), 0)] if drawn else []
        )
        return [*self.begin(), *pictures]

    def _note_order(self, item: Item, said: Fields) -> None:
        """See whether a chat completion can tell the items in this order."""
        rank = _RANKS.get(item.kind, -1)
        if rank < self._rank or (rank == 1 and any(one.get("type") == MESSAGE for one in self.native[:-1])):
            self._beyond = True
        if item.kind == THOUGHT and set(said) - _OF_A_THOUGHT:
            self._beyond = True
        self._rank = max(rank, self._rank)
        phase = said.get("phase")
        if item.kind == MESSAGE and isinstance(phase, str) and phase:
            self._phase = phase

    def _close_message(self, item: Item, said: Fields) -> list[Event]:
        parts = _objects(said.get("content"))
        events = self.begin()
        for channel, key in (("text", "text"), ("refusal", "refusal")):
            told = item.said(channel)
            given = [(n, part) for n, part in enumerate(parts) if _PARTS.get(str(part.get("type"))) == channel]
            if told:
                full = "".join(str(part.get(key) or "") for _, part in given)
                if len(full) > len(told) and full.startswith(told):
                    last = max(position for name, position in item.pieces if name == channel)
                    events += self.more(item, channel, last, full[len(told) :])
                continue
            for position, part in given:
                text = part.get(key)
                if isinstance(text, str) and text:
                    events += self.more(item, channel, position, text, logprobs(part.get("logprobs")))
        for position, part in enumerate(parts):
            listed = part.get("annotations")
            for one in (listed if isinstance(listed, list) else [])[item.annotated.get(position, 0) :]:
                events += self.annotate(item, position, one)
        return events

    def _close_thought(self, item: Item, said: Fields) -> list[Event]:
        thoughts = [part.get("text") for part in _objects(said.get("content"))]
        summary = [part.get("text") for part in _objects(said.get("summary"))]
        events = self.begin()
        for channel, texts in (("thought", thoughts), ("summary", summary)):
            for position, text in enumerate(texts):
                events += self.rest(item, channel, position, text)
        sealed = said.get("encrypted_content")
        sealed = sealed if isinstance(sealed, str) and sealed else None
        if sealed is None and not any(thoughts):
            return events  # nothing that could be given back
        named = {"id": said["id"]} if isinstance(said.get("id"), str) else {}
        for kind, key, texts in (
            ("reasoning.summary", "summary", summary),
            ("reasoning.text", "text", thoughts),
            ("reasoning.encrypted", "data", [sealed]),
        ):
            events += [self._detail({"type": kind, key: one, **named}) for one in texts if isinstance(one, str) and one]
        return events

    def _close_call(self, item: Item, said: Fields) -> list[Event]:
        given = said.get(_INPUTS[item.kind])
        arguments = given if isinstance(given, str) else "" if given is None else jsonio.encode(given).decode()
        caller = said.get("caller")
        if isinstance(caller, dict) and caller.get("type") != "direct":
            self._beyond = True
        if item.call is None:
            return self._open_call(item, said, arguments or item.said("input"))
        return self.rest(item, "input", 0, arguments)

    # -- beside the events --------------------------------------------------------------------------------------------

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

    def ending(self) -> list[Event]:
        """The choice is opened by now; all items as they were, where events cannot tell them."""
        events = self.begin()
        if self._beyond:
            events.append(Opaque(Extras(message={NAME: {"output": self.native}}), 0))
        elif self._phase is not None:
            events.append(Opaque(Extras(message={"phase": self._phase}), 0))
        return events


def _objects(value: Any) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
