"""Token counts: OpenAI's names, integers that add up, one report per reply (`faults.md` section 6, rulings 1-3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from msgspec import UNSET

from ..context import ReplyContext
from ..events import Extras, Opaque, ReplyEnd, ReplyStart, Usage, add_fields
from .base import Result, Rule

__all__ = ["DETAILS", "TOTALS", "UsageTotals", "counts", "mend_usage", "owes_usage", "unnoted"]

Fields = dict[str, Any]

TOTALS = ("prompt_tokens", "completion_tokens", "total_tokens")
_OTHER_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "promptTokens": "prompt_tokens",
    "completionTokens": "completion_tokens",
    "totalTokens": "total_tokens",
    "prompt_eval_count": "prompt_tokens",
    "eval_count": "completion_tokens",
    "promptTokenCount": "prompt_tokens",
    "candidatesTokenCount": "completion_tokens",
    "totalTokenCount": "total_tokens",
}
DETAILS: dict[str, tuple[str, ...]] = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens", "text_tokens", "image_tokens", "cache_write_tokens"),
    "completion_tokens_details": (
        "reasoning_tokens",
        "audio_tokens",
        "text_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
}
_CACHED_ELSEWHERE = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens")
_AUDIO_ELSEWHERE = ("audio_prompt_tokens", "prompt_audio_tokens")


class UsageTotals(Rule):
    """Keep the last report that counts anything; send it once, at the end, if it was asked for."""

    sees = (ReplyStart, Usage, ReplyEnd)
    mends = (
        "usage-null-fields",
        "usage-float-string",
        "usage-other-names",
        "usage-placeholder-zero",
        "usage-every-chunk-cumulative",
        "usage-dup",
        "usage-unasked",
        "choices-empty-usage-unasked",
        "usage-excl-reasoning",
        "usage-total-mismatch",
        "usage-cached-elsewhere",
        "usage-prompt-excl-cached",
        "usage-x-groq",
    )

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context)
        self._last: Usage | None = None
        self._spare: Usage | None = None
        self._silent: Usage | None = None
        """Of a stream whose client did not ask for it: it is known, and does not leave."""
        self._gemini = False
        request = context.request
        self._wanted = request.include_usage or not request.stream
        self._kept = [fault for fault in ("usage-unasked", "choices-empty-usage-unasked") if not context.mends(fault)]

    def see(self, event: ReplyStart | Usage | ReplyEnd) -> Result:
        if isinstance(event, ReplyStart):
            self._gemini = "gemini" in str(event.model).lower()
            return event
        if isinstance(event, Usage):
            return self._take(event)
        last = self._last
        if last is None and self._spare is not None and self._wanted:
            self.note("usage-x-groq")
            last = self._spare
        if last is None:
            silent = self._silent or self._spare
            if silent is not None and counts(silent.data):
                self._know(silent.data, self._mended(silent.data, unnoted))
            return event
        said = last.data
        if counts(said):
            last.data = self._mended(said, self.note)
            self._know(said, last.data)
        elif not owes_usage(self.context):  # else they are counted
            last.data = self._mended(said, self.note)
        return [last, event]

    def _mended(self, data: Fields, note: Callable[[str], None]) -> Fields:
        return mend_usage(data, note, self._gemini, self.context.options.off)

    def _know(self, said: Fields, mended: Fields) -> None:
        self.context.usage = mended
        self.context.usage_source = "reported" if mended == said else "mended"

    def _take(self, event: Usage) -> Result:
        if event.spare:
            extras, event.extras = event.extras, None
            self._spare = event
            return Opaque(extras) if extras is not None else None
        unasked = "choices-empty-usage-unasked" if event.alone else "usage-unasked"
        if not self._wanted and unasked not in self._kept:
            if not (self.context.request.usage_added or self.context.translated):
                self.note(unasked)
            if counts(event.data) or self._silent is None:
                self._silent = event
                self.context.usage = event.data
            return Opaque(event.extras) if event.extras is not None else None
        last = self._last
        if last is not None:
            if not counts(event.data) and counts(last.data):
                self.note("usage-dup")
                return None
            if not counts(last.data):
                self.note("usage-placeholder-zero")
            else:
                self.note("usage-dup" if last.data == event.data else "usage-every-chunk-cumulative")
            event.extras = _merged(last.extras, event.extras)
        self._last = event
        self.context.usage = event.data  # as it came, until the end
        return None


def owes_usage(context: ReplyContext) -> bool:
    """Whether a usage has to leave: whole replies always have one, streams where it was asked for."""
    request = context.request
    if not (request.include_usage or not request.stream):
        return False
    return context.mends("usage-missing-stream" if request.stream else "usage-missing-nonstream")


def counts(data: Fields) -> bool:
    """Whether a report counts anything."""
    return any(_integer(data.get(name, 0), unnoted) for name in (*TOTALS, *_OTHER_NAMES))


def _merged(old: Extras | None, new: Extras | None) -> Extras | None:
    if old is None or not old.reply:
        return new
    if new is None or not new.reply:
        return old
    return Extras(reply=add_fields(old.reply, new.reply))


def mend_usage(data: Fields, note: Callable[[str], None], gemini: bool = False, off: Collection[str] = ()) -> Fields:
    """`data` with OpenAI's names, integers, and `total = prompt + completion`; fields beyond the schema stay.

    `gemini`: an unexplained gap in the total is thoughts, and belongs to the completion (ruling 1).
    `off`: faults that are not mended.
    """
    usage = dict(data)
    for other, name in _OTHER_NAMES.items():
        if other in usage and usage.get(name) is None:
            note("usage-other-names")
            usage[name] = usage.pop(other)
    _derive(usage, note)
    absent = usage.get("total_tokens") is None
    for name in TOTALS[:2] if absent else TOTALS:
        usage[name] = _integer(usage.get(name, UNSET), note)
    for name, counts in DETAILS.items():
        if name in usage:
            _mend_details(usage, name, counts, note)
    if "usage-cached-elsewhere" not in off:
        _copy_cached(usage, note)
    _balance(usage, absent, note, gemini, off)
    return usage


def _derive(usage: Fields, note: Callable[[str], None]) -> None:
    """A count that is missing while the other and the total are there is their difference."""
    prompt, completion, total = (usage.get(name) for name in TOTALS)
    if type(total) is not int or (prompt is None) == (completion is None):
        return
    missing, other = ("prompt_tokens", completion) if prompt is None else ("completion_tokens", prompt)
    if type(other) is int and 0 <= other <= total:
        note("usage-null-fields")
        usage[missing] = total - other


def _integer(value: Any, note: Callable[[str], None]) -> int:
    if type(value) is int:
        if value < 0:
            note("usage-null-fields")
        return max(value, 0)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, float) and 0 <= value < 1e15:
        note("usage-float-string")
        return int(value)
    note("usage-null-fields")
    return 0


def _mend_details(usage: Fields, name: str, counts: tuple[str, ...], note: Callable[[str], None]) -> None:
    details = usage[name]
    if not isinstance(details, dict):
        note("usage-null-fields")
        del usage[name]
        return
    if all(type(details[c]) is int and details[c] >= 0 for c in counts if c in details):
        return
    mended = dict(details)
    for count in counts:
        if count in mended and type(mended[count]) is not int:
            value = mended.pop(count)
            if value is None:
                note("usage-null-fields")
            else:
                mended[count] = _integer(value, note)
        elif mended.get(count, 0) < 0:
            mended[count] = _integer(mended[count], note)
    usage[name] = mended


def unnoted(fault: str) -> None:
    """The original stays as it is."""


def _copy_cached(usage: Fields, note: Callable[[str], None]) -> None:
    details = usage.get("prompt_tokens_details") or {}
    if details.get("cached_tokens"):
        return
    found = next((count for k in _CACHED_ELSEWHERE if (count := _integer(usage.get(k, 0), unnoted)) > 0), 0)
    if found:
        note("usage-cached-elsewhere")
        usage["prompt_tokens_details"] = {**details, "cached_tokens": found}


def _balance(usage: Fields, absent: bool, note: Callable[[str], None], gemini: bool, off: Collection[str]) -> None:
    prompt, completion, total = (usage.get(name) or 0 for name in TOTALS)
    details = usage.get("completion_tokens_details") or {}
    reasoning = details.get("reasoning_tokens") or 0
    inputs = usage.get("prompt_tokens_details") or {}
    cached = inputs.get("cached_tokens") or 0
    audio = inputs.get("audio_tokens") or next((usage[k] for k in _AUDIO_ELSEWHERE if type(usage.get(k)) is int), 0)
    thoughts = "usage-excl-reasoning" not in off
    if cached > prompt and "usage-prompt-excl-cached" not in off:
        note("usage-prompt-excl-cached")
        prompt += cached
    gap = total - prompt - completion
    if absent:
        note("usage-total-mismatch")
    elif gap and gap == reasoning and thoughts:
        note("usage-excl-reasoning")
        completion += reasoning
    elif gap and gap == audio:
        note("usage-total-mismatch")
        prompt += audio
    elif gap > 0 and gemini and thoughts:
        note("usage-excl-reasoning")
        completion += gap
    elif gap:
        note("usage-total-mismatch")
    usage["prompt_tokens"], usage["completion_tokens"] = prompt, completion
    usage["total_tokens"] = prompt + completion
    if reasoning > completion and thoughts:
        note("usage-excl-reasoning")
        usage["completion_tokens_details"] = {**details, "reasoning_tokens": completion}
