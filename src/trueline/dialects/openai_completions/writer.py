"""Events to OpenAI's completions, whole and streamed.

The finish reason stands on the last chunk with text, so that chunk waits for it; no other does.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ...context import ReplyContext
from ...errors import TruelineError
from ...events import Event, Extras, Finish, Opaque, Reply, ReplyEnd, ReplyStart, TextDelta, Usage
from ...wire import jsonio, sse

__all__ = ["CompletionWriter", "write_whole"]

Fields = dict[str, Any]


class CompletionWriter:
    """`write(event) -> bytes` for the events of one stream."""

    def __init__(self, context: ReplyContext) -> None:
        self._usage = context.request.include_usage
        self._start: ReplyStart | None = None
        self._last: dict[int, TextDelta] = {}
        self._extras: Fields = {}
        self.started = False

    def write(self, event: Event) -> bytes:
        """The bytes for one event; Failure is the pipeline's to answer."""
        match event:
            case ReplyStart():
                self._start = event
                self._take(event.extras)
            case Opaque():
                self._take(event.extras)
            case TextDelta():
                return self._text(event)
            case Finish():
                self._take(event.extras)
                held = self._last.pop(event.choice, None) or TextDelta(event.choice, "")
                return self._chunk(held, event.reason)
            case Usage():
                self._take(event.extras)
                return self._payload([], event.data)
            case ReplyEnd():
                return sse.DONE
        return b""

    def failure(self, error: TruelineError) -> bytes:
        """A failure after the first byte: an error event, then `[DONE]`."""
        return sse.write(jsonio.encode(error.body())) + sse.DONE

    def _text(self, event: TextDelta) -> bytes:
        before = self._last.pop(event.choice, None)
        out = self._chunk(before, None) if before is not None else b""
        if event.last:
            self._last[event.choice] = event
            return out
        return out + self._chunk(event, None)

    def _chunk(self, event: TextDelta, finish: str | None) -> bytes:
        logprobs = None if event.logprobs is UNSET else event.logprobs
        choice: Fields = {"text": event.text, "index": event.choice, "logprobs": logprobs, "finish_reason": finish}
        if event.extras is not None:
            choice.update(event.extras.choice or {})
            self._take(event.extras)
        return self._payload([choice], None)

    def _payload(self, choices: list[Fields], usage: Fields | None) -> bytes:
        assert self._start is not None
        self.started = True
        body = _envelope(self._start, choices)
        if self._usage:
            body["usage"] = usage
        extras, self._extras = self._extras, {}
        for key, value in extras.items():
            body.setdefault(key, value)
        return sse.write(jsonio.encode(body))

    def _take(self, extras: Extras | None) -> None:
        if extras is not None and extras.reply:
            self._extras.update(extras.reply)


def _envelope(start: ReplyStart, choices: list[Fields]) -> Fields:
    body: Fields = {
        "id": start.id,
        "object": "text_completion",
        "created": start.created,
        "choices": choices,
        "model": start.model,
    }
    if start.service_tier is not UNSET:
        body["service_tier"] = start.service_tier
    if start.fingerprint is not UNSET:
        body["system_fingerprint"] = start.fingerprint
    return body


def write_whole(reply: Reply, context: ReplyContext) -> Fields:
    """The JSON object of a whole completion."""
    choices: list[Fields] = []
    for choice in sorted(reply.choices, key=lambda c: c.index):
        choices.append(
            {
                "text": choice.content or "",
                "index": choice.index,
                "logprobs": None if choice.logprobs is UNSET else choice.logprobs,
                "finish_reason": choice.finish,
                **choice.extras,
            }
        )
    body = _envelope(reply.start, choices)
    if reply.usage is not UNSET:
        body["usage"] = reply.usage
    for key, value in reply.extras.items():
        body.setdefault(key, value)
    return body
