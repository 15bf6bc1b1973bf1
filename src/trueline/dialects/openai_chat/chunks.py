"""The payloads of a chat stream to events: lenient in every field, and never an exception.

Knows what a chunk may look like; what its events mean together (tool calls, finish, usage) is the business of rules.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ...wire import jsonio
from ..constant import Envelope, envelope_of, note_changes
from ..error_bodies import error_in
from ..foreign import foreign_shape, wrong_shape
from .fields import (
    CHOICE_FIELDS,
    REPLY_FIELDS,
    Fields,
    Message,
    choice_list,
    fill_start,
    finish_word,
    known,
    note_failed_finish,
    omits_logprobs,
    read_message,
    unwrap,
)

__all__ = ["ChunkReader", "tool_fragment"]

_TOOL_FIELDS = frozenset(("index", "id", "type", "function", "custom"))
_FUNCTION_FIELDS = frozenset(("name", "arguments", "input"))
_REPLY_OBJECTS = ("chat.completion.chunk",)


class ChunkReader:
    """`read(payload) -> events` for each payload of one stream."""

    def __init__(self, context: ReplyContext) -> None:
        self._note = context.note
        self._count = context.request.n
        self._asked = context.request.include_usage
        self._expected = self._asked or context.request.usage_added
        self._omits_logprobs: bool | None = None  # until a chunk has named the model
        self._strays: dict[int, int | None] = {}  # an index beyond the count -> the one that stands for it
        self._start: ReplyStart | None = ReplyStart()  # None once it was sent
        self._first: Envelope = envelope_of({})  # of the chunk that began the reply
        self._open: set[int] = set()

    @property
    def first(self) -> Envelope:
        """What every other chunk's envelope is compared with."""
        return self._first

    @property
    def knows_model(self) -> bool:
        """Whether it is settled what a missing `logprobs` means."""
        return self._omits_logprobs is not None

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """`event`: the name of the server-sent event, where it had one."""
        if isinstance(payload, list) and payload:
            return [e for item in payload for e in self.read(item, event)]
        if not isinstance(payload, dict):
            if event == b"error":
                self._note("err-mid-named-event")
                error = error_in(payload, event)
                return [Failure(error)] if error else []
            self._note("null-chunk" if payload is None else "non-chunk-object")
            return []
        payload = unwrap(payload, self._note)
        error = error_in(payload, event)
        if error is not None:
            if event == b"error":
                self._note("err-mid-named-event")
            note_failed_finish(payload, self._note)
            return [Failure(error)]
        if payload.get("error", UNSET) is not UNSET:
            self._note("error-key-on-success")
        return self._read_chunk(payload)

    def _read_chunk(self, payload: Fields) -> list[Event]:
        events: list[Event] = []
        choices = payload.get("choices")
        if not isinstance(choices, list):
            if self._start is not None and foreign_shape(payload) is not None:
                return [Failure(wrong_shape(payload))]
            choices = choice_list(payload, self._note)
            if not choices and not _carries_usage(payload):
                self._note("non-chunk-object")
                return []
        extras = None
        if not payload.keys() <= REPLY_FIELDS:
            fields = known(payload, REPLY_FIELDS)
            fields = self._take_reply_usage(fields, events)
            extras = Extras(reply=fields) if fields else None
        usage = payload.get("usage", UNSET)
        if usage is UNSET:
            if self._asked and choices:
                self._note("usage-null-absent")
        elif usage is not None:
            self._take_usage(usage, choices, events)
        elif not self._expected and (choices or "moderation" in payload):
            self._note("usage-unasked")
        if len(choices) > 1:
            self._note("choices-two-in-one-chunk")
            choices = self._apart(choices)
        for choice in choices:
            if isinstance(choice, dict):
                if "logprobs" not in choice:
                    self._miss_logprobs(payload)
                extras = self._read_choice(choice, extras, events)
            else:
                self._note("choices-null")
        if extras is not None:
            self._leave(extras, events)
        if (
            not choices
            and usage in (UNSET, None)
            and "moderation" not in payload
            and all(type(e) is Opaque for e in events)
        ):
            self._note("choices-empty-first" if self._start is not None else "choices-empty-mid")
        return self._stamp(payload, events)

    def _stamp(self, payload: Fields, events: list[Event]) -> list[Event]:
        """Put ReplyStart before the first event, and watch that the envelope stays what it was."""
        if self._start is None:
            note_changes(self._first, payload, self._note)
            if payload.get("object") not in _REPLY_OBJECTS:
                self._note("object-wrong-stream" if payload.get("object") else "object-missing")
            return events
        fill_start(self._start, payload)
        if not any(type(e) is not Opaque for e in events):
            return events
        if payload.get("object") not in _REPLY_OBJECTS:
            self._note("object-wrong-stream" if payload.get("object") else "object-missing")
        start, self._start = self._start, None
        self._first = envelope_of(payload)
        return [start, *events]

    def _miss_logprobs(self, payload: Fields) -> None:
        """A choice without the key: null is added, but for models that OpenAI leaves it out for (ruling 5)."""
        if self._omits_logprobs is None and payload.get("model"):
            self._omits_logprobs = omits_logprobs(payload["model"])
        if not self._omits_logprobs:
            self._note("logprobs-missing-key")

    # -- one choice ---------------------------------------------------------------------------------------------------

    def _read_choice(self, choice: Fields, extras: Extras | None, events: list[Event]) -> Extras | None:
        """Append the events of one choice; returns the chunk's extras if nothing took them yet."""
        delta = choice.get("delta")
        error = choice.get("error") or (delta.get("error") if isinstance(delta, dict) else None)
        if error:
            failure = error_in({"error": error})
            if failure is not None:
                note_failed_finish({"choices": [choice]}, self._note)
                events.append(Failure(failure))
                return None
        if "error" in choice:
            self._note("error-key-on-success")
        index = self._index(choice)
        if index is None:
            return extras
        if not choice.keys() <= CHOICE_FIELDS:
            extras = extras or Extras()
            extras.choice = known(choice, CHOICE_FIELDS)
        if "usage" in choice:
            self._note("usage-in-choice")
            if isinstance(choice["usage"], dict) and choice["usage"]:
                events.append(Usage(choice["usage"]))
        word = finish_word(choice, self._note, whole=False)
        message = read_message(self._delta(choice), self._note)
        if message.extras:
            extras = extras or Extras()
            extras.message = message.extras
        before = len(events)
        self._read_delta(index, message, word, choice.get("logprobs", UNSET), events)
        if word is not None:
            if message.extras and extras is not None and len(events) == before:
                events.append(Opaque(extras, index, choice.get("logprobs", UNSET)))  # what it says leaves first
            if len(events) > before:
                self._note("finish-with-content")
            logprobs = choice.get("logprobs", UNSET) if len(events) == before else None
            events.append(Finish(index, word, logprobs))
        if extras is None:
            return None
        if len(events) > before:
            if type(events[before]) is ChoiceStart and len(events) > before + 1:
                before += 1  # they belong to what was said, not to the role
            events[before].extras = extras  # type: ignore[union-attr]  # none of these is a Failure or a ReplyEnd
        else:
            events.append(Opaque(extras, index, choice.get("logprobs", UNSET)))
        return None

    def _apart(self, choices: list[Any]) -> list[Any]:
        """All the choices that were asked for, all under index 0: their order tells them apart."""
        if len(choices) != self._count or any(not isinstance(c, dict) or c.get("index") != 0 for c in choices):
            return choices
        self._note("choice-index-all-zero")
        return [{**choice, "index": position} for position, choice in enumerate(choices)]

    def _index(self, choice: Fields) -> int | None:
        """The choice's index, below the number of choices that were asked for; None for one choice too many."""
        index = choice.get("index", UNSET)
        if type(index) is not int or index < 0:
            self._note("choice-index-missing")
            index = max(jsonio.integer(index) or 0, 0) if isinstance(index, str) else 0
        if index < self._count:
            return index
        if self._count == 1:
            self._note("choices-split-by-kind")
            return 0
        self._note("choice-index-missing")
        return self._strays.setdefault(index, next((i for i in range(self._count) if i not in self._open), None))

    def _delta(self, choice: Fields) -> Fields:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if "message" in choice:
                self._note("message-not-delta")
                if not delta and isinstance(choice["message"], dict):
                    return choice["message"]
            if "text" in choice:
                self._note("text-not-message")
            return delta
        message = choice.get("message")
        if isinstance(message, dict):
            self._note("message-not-delta")
            return message
        if isinstance(choice.get("text"), str | list):
            self._note("text-not-message")
            return {"content": choice["text"]}
        if isinstance(delta, str):
            self._note("text-not-message")
            return {"content": delta}
        self._note("delta-missing-null")
        return {}

    def _read_delta(self, index: int, message: Message, word: str | None, logprobs: Any, events: list[Event]) -> None:
        content = message.content
        tools = message.tools or ([] if message.function_call is None else [_legacy(message.function_call)])
        said = bool(content or message.reasoning or message.refusal or tools)
        fresh = index not in self._open
        if fresh:
            if not said and message.role is UNSET and word is None and content is UNSET and not message.extras:
                self._note("empty-deltas")
                return
            self._open.add(index)
            events.append(self._choice_start(index, message, said))
        else:
            if message.role is not UNSET:
                self._note("role-repeated" if message.role == "assistant" else "role-null-or-empty")
            if content in ("", None) or message.refusal in ("", None) or not (said or word or message.extras):
                self._note("empty-deltas")
        if not said:
            if fresh and logprobs is not UNSET and word is None:
                events[-1].logprobs = logprobs  # type: ignore[union-attr]
            return
        first = len(events)
        if message.reasoning:
            events.append(ReasoningDelta(index, message.reasoning, last=word is not None))
        if content:
            events.append(TextDelta(index, content, last=word is not None))
        if message.refusal:
            events.append(RefusalDelta(index, message.refusal))
        beside = fresh and (content == "" or message.refusal == "")  # the role does not wait for the call
        if len(events) - first + bool(tools) > 1 or (tools and beside):
            self._note("content-and-tool-same-delta")
        if len(tools) > 1:
            self._note("tool-index-dup-in-chunk" if _continues(tools) else "tool-multi-calls-one-chunk")
        events.extend(tool_fragment(index, entry) for entry in tools)
        if logprobs is not UNSET:
            for event in events[first:]:
                event.logprobs = None  # type: ignore[union-attr]
            events[first].logprobs = logprobs  # type: ignore[union-attr]

    def _choice_start(self, index: int, message: Message, said: bool) -> ChoiceStart:
        role = message.role
        if role is UNSET:
            self._note("role-missing-first")
        elif role is None or role == "":
            self._note("role-null-or-empty")
        elif role != "assistant":
            self._note("role-foreign")
        tools = bool(message.tools or message.function_call)
        if role is not UNSET and message.content is UNSET:
            self._note("first-content-missing")
        elif role is not UNSET and (message.content or message.reasoning or message.refusal):
            self._note("first-content-text")
        null = message.content is None or (message.content is UNSET and tools)
        refusal = message.refusal
        if isinstance(refusal, str):
            refusal = ""
        alone = null and not tools and refusal != ""
        return ChoiceStart(index, None if null else "", refusal, alone)

    # -- usage and what belongs to no choice --------------------------------------------------------------------------

    def _take_usage(self, usage: Any, choices: list[Any], events: list[Event]) -> None:
        if not isinstance(usage, dict) or not usage:
            self._note("usage-empty-object")
            return
        if choices:
            idle = not any(map(_speaks, choices))
            self._note("usage-chunk-choices-nonempty" if idle else "usage-in-finish-chunk")
        events.append(Usage(usage, alone=not choices))

    def _take_reply_usage(self, fields: Fields | None, events: list[Event]) -> Fields | None:
        groq = fields.get("x_groq") if fields else None
        if isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            events.append(Usage(groq["usage"], spare=True))
        return fields

    def _leave(self, extras: Extras, events: list[Event]) -> None:
        """The chunk had no choice to carry its extras: its usage does, else they travel on their own."""
        if events and type(events[-1]) is Usage:
            events[-1].extras = extras
        else:
            events.append(Opaque(extras))


