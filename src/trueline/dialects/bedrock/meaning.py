"""What words, counts and citations of Converse are in OpenAI's format."""

from __future__ import annotations

from typing import Any

from ...context import ReplyContext
from ...messages import ChatRequest
from ..parameters import read_schema
from .models import takes_schema

__all__ = [
    "FORCED_TOOL",
    "cited_pages",
    "finish",
    "finish_extras",
    "forced_tool",
    "is_answer_called",
    "usage",
]

Fields = dict[str, Any]

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "content_filter",
    "malformed_tool_use": "content_filter",
}
_PLAIN = ("end_turn", "stop_sequence", "tool_use", "max_tokens")
"""Reasons that OpenAI's word says all of."""

FORCED_TOOL = "json_answer"
"""The tool whose call is the answer, for models that cannot be told a schema."""


def finish(reason: Any, called: bool) -> str:
    """OpenAI's finish reason.

    What the model wrote and nobody can read is `content_filter`, the only word of OpenAI's for an answer that is not
    all there; a reason that is not known says only that it ended.
    """
    word = _FINISH.get(reason) if isinstance(reason, str) else None
    if word is None:
        return "tool_calls" if called else "stop"
    return "stop" if word == "tool_calls" and not called else word  # the call was the answer


def finish_extras(reason: Any) -> Fields | None:
    """The reason in Bedrock's word, where OpenAI's says less."""
    return {"native_finish_reason": reason} if isinstance(reason, str) and reason not in _PLAIN else None


def forced_tool(context: ReplyContext) -> str | None:
    """The name of the tool that stands for the answer, if the request may have been written so."""
    request = context.request
    if not isinstance(request, ChatRequest) or FORCED_TOOL in request.tool_names:
        return None
    return FORCED_TOOL if request.body.get("response_format") and read_schema(request.body) is not None else None


def is_answer_called(context: ReplyContext) -> bool:
    """Whether the answer was asked for as a call, and not by a schema that the model is told."""
    request = context.request
    asked = read_schema(request.body)
    model = context.route.model or request.model or ""
    return asked is not None and (asked.schema is None or not takes_schema(model))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def usage(said: Any) -> Fields | None:
    """OpenAI's usage.  What was read from a cache, or written to one, is part of the prompt."""
    if not isinstance(said, dict):
        return None
    read = _count(said.get("cacheReadInputTokens")) or _count(said.get("cacheReadInputTokenCount"))
    written = _count(said.get("cacheWriteInputTokens")) or _count(said.get("cacheWriteInputTokenCount"))
    prompt, completion = _count(said.get("inputTokens")), _count(said.get("outputTokens"))
    if prompt + completion != _count(said.get("totalTokens")) or read > prompt:
        prompt += read + written  # the total says that they were not counted as input
    counts: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if read or written:
        counts["prompt_tokens_details"] = {"cached_tokens": read}
    if written:
        counts["prompt_tokens_details"]["cache_write_tokens"] = written
    return counts


def cited_pages(citations: Any, start: int, end: int) -> tuple[list[Fields], list[Fields]]:
    """Citations of the text from `start` to `end`: those of web pages in OpenAI's form, and all others as they are."""
    urls: list[Fields] = []
    others: list[Fields] = []
    for citation in citations if isinstance(citations, list) else ():
        if not isinstance(citation, dict):
            continue
        location = citation.get("location")
        web = location.get("web") if isinstance(location, dict) else None
        url = web.get("url") if isinstance(web, dict) else citation.get("source")
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            title = citation.get("title")
            page = {
                "start_index": start,
                "end_index": end,
                "url": url,
                "title": title if isinstance(title, str) else url,
            }
            urls.append({"type": "url_citation", "url_citation": page})
        else:
            others.append({**citation, "start_index": start, "end_index": end})
    return urls, others
