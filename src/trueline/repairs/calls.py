"""Tool calls that have to be seen whole: sent in one piece, or mended where an option asks for that.

A call is held until the next one begins behind complete arguments, or until its choice ends; a call that was cut never
leaves.  What parses is never touched.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ..context import ReplyContext
from ..events import Event, Finish, Opaque, ToolCallDelta, ToolCallStart, add_fields
from ..wire import jsonio
from .base import Result, Rule
from .loose_json import read_loose_object

__all__ = ["WholeCalls"]

_PARALLEL = "multi_tool_use.parallel"
_OPTIONS = ("tool-args-double-encoded", "tool-args-invalid-json", "multi_tool_use-parallel")


class _Choice:
    """The calls of one choice."""

    __slots__ = ("held", "looked", "sent", "shift")

    def __init__(self) -> None:
        self.held: dict[int, tuple[ToolCallStart, list[str]]] = {}  # in the order of their indexes
        self.looked = 0  # at so many pieces of the first one, which were not all of its arguments
        self.sent: dict[int, int] = {}  # index as it came -> index as it left
        self.shift = 0
        """How many calls more left than came: those that one call held."""


class WholeCalls(Rule):
    """Hold each call until it is complete: for `tool_calls: whole`, and for what only whole arguments can tell."""

    sees = (ToolCallStart, ToolCallDelta, Finish)
    mends = _OPTIONS

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        options = context.options
        return context.chat and (options.tool_calls == "whole" or any(map(context.opted, _OPTIONS)))

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._choices: dict[int, _Choice] = {}
        self._whole = context.options.tool_calls == "whole"
        self._decodes, self._mends, self._unpacks = map(context.opted, _OPTIONS)

    def see(self, event: ToolCallStart | ToolCallDelta | Finish) -> Result:
        choice = self._choices.get(event.choice)
        if isinstance(event, ToolCallStart):
            choice = self._choices.setdefault(event.choice, _Choice())
            released = self._release(choice, complete=True)
            choice.held[event.index] = (event, [event.arguments])
            return released
        if choice is None:
            return event
        if isinstance(event, Finish):
            return [*self._release(choice, cut=event.reason == "length"), event]
        held = choice.held.get(event.index)
        if held is None:
            event.index = choice.sent.get(event.index, event.index)
            return event
        held[1].append(event.arguments)
        start = held[0]
        start.call_extras = add_fields(start.call_extras, event.call_extras)
        start.function_extras = add_fields(start.function_extras, event.function_extras)
        return None if event.extras is None else Opaque(event.extras, event.choice)

    def _release(self, choice: _Choice, *, complete: bool = False, cut: bool = False) -> list[Event]:
        """What may leave, in order; with `complete`, up to the first call whose arguments do not parse yet."""
        events: list[Event] = []
        while choice.held:
            index, (start, pieces) = next(iter(choice.held.items()))
            if complete and choice.looked == len(pieces):
                break
            arguments = "".join(pieces)
            if complete and _object(arguments) is None:
                choice.looked = len(pieces)
                break
            del choice.held[index]
            choice.looked = 0
            choice.sent[index] = start.index = index + choice.shift
            calls = self._mended(start, arguments, cut)
            choice.shift += len(calls) - 1
            for call in calls:
                events.extend(self._written(call))
        return events

    def _written(self, call: ToolCallStart) -> list[Event]:
        if self._whole or not call.arguments:
            return [call]
        arguments, call.arguments = call.arguments, ""
        return [call, ToolCallDelta(call.choice, call.index, arguments, call.kind)]

    def _mended(self, start: ToolCallStart, arguments: str, cut: bool) -> list[ToolCallStart]:
        start.arguments = arguments
        if start.kind == "custom":
            return [start]
        fields = _object(arguments)
        if fields is None and arguments.strip():
            start.arguments = self._read(arguments, cut)
            fields = _object(start.arguments)
        if self._unpacks and start.name == _PARALLEL and fields is not None:
            return self._unpacked(start, fields)
        return [start]

    def _read(self, arguments: str, cut: bool) -> str:
        if self._decodes:
            inner = _value(arguments)
            if isinstance(inner, str) and _object(inner) is not None:
                self.note("tool-args-double-encoded")
                return inner
        if self._mends and not cut:
            fields = read_loose_object(arguments)
            if fields is not None:
                self.note("tool-args-invalid-json")
                return jsonio.encode(fields).decode()
        return arguments

    def _unpacked(self, start: ToolCallStart, fields: dict[str, Any]) -> list[ToolCallStart]:
        uses = fields.get("tool_uses")
        if not isinstance(uses, list) or not uses or not all(map(_is_use, uses)):
            return [start]
        self.note("multi_tool_use-parallel")
        calls: list[ToolCallStart] = []
        for position, use in enumerate(uses):
            calls.append(
                ToolCallStart(
                    start.choice,
                    start.index + position,
                    start.id if not position else "call_" + self.context.mint.token(24),
                    use["recipient_name"].removeprefix("functions."),
                    start.kind,
                    start.logprobs if not position else UNSET,
                    start.extras if not position else None,
                    arguments=jsonio.encode(use["parameters"]).decode(),
                )
            )
        return calls


def _is_use(use: Any) -> bool:
    return (
        isinstance(use, dict) and isinstance(use.get("recipient_name"), str) and isinstance(use.get("parameters"), dict)
    )


def _value(text: str) -> Any:
    try:
        return jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return UNSET


def _object(text: str) -> dict[str, Any] | None:
    value = _value(text) if text.strip().startswith("{") else None
    return value if isinstance(value, dict) else None
