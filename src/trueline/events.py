"""The canonical reply: what a model server says, as events, whatever its wire format.

A stream is read into events as it arrives; a whole reply is unfolded into the same events, so that one rule serves
both.

    ReplyStart                                   once: id, created, model, fingerprint, tier
    ChoiceStart                                  once per choice, before anything else of it
      TextDelta  ReasoningDelta  RefusalDelta    increments
      ToolFragment                               a piece of a tool call as it came; the tool rule turns it into
      ToolCallStart  ToolCallDelta               a call opened once, with a dense index, then its arguments
      Finish                                     once per choice
    Usage                                        the whole exchange's
    Opaque                                       fields beyond the schema that belong to none of the above
    Failure                                      the reply failed; nothing after it counts
    ReplyEnd                                     the upstream ended; `done` where it said so itself

Events are plain values: identity, order and repair are the business of rules.  `Extras` keeps unknown fields at the
level at which they came.  `UNSET` means that a key was absent, `None` that it was null.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from .errors import TruelineError

__all__ = [
    "Call",
    "Choice",
    "ChoiceStart",
    "Event",
    "Extras",
    "Failure",
    "Finish",
    "Opaque",
    "ReasoningDelta",
    "RefusalDelta",
    "Reply",
    "ReplyEnd",
    "ReplyStart",
    "TextDelta",
    "ToolCallDelta",
    "ToolCallStart",
    "ToolFragment",
    "Usage",
    "add_fields",
    "fold",
    "unfold",
]

Fields: TypeAlias = dict[str, Any]


class Extras(Struct, gc=False):
    """Unknown fields of one payload, by level."""

    reply: Fields | None = None
    choice: Fields | None = None
    message: Fields | None = None


class ReplyStart(Struct):
    id: Any = UNSET
    created: Any = UNSET
    model: Any = UNSET
    fingerprint: Any = UNSET
    service_tier: Any = UNSET
    extras: Extras | None = None


class ChoiceStart(Struct, gc=False):
    choice: int
    content: str | None = ""
    refusal: str | UnsetType | None = UNSET
    alone: bool = False
    """It came with `content: null` and nothing else, so what follows decides whether null was right."""
    logprobs: Any = UNSET
    extras: Extras | None = None


class TextDelta(Struct, gc=False):
    choice: int
    text: str
    logprobs: Any = UNSET
    extras: Extras | None = None
    last: bool = False
    """It came in the same payload as the finish."""


class ReasoningDelta(Struct, gc=False):
    choice: int
    text: str
    logprobs: Any = UNSET
    extras: Extras | None = None
    last: bool = False
    """It came in the same payload as the finish."""


class RefusalDelta(Struct, gc=False):
    choice: int
    text: str
    logprobs: Any = UNSET
    extras: Extras | None = None


class ToolFragment(Struct, gc=False):
    """A piece of a tool call in the upstream's own words: any of them may be missing or wrong."""

    choice: int
    index: Any = UNSET
    id: Any = UNSET
    name: Any = UNSET
    kind: Any = UNSET
    arguments: Any = UNSET
    whole: bool = False
    """It is a call of a whole reply: complete, and a call of its own."""
    logprobs: Any = UNSET
    extras: Extras | None = None
    call_extras: Fields | None = None
    function_extras: Fields | None = None


class ToolCallStart(Struct, gc=False):
    choice: int
    index: int
    id: str
    name: str
    kind: str = "function"
    """`function`, `custom`, or `function_call` for the legacy field."""
    logprobs: Any = UNSET
    extras: Extras | None = None
    call_extras: Fields | None = None
    function_extras: Fields | None = None
    arguments: str = ""
    """All of them, where the call leaves in one piece; else they follow."""


class ToolCallDelta(Struct, gc=False):
    choice: int
    index: int
    arguments: str
    kind: str = "function"
    logprobs: Any = UNSET
    extras: Extras | None = None
    call_extras: Fields | None = None
    function_extras: Fields | None = None


