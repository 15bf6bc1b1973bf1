"""Where an answer comes from: Gemini's grounding and citations as OpenAI's `annotations`.

Gemini counts bytes of UTF-8, OpenAI characters.
https://ai.google.dev/api/generate-content#GroundingMetadata (seen 2026-11-22)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

__all__ = ["citation_key", "url_citations"]

Fields: TypeAlias = dict[str, Any]

_MOST: Final = 1000
"""Segments, or sources, that are looked at: no answer has so many."""


def url_citations(grounding: Any, citations: Any, texts: list[str]) -> list[Fields]:
    """The `url_citation`s of a candidate whose text parts are `texts`; sources without an address are none."""
    whole = "".join(texts)
    found = islice((*_supports(grounding, texts, whole), *_citations(citations, whole)), _MOST)
    return list({citation_key(one): one for one in found}.values())


def citation_key(citation: Fields) -> tuple[Any, ...]:
    """What makes two citations the same."""
    return tuple(citation["url_citation"].values())


def _supports(grounding: Any, texts: list[str], whole: str) -> Iterator[Fields]:
    chunks = _list(grounding, "groundingChunks")
    for support in _list(grounding, "groundingSupports")[:_MOST]:
        segment = support.get("segment") if isinstance(support, dict) else None
        place = _place(segment, texts, whole) if isinstance(segment, dict) else None
        if place is None:
            continue
        for number in _list(support, "groundingChunkIndices")[:_MOST]:
            source = _source(chunks[number]) if type(number) is int and 0 <= number < len(chunks) else None
            if source is not None:
                yield _citation(place, *source)


def _citations(citations: Any, whole: str) -> Iterator[Fields]:
    for name in ("citationSources", "citations"):
        for given in _list(citations, name)[:_MOST]:
            url = given.get("uri") if isinstance(given, dict) else None
            if not isinstance(url, str) or not url:
                continue
            place = _between(given, whole)
            if place is not None:
                yield _citation(place, url, given.get("title"))


def _list(owner: Any, name: str) -> list[Any]:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, list) else []


def _source(chunk: Any) -> tuple[str, Any] | None:
    """Address and title of a chunk: of the web, of a document, or of a place on the map."""
    for kind in ("web", "retrievedContext", "maps", "image"):
        inner = chunk.get(kind) if isinstance(chunk, dict) else None
        url = (inner.get("uri") or inner.get("sourceUri")) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and isinstance(url, str) and url:
            return url, inner.get("title") or inner.get("domain")
    return None


def _citation(place: tuple[int, int], url: str, title: Any) -> Fields:
    start, end = place
    named = title if isinstance(title, str) and title else url
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "url": url, "title": named},
    }


def _place(segment: Fields, texts: list[str], whole: str) -> tuple[int, int] | None:
    """Where a segment stands in the whole text: by its numbers if they fit what it quotes, else where the quote is."""
    quote = segment.get("text")
    part = segment.get("partIndex")
    part = part if type(part) is int and 0 < part < len(texts) else 0
    before = sum(len(text) for text in texts[:part])
    for base, text in ((before, texts[part] if part < len(texts) else ""), (0, whole)):
        place = _between(segment, text)
        if place is not None and (not isinstance(quote, str) or text[place[0] : place[1]] == quote):
            return base + place[0], base + place[1]
    if isinstance(quote, str) and quote:
        start = whole.find(quote)
        return (start, start + len(quote)) if start >= 0 else None
    return None


def _between(given: Fields, text: str) -> tuple[int, int] | None:
    """`startIndex` and `endIndex`, which are bytes, as characters of `text`."""
    start, end = given.get("startIndex", 0), given.get("endIndex")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        return None
    if text.isascii():
        return (start, end) if end <= len(text) else None
    raw = text.encode("utf-8", "replace")
    if end > len(raw):
        return None
    return len(raw[:start].decode("utf-8", "ignore")), len(raw[:end].decode("utf-8", "ignore"))
