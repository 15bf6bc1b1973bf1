"""How much a model thinks: `reasoning_effort` as an effort or a budget, and `thinking` as it is."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ..parameters import leave_out
from ..provider import Asked
from .models import Model

__all__ = ["BUDGETS", "write_thinking"]

Fields: TypeAlias = dict[str, Any]

BUDGETS: Final = {"minimal": 1024, "low": 4096, "medium": 10_240, "high": 24_576, "xhigh": 32_768, "max": 32_768}
"""Tokens of thought, for models that are given a budget."""
_LEAST: Final = 1024
_FORCED: Final = ("any", "tool")
_LEVELS: Final = {"minimal": "low"}


def write_thinking(body: Fields, known: Model, asked: Asked, out: Fields) -> None:
    """Put `thinking` and `output_config.effort` into `out`, whose tools are written already."""
    config = body.get("output_config")
    if isinstance(config, dict):
        out["output_config"] = {**config, **out.get("output_config", {})}
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        out["thinking"] = thinking
        budget = thinking.get("budget_tokens")
        if isinstance(budget, int) and budget >= out["max_tokens"] and not _limited(body):
            out["max_tokens"] = max(out["max_tokens"], min(budget + out["max_tokens"], known.max_tokens))
        return
    effort = _effort(body)
    if effort is None:
        return
    if effort == "none":
        _do_not(known, asked, out)
    elif not known.thinks or effort not in BUDGETS:
        leave_out(asked, "reasoning_effort")
    elif known.adapts:
        _adapt(effort, known, asked, out)
    else:
        _budget(effort, asked, out)


def _effort(body: Fields) -> str | None:
    given = body.get("reasoning_effort")
    if given is None and isinstance(body.get("reasoning"), dict):
        given = body["reasoning"].get("effort")
    return given if isinstance(given, str) else None


def _limited(body: Fields) -> bool:
    return bool(body.get("max_tokens") or body.get("max_completion_tokens"))


def _do_not(known: Model, asked: Asked, out: Fields) -> None:
    if known.always_thinks:
        _changed(asked, "low")
        _set_effort("low", out)
    elif known.thinks_unasked:
        out["thinking"] = {"type": "disabled"}


def _adapt(effort: str, known: Model, asked: Asked, out: Fields) -> None:
    level = _LEVELS.get(effort, effort)
    if level not in known.efforts:
        _changed(asked, known.efforts[-1])
        level = known.efforts[-1]
    _set_effort(level, out)
    if _forced(out):
        leave_out(asked, "reasoning_effort", "The model cannot think where a call is forced.")
        return
    out["thinking"] = {"type": "adaptive", "display": "summarized"} if known.hides_thoughts else {"type": "adaptive"}


def _budget(effort: str, asked: Asked, out: Fields) -> None:
    limit = out["max_tokens"]
    budget = max(min(BUDGETS[effort], limit * 3 // 4), _LEAST)
    if budget >= limit:
        leave_out(asked, "reasoning_effort", f"It takes a limit of more than {_LEAST} tokens.")
    elif _forced(out):
        leave_out(asked, "reasoning_effort", "The model cannot think where a call is forced.")
    elif _lacks_thoughts(out["messages"]):
        why = "the turn under way began without thoughts"
        asked.note(f"reasoning_effort dropped: {why}")
    else:
        out["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _changed(asked: Asked, level: str) -> None:
    asked.note(f"reasoning_effort changed to {level}")


def _set_effort(level: str, out: Fields) -> None:
    out["output_config"] = {"effort": level, **out.get("output_config", {})}


def _forced(out: Fields) -> bool:
    return out.get("tool_choice", {}).get("type") in _FORCED


def _lacks_thoughts(messages: list[Fields]) -> bool:
    """Whether results are given for calls that no thought stands before: the API refuses to think then."""
    if len(messages) < 2 or isinstance(messages[-1]["content"], str):
        return False
    answered = any(block.get("type") == "tool_result" for block in messages[-1]["content"])
    before = messages[-2]["content"]
    return answered and (isinstance(before, str) or before[0].get("type") not in ("thinking", "redacted_thinking"))
