"""What a planter is, and the small words in which the planters are written.

A reply passes these levels; a planter has a function for each level at which its fault is committed:

    asked    the request, as the model takes it                request -> request
    mode     a stream answers a whole request, or a whole reply a stream request
    whole    the object of a whole reply                      Any -> Any
    chunks   the objects of a stream, in order                list -> list
    frames   the rendered SSE events, [DONE] last             list[bytes] -> list[bytes]
    raw      the rendered whole reply                         bytes -> bytes
    head     status and headers                               Head -> Head
    ending   how the connection ends

The objects belong to one reply and are made for it: a planter may change them in place, and returns what is to be sent.
Planters tolerate what other planters left behind, so that any set of faults can be committed together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from trueline.sim.chat import ChatAnswer
from trueline.sim.errors import SimError
from trueline.sim.ids import Ids
from trueline.sim.options import SimOptions
from trueline.sim.plain import CompletionAnswer
from trueline.sim.reply import DONE, Ending

__all__ = [
    "Ctx",
    "Fragment",
    "Head",
    "Planter",
    "calls",
    "choices_of",
    "content_places",
    "delta_chunk",
    "each",
    "each_call",
    "each_choice",
    "each_delta",
    "each_message",
    "finish_place",
    "fragments",
    "function_of",
    "insert_middle",
    "is_content",
    "is_done",
    "is_usage",
    "like_chunk",
    "part_of",
    "set_field",
    "text_parts",
    "without",
]

Json = dict[str, Any]
T = TypeVar("T")
Where = Literal["chat", "completions", "images", "embeddings", "models", "errors"]


@dataclass
class Head:
    """Status and headers of a reply."""

    status: int
    headers: dict[str, str]


@dataclass
class Ctx:
    """What a planter may know about the reply besides its bytes."""

    request: Json
    endpoint: str
    options: SimOptions
    ids: Ids
    stream: bool
    answer: ChatAnswer | CompletionAnswer | None = None
    """The clean answer, for chat and completions."""
    host: str = ""
    clean: Any = None
    """The clean whole object of the other endpoints."""

    def pick(self, forms: tuple[T, ...]) -> T:
        """The form of the fault that `options.variant` chooses."""
        return forms[self.options.variant % len(forms)]

    def text(self) -> str:
        """The clean answer of the first choice."""
        if isinstance(self.answer, ChatAnswer):
            return self.answer.choices[0].text or ""
        return "".join(self.answer.choices[0][0]) if self.answer else ""

    def usage(self) -> Json:
        """The clean usage."""
        return deepcopy(self.answer.usage) if self.answer else {}

    def limit(self, events: int) -> int:
        """After how many events something goes wrong: as told, else in the middle."""
        after = self.options.fail_after
        return max(1, events // 2) if after is None else after


Objects = Callable[[Any, Ctx], Any]


@dataclass(frozen=True)
class Planter:
    """How one fault is committed; see the module's head for the levels."""

    asked: Callable[[Json, SimOptions], Json] | None = None
    """What the model takes the request for; a new object where it is another one."""
    whole: Objects | None = None
    chunks: Callable[[list[Any], Ctx], list[Any]] | None = None
    frames: Callable[[list[bytes], Ctx], list[bytes]] | None = None
    raw: Callable[[bytes, Ctx], bytes] | None = None
    head: Callable[[Head, Ctx], Head] | None = None
    ending: Ending | None = None
    mode: Literal["stream", "whole"] | None = None
    on: frozenset[Where] = frozenset({"chat"})
    """The endpoints, or kinds of reply, where it is committed."""
    needs: tuple[str, ...] = ()
    """What the request must have for the fault to show: keys of `trueline.sim.examples.NEEDS`."""
    spoils: bool = False
    """The reply is lost or an error: never part of a provider's habits (`like`), only where asked for by name."""
    error: Callable[[], SimError] | None = field(default=None)
    """The error to give where the request itself is good and the fault is asked for by name."""
    escapes: bool = False
    """Rendered with the standard library's JSON, which writes NaN and lone surrogates."""


def each(change: Callable[[Json, Ctx], Any], **fields: Any) -> Planter:
    """A planter for every object: the whole reply, and each chunk."""

    def whole(body: Any, ctx: Ctx) -> Any:
        if isinstance(body, dict):
            change(body, ctx)
        return body

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for chunk in made:
            whole(chunk, ctx)
        return made

    return Planter(whole=whole, chunks=chunks, **fields)


def set_field(name: str, value: Any, **fields: Any) -> Planter:
    """A planter that gives a field of every object one value; a function computes it from the old one."""

    def change(item: Json, ctx: Ctx) -> None:
        if name in item:
            item[name] = value(item[name], ctx) if callable(value) else value

    return each(change, **fields)


def without(name: str, **fields: Any) -> Planter:
    """A planter that leaves a field out of every object."""
    return each(lambda item, ctx: item.pop(name, None), **fields)