def _carries_usage(payload: Fields) -> bool:
    return isinstance(payload.get("usage"), dict) or "choices" in payload


def _speaks(choice: Any) -> bool:
    """Whether a choice beside usage says anything: a finish, or a delta with something in it."""
    if not isinstance(choice, dict) or choice.get("finish_reason"):
        return True
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")


def _continues(tools: list[Fields]) -> bool:
    """Whether an entry of one delta goes on with the call of another, instead of beginning its own."""
    seen: dict[str, Any] = {}
    for entry in tools:
        index = repr(entry.get("index"))
        if index in seen and entry.get("id") in (None, "", seen[index]):
            return True
        seen[index] = entry.get("id")
    return False


def _legacy(call: Fields) -> Fields:
    return {"type": "function_call", "function": call}


def tool_fragment(choice: int, entry: Fields, whole: bool = False) -> ToolFragment:
    """One entry of `tool_calls` as it came."""
    kind = entry.get("type", UNSET)
    inner = entry.get("custom") if isinstance(entry.get("custom"), dict) else entry.get("function")
    if not isinstance(inner, dict):
        inner = {}
    return ToolFragment(
        choice,
        entry.get("index", UNSET),
        entry.get("id", UNSET),
        inner.get("name", UNSET),
        "custom" if "custom" in entry and isinstance(entry["custom"], dict) else kind,
        inner.get("arguments", inner.get("input", UNSET)),
        whole,
        call_extras=known(entry, _TOOL_FIELDS),
        function_extras=known(inner, _FUNCTION_FIELDS),
    )
