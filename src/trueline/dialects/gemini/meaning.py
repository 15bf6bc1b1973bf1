"""What Gemini's words and counts are in OpenAI's: finish reasons, usage, log probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

__all__ = ["created", "finish", "finish_word", "logprobs", "plain_finish", "service_tier", "usage"]

Fields: TypeAlias = dict[str, Any]

_FINISH: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "MODEL_ARMOR",
            "ESCALATION",
            "PUP_LIMITED_DISABLED",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MALFORMED_RESPONSE",
            "MISSING_THOUGHT_SIGNATURE",
            "NO_IMAGE",
        ),
        "withheld",
    ),
    **dict.fromkeys(("OTHER", "IMAGE_OTHER", "FINISH_REASON_UNSPECIFIED"), "unexplained"),
}
"""`withheld`: the model wrote something that Google kept back; `unexplained`: it may have."""
_NUMBERS: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
)
"""The words by number, as `$alt=json;enum-encoding=int` gives them."""


def finish_word(value: Any) -> str | None:
    """The finish reason in Gemini's words; None where there is none yet."""
    if type(value) is int:
        return _NUMBERS[value] if 0 <= value < len(_NUMBERS) else "OTHER"
    return value.strip().rpartition(".")[2].upper() if isinstance(value, str) and value.strip() else None


def plain_finish(word: str) -> bool:
    """Whether OpenAI's word says all that this one does."""
    return _FINISH.get(word) in ("stop", "length")


def finish(word: str, called: bool, spoke: bool) -> str:
    """OpenAI's finish reason, knowing what the candidate said.

    What Google kept back is `content_filter`, the only word of OpenAI's for an answer that is not all there, and never
    a `stop`: of a reason that explains nothing only where nothing came.
    """
    meant = _FINISH.get(word, "unexplained")
    if meant == "withheld":
        return "content_filter"
    if meant == "unexplained":
        meant = "stop" if spoke or called else "content_filter"
    return "tool_calls" if meant == "stop" and called else meant


# -- usage ------------------------------------------------------------------------------------------------------------

_COUNTS: Final = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
)
_MODALITIES: Final = {"AUDIO": "audio_tokens", "IMAGE": "image_tokens", "VIDEO": "video_tokens"}


def usage(given: Any) -> Fields | None:
    """OpenAI's usage; None where nothing is counted.

    OpenAI's prompt is Gemini's with what its own tools read, and OpenAI's completion is Gemini's with the thoughts.
    """
    if not isinstance(given, dict):
        return None
    counts = {name: _count(given.get(name)) for name in _COUNTS}
    if not any(counts.values()):
        return None
    prompt = counts["promptTokenCount"] + counts["toolUsePromptTokenCount"]
    answer, thoughts, total = (
        counts[name] for name in ("candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")
    )
    completion = answer + thoughts
    if thoughts and total == prompt + answer and answer >= thoughts:
        completion = answer  # some models count them among what they answered
    completion = max(completion, total - prompt)  # and some have thoughts that only the total counts
    data: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": counts["cachedContentTokenCount"],
            **_by_modality(given.get("promptTokensDetails"), given.get("toolUsePromptTokensDetails")),
        },
        "completion_tokens_details": {
            "reasoning_tokens": completion - answer if completion > answer else thoughts,
            **_by_modality(given.get("candidatesTokensDetails")),
        },
    }
    if counts["toolUsePromptTokenCount"]:
        data["tool_use_prompt_tokens"] = counts["toolUsePromptTokenCount"]
    if isinstance(given.get("trafficType"), str):
        data["traffic_type"] = given["trafficType"]
    return data


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _by_modality(*lists: Any) -> Fields:
    found: Fields = {"audio_tokens": 0}
    for entries in lists:
        for entry in entries if isinstance(entries, list) else []:
            kind = entry.get("modality") if isinstance(entry, dict) else None
            name = _MODALITIES.get(kind) if isinstance(kind, str) else None
            if name:
                found[name] = found.get(name, 0) + _count(entry.get("tokenCount"))
    return found


def service_tier(given: Any) -> str | None:
    """OpenAI's word for the tier that served the request."""
    word = given.get("serviceTier") if isinstance(given, dict) else None
    return {"standard": "default", "flex": "flex", "priority": "priority"}.get(str(word).lower())


def created(value: Any) -> int | None:
    """Unix seconds of `createTime`, which Vertex gives."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return int(moment.timestamp()) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


# -- log probabilities ------------------------------------------------------------------------------------------------


def logprobs(given: Any) -> Fields | None:
    """OpenAI's `logprobs` for a `logprobsResult`; None where it has no tokens."""
    chosen = given.get("chosenCandidates") if isinstance(given, dict) else None
    if not isinstance(chosen, list) or not chosen:
        return None
    tops = given.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for position, token in enumerate(chosen):
        top = tops[position].get("candidates") if position < len(tops) and isinstance(tops[position], dict) else None
        alternatives = [_token(one) for one in top if isinstance(one, dict)] if isinstance(top, list) else []
        content.append({**_token(token if isinstance(token, dict) else {}), "top_logprobs": alternatives})
    return {"content": content, "refusal": None}


def _token(given: Fields) -> Fields:
    text = given.get("token")
    text = text if isinstance(text, str) else ""
    number = given.get("logProbability", 0.0)  # zero is left out
    number = number if type(number) in (int, float) else -9999.0
    return {"token": text, "logprob": number, "bytes": list(text.encode("utf-8", "replace"))}
