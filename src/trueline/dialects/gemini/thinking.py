"""How much a model thinks: OpenAI's `reasoning_effort` as Gemini's `thinkingConfig`.

Gemini 3 has levels, Gemini 2.5 a budget of tokens; older models do not think.
https://ai.google.dev/gemini-api/docs/openai#thinking (seen 2026-11-22)
https://ai.google.dev/gemini-api/docs/thinking#set-budget (seen 2026-11-22)
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from ...errors import RequestError
from ..parameters import leave_out
from ..provider import Asked

__all__ = ["generation", "thinking_config"]

Fields: TypeAlias = dict[str, Any]

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_LEAST_OF_PRO: Final = 128
_MOST_OF_PRO: Final = 32768
_LEVELS: Final = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def generation(model: str) -> float:
    """The version in a model's name, such as 2.5; of a name without one that of the latest, of Gemma's 1."""
    found = _VERSION.search(model.lower())
    if found is not None:
        return float(f"{found[1]}.{found[2] or 0}")
    return 1.0 if "gemma" in model.lower() or "palm" in model.lower() else 3.0


def thinking_config(body: Fields, asked: Asked) -> Fields | None:
    """`thinkingConfig` for what is said of thinking; None where nothing is.  Raises RequestError."""
    config: Fields = {}
    effort = body.get("reasoning_effort")
    reasoning = body.get("reasoning")
    if effort is None and isinstance(reasoning, dict):
        effort = reasoning.get("effort")
        if type(reasoning.get("max_tokens")) is int:
            config = {"thinkingBudget": reasoning["max_tokens"], "includeThoughts": True}
    thinking = body.get("thinking")
    if isinstance(thinking, dict):  # as Anthropic has it
        budget = thinking.get("budget_tokens")
        if thinking.get("type") == "disabled":
            effort = effort or "none"
        elif type(budget) is int:
            config = {"thinkingBudget": budget, "includeThoughts": True}
        else:
            config = {"includeThoughts": True}
    if effort is not None and not config:
        config = _of_effort(effort, asked)
    return config or None


def _of_effort(effort: Any, asked: Asked) -> Fields:
    if effort not in _BUDGETS:
        raise RequestError(
            f"Invalid value: '{str(effort)[:50]}'. Supported values are: "
            + ", ".join(f"'{name}'" for name in _BUDGETS)
            + ".",
            param="reasoning_effort",
            code="invalid_value",
        )
    model, version = asked.model.lower(), generation(asked.model)
    if version < 2.5:
        if effort != "none":
            leave_out(asked, "reasoning_effort")
        return {}
    pro = "pro" in model
    thoughts = {} if effort == "none" else {"includeThoughts": True}
    if version < 3:
        budget = _BUDGETS[effort]
        if pro:
            budget = _MOST_OF_PRO if effort in ("xhigh", "max") else max(budget, _LEAST_OF_PRO)
        if effort == "none" and pro:
            asked.note(f"reasoning_effort changed to a budget of {budget}")
        return {"thinkingBudget": budget, **thoughts}
    level = _LEVELS[effort]
    if "gemini-3-pro" in model and level == "medium":
        level = "high"  # the first of its kind has two levels
    if pro and level == "minimal":
        level = "low"
    if effort == "none":
        asked.note(f"reasoning_effort changed to {level}")
    return {"thinkingLevel": level, **thoughts}
