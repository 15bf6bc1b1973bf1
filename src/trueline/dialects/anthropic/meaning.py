"""What words, counts and citations of the Messages API are in OpenAI's format."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ...context import ReplyContext
from ...messages import ChatRequest
from ..parameters import read_schema
from .models import model
from .schema import kept_schema

__all__ = [
    "FINISH",
    "FORMAT",
    "JSON_TOOL",
    "TIERS",
    "answer_tool",
    "citation",
    "finish_extras",
    "is_answer_called",
    "usage",
]

Fields: TypeAlias = dict[str, Any]

FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "compaction": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_PLAIN: Final = frozenset(("end_turn", "tool_use", "max_tokens", "stop_sequence"))
"""Reasons that OpenAI's word says all of."""

TIERS: Final = {"standard": "default", "priority": "priority"}

FORMAT: Final = "anthropic-claude-v1"
"""Of the entries in `reasoning_details`."""

JSON_TOOL: Final = "json_answer"
"""The tool whose call is the answer, where a schema cannot be told in another way."""


def answer_tool(context: ReplyContext) -> str | None:
    """The name of the tool whose calls are text, if the request may have been written so."""
    request = context.request
    if not isinstance(request, ChatRequest) or JSON_TOOL in request.tool_names:
        return None
    return JSON_TOOL if request.body.get("response_format") and read_schema(request.body) is not None else None


def is_answer_called(context: ReplyContext) -> bool:
    """Whether the answer was asked for as a call, and not by a schema that the model keeps to."""
    request = context.request
    if isinstance(request.body.get("output_format"), dict):
        return False
    asked = read_schema(request.body)
    return asked is not None and kept_schema(asked, model(context.route.model or request.model or "")) is None


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def usage(said: Fields) -> Fields:
    """OpenAI's usage: what was read from a cache or written to one is part of the prompt.

    Counts that OpenAI has no place for stay under their own names.
    """
    read = _count(said.get("cache_read_input_tokens"))
    written = _count(said.get("cache_creation_input_tokens"))
    prompt, completion = _count(said.get("input_tokens")) + read + written, _count(said.get("output_tokens"))
    counts: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read},
    }
    if written:
        counts["prompt_tokens_details"]["cache_write_tokens"] = written
    details = said.get("output_tokens_details")
    if isinstance(details, dict) and type(details.get("thinking_tokens")) is int:
        thoughts = min(_count(details["thinking_tokens"]), completion)
        counts["completion_tokens_details"] = {"reasoning_tokens": thoughts}
    if written and isinstance(said.get("cache_creation"), dict):
        counts["cache_creation"] = said["cache_creation"]
    if isinstance(said.get("server_tool_use"), dict) and any(said["server_tool_use"].values()):
        counts["server_tool_use"] = said["server_tool_use"]
    if isinstance(said.get("iterations"), list) and len(said["iterations"]) > 1:
        counts["iterations"] = said["iterations"]
    return counts


def citation(said: Fields, start: int, end: int) -> tuple[str, Fields]:
    """Where a citation of the text from `start` to `end` belongs, `annotations` or `citations`, and as what."""
    url = said.get("url") or said.get("source")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return "citations", {**said, "start_index": start, "end_index": end}
    title = said.get("title")
    page = {"start_index": start, "end_index": end, "url": url, "title": title if isinstance(title, str) else url}
    return "annotations", {"type": "url_citation", "url_citation": page}


def finish_extras(delta: Fields) -> Fields | None:
    """What a stop says beyond its reason: the sequence, the details of a refusal, a word that OpenAI lacks."""
    extras: Fields = {}
    reason = delta.get("stop_reason")
    if reason not in _PLAIN:
        extras["native_finish_reason"] = reason
    for name in ("stop_sequence", "stop_details"):
        if delta.get(name):
            extras[name] = delta[name]
    return extras or None
