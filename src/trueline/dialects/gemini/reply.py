"""A whole reply of Gemini's to events."""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...errors import UpstreamFormatError, UpstreamReplyError
from ...events import Event, Failure, ReplyEnd
from .stream import GeminiReader

__all__ = ["read_whole"]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply, ReplyEnd included; a list is a stream that came as one array."""
    chunks = payload if isinstance(payload, list) else [payload]
    if not any(isinstance(chunk, dict) for chunk in chunks):
        return [Failure(UpstreamFormatError("The upstream's reply is none of Gemini's: check its base URL."))]
    reader = GeminiReader(context, whole=len(chunks) == 1)
    events = reader.read(payload)
    failure = next((event for event in events if isinstance(event, Failure)), None)
    if failure is not None:
        return [failure]
    if reader.said_nothing:
        return [Failure(UpstreamReplyError("The model gave no answer: no candidates in its reply.", status=502))]
    return [*events, ReplyEnd(True)]
