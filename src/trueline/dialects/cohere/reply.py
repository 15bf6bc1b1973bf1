"""Cohere's whole replies as events, and its errors as OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...context import ReplyContext
from ...errors import UpstreamFormatError, UpstreamReplyError
from ...events import (
    ChoiceStart,
    Event,
    Extras,
    Failure,
    ReasoningDelta,
    ReplyEnd,
    ReplyStart,
    TextDelta,
    ToolFragment,
    Usage,
)
from ...wire import jsonio
from .. import error_bodies
from .meaning import cited, failed, finish, objects, usage

__all__ = ["read_error", "read_whole"]

Fields = dict[str, Any]


def read_whole(payload: Any, context: ReplyContext) -> list[Event]:
    """The events of a whole reply; a Failure for what is none."""
    message = payload.get("message") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(message, dict):
        said = error_bodies.error_in(payload)
        return [Failure(said or UpstreamFormatError("The upstream's reply is no reply of Cohere's chat API."))]
    reason = payload.get("finish_reason")
    error = failed(reason)
    if error is not None:
        return [Failure(error)]
    texts, thoughts, offsets, kept = _content(message.get("content"))
    plan = message.get("tool_plan")
    if isinstance(plan, str) and plan:
        thoughts.append(plan)
        kept["tool_plan"] = plan
    urls, others = cited(message.get("citations") or [], offsets)
    kept |= {name: value for name, value in (("annotations", urls), ("citations", others)) if value}
    calls = objects(message.get("tool_calls"))
    content: str | None = "" if texts or not calls else None
    events: list[Event] = [
        ReplyStart(id=payload["id"]) if isinstance(payload.get("id"), str) else ReplyStart(),
        ChoiceStart(0, content, extras=Extras(message=kept) if kept else None),
        *(ReasoningDelta(0, text) for text in thoughts),
        *(TextDelta(0, text) for text in texts),
        *map(_call, calls),
    ]
    if reason is not None:
        events.append(finish(reason, bool(calls)))
    counts = usage(payload.get("usage"))
    if counts is not None:
        events.append(Usage(counts))
    return [*events, ReplyEnd(True)]


def _content(content: Any) -> tuple[list[str], list[str], dict[int, int], Fields]:
    """Texts, thoughts, where the text of each block begins, and the blocks that are neither."""
    texts: list[str] = []
    thoughts: list[str] = []
    offsets: dict[int, int] = {}
    others: list[Any] = []
    blocks = [content] if isinstance(content, str) else content
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        offsets[index] = sum(map(len, texts))
        if isinstance(block, str):
            texts.append(block)
        elif isinstance(block, dict) and isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif isinstance(block, dict) and isinstance(block.get("thinking"), str):
            thoughts.append(block["thinking"])
        else:
            others.append(block)
    return [text for text in texts if text], [t for t in thoughts if t], offsets, _blocks(others)


def _blocks(others: list[Any]) -> Fields:
    return {"content_blocks": others} if others else {}


def _call(call: Fields) -> ToolFragment:
    inner = call.get("function")
    inner = inner if isinstance(inner, dict) else {}
    given = inner.get("arguments")
    arguments = given if isinstance(given, str) else jsonio.encode({} if given is None else given).decode()
    return ToolFragment(
        0, id=call.get("id"), name=inner.get("name"), kind="function", arguments=arguments or "{}", whole=True
    )


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamReplyError:
    """OpenAI's error for a failing reply of Cohere: `{"id", "message"}`, sometimes with an `error_type`."""
    error = error_bodies.read_error(status, headers, body)
    error.faults = ()
    words = error.message.lower()
    if "too many tokens" in words:
        error.code, error.param = "context_length_exceeded", "messages"
    elif status == 404 and "model" in words:
        error.code, error.param = "model_not_found", "model"
    elif status == 429:
        error.code = "rate_limit_exceeded"
    if error.status == 498:  # "a request or response contains a deny-listed token": words that are blocked, and no key
        error.status, error.type, error.code = 400, "invalid_request_error", "content_filter"
    elif error.status == 499:
        error.status, error.type = 408, "invalid_request_error"
    return error
