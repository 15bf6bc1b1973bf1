"""Events to a chat stream exactly as OpenAI sends one (rules.md section C): one event, one chunk.

The envelope is rendered once per reply; a content chunk is that head, the escaped text and a fixed tail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...errors import TruelineError
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Finish,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ...wire import jsonio, sse
from .beside import Beside
from .fields import omits_logprobs

__all__ = ["StreamWriter"]

Fields = dict[str, Any]


class StreamWriter:
    """`write(event) -> bytes`; the bytes of consecutive events are simply joined."""

    def __init__(self, context: ReplyContext) -> None:
        self._note = context.note
        self._usage = context.request.include_usage
        self._reasoning = context.options.reasoning
        request = context.request
        self._tools = request.legacy_functions or bool(request.body.get("tools"))
        # A role with `content: null` waits for what follows it, text or a call, where both may come; among several
        # choices it does not, because the order of their chunks would change.
        self._waits = self._tools and request.n == 1
        self._head = b""
        self._tail = b',"usage":null' if self._usage else b""
        self._default_logprobs: Any = None
        self._held: dict[int, ChoiceStart] = {}
        self._frames: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        self._extras_of_reply: Fields = {}
        self._extras_of_choice: dict[int, Fields] = {}
        self._list_lengths: dict[tuple[int, str], int] = {}
        self._beside = Beside(True, context.options.extras == "drop", context.note)
        self._thinking: set[int] = set()  # choices inside a <think> block that we opened
        self.started = False

    def write(self, event: Event) -> bytes:
        """The bytes for one event; Failure is the pipeline's to answer (`failure`)."""
        return _WRITERS[type(event)](self, event)

    def failure(self, error: TruelineError) -> bytes:
        """A failure after the first byte: an error event, then `[DONE]`, as OpenAI does (rules.md X)."""
        return sse.write(jsonio.encode(error.body())) + sse.DONE

    # -- the envelope -------------------------------------------------------------------------------------------------

    def _reply_start(self, event: ReplyStart) -> bytes:
        head: Fields = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": event.created,
            "model": event.model,
            "service_tier": event.service_tier,
            "system_fingerprint": event.fingerprint,
        }
        if omits_logprobs(event.model):
            self._default_logprobs = UNSET
        encoded = jsonio.encode({k: v for k, v in head.items() if v is not UNSET})
        self._head = b"data: " + encoded[:-1] + b',"choices":['
        self._take(event.extras, None)
        return b""

    def _chunk(
        self, choice: int, delta: Fields, logprobs: Any, extras: Extras | None, finish: str | None = None
    ) -> bytes:
        self.started = True
        if logprobs is UNSET:
            logprobs = self._default_logprobs
        body: Fields = {"index": choice, "delta": delta}
        if logprobs is not UNSET:
            body["logprobs"] = logprobs
        body["finish_reason"] = finish
        reply_extras = None
        if extras is not None or self._extras_of_reply or self._extras_of_choice:
            reply_extras = self._add_extras(choice, body, delta, extras)
        tail = self._tail
        if reply_extras:
            tail += b"," + jsonio.encode(reply_extras)[1:-1]
        return self._head + jsonio.encode(body) + b"]" + tail + b"}\n\n"

    # -- extras -------------------------------------------------------------------------------------------------------

    def _add_extras(self, choice: int, body: Fields, delta: Fields, extras: Extras | None) -> Fields | None:
        """Put extras at their levels, with those that waited for a chunk; returns those of the reply."""
        waiting = self._extras_of_choice.pop(choice, None)
        if waiting:
            body.update(waiting)
        reply, self._extras_of_reply = self._extras_of_reply, {}
        if extras is not None:
            if extras.choice:
                body.update(extras.choice)
            if extras.message:
                for key, value in self._beside.of_message(extras.message).items():
                    delta.setdefault(key, self._indexed(choice, key, value) if isinstance(value, list) else value)
            if extras.reply:
                reply = {**reply, **extras.reply}
        return self._beside.of_reply(reply)

    def _indexed(self, choice: int, key: str, value: list[Any]) -> list[Any]:
        """Objects of a list in a delta carry an `index`: openai-python's accumulator demands it."""
        if all(type(v.get("index")) is int for v in value if isinstance(v, dict)):
            return value
        self._note("list-in-delta-no-index")
        position = self._list_lengths.get((choice, key), 0)
        entries = []
        for entry in value:
            if isinstance(entry, dict):
                entry = {**entry, "index": position}
                position += 1
            entries.append(entry)
        self._list_lengths[choice, key] = position
        return entries

    def _take(self, extras: Extras | None, choice: int | None) -> None:
        """Let extras wait for the next chunk."""
        if extras is None:
            return
        if extras.reply:
            self._extras_of_reply.update(extras.reply)
        if extras.choice and choice is not None:
            self._extras_of_choice.setdefault(choice, {}).update(extras.choice)

    def _opaque(self, event: Opaque) -> bytes:
        extras = event.extras
        choice = event.choice
        if choice is None:
            if extras.reply and self.started:
                extras.reply = self._beside.of_reply(extras.reply)
                if "moderation" in extras.reply:
                    return self._choiceless(extras.reply)  # rules.md C8: a chunk of its own
            self._take(extras, None)
            return b""
        if extras.message:
            extras.message = self._beside.of_message(extras.message)
        if extras.message:
            return self._flush(choice) + self._chunk(choice, {}, event.logprobs, extras)
        if self._conflicts(choice, extras):
            out = self._flush(choice) + self._chunk(choice, {}, UNSET, None)
            self._take(extras, choice)
            return out
        self._take(extras, choice)
        return b""

    def _conflicts(self, choice: int, extras: Extras) -> bool:
        waiting = self._extras_of_choice.get(choice)
        return bool(
            self.started
            and waiting
            and extras.choice
            and any(key in waiting and waiting[key] != value for key, value in extras.choice.items())
        )

    # -- the choices --------------------------------------------------------------------------------------------------

    def _flush(self, choice: int, tools: bool = False) -> bytes:
        """The role chunk that waited to see what follows it."""
        start = self._held.pop(choice, None) if self._held else None
        if start is None:
            return b""
        if not tools and start.content is None and start.refusal != "":
            self._note("content-null-first-delta")
            start.content = ""
        return self._role_chunk(start)

    def _choice_start(self, event: ChoiceStart) -> bytes:
        if event.content is None and event.refusal != "":
            if self._waits or not event.alone:
                self._held[event.choice] = event
                return b""
            if not self._tools:
                self._note("content-null-first-delta")
                event.content = ""
        return self._role_chunk(event)

    def _role_chunk(self, event: ChoiceStart, call: Fields | None = None) -> bytes:
        delta: Fields = {"role": "assistant", "content": event.content}
        if call is not None:
            delta.update(call)
        if event.refusal is not UNSET:
            delta["refusal"] = event.refusal
        return self._chunk(event.choice, delta, event.logprobs, event.extras)

    def _text(self, event: TextDelta) -> bytes:
        choice, logprobs = event.choice, event.logprobs
        plain = logprobs is UNSET or logprobs is self._default_logprobs
        if not plain or event.extras is not None or self._held or self._thinking:
            return self._text_with_company(event)
        if self._extras_of_reply or self._extras_of_choice:
            return self._chunk(choice, {"content": event.text}, UNSET, None)
        # The hot path: a content chunk differs from the one before it in its text only (half the cost of a dict).
        frame = self._frames.get((choice, "content")) or self._make_frame(choice, "content")
        return frame[0] + jsonio.encode(event.text) + frame[1]

    def frame(self, kind: type, logprobs: Any) -> tuple[bytes, bytes] | None:
        """What stands before and behind the text of an event of this type, of the only choice and without extras, or
        None where there is more to think of.  Holds until another event is written.
        """
        if self._held or self._thinking or self._extras_of_reply or self._extras_of_choice:
            return None
        if logprobs is not UNSET and logprobs is not self._default_logprobs:
            return None
        if kind is TextDelta:
            name = "content"
        elif kind is ReasoningDelta and self._reasoning in ("reasoning_content", "reasoning"):
            name = self._reasoning
        else:
            return None
        return self._frames.get((0, name)) or self._make_frame(0, name)

    def _make_frame(self, choice: int, name: str) -> tuple[bytes, bytes]:
        """What stands before and behind the text in this reply's chunks of one field."""
        before, after = self._chunk(choice, {name: ""}, UNSET, None).split(b'{"%s":""}' % name.encode(), 1)
        frame = self._frames[choice, name] = (before + b'{"%s":' % name.encode(), b"}" + after)
        return frame

    def _text_with_company(self, event: TextDelta) -> bytes:
        out = self._flush(event.choice) if self._held else b""
        text = event.text
        if event.choice in self._thinking:
            self._thinking.discard(event.choice)
            text = "</think>" + text
        logprobs = self._default_logprobs if event.logprobs is UNSET else event.logprobs
        return out + self._chunk(event.choice, {"content": text}, logprobs, event.extras)

    def _thought(self, event: ReasoningDelta) -> bytes:
        out = self._flush(event.choice)
        text = event.text
        name = self._reasoning
        if name == "drop":
            if event.extras is not None and event.extras.message:
                return out + self._chunk(event.choice, {}, UNSET, event.extras)
            self._take(event.extras, event.choice)
            return out
        if name == "think":
            name = "content"  # type: ignore[assignment]
            if event.choice not in self._thinking:
                self._thinking.add(event.choice)
                text = "<think>" + text
        return out + self._chunk(event.choice, {name: text}, event.logprobs, event.extras)

    def _refusal(self, event: RefusalDelta) -> bytes:
        out = self._flush(event.choice)
        return out + self._chunk(event.choice, {"refusal": event.text}, event.logprobs, event.extras)

    def _call_start(self, event: ToolCallStart) -> bytes:
        if event.kind == "function_call":
            named = {"name": event.name, "arguments": event.arguments, **(event.function_extras or {})}
            return self._open_call(event, {"function_call": named})
        inner: Fields = {"name": event.name, "input" if event.kind == "custom" else "arguments": event.arguments}
        if event.function_extras:
            inner.update(event.function_extras)
        call: Fields = {"index": event.index, "id": event.id, "type": event.kind, event.kind: inner}
        if event.call_extras:
            call.update(event.call_extras)
        return self._open_call(event, {"tool_calls": [call]})

    def _open_call(self, event: ToolCallStart, delta: Fields) -> bytes:
        """A call that came with the role leaves with it, as OpenAI sends a single call (rules.md C5)."""
        start = self._held.get(event.choice)
        if start is not None and not start.alone:
            del self._held[event.choice]
            if start.extras is None:
                start.extras = event.extras
            return self._role_chunk(start, delta)
        out = self._flush(event.choice, True)
        return out + self._chunk(event.choice, delta, event.logprobs, event.extras)

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        inner: Fields = {"input" if event.kind == "custom" else "arguments": event.arguments}
        if event.function_extras:
            inner.update(event.function_extras)
        if event.kind == "function_call":
            delta: Fields = {"function_call": inner}
        else:
            call: Fields = {"index": event.index, "custom" if event.kind == "custom" else "function": inner}
            if event.call_extras:
                call.update(event.call_extras)
            delta = {"tool_calls": [call]}
        return self._chunk(event.choice, delta, event.logprobs, event.extras)

    def _finish(self, event: Finish) -> bytes:
        out = self._flush(event.choice)
        if event.choice in self._thinking:
            self._thinking.discard(event.choice)
            out += self._chunk(event.choice, {"content": "</think>"}, UNSET, None)
        return out + self._chunk(event.choice, {}, event.logprobs, event.extras, event.reason)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _choiceless(self, fields: Fields) -> bytes:
        self.started = True
        fields = self._beside.of_reply(fields)
        return self._head + b"]" + (b"," + jsonio.encode(fields)[1:-1] if fields else b"") + b"}\n\n"

    def _usage_chunk(self, event: Usage) -> bytes:
        fields: Fields = {"usage": event.data}
        fields.update(self._extras_of_reply)
        self._extras_of_reply = {}
        if event.extras is not None and event.extras.reply:
            fields.update(event.extras.reply)
        return self._choiceless(fields)

    def _end(self, event: ReplyEnd) -> bytes:
        return sse.DONE


_WRITERS: dict[type, Callable[[StreamWriter, Any], bytes]] = {
    ReplyStart: StreamWriter._reply_start,
    ChoiceStart: StreamWriter._choice_start,
    TextDelta: StreamWriter._text,
    ReasoningDelta: StreamWriter._thought,
    RefusalDelta: StreamWriter._refusal,
    ToolCallStart: StreamWriter._call_start,
    ToolCallDelta: StreamWriter._call_delta,
    Finish: StreamWriter._finish,
    Usage: StreamWriter._usage_chunk,
    Opaque: StreamWriter._opaque,
    ReplyEnd: StreamWriter._end,
}
