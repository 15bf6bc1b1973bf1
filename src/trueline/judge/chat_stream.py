"""A streamed chat reply (rules.md sections F, C, O)."""

from __future__ import annotations

from typing import Any

from .body import Event, Stream, judge_content_type, read_stream
from .chat import CHUNK_TABLE, Json, dicts, finish_key, judge_envelope, wanted_choices
from .chat_whole import judge_chat_object
from .choice import Choice
from .diagnose import judge_shape
from .findings import Docket, Extras, Finding
from .foreign import error_key, foreign_key, says_nothing, unwrapped
from .schema import ABSENT
from .shapes import CHAT_CHUNK
from .usage import UsageLog

__all__ = ["judge_chat_stream"]

_ORDER = ("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "moderation",
          "obfuscation")  # fmt: skip
_CHUNK_NAMES = frozenset((*_ORDER, "usage", "error"))
_CONSTANT = {
    "id": "id-changes-per-chunk",
    "created": "created-varies",
    "model": "model-changes",
    "service_tier": "service-tier-changes",
    "system_fingerprint": "fingerprint-changes",
}


def judge_chat_stream(
    request: Json, body: bytes, content_type: str | None = None, *, extras: Extras = "allow"
) -> list[Finding]:
    """What is wrong with the body of a streamed chat reply.

    `content_type`: the header as it came; "" where it was missing, None where it is not known.
    """
    docket = Docket(extras)
    stream = read_stream(docket, body)
    if isinstance(stream, Stream):
        judge_content_type(docket, content_type, "text/event-stream")
        judge = _StreamJudge(docket, request)
        for event in stream.events:
            judge.see(event)
        judge.close(stream)
    elif stream is not ABSENT:
        _judge_value(docket, request, stream)
    elif not docket.has("empty-stream"):
        judge_content_type(docket, content_type, "text/event-stream")
    return docket.findings()


def _judge_value(docket: Docket, request: Json, value: Any) -> None:
    """One JSON value came where a stream was asked for: an error, or a whole reply, which is judged as such."""
    whole = isinstance(value, dict) and error_key(value) is None and foreign_key(value) is None
    if whole or not isinstance(value, dict):
        docket.note("json-for-stream", "", value)
    judge_chat_object(docket, request, value)


