"""Completion replies and the chunks of their streams to events; lenient in every field."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...errors import UpstreamFormatError
from ...events import ChoiceStart, Event, Extras, Failure, Finish, Opaque, ReplyEnd, ReplyStart, TextDelta, Usage
from ..constant import Envelope, envelope_of, note_changes
from ..error_bodies import error_in

__all__ = ["CompletionReader", "read_whole"]

Fields = dict[str, Any]

_REPLY_FIELDS = frozenset(
    ("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "usage", "error")
)
_CHOICE_FIELDS = frozenset(("index", "text", "logprobs", "finish_reason", "message", "delta"))
_START_FIELDS = (
    ("id", "id"),
    ("created", "created"),
    ("model", "model"),
    ("fingerprint", "system_fingerprint"),
    ("service_tier", "service_tier"),
)
_NUMBERS = (int, float)
_NO_FINISH = (None, "", "null", "None")


class CompletionReader:
    """`read(payload) -> events` for each payload of one stream, or for the one of a whole reply."""

    def __init__(self, context: ReplyContext) -> None:
        self._note = context.note
        self._choices_asked = context.request.n
        self._whole = not context.request.stream
        self._start: ReplyStart | None = ReplyStart()
        self._open: set[int] = set()
        self._asked = context.request.include_usage
        self._expected = self._asked or context.request.usage_added
        self._first: Envelope = envelope_of({})  # of the chunk that began the reply

    def read(self, payload: Any, event: bytes | None = None) -> list[Event]:
        """The events of one payload; `event`: its name, where it had one."""
        error = error_in(payload, event)
        if error is not None:
            return [Failure(error)]
        if not isinstance(payload, dict):
            self._note("null-chunk" if payload is None else "non-chunk-object")
            return []
        if "error" in payload:
            self._note("error-key-on-success")
        choices = payload.get("choices")
        usage = payload.get("usage")
        if not isinstance(choices, list):
            self._note("choices-missing" if "choices" not in payload else "choices-null")
            choices = []
        if not choices and not isinstance(usage, dict):
            self._note("choices-empty-mid" if "choices" in payload else "non-chunk-object")
            return []
        if payload.get("object") != "text_completion":
            self._note("object-wrong-completions")
        if usage and not self._whole and ("choices" not in payload or choices):
            self._note("completions-usage-chunk")
        events: list[Event] = self._read_usage(payload, bool(choices))
        for position, choice in enumerate(self._apart(choices)):
            if isinstance(choice, dict):
                self._read_choice(position, choice, events)
            else:
                self._note("choices-null")
        if len(choices) > 1 and not self._whole:
            self._note("choices-two-in-one-chunk")
        fields = {k: v for k, v in payload.items() if k not in _REPLY_FIELDS}
        if fields:
            _attach(fields, events)
        return self._stamp(payload, events)

    def _apart(self, choices: list[Any]) -> list[Any]:
        """All the choices that were asked for, under indexes that are not theirs: their order tells them apart."""
        asked = self._choices_asked
        if asked == 1 or len(choices) != asked or not all(isinstance(choice, dict) for choice in choices):
            return choices
        indexes = [index for choice in choices if type(index := choice.get("index")) is int]
        if len(indexes) != asked or sorted(indexes) == list(range(asked)):
            return choices
        self._note("choice-index-all-zero")
        return [{**choice, "index": position} for position, choice in enumerate(choices)]

    def _read_usage(self, payload: Fields, choices: bool) -> list[Event]:
        usage = payload.get("usage", UNSET)
        if isinstance(usage, dict) and usage:
            return [Usage(usage, alone=not choices)]
        if usage is UNSET:
            if self._asked and choices:
                self._note("usage-null-absent")
        elif usage is not None:
            self._note("usage-empty-object")
        elif not self._expected:
            self._note("usage-unasked")
        return []

    def _stamp(self, payload: Fields, events: list[Event]) -> list[Event]:
        if self._start is None:
            note_changes(self._first, payload, self._note)
            return events
        for field, name in _START_FIELDS:
            if name in payload and getattr(self._start, field) in (UNSET, None, "", 0):
                setattr(self._start, field, payload[name])
        if not any(type(e) is ChoiceStart for e in events):
            return events
        self._first = envelope_of(payload)
        start, self._start = self._start, None
        return [start, *events]

    def _read_choice(self, position: int, choice: Fields, events: list[Event]) -> None:
        index = choice.get("index")
        if type(index) is not int or index < 0:
            self._note("choice-index-missing")
            index = position
        if index >= self._choices_asked:
            self._note("choices-split-by-kind" if self._choices_asked == 1 else "choice-index-missing")
            if self._choices_asked > 1:
                return  # one choice too many
            index = 0
        if index not in self._open:
            self._open.add(index)
            events.append(ChoiceStart(index))
        word = choice.get("finish_reason")
        if isinstance(word, str) and word in _NO_FINISH:
            self._note("finish-null-string" if word else "finish-empty-string")
        text = self._text(choice, word in _NO_FINISH)
        logprobs = choice.get("logprobs", UNSET)
        if logprobs is UNSET:
            self._note("logprobs-missing-key")
        elif logprobs is not None and not _is_logprobs(logprobs):
            self._note("logprobs-object-of-nulls")
            logprobs = None
        fields = {k: v for k, v in choice.items() if k not in _CHOICE_FIELDS}
        extras = Extras(choice=fields) if fields else None
        ended = word not in _NO_FINISH
        if text or logprobs not in (UNSET, None) or extras is not None:
            events.append(TextDelta(index, text, logprobs, extras, last=ended))
        if ended:
            if not isinstance(word, str):
                self._note("finish-foreign-vocab")
            events.append(Finish(index, str(word)))
        elif not text and not self._whole:
            self._note("empty-deltas")
        elif "finish_reason" not in choice:
            self._note("finish-key-absent")

    def _text(self, choice: Fields, more: bool) -> str:
        text = choice.get("text")
        if isinstance(text, str):
            if "message" in choice or "delta" in choice:
                self._note("completions-chat-shape")
            return text
        for name in ("message", "delta"):
            inner = choice.get(name)
            if isinstance(inner, dict):
                self._note("completions-chat-shape")
                content = inner.get("content")
                return content if isinstance(content, str) else ""
        self._note("completions-text-null")
        return ""


def _attach(fields: Fields, events: list[Event]) -> None:
    """Let the fields of a chunk leave with what the chunk says."""
    for event in events:
        if isinstance(event, TextDelta | Finish | Usage):
            event.extras = event.extras or Extras()
            event.extras.reply = fields
            return
    events.append(Opaque(Extras(reply=fields)))


def _is_logprobs(value: Any) -> bool:
    """Lists of tokens, of their log probabilities and of other tokens', as OpenAI's old API has them."""
    if not isinstance(value, dict):
        return False
    tops = value.get("top_logprobs") or []
    return (
        all(isinstance(value.get(name, []), list) for name in ("tokens", "token_logprobs", "text_offset"))
        and all(isinstance(token, str) for token in value.get("tokens", ()))
        and all(score is None or type(score) in _NUMBERS for score in value.get("token_logprobs", ()))
        and all(type(offset) is int for offset in value.get("text_offset", ()))
        and isinstance(tops, list)
        and all(isinstance(top, dict) and all(type(n) in _NUMBERS for n in top.values()) for top in tops if top)
    )


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, ReplyEnd included."""
    events = CompletionReader(context).read(payload)
    if any(type(e) is Failure for e in events):
        context.note("err-in-200-body")
        return events
    if not any(type(e) is ChoiceStart for e in events):
        error = UpstreamFormatError("The upstream's reply is not a completion: it has no usable 'choices'.")
        return [Failure(error)]
    return [*events, ReplyEnd(True)]