class Finish(Struct, gc=False):
    choice: int
    reason: str
    logprobs: Any = UNSET
    extras: Extras | None = None


class Usage(Struct, gc=False):
    data: Fields
    extras: Extras | None = None
    alone: bool = False
    """It came in a chunk of its own, with no choices."""
    spare: bool = False
    """It stands in a field that stays, and counts where there is no other (`usage-x-groq`)."""


class Opaque(Struct, gc=False):
    extras: Extras
    choice: int | None = None
    logprobs: Any = UNSET


class Failure(Struct):
    error: TruelineError


class ReplyEnd(Struct, gc=False):
    done: bool


Event: TypeAlias = (
    ReplyStart
    | ChoiceStart
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolFragment
    | ToolCallStart
    | ToolCallDelta
    | Finish
    | Usage
    | Opaque
    | Failure
    | ReplyEnd
)


# -- a whole reply ----------------------------------------------------------------------------------------------------


class Call(Struct):
    """A complete tool call."""

    id: Any
    name: Any
    arguments: Any
    kind: Any = "function"
    index: Any = UNSET
    extras: Fields | None = None
    function_extras: Fields | None = None


class Choice(Struct):
    index: int
    content: str | None = None
    reasoning: str | None = None
    refusal: str | UnsetType | None = UNSET
    calls: list[Call] = []
    finish: str | None = None
    logprobs: Any = UNSET
    extras: Fields = {}
    message_extras: Fields = {}


class Reply(Struct):
    start: ReplyStart
    choices: list[Choice] = []
    usage: Fields | UnsetType | None = UNSET
    extras: Fields = {}


def unfold(reply: Reply) -> list[Event]:
    """The events of a whole reply, in the order in which a stream would have brought them; no ReplyEnd."""
    start = reply.start
    start.extras = Extras(reply=reply.extras) if reply.extras else None
    events: list[Event] = [start]
    for choice in reply.choices:
        _unfold_choice(choice, events)
    if isinstance(reply.usage, dict):
        events.append(Usage(reply.usage))
    return events


def _unfold_choice(choice: Choice, events: list[Event]) -> None:
    index = choice.index
    extras = None
    if choice.message_extras or choice.extras:
        extras = Extras(choice=choice.extras or None, message=choice.message_extras or None)
    start = ChoiceStart(index, "" if choice.content else choice.content, choice.refusal, extras=extras)
    if isinstance(choice.refusal, str) and choice.refusal:
        start.refusal = ""
    events.append(start)
    if choice.reasoning:
        events.append(ReasoningDelta(index, choice.reasoning))
    if choice.content:
        events.append(TextDelta(index, choice.content, choice.logprobs))
    else:
        start.logprobs = choice.logprobs
    if isinstance(choice.refusal, str) and choice.refusal:
        events.append(RefusalDelta(index, choice.refusal))
    for call in choice.calls:
        events.append(
            ToolFragment(
                index,
                call.index,
                call.id,
                call.name,
                call.kind,
                call.arguments,
                whole=True,
                call_extras=call.extras,
                function_extras=call.function_extras,
            )
        )
    if choice.finish is not None:
        events.append(Finish(index, choice.finish))


def fold(events: list[Event]) -> Reply:
    """The whole reply that the events tell; `fold(unfold(reply)) == reply` for a reply whose calls were tracked."""
    folder = _Folder()
    for event in events:
        folder.take(event)
    return folder.close()


class _Pieces(list[str]):
    """A text that comes in increments; joined once."""


