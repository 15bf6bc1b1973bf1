"""Log probabilities of a choice (rules.md C12)."""

from __future__ import annotations

from typing import Any

from .findings import Docket

__all__ = ["judge_logprobs"]

Json = dict[str, Any]

_LOWEST = -9999.0


def judge_logprobs(docket: Docket, request: Json, choice: Json, where: str) -> None:
    """Whether logprobs come when, and only when, they were asked for, and are numbers."""
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return
    asked = bool(request.get("logprobs"))
    nulls = not any(value for value in logprobs.values()) and None in logprobs.values()
    empty = asked and logprobs.get("content") == []
    if nulls and not empty:
        docket.note("logprobs-object-of-nulls", where, logprobs, level="exact" if asked else "must")
    elif logprobs and not asked:
        docket.note("logprobs-unasked", where, logprobs)
    for entry in _entries(logprobs):
        _judge_entry(docket, request, entry, asked, where)


def _entries(logprobs: Json) -> list[Json]:
    listed = [logprobs.get("content"), logprobs.get("refusal")]
    return [entry for entries in listed if isinstance(entries, list) for entry in entries if isinstance(entry, dict)]


def _judge_entry(docket: Docket, request: Json, entry: Json, asked: bool, where: str) -> None:
    number = entry.get("logprob")
    if isinstance(number, int | float) and number < _LOWEST:
        docket.note("logprobs-inf", where, entry)
    top = entry.get("top_logprobs")
    if asked and not (isinstance(top, list) and all(map(_is_named, (entry, *top)))):
        docket.note("logprobs-entry", where, entry)
    wanted = request.get("top_logprobs")
    if asked and isinstance(top, list) and len(top) > (wanted if isinstance(wanted, int) else 0):
        docket.note("logprobs-top", where, f"{len(top)} instead of {wanted or 0}")


def _is_named(entry: Any) -> bool:
    """Whether an entry has its token, as text and in bytes or null."""
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str) or "bytes" not in entry:
        return False
    raw = entry["bytes"]
    return raw is None or (
        isinstance(raw, list)
        and all(type(byte) is int or (isinstance(byte, float) and byte.is_integer()) for byte in raw)
    )
