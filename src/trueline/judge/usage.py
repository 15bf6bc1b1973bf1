"""The numbers of usage, and where in a stream they stand (rules.md U1 and C8)."""

from __future__ import annotations

from typing import Any, NamedTuple

from .findings import Docket

__all__ = ["UsageLog", "judge_usage"]

Json = dict[str, Any]

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens"),
    "completion_tokens_details": (
        "reasoning_tokens",
        "audio_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
}


def judge_usage(docket: Docket, usage: Any, where: str = "", *, details: bool = True) -> None:
    """What the schema does not know of a usage object: sums, parts that exceed their whole, missing details.

    `details`: OpenAI sends them with chat, and not with legacy completions.
    """
    if not isinstance(usage, dict) or not usage:
        return
    spot = f"{where}, usage" if where else "usage"
    counts = [usage.get(name) for name in _COUNTS]
    if not all(isinstance(count, int) for count in counts):
        if any(isinstance(count, float) for count in counts):
            docket.note("usage-float-string", spot, usage)
        return
    prompt, completion, total = (int(count) for count in counts if count is not None)
    if min(prompt, completion, total) < 0:
        docket.note("usage-null-fields", spot, usage, level="exact", what="a count is negative")
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    if total != prompt + completion:
        beside = reasoning and total == prompt + completion + reasoning
        docket.note("usage-excl-reasoning" if beside else "usage-total-mismatch", spot, usage)
    elif reasoning > completion:
        docket.note("usage-excl-reasoning", spot, usage)
    if cached > prompt:
        docket.note("usage-prompt-excl-cached", spot, usage)
    if details:
        _judge_details(docket, usage, spot)


def _detail(usage: Json, group: str, name: str) -> float:
    details = usage.get(group)
    value = details.get(name) if isinstance(details, dict) else None
    return value if isinstance(value, int | float) else 0


def _judge_details(docket: Docket, usage: Json, spot: str) -> None:
    for group, names in _DETAILS.items():
        details = usage.get(group)
        if group not in usage or (isinstance(details, dict) and details and not details.keys() >= set(names)):
            docket.note("usage-details-missing", f"{spot}.{group}", details)


class _Report(NamedTuple):
    """A usage that was sent."""

    where: str
    usage: Json
    alone: bool
    """In a chunk without choices."""
    finishes: bool
    """Beside a finish_reason."""
    idle: bool
    """Beside a choice that says nothing."""

    @property
    def zero(self) -> bool:
        return not any(value for name, value in self.usage.items() if name in _COUNTS)


class UsageLog:
    """All that a stream says of usage; judged at its end."""

    def __init__(self, docket: Docket, wanted: bool) -> None:
        self._docket = docket
        self._wanted = wanted
        self._reports: list[_Report] = []
        self.alone = 0
        """How many chunks without choices carried usage."""

    def see(self, chunk: Json, choices: list[Json], where: str) -> None:
        """Take note of a chunk's usage, or of its absence."""
        if self._wanted:
            if "usage" not in chunk and "moderation" not in chunk:
                self._docket.note("usage-null-absent", where, list(chunk))
        elif "usage" in chunk:
            unasked = "choices-empty-usage-unasked" if chunk["usage"] and not choices else "usage-unasked"
            self._docket.note(unasked, f"{where}, usage", chunk["usage"])
        usage = chunk.get("usage")
        if not isinstance(usage, dict) or not usage:
            return
        alone = not choices
        self.alone += alone
        finishes = any(choice.get("finish_reason") for choice in choices)
        idle = not finishes and not any(choice.get("delta") for choice in choices)
        self._reports.append(_Report(where, usage, alone, finishes, idle))

    def close(self) -> None:
        """Judge the numbers of the last report, and where the reports stood."""
        if self._reports:
            last = self._reports[-1]
            judge_usage(self._docket, last.usage, last.where)
        if not self._wanted:
            return
        alone = [report for report in self._reports if report.alone]
        beside = [report for report in self._reports if not report.alone]
        if len(alone) > 1:
            self._docket.note("usage-dup", alone[1].where, alone[1].usage)
        if beside:
            self._docket.note(self._misplaced(beside, alone), f"{beside[0].where}, usage", beside[0].usage)
        if not alone and not self._docket.has("usage-chunk-no-choices"):
            inside = self._docket.has("usage-in-choice", "usage-x-groq", "usage-empty-object")
            if not beside and not inside:
                self._docket.note("usage-missing-stream")
            elif inside:
                self._docket.note("usage-missing-stream", what="the usage chunk is missing")

    def _misplaced(self, beside: list[_Report], alone: list[_Report]) -> str:
        if len(beside) > 1:
            return "usage-placeholder-zero" if all(report.zero for report in beside) else "usage-every-chunk-cumulative"
        return "usage-chunk-choices-nonempty" if beside[0].idle and not alone else "usage-in-finish-chunk"
