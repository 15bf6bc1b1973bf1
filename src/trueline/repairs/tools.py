"""Tool calls: one tracker that opens each call once, with a dense index, an id, a name and JSON text (`faults.md` 7).

A fragment belongs to the call of its id; without a known id to the call of its index; without either to the call that
was opened last.  "The arguments parse as JSON" never means that a call is finished, but a new name or a new id beside
a call whose arguments are complete begins another one.
"""

from __future__ import annotations

from msgspec import UNSET

from ..context import ReplyContext
from ..errors import UpstreamFormatError
from ..events import (
    Event,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    ReplyEnd,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolFragment,
    add_fields,
)
from ..wire import jsonio
from ..wire.brackets import ObjectBrackets
from .base import Result, Rule

__all__ = ["ToolCalls"]

_KINDS = ("function", "custom", "function_call")
MAX_COMPARED = 64 * 1024
"""Characters of arguments beyond which a repeat of all of them is not looked for."""

_NO_ID = ("", "null", "None", "undefined")
_PREFIXES = ("default_api:", "default_api.", "functions.")


class _Call:
    __slots__ = (
        "_arguments",
        "_brackets",
        "_complete",
        "_pieces",
        "_unseen",
        "cumulative",
        "ended",
        "fragment",
        "given_id",
        "id",
        "index",
        "kind",
        "name",
        "placeholder",
        "raw_index",
        "size",
        "started",
    )

    def __init__(self, raw_index: int | None, kind: str) -> None:
        self.index = -1
        self.raw_index = raw_index
        self.given_id: str | None = None  # the upstream's
        self.id = ""
        self.name = ""
        self.kind = kind
        self.started = False
        self.ended = False
        self._arguments = ""
        self._pieces: list[str] = []  # joined only where somebody looks at all of the arguments
        self._unseen: list[str] = []  # what the brackets were not told yet
        self._brackets = ObjectBrackets()
        self._complete: bool | None = None
        self.size = 0
        self.placeholder: ToolCallDelta | None = None  # a first `{}`, which some servers send before the arguments
        self.cumulative = False  # fragments were seen to repeat all of the arguments before them
        self.fragment: ToolFragment | None = None  # the first one: its extras leave with the start

    @property
    def arguments(self) -> str:
        if self._pieces:
            self._arguments += "".join(self._pieces)
            self._pieces.clear()
        return self._arguments

    def restart(self, arguments: str) -> None:
        self._arguments, self._pieces, self._unseen, self.size = "", [], [], 0
        self._brackets, self._complete = ObjectBrackets(), None
        self.add(arguments)

    def add(self, arguments: str) -> None:
        self._pieces.append(arguments)
        self._unseen.append(arguments)
        self.size += len(arguments)

    @property
    def complete(self) -> bool:
        """Whether the arguments so far are a JSON object; a prefix may be one, so this proves nothing alone."""
        for piece in self._unseen:
            self._brackets.feed(piece)
        self._unseen.clear()
        if not self._brackets.closed:
            return False
        if self._complete is None:  # what is closed stays as it is, or is no object any more
            self._complete = _is_json(self.arguments.strip())
        return self._complete


def _is_json(text: str) -> bool:
    try:
        jsonio.decode_strict(text.encode("utf-8", "replace"))
    except jsonio.JSONError:
        return False
    return True


class _Choice:
    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.by_id: dict[str, _Call] = {}
        self.by_index: dict[int, _Call] = {}
        self.holding: list[_Call] = []  # those with a placeholder
        self.started = 0


