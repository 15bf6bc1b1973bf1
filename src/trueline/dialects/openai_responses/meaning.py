"""What words, counts, citations and probabilities of the Responses API are in OpenAI's chat format."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import UNSET

from ...events import Extras, ReplyStart

__all__ = ["FORMAT", "NAME", "beside", "citation", "finish", "logprobs", "picture", "start_of", "usage"]

Fields: TypeAlias = dict[str, Any]

FORMAT: Final = "openai-responses-v1"
"""Of the entries in `reasoning_details`."""

NAME: Final = "openai_responses"
"""The extra for what a chat completion has no place for."""

_INCOMPLETE: Final = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_DONE: Final = ("completed", "complete", "done")
_TIERS: Final = ("auto", "default", "flex", "scale", "priority", "fast")
_BESIDE: Final = ("content_filters", "moderation", "conversation", "citations")


def finish(response: Fields, calls: int) -> tuple[str | None, Fields | None]:
    """The finish reason of a reply and what else is said of it; None for one that is not finished, or failed."""
    status, details = response.get("status"), response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if status == "incomplete" or (status is None and reason):
        word = _INCOMPLETE.get(reason) if isinstance(reason, str) else None
        return word or "length", None if word else {"native_finish_reason": reason or status}
    if status in _DONE or status is None:
        return "tool_calls" if calls else "stop", None
    return None, None


def start_of(response: Fields, whole: bool) -> ReplyStart:
    """The start of a reply; in a stream `auto` is what was asked, and not yet the tier that it gets."""
    model, created, tier = (response.get(name) for name in ("model", "created_at", "service_tier"))
    known = isinstance(tier, str) and tier in _TIERS and (whole or tier != "auto")
    dated = isinstance(created, (int, float)) and not isinstance(created, bool) and 1 <= created < 1e11
    return ReplyStart(
        response.get("id", UNSET),
        int(created) if dated else UNSET,  # type: ignore[arg-type]  # `dated` says that it is a number
        model if isinstance(model, str) and model else UNSET,
        service_tier=tier if known else UNSET,
        extras=beside(response, False) if whole else None,
    )


def beside(response: Fields, streamed: bool) -> Extras | None:
    """What else a reply says of itself; its id where it is stored, so that a request can go on from there."""
    kept = {name: response[name] for name in _BESIDE if response.get(name)}
    if response.get("store") is True and isinstance(response.get("id"), str):
        kept["id"] = response["id"]
    tier = response.get("service_tier")
    if isinstance(tier, str) and tier not in ("auto", "default") and (streamed or tier not in _TIERS):
        kept["service_tier"] = tier
    return Extras(reply={NAME: kept}) if kept else None


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def usage(said: Any) -> Fields | None:
    """OpenAI's chat usage; counts that it has no place for stay under their own names.  None where nothing counts."""
    if not isinstance(said, dict) or not any(type(said.get(name)) is int for name in ("input_tokens", "output_tokens")):
        return None
    prompt, completion = _count(said.get("input_tokens")), _count(said.get("output_tokens"))
    counts: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    for name, of in (("prompt_tokens_details", "input_tokens_details"), ("completion_tokens_details", _OUT)):
        details = said.get(of)
        if isinstance(details, dict):
            counts[name] = {key: value for key, value in details.items() if value is not None}
    return {**counts, **{name: value for name, value in said.items() if name not in _COUNTS and value is not None}}


_OUT: Final = "output_tokens_details"
_COUNTS: Final = ("input_tokens", "output_tokens", "total_tokens", "input_tokens_details", _OUT)


def citation(said: Fields, before: int, end: int) -> tuple[str, Fields]:
    """Where an annotation belongs, `annotations` or `citations`, and as what; its text begins behind `before`."""
    placed = {name: said[name] + before for name in ("start_index", "end_index") if type(said.get(name)) is int}
    url = said.get("url")
    if said.get("type") != "url_citation" or not isinstance(url, str) or not url:
        kind = said.get("type")
        kind = kind if isinstance(kind, str) and kind else "citation"
        inner = {name: value for name, value in said.items() if name != "type"}
        return "citations", {"type": kind, kind: {**inner, **placed}}
    title = said.get("title")
    page = {
        "start_index": placed.get("start_index", before),
        "end_index": placed.get("end_index", end),
        "url": url,
        "title": title if isinstance(title, str) and title else url,
    }
    return "annotations", {"type": "url_citation", "url_citation": page}


def picture(said: Fields) -> Fields | None:
    """A picture that the model made, as OpenRouter has it in `images`."""
    given, form = said.get("result"), said.get("output_format")
    if not isinstance(given, str) or not given:
        return None
    form = form if isinstance(form, str) and form.isalnum() else "png"
    return {"type": "image_url", "image_url": {"url": f"data:image/{form};base64,{given}"}}


def logprobs(said: Any) -> Any:
    """`logprobs` of a text; UNSET for none."""
    if not isinstance(said, list) or not said:
        return UNSET
    entries = [_entry(one) for one in said if isinstance(one, dict)]
    for entry, one in zip(entries, (one for one in said if isinstance(one, dict)), strict=True):
        tops = one.get("top_logprobs")
        entry["top_logprobs"] = [_entry(top) for top in tops if isinstance(top, dict)] if isinstance(tops, list) else []
    return {"content": entries, "refusal": None}


def _entry(said: Fields) -> Fields:
    token, value = said.get("token"), said.get("logprob")
    token = token if isinstance(token, str) else ""
    given = said.get("bytes")
    if not isinstance(given, list):  # streams leave them out
        given = None if "\ufffd" in token else list(token.encode("utf-8", "replace"))
    return {"token": token, "logprob": value if isinstance(value, (int, float)) else -9999.0, "bytes": given}
