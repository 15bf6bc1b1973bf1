"""What a stream's lane asks of the reader: where the text stands, what a chunk of another text is read as.

A reader of OpenAI's chunks is asked about ids and times as well, which may differ from chunk to chunk.  A reader of
another API tells itself what it knows (`provider.Laned`); its events have no identity, but they may have names, and
blanks before their last brace, which are there to hide how long they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec
from msgspec import UNSET

from ..dialects.constant import note_changes
from ..dialects.openai_chat import ChunkReader
from ..dialects.openai_chat.fields import REASONING_NAMES
from ..dialects.provider import Laned
from ..events import Event, Extras, ReasoningDelta, TextDelta, ToolFragment, Usage
from ..wire import jsonio
from .dialect import Reader
from .skeleton import NAME, NUMBER, TEXT, Path, Slot, get

__all__ = [
    "PADDING", "ChunkSource", "Make", "NativeSource", "Plain", "Report", "Source", "retold", "source_of",
]  # fmt: skip

PADDING = "obfuscation"
_DONE = b"\n\ndata: [DONE]\n\n"
_LONGEST = 2048
"""Bytes of a report that is looked for."""
_DELTA: Path = ("choices", 0, "delta")

Make: TypeAlias = Callable[[int, str, Any, Extras | None], Any]
"""The event of another text: choice, text, log probabilities, extras."""


Report: TypeAlias = tuple[int, Usage]
"""Where the event begins, and what it reports."""


class Plain(NamedTuple):
    """A chunk that says one piece of text and nothing else."""

    slot: Slot
    make: Make
    holds: Callable[[], bool] | None = None
    """Whether `make` is still what such a chunk means; None: for the whole stream."""


class Source(Protocol):
    """A reader, as its lane sees it."""

    @property
    def envelope(self) -> tuple[Slot, ...]:
        """What else may differ."""

    @property
    def named(self) -> bool:
        """Whether events may have names, which are not looked at."""

    @property
    def blanks(self) -> bool:
        """Whether blanks may stand before the last brace."""

    @property
    def first(self) -> tuple[Any, Any]:
        """Id and time of the first chunk."""

    def plain(self, event: Event | None, payload: Any) -> Plain | None:
        """What a payload is that was read as this one event."""

    def probe(self, payload: Any) -> list[Event]:
        """What the reader would make of a payload; nothing but faults may have changed after it."""

    def changes(self, payload: Any) -> list[str]:
        """The faults of an id and a time that are not the first chunk's."""

    def told(self, make: Make) -> Callable[[list[str], str], object] | None:
        """What has to be called with the texts of which `make` makes no event; None: nobody wants to know."""

    def report(self, data: bytes) -> Report | None:
        """What the last event before the end of the stream reports, where both are the last of this read."""

    def silent(self, data: bytes) -> bool:
        """Whether these events plainly bring no text."""


def source_of(reader: Reader) -> Source | None:
    """The reader for a lane; None for one that has no text of which that much is known."""
    if type(reader) is ChunkReader:
        return ChunkSource(reader)
    return NativeSource(reader) if isinstance(reader, Laned) else None


class ChunkSource:
    """OpenAI's chunks."""

    envelope = (Slot(("id",), NAME), Slot(("created",), NUMBER), Slot((PADDING,), NAME))
    named = False
    blanks = False

    def __init__(self, reader: ChunkReader) -> None:
        self._reader = reader
        self.probe = reader.read

    @property
    def first(self) -> tuple[Any, Any]:
        """See Source."""
        return self._reader.first[:2]

    def plain(self, event: Event | None, payload: Any) -> Plain | None:
        """See Source."""
        slot = _text_slot(event, payload)
        if slot is None or not (self._reader.knows_model or "logprobs" in payload["choices"][0]):
            return None
        return Plain(slot, _maker(event))

    def changes(self, payload: Any) -> list[str]:
        """See Source."""
        noted: list[str] = []
        note_changes(self._reader.first, payload, noted.append)
        return noted

    def told(self, make: Make) -> None:
        """See Source."""

    def report(self, data: bytes) -> Report | None:
        """See Source."""
        if not data.endswith(_DONE):
            return None
        end = len(data) - len(_DONE)
        begins = data.rfind(b"\n\ndata:", max(end - _LONGEST, 0), end)
        try:
            payload = jsonio.decode_strict(data[begins + 7 : end]) if begins >= 0 else None
        except jsonio.JSONError:
            return None
        usage = payload.get("usage") if isinstance(payload, dict) else None
        return (begins + 2, Usage(usage)) if isinstance(usage, dict) and _is_silent(payload) else None

    def silent(self, data: bytes) -> bool:
        """See Source: most often it is the finish alone."""
        if data.count(b"\n\n") == data.count(b'"delta"') == 1 and (b'"delta":{}' in data or b'"delta": {}' in data):
            return b'"message"' not in data and b'"text"' not in data
        try:
            return all(_is_silent(jsonio.decode_strict(event[5:])) for event in data.split(b"\n\n") if event)
        except jsonio.JSONError:
            return False