class _Folder:
    def __init__(self) -> None:
        self.reply = Reply(ReplyStart(), [], UNSET, {})
        self._choices: dict[int, Choice] = {}
        self._texts: dict[tuple[int, str], _Pieces] = {}
        self._calls: dict[tuple[int, int], tuple[Call, _Pieces]] = {}

    def close(self) -> Reply:
        for (index, name), pieces in self._texts.items():
            choice = self._choices[index]
            setattr(choice, name, (getattr(choice, name) or "") + "".join(pieces))
        for call, pieces in self._calls.values():
            call.arguments += "".join(pieces)
        for choice in self.reply.choices:
            choice.message_extras = _joined(choice.message_extras)
        return self.reply

    def take(self, event: Event) -> None:
        match event:
            case ReplyStart():
                self.reply.start = event
            case Usage():
                self.reply.usage = event.data
            case ToolFragment() | Failure() | ReplyEnd():
                return
            case Opaque(choice=None):
                pass
            case _:
                self._take_choice(event)
        extras = event.extras
        if extras is not None and extras.reply:
            _merge(self.reply.extras, extras.reply, join=False)

    def _take_choice(self, event: Any) -> None:
        choice = self._choices.get(event.choice)
        if choice is None:
            choice = self._choices[event.choice] = Choice(event.choice, calls=[], extras={}, message_extras={})
            self.reply.choices.append(choice)
        choice.logprobs = _merge_logprobs(choice.logprobs, event.logprobs)
        match event:
            case ChoiceStart():
                choice.content, choice.refusal = event.content, event.refusal
            case TextDelta() | ReasoningDelta() | RefusalDelta():
                self._texts.setdefault((event.choice, _TEXTS[type(event)]), _Pieces()).append(event.text)
            case ToolCallStart():
                call = Call(
                    event.id,
                    event.name,
                    event.arguments,
                    event.kind,
                    extras=event.call_extras,
                    function_extras=event.function_extras,
                )
                self._calls[event.choice, event.index] = call, _Pieces()
                choice.calls.append(call)
            case ToolCallDelta():
                call, arguments = self._calls[event.choice, event.index]
                arguments.append(event.arguments)
                call.extras = add_fields(call.extras, event.call_extras)
                call.function_extras = add_fields(call.function_extras, event.function_extras)
            case Finish():
                choice.finish = event.reason
        if event.extras is not None:
            _merge(choice.extras, event.extras.choice, join=False)
            _merge(choice.message_extras, event.extras.message, join=True)


class _Added(dict[str, Any]):
    """Fields of several events: nobody else's, so that more can be added to it in place."""


def add_fields(fields: Fields | None, more: Fields | None) -> Fields | None:
    """Both, the later value of a field; neither is changed, unless `fields` is such a sum itself."""
    if not more:
        return fields
    if not fields:
        return more
    added = fields if type(fields) is _Added else _Added(fields)
    added.update(more)
    return added


_TEXTS: Final[dict[type, str]] = {TextDelta: "content", ReasoningDelta: "reasoning", RefusalDelta: "refusal"}


def _merge(into: Fields, fields: Fields | None, join: bool) -> None:
    """Later values win; with `join`, lists and strings of increments are put together as SDKs do."""
    for key, value in (fields or {}).items():
        old = into.get(key)
        if join and isinstance(old, _Pieces) and isinstance(value, str):
            old.append(value)
        elif join and isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value, join)
        elif join and type(old) is list and isinstance(value, list):
            old.extend(value)
        elif value is not None or key not in into:
            into[key] = _own(value) if join else value


def _own(value: Any) -> Any:
    """A copy that may grow."""
    if isinstance(value, str):
        return _Pieces([value])
    if isinstance(value, dict):
        return {key: _own(one) for key, one in value.items()}
    return list(value) if isinstance(value, list) else value


def _joined(value: Any) -> Any:
    """What `_own` made, with its texts in one piece."""
    if isinstance(value, _Pieces):
        return "".join(value)
    return {key: _joined(one) for key, one in value.items()} if isinstance(value, dict) else value


def _merge_logprobs(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return old if isinstance(old, dict) or new is UNSET else new
    if not isinstance(old, dict):
        return {key: list(value) if isinstance(value, list) else value for key, value in new.items()}
    for key, value in new.items():
        if isinstance(value, list) and isinstance(old.get(key), list):
            old[key].extend(value)
        elif value is not None or key not in old:
            old[key] = list(value) if isinstance(value, list) else value
    return old
