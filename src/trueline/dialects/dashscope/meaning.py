"""What words, counts and sources of DashScope are in OpenAI's format."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["finish_of", "sources", "texts_of", "usage"]

Fields = dict[str, Any]

_FINISH: Final = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "data_inspection_failed": "content_filter",
}
_NOT_YET: Final = (None, "", "null")
"""In a stream, until there is a reason."""
_CACHED: Final = ("cached_tokens", "cache_creation_input_tokens")
_NAMES: Final = {"cache_creation_input_tokens": "cache_write_tokens"}
_DETAILS: Final = {
    "prompt_tokens_details": (("input_tokens_details", "prompt_tokens_details"), (*_CACHED, "audio_tokens")),
    "completion_tokens_details": (("output_tokens_details",), ("reasoning_tokens", "audio_tokens")),
}
_KINDS: Final = ("text_tokens", "image_tokens", "video_tokens")
"""Counts of what came in, beyond OpenAI's."""
_MARK: Final = re.compile(r"\[(?:ref_)?(\d{1,3})\]")


def finish_of(reason: Any) -> str | None:
    """OpenAI's word; None where the choice goes on."""
    if reason in _NOT_YET or not isinstance(reason, str):
        return None
    return _FINISH.get(reason.lower(), reason)


def texts_of(content: Any) -> tuple[str, list[Any]]:
    """The text of a message, and the parts that are none: models that see answer in a list of parts."""
    if isinstance(content, str):
        return content, []
    texts: list[str] = []
    others: list[Any] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif part:
            others.append(part)
    return "".join(texts), others


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def usage(said: Any) -> Fields | None:
    """OpenAI's usage, with the kinds of tokens beside it."""
    if not isinstance(said, dict):
        return None
    prompt, completion = _count(said.get("input_tokens")), _count(said.get("output_tokens"))
    total = _count(said.get("total_tokens"))
    if prompt is None or completion is None:
        if prompt is None and completion is None and total is None:
            return None
        prompt, completion = _missing(prompt, completion, total)
    made: Fields = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    for name, (places, counts) in _DETAILS.items():
        details: Fields = {}
        for place in places:
            given = said.get(place)
            if not isinstance(given, dict):
                continue
            for count in (*counts, *_KINDS):
                if (value := _count(given.get(count))) is not None:
                    details[_NAMES.get(count, count)] = value
        if details:
            made[name] = details
    return made


def _missing(prompt: int | None, completion: int | None, total: int | None) -> tuple[int, int]:
    """Both counts, where one of them or both are not said."""
    if prompt is None and completion is None:
        return total or 0, 0
    if prompt is None:
        return max((total or 0) - (completion or 0), 0), completion or 0
    return prompt, max((total or 0) - prompt, 0)


def sources(info: Any, text: str = "") -> list[Fields]:
    """Pages that were searched as OpenAI's annotations: where the text marks them (`[1]`, `[ref_1]`), else at its end.

    https://www.alibabacloud.com/help/en/model-studio/web-search (seen 2026-11)
    """
    results = info.get("search_results") if isinstance(info, dict) else None
    marks: dict[str, list[tuple[int, int]]] = {}
    for mark in _MARK.finditer(text):
        marks.setdefault(mark[1], []).append(mark.span())
    found: list[Fields] = []
    for result in results if isinstance(results, list) else ():
        if not isinstance(result, dict):
            continue
        url = result.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            continue
        title = result.get("title")
        named = title if isinstance(title, str) and title else url
        for start, end in marks.get(str(result.get("index"))) or [(len(text), len(text))]:
            place = {"start_index": start, "end_index": end, "url": url, "title": named}
            found.append({"type": "url_citation", "url_citation": place})
    return found