class NativeSource:
    """The events of another API."""

    envelope: tuple[Slot, ...] = ()
    named = True
    blanks = True
    first = (None, None)

    def __init__(self, reader: Laned) -> None:
        self._reader = reader
        self.probe = reader.probe

    def plain(self, event: Event | None, payload: Any) -> Plain | None:
        """See Source."""
        place = self._reader.place(payload) if event is not None else None
        said = getattr(event, "arguments" if type(event) is ToolFragment else "text", None)
        if place is None or not said or get(payload, place.path) != said:
            return None
        return Plain(Slot(place.path, TEXT), place.make, place.holds)

    def changes(self, payload: Any) -> list[str]:
        """See Source."""
        return []

    def told(self, make: Make) -> Callable[[list[str], str], object]:
        """See Source: what is told at the end of a block knows its text."""
        return partial(_tell, make)

    def report(self, data: bytes) -> None:
        """See Source: nowhere in one place."""

    def silent(self, data: bytes) -> bool:
        """See Source."""
        return False


def _tell(make: Make, texts: list[str], _: str) -> None:
    for text in texts:
        make(0, text, UNSET, None)


def retold(event: Any, text: str) -> Any:
    """The event with another text."""
    return msgspec.structs.replace(event, **{"arguments" if type(event) is ToolFragment else "text": text})


def _is_silent(payload: Any) -> bool:
    """Whether the deltas of a chunk say nothing."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    if not isinstance(choices, list):
        return False
    if any(not isinstance(choice, dict) or "message" in choice or "text" in choice for choice in choices):
        return False
    deltas = [choice.get("delta") for choice in choices]
    return all(isinstance(delta, dict) and not any(delta[name] for name in delta if name != "role") for delta in deltas)


def _text_slot(event: Any, payload: Any) -> Slot | None:
    """Where the text of a chunk stands that says nothing else."""
    kind = type(event)
    if kind is TextDelta:
        path, said = (*_DELTA, "content"), event.text
    elif kind is ReasoningDelta:
        delta = get(payload, _DELTA)
        names = [name for name in REASONING_NAMES if isinstance(delta, dict) and name in delta]
        if len(names) != 1:
            return None
        path, said = (*_DELTA, names[0]), event.text
    elif kind is ToolFragment:
        path, said = (*_DELTA, "tool_calls", 0, "function", "arguments"), event.arguments
        if event.name is not UNSET or event.id is not UNSET:
            return None  # it may begin a call
    else:
        return None
    plain = event.choice == 0 and not getattr(event, "last", False)
    if not plain or event.logprobs not in (UNSET, None):
        return None
    return Slot(path, TEXT) if said and get(payload, path) == said else None


def _maker(event: Any) -> Make:
    """Makes an event like this one, with another text."""
    if type(event) is not ToolFragment:
        return type(event)
    index, kind, call_extras, function_extras = event.index, event.kind, event.call_extras, event.function_extras

    def make(choice: int, text: str, logprobs: Any, extras: Extras | None) -> Event:
        return ToolFragment(
            choice,
            index,
            kind=kind,
            arguments=text,
            logprobs=logprobs,
            extras=extras,
            call_extras=call_extras,
            function_extras=function_extras,
        )

    return make