def choices_of(item: Any) -> list[Json]:
    """The choices of a whole reply or a chunk that are objects."""
    found = item.get("choices") if isinstance(item, dict) else None
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def each_choice(change: Callable[[Json, Ctx], Any], **fields: Any) -> Planter:
    """A planter for every choice, whole and streamed."""
    return each(lambda item, ctx: [change(choice, ctx) for choice in choices_of(item)], **fields)


def part_of(choice: Json) -> Json:
    """The message or delta of a choice; an object that belongs to nothing where it has none."""
    for key in ("delta", "message"):
        if isinstance(choice.get(key), dict):
            return choice[key]  # type: ignore[no-any-return]
    return {}


def each_message(change: Callable[[Json, Ctx], Any], **fields: Any) -> Planter:
    """A planter for the messages of whole replies."""

    def whole(body: Any, ctx: Ctx) -> Any:
        for choice in choices_of(body):
            if isinstance(choice.get("message"), dict):
                change(choice["message"], ctx)
        return body

    return Planter(whole=whole, **fields)


def each_delta(change: Callable[[Json, Ctx], Any], **fields: Any) -> Planter:
    """A planter for the deltas of streams."""

    def chunks(made: list[Any], ctx: Ctx) -> list[Any]:
        for chunk in made:
            for choice in choices_of(chunk):
                if isinstance(choice.get("delta"), dict):
                    change(choice["delta"], ctx)
        return made

    return Planter(chunks=chunks, **fields)


def calls(part: Json) -> list[Json]:
    """The tool calls of a message or delta."""
    found = part.get("tool_calls")
    return [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []


def each_call(change: Callable[[Json, Ctx], Any], **fields: Any) -> Planter:
    """A planter for every tool call, or fragment of one."""

    def change_choice(choice: Json, ctx: Ctx) -> None:
        for call in calls(part_of(choice)):
            change(call, ctx)

    return each_choice(change_choice, **fields)


def function_of(call: Json) -> Json:
    """The function of a call; an object that belongs to nothing where it has none."""
    found = call.get("function")
    return found if isinstance(found, dict) else {}


class Fragment(NamedTuple):
    """One fragment of a tool call in a stream."""

    place: int
    chunk: Json
    delta: Json
    call: Json
    first: bool
    function: Json


def fragments(chunks: list[Any]) -> Iterator[Fragment]:
    """The fragments of all tool calls, in order, each knowing whether it is its call's first."""
    seen: set[tuple[Any, Any]] = set()
    for place, chunk in enumerate(chunks):
        for choice in choices_of(chunk):
            delta = part_of(choice)
            for call in calls(delta):
                key = (repr(choice.get("index")), repr(call.get("index")))
                yield Fragment(place, chunk, delta, call, key not in seen, function_of(call))
                seen.add(key)


def text_parts(chunk: Any) -> list[tuple[Json, Json]]:
    """The choices with text, each with its delta or message."""
    pairs = [(choice, part_of(choice)) for choice in choices_of(chunk)]
    return [(choice, part) for choice, part in pairs if isinstance(part.get("content"), str) and part["content"]]


def is_content(chunk: Any) -> bool:
    """Does this chunk carry text of an answer?"""
    return bool(text_parts(chunk))


def content_places(chunks: list[Any]) -> list[int]:
    """Where the chunks with text are."""
    return [place for place, chunk in enumerate(chunks) if is_content(chunk)]


def finish_place(chunks: list[Any]) -> int:
    """Where the first chunk with a finish_reason is; the end of the list if there is none."""
    for place, chunk in enumerate(chunks):
        if any(choice.get("finish_reason") for choice in choices_of(chunk)):
            return place
    return len(chunks)


def is_usage(chunk: Any) -> bool:
    """Is this the chunk with the usage and no choices?"""
    return isinstance(chunk, dict) and bool(chunk.get("usage")) and not choices_of(chunk)


def like_chunk(chunks: list[Any], choices: Any) -> Json:
    """A chunk in the envelope of the others."""
    model = next((chunk for chunk in chunks if isinstance(chunk, dict) and "choices" in chunk), {})
    fresh = {"choices": choices, "usage": None, "obfuscation": ""}
    return {name: fresh.get(name, value) for name, value in model.items()} | {"choices": choices}


def delta_chunk(chunks: list[Any], delta: Json, index: int = 0, finish: str | None = None) -> Json:
    """A chunk with one delta, in the envelope of the others."""
    sample = next((choice for chunk in chunks for choice in choices_of(chunk)), {"logprobs": None})
    choice: Json = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    if "logprobs" not in sample:
        del choice["logprobs"]
    return like_chunk(chunks, [choice])


def insert_middle(chunks: list[Any], *extra: Any) -> list[Any]:
    """The chunks with others put among the text (or the fragments of a call)."""
    place = max(1, finish_place(chunks) // 2)
    return [*chunks[:place], *extra, *chunks[place:]]


def is_done(frame: bytes) -> bool:
    """Is this the event that ends a stream?"""
    return frame == DONE