class ToolCalls(Rule):
    """Turn fragments as they came into ToolCallStart, once per call, and ToolCallDelta."""

    sees = (ToolFragment, TextDelta, ReasoningDelta, Finish, Failure, ReplyEnd)
    mends = (
        "tool-index-missing",
        "tool-index-all-zero",
        "tool-index-bad",
        "tool-index-id-vs-args",
        "tool-index-in-nonstream",
        "tool-args-next-call-no-id",
        "tool-id-missing",
        "tool-id-empty-later",
        "tool-id-repeated",
        "tool-id-duplicate",
        "tool-type-missing",
        "tool-whole-call-one-chunk",
        "tool-name-empty-later",
        "tool-name-late",
        "tool-name-repeated",
        "tool-name-never",
        "tool-name-decorated",
        "tool-args-object",
        "tool-args-dup-full",
        "tool-args-cumulative",
        "legacy-function_call",
    )

    @classmethod
    def wanted(cls, context: ReplyContext) -> bool:
        """Chats only."""
        return context.chat

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._choices: dict[int, _Choice] = {}
        self._names = context.request.tool_names if context.mends("tool-name-decorated") else frozenset()
        self._legacy = context.request.legacy_functions or not context.mends("legacy-function_call")

    def see(self, event: ToolFragment | TextDelta | ReasoningDelta | Finish | Failure | ReplyEnd) -> Result:
        if isinstance(event, ToolFragment):
            return self._fragment(event)
        if not self._choices:
            return event
        if isinstance(event, (TextDelta, ReasoningDelta)):
            choice = self._choices.get(event.choice)
            return event if choice is None else [*self._release(choice), event]
        if isinstance(event, Failure) or (isinstance(event, ReplyEnd) and not event.done):
            return [*(held for choice in self._choices.values() for held in self._release(choice)), event]
        if isinstance(event, ReplyEnd):
            ends = [e for choice in list(self._choices) for e in self._end(choice, cut=False)]
        else:
            ends = self._end(event.choice, cut=event.reason.lower() in ("length", "max_tokens", "model_length"))
        return [*ends, event]

    def settled(self, kind: type) -> bool:
        return kind is not ToolFragment and not self._choices

    # -- which call a fragment belongs to -----------------------------------------------------------------------------

    def _fragment(self, event: ToolFragment) -> Result:
        choice = self._choices.get(event.choice)
        if choice is None:
            choice = self._choices[event.choice] = _Choice()
        kind = self._kind(event)
        index = self._raw_index(event)
        identity = self._raw_id(event)
        name = event.name if isinstance(event.name, str) else ""
        arguments = self._arguments(event)
        if not (name or identity or arguments) and not choice.calls and not event.whole:
            self.note("empty-deltas")
            return None  # an empty placeholder
        call = None if event.whole else self._find(choice, index, identity, name, arguments)
        fresh = call is None
        if call is None:
            call = self._open(choice, event, index, identity, kind)
        self._note_fields(event, call, fresh, name)
        if name and not call.name:
            if not fresh:
                self.note("tool-name-late")
            call.name = self._bare_name(name)
        return self._advance(choice, call, event, arguments)

    def _find(
        self, choice: _Choice, index: int | None, identity: str | None, name: str, arguments: str
    ) -> _Call | None:
        """The open call that a fragment continues, or None if it begins one."""
        if not choice.calls:
            return None
        last = choice.calls[-1]
        if identity is not None:
            return self._find_by_id(choice, index, identity, name, not arguments.strip())
        if index is None:
            begins = bool(name) and (name != last.name or last.complete or not arguments)
            return None if begins and last.name else last
        call = choice.by_index.get(index)
        if call is None:
            if name and not self._is_rest(last, name, arguments):
                return None
            self.note("tool-index-id-vs-args")
            if name:
                choice.by_index[index] = last
            return last
        if name and call.name and call.complete:
            another = arguments and arguments != call.arguments
            if another or self._bare_name(name) != call.name:
                self.note("tool-args-next-call-no-id")
                return None
        return call

    def _is_rest(self, call: _Call, name: str, arguments: str) -> bool:
        """Whether arguments under a new index, with a name and no id, are those that a call with an id still lacks."""
        same = not call.name or self._bare_name(name) == call.name
        return same and call.given_id is not None and not call.size and bool(arguments)

    def _find_by_id(self, choice: _Choice, index: int | None, identity: str, name: str, blank: bool) -> _Call | None:
        call = choice.by_id.get(identity)
        if call is not None:
            if name and index is not None and call.raw_index not in (None, index) and index not in choice.by_index:
                self.note("tool-id-duplicate")
                return None
            if name and call.name and call.complete and self._bare_name(name) != call.name:
                self.note("tool-id-duplicate")
                return None
            return choice.by_index.get(index, call) if index is not None and call.raw_index != index else call
        open_call = choice.by_index.get(index) if index is not None else choice.calls[-1]
        if open_call is None:
            return None
        if open_call.given_id is None and not (name and open_call.name):
            return open_call  # the id came late
        if not name and open_call.name and (blank or not open_call.complete):
            return open_call  # a new id in every fragment of one call
        if index is not None:
            self.note("tool-index-all-zero")
        return None

    def _open(self, choice: _Choice, event: ToolFragment, index: int | None, identity: str | None, kind: str) -> _Call:
        call = _Call(index, kind)
        call.fragment = event
        if identity is not None and identity in choice.by_id:
            if event.whole:
                self.note("tool-id-duplicate")
            identity = None
        elif identity is None and kind != "function_call":
            self.note("tool-id-missing")
        call.given_id = identity
        call.id = identity if identity is not None else "call_" + self.context.mint.token(24)
        if identity is not None:
            choice.by_id[identity] = call
        if index is not None:
            choice.by_index[index] = call
        choice.calls.append(call)
        return call

    # -- the fields of a fragment -------------------------------------------------------------------------------------

    def _kind(self, event: ToolFragment) -> str:
        kind = event.kind if event.kind in _KINDS else "function"
        if kind == "function_call" and not self._legacy:
            self.note("legacy-function_call")
            return "function"
        return kind

    def _raw_index(self, event: ToolFragment) -> int | None:
        index = event.index
        if event.whole:
            if index is not UNSET:
                self.note("tool-index-in-nonstream")
            return None
        if type(index) is int and index >= 0:
            return index
        if event.kind == "function_call":
            return None
        self.note("tool-index-missing" if index is UNSET else "tool-index-bad")
        if isinstance(index, float):
            return int(index) if index.is_integer() and index >= 0 else None
        return jsonio.integer(index) if isinstance(index, str) and not index.startswith("-") else None

    def _raw_id(self, event: ToolFragment) -> str | None:
        identity = event.id
        if isinstance(identity, int) and not isinstance(identity, bool):
            self.note("tool-id-missing")
            identity = str(identity)
        return identity if isinstance(identity, str) and identity not in _NO_ID else None

    def _arguments(self, event: ToolFragment) -> str:
        arguments = event.arguments
        if isinstance(arguments, str):
            return jsonio.mend_surrogates(arguments) if jsonio.has_surrogates(arguments) else arguments
        if arguments is UNSET or arguments is None:
            return ""
        self.note("tool-args-object")
        return jsonio.encode(arguments).decode()

    def _note_fields(self, event: ToolFragment, call: _Call, fresh: bool, name: str) -> None:
        if fresh:
            if event.kind not in _KINDS:
                self.note("tool-type-missing")
            if event.arguments in (UNSET, None) and not (event.whole and event.kind != "custom"):
                self.note("tool-calls-other-shape")
            if event.arguments and name and not event.whole:
                self.note("tool-whole-call-one-chunk")
            return
        if event.id is not UNSET or event.kind not in (UNSET, "custom", "function_call"):
            self.note("tool-id-repeated" if event.id is UNSET or self._raw_id(event) else "tool-id-empty-later")
        if event.name is not UNSET:
            if not name:
                self.note("tool-name-empty-later")
            elif call.name:
                self.note("tool-name-repeated")

    def _bare_name(self, name: str) -> str:
        """`functions.list_dir:0` for a tool that is called `list_dir` (`tool-name-decorated`)."""
        names = self._names
        if not names or name in names:
            return name
        bare = name
        for prefix in ("", *_PREFIXES):
            bare = bare.removeprefix(prefix)
            for candidate in (bare, bare.rsplit(":", 1)[0]):
                if candidate in names:
                    self.note("tool-name-decorated")
                    return candidate
        return name

    # -- what leaves --------------------------------------------------------------------------------------------------

    def _advance(self, choice: _Choice, call: _Call, event: ToolFragment, arguments: str) -> Result:
        if call.placeholder is not None and arguments:
            return self._replace(call, event, arguments)
        arguments = self._increment(call, arguments)
        call.add(arguments)
        first = call.fragment
        if not call.started and first is not None and first is not event:
            first.call_extras = add_fields(first.call_extras, event.call_extras)
            first.function_extras = add_fields(first.function_extras, event.function_extras)
        if not call.name:
            return None  # held until the name is known
        if not call.started:
            return [*self._release(choice), *self._start(choice, call, event)]
        if not event.arguments:
            self.note("empty-deltas")
        if not arguments and not event.call_extras and not event.function_extras:
            return Opaque(event.extras, event.choice) if event.extras is not None else None
        delta = _delta(call, event, arguments)
        if arguments == "{}" and call.size == 2:
            call.placeholder = delta
            choice.holding.append(call)
            return None
        return delta

    def _replace(self, call: _Call, event: ToolFragment, arguments: str) -> Result:
        """What follows a first `{}`: the arguments that it stood for, or more of what it began."""
        held, call.placeholder = call.placeholder, None
        delta = _delta(call, event, arguments)
        if arguments == "{}" or arguments.lstrip().startswith("{"):
            self.note("tool-args-dup-full")
            call.restart(arguments)
            before = Opaque(held.extras, event.choice) if held is not None and held.extras is not None else None
            return [before, delta] if before is not None else delta
        call.add(arguments)
        return [held, delta] if held is not None else delta

    def _release(self, choice: _Choice) -> list[Event]:
        """First `{}`s that nothing followed: they were the arguments."""
        released: list[Event] = []
        for call in sorted(choice.holding, key=lambda call: call.index):
            if call.placeholder is not None:
                released.append(call.placeholder)
                call.placeholder = None
        choice.holding.clear()
        return released

    def _increment(self, call: _Call, arguments: str) -> str:
        """Arguments that repeat what came before, without the repeat."""
        if not arguments.startswith("{") or not call.size or (call.size > MAX_COMPARED and not call.cumulative):
            return arguments
        before = call.arguments
        if not before.startswith("{"):
            return arguments
        if arguments == before and call.complete and self.context.mends("tool-args-dup-full"):
            self.note("tool-args-dup-full")
            return ""
        if len(arguments) <= len(before) or not arguments.startswith(before) or call.complete:
            return arguments
        if before.rstrip()[-1] in ":[," and not call.cumulative:
            return arguments  # a value may have its parent's key; behind anything else this would not be JSON
        if not self.context.mends("tool-args-cumulative"):
            return arguments
        call.cumulative = True
        self.note("tool-args-cumulative")
        return arguments[len(before) :]

    def _start(self, choice: _Choice, call: _Call, event: ToolFragment) -> list[Event]:
        call.started = True
        call.index = choice.started
        choice.started += 1
        if (
            call.raw_index is not None
            and call.raw_index != call.index
            and "tool-index-all-zero" not in self.context.faults
        ):
            self.note("tool-index-bad")
        first = call.fragment or event
        events: list[Event] = [
            ToolCallStart(
                event.choice,
                call.index,
                call.id,
                call.name,
                call.kind,
                event.logprobs,
                first.extras,
                first.call_extras,
                first.function_extras,
            )
        ]
        if call.arguments == "{}" and not event.whole:
            call.placeholder = ToolCallDelta(event.choice, call.index, "{}", call.kind)
            choice.holding.append(call)
        elif call.size:
            events.append(ToolCallDelta(event.choice, call.index, call.arguments, call.kind))
        return events

    def _end(self, index: int, cut: bool) -> list[Event]:
        """The choice is over: a call without a name cannot be called, and one that says nothing else is none."""
        choice = self._choices.get(index)
        if choice is None:
            return []
        events = self._release(choice)
        for call in choice.calls:
            if call.ended or call.started:
                call.ended = True
                continue
            call.ended = True
            if not (call.size or call.given_id):
                continue
            self.note("tool-name-never")
            if call.size and not cut:
                return [Failure(UpstreamFormatError("The upstream sent a tool call without a name."))]
        return events


def _delta(call: _Call, event: ToolFragment, arguments: str) -> ToolCallDelta:
    """More of an open call, with what else the fragment says."""
    return ToolCallDelta(
        event.choice,
        call.index,
        arguments,
        call.kind,
        event.logprobs,
        event.extras,
        event.call_extras,
        event.function_extras,
    )