class _StreamJudge:
    """The state of one stream."""

    def __init__(self, docket: Docket, request: Json) -> None:
        self._docket = docket
        self._request = request
        options = request.get("stream_options")
        options = options if isinstance(options, dict) else {}
        self._padded = options.get("include_obfuscation", True) is not False
        self._usage_wanted = bool(options.get("include_usage"))
        self._usage = UsageLog(docket, self._usage_wanted)
        self._first: Json | None = None
        self._choices: dict[Any, Choice] = {}
        self._failed = False
        self._completion: Any = None

    # One event.

    def see(self, event: Event) -> None:
        """Judge one event."""
        if event.name not in (None, "text") and event.name == "error":
            self._docket.note("err-mid-named-event", event.where, event.value)
            self._failed = True
            return
        if not isinstance(event.value, dict):
            self._docket.note("null-chunk" if event.value is None else "non-chunk-object", event.where, event.value)
            return
        chunk = unwrapped(self._docket, event.value, event.where)
        if not self._is_chunk(event, chunk):
            return
        judge_shape(self._docket, chunk, CHAT_CHUNK, CHUNK_TABLE, event.where)
        if chunk.get("choices") == [] and "usage" not in chunk and "moderation" not in chunk:
            self._docket.note(self._says_nothing(), event.where, chunk)
            return
        judge_envelope(self._docket, chunk, self._request, event.where)
        self._constant(chunk, event.where)
        self._order_and_padding(event, chunk)
        self._parts(event, chunk)

    def _says_nothing(self) -> str:
        """The finding for a chunk without choices and usage."""
        return "choices-empty-mid" if self._choices else "choices-empty-first"

    def _is_chunk(self, event: Event, chunk: Json) -> bool:
        """Whether to judge an object as a chunk; what it is otherwise is noted."""
        key = error_key(chunk)
        if key is not None:
            first = self._first is None and not self._choices
            mid = "err-200-first-event" if first else "err-mid-stream"
            self._docket.note(mid if key == "err-in-200-body" else key, event.where, chunk)
            for choice in dicts(chunk.get("choices")):
                if finish_key(choice.get("finish_reason")) == "finish-error-value":
                    self._docket.note("finish-error-value", event.where, choice)
            self._failed = True
            return False
        key = foreign_key(chunk) or (None if chunk.keys() & _CHUNK_NAMES else "non-chunk-object")
        if key is not None:
            self._docket.note(key, event.where, chunk)
            return False
        if "error" in chunk and says_nothing(chunk["error"]):
            self._docket.note("error-key-on-success", f"{event.where}, error", chunk["error"])
        return True

    def _constant(self, chunk: Json, where: str) -> None:
        """What may not change from chunk to chunk (C1)."""
        if self._first is None:
            self._first = chunk
        for name, key in _CONSTANT.items():
            if chunk.get(name) != self._first.get(name):
                self._docket.note(key, f"{where}, {name}", chunk.get(name))

    def _order_and_padding(self, event: Event, chunk: Json) -> None:
        if [name for name in chunk if name in _ORDER] != [name for name in _ORDER if name in chunk]:
            self._docket.note("key-order", event.where, list(chunk))
        if "obfuscation" in chunk:
            if not self._padded:
                self._docket.note("obfuscation-unwanted", event.where, chunk["obfuscation"])
            plain = event.alone and chunk is event.value and b"\n" not in event.payload
            if plain and len(event.payload) % 16 != 1:
                self._docket.note("obfuscation-length", event.where, f"{len(event.payload)} bytes")
        elif self._padded:
            self._docket.note("obfuscation-missing", event.where, list(chunk))

    def _parts(self, event: Event, chunk: Json) -> None:
        """The choices of a chunk, and its usage."""
        if not isinstance(chunk.get("choices"), list):
            return
        choices = dicts(chunk["choices"])
        early = bool(chunk.get("usage")) and not choices
        if early and any(not choice.finishes for choice in self._choices.values()):
            self._docket.note("usage-early", event.where, chunk.get("usage"))
        if choices and self._usage.alone:
            self._docket.note("chunk-after-usage", event.where, chunk["choices"])
        self._usage.see(chunk, choices, event.where)
        if isinstance(chunk.get("usage"), dict):
            self._completion = chunk["usage"].get("completion_tokens")
        if not choices and not isinstance(chunk.get("usage"), dict) and "moderation" not in chunk:
            self._docket.note(self._says_nothing(), event.where, chunk)
        if len(choices) > 1:
            self._docket.note("choices-two-in-one-chunk", event.where, chunk["choices"])
        for number, choice in enumerate(choices):
            self._choice(choice, f"{event.where}, choices[{number}]", str(chunk.get("model")))

    def _choice(self, choice: Json, where: str, model: str) -> None:
        index = choice.get("index")
        if isinstance(index, float):
            self._docket.note("choice-index-missing", f"{where}.index", index)
        index = index if isinstance(index, int) else 0
        if index not in self._choices:
            self._choices[index] = Choice(self._docket, self._request, index)
        self._choices[index].see(choice, where, model)

    # The end.

    def close(self, stream: Stream) -> None:
        """Judge the stream as a whole."""
        self._numbers()
        self._usage_end(stream)
        for choice in self._choices.values():
            choice.close(self._completion)
        self._end(stream)

    def _numbers(self) -> None:
        n = wanted_choices(self._request)
        seen = sorted(self._choices)
        if not seen or seen == list(range(n)):
            return
        shown = f"indexes {seen}, n is {n}"
        if any(index not in range(n) for index in seen):
            calling = {choice.calling for choice in self._choices.values()}
            self._docket.note("choices-split-by-kind" if len(calling) > 1 else "choices-too-many", "", shown)
        else:
            first = self._choices[seen[0]]
            alike = len(seen) == 1 and (first.finishes >= n or first.begun >= n)
            self._docket.note("choice-index-all-zero" if alike else "n-ignored", "", shown)

    def _usage_end(self, stream: Stream) -> None:
        cut = self._failed or stream.broken or (not stream.done and not self._finished())
        if not cut or self._usage.alone:
            self._usage.close()

    def _finished(self) -> bool:
        return any(choice.finishes for choice in self._choices.values())

    def _end(self, stream: Stream) -> None:
        """How the stream ended: finished or not, done or not."""
        open_ones = [index for index, choice in self._choices.items() if not choice.finishes]
        native = self._docket.has("native-shape", "responses-shape-on-chat", "err-200-code-msg", "err-200-baseresp")
        if self._failed or native:
            if not stream.done and not native:
                self._docket.note("done-missing")
            return
        if stream.broken or (not self._finished() and not stream.done):
            self._docket.note("eof-truncated" if stream.events or stream.broken else "empty-stream")
            return
        if not self._choices:
            self._docket.note("empty-stream", what="the stream has no choice")
        if open_ones and not self._docket.has("finish-camel-or-details", "delta-missing-null"):
            shared = self._finished() and len(self._choices) > 1
            self._docket.note("n-finish-shared" if shared else "finish-missing", f"choice {open_ones[0]}")
        if not stream.done:
            self._docket.note("done-missing")
