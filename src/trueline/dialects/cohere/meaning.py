"""What words, counts and citations of Cohere are in OpenAI's format."""

from __future__ import annotations

from typing import Any

from ...errors import UpstreamReplyError
from ...events import Extras, Finish

__all__ = ["cited", "failed", "finish", "objects", "usage"]

Fields = dict[str, Any]

_FINISH = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_PLAIN = ("COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL")
"""Reasons that OpenAI's word says all of."""

_FAILED = {"ERROR": (500, "Cohere ended the reply in an error."), "TIMEOUT": (504, "Cohere ran out of time.")}


def failed(reason: Any, said: Any = None) -> UpstreamReplyError | None:
    """The error that a finish reason stands for, where it is none of an answer; `said`: why, in its words."""
    meant = _FAILED.get(str(reason))
    if meant is None:
        return None
    return UpstreamReplyError(said if isinstance(said, str) and said else meant[1], status=meant[0])


def finish(reason: Any, called: bool) -> Finish:
    """The end of a reply; with Cohere's own word, where OpenAI's says less, or the reason is not known."""
    word = _FINISH.get(reason) if isinstance(reason, str) else None
    if word is None or (word == "tool_calls" and not called):
        word = "tool_calls" if called else "stop"
    known = reason is None or reason in _PLAIN or not isinstance(reason, str)
    return Finish(0, word, extras=None if known else Extras(choice={"native_finish_reason": reason}))


def _count(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else 0


def usage(said: Any) -> Fields | None:
    """OpenAI's usage: what the model read and wrote, not what is billed."""
    if not isinstance(said, dict):
        return None
    tokens, billed = said.get("tokens"), said.get("billed_units")
    counts: Fields = tokens if isinstance(tokens, dict) else billed if isinstance(billed, dict) else {}
    if not counts:
        return None
    prompt, completion = _count(counts.get("input_tokens")), _count(counts.get("output_tokens"))
    images = _count(counts.get("image_tokens"))
    if images > prompt:  # some models count pictures apart
        prompt += images
    made: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    cached, thoughts = _count(said.get("cached_tokens")), _count(counts.get("reasoning_tokens"))
    if "cached_tokens" in said:
        made["prompt_tokens_details"] = {"cached_tokens": min(cached, prompt)}
    if "reasoning_tokens" in counts:
        made["completion_tokens_details"] = {"reasoning_tokens": min(thoughts, completion)}
    if isinstance(billed, dict):
        made["billed_units"] = billed
    return made


def cited(citations: Any, offsets: dict[int, int]) -> tuple[list[Fields], list[Fields]]:
    """Citations: those of pages in OpenAI's form, and all others as they are.

    `offsets`: where the text of a content block begins in the whole text.
    """
    urls: list[Fields] = []
    others: list[Fields] = []
    for citation in objects(citations if isinstance(citations, list) else [citations]):
        pages = [page for source in objects(citation.get("sources")) if (page := _page(source)) is not None]
        start, end = citation.get("start"), citation.get("end")
        plain = citation.get("type") in (None, "TEXT_CONTENT")  # others are of a plan or of thoughts
        if not pages or not plain or type(start) is not int or type(end) is not int:
            others.append(citation)
            continue
        index = citation.get("content_index")
        shift = offsets.get(index, 0) if type(index) is int else 0
        for title, url in pages:
            place = {"start_index": start + shift, "end_index": end + shift, "url": url, "title": title or url}
            urls.append({"type": "url_citation", "url_citation": place})
    return urls, others


def objects(values: Any) -> list[Fields]:
    """The objects of a list; none of anything else."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _page(source: Any) -> tuple[str | None, str] | None:
    held = (source.get("document") or source.get("tool_output")) if isinstance(source, dict) else None
    if not isinstance(held, dict):
        return None
    url, title = held.get("url"), held.get("title")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    return (title if isinstance(title, str) else None), url
