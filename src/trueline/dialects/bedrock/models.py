"""What models behind Converse take that is not the same for all: data, by the words in their ids."""

from __future__ import annotations

import re
from typing import Any

from ..parameters import leave_out
from ..provider import Asked

__all__ = ["reasoning_fields", "takes_schema", "top_k_fields"]

Fields = dict[str, Any]

_SCHEMA = re.compile(
    r"claude-(haiku|sonnet|opus)-(4-[5-9]|[5-9])|qwen3|deepseek\.v3|mistral-large-3|gpt-oss|nemotron|kimi-k2"
)
"""https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html (seen 2026-11)"""

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768}
_LEAST = 1024
_ROOM = 4096
"""Tokens that an answer gets beside the thoughts, where the client set no limit."""


def takes_schema(model: str) -> bool:
    """Whether the model can be told a JSON schema (`outputConfig.textFormat`)."""
    return _SCHEMA.search(model) is not None


def top_k_fields(model: str, top_k: Any) -> Fields:
    """`top_k` where the model looks for it."""
    if top_k is None:
        return {}
    return {"inferenceConfig": {"topK": top_k}} if "nova" in model else {"top_k": top_k}


def reasoning_fields(asked: Asked, effort: Any, inference: Fields, forced: bool) -> Fields:
    """How much the model may think; `inference` is given the room for it, and loses what thinking forbids.

    `forced`: a call is, and then Claude does not think.

    https://docs.aws.amazon.com/bedrock/latest/userguide/inference-reasoning.html (seen 2026-11)
    """
    if not isinstance(effort, str) or effort == "none":
        return {}
    model = asked.model
    if "claude" in model:
        if forced:
            leave_out(asked, "reasoning_effort", "The model cannot think where a call is forced.")
            return {}
        budget = _BUDGETS.get(effort, _BUDGETS["medium"])
        limit = inference.setdefault("maxTokens", budget + _ROOM)  # thoughts count as part of the answer
        if limit <= _LEAST:
            leave_out(asked, "reasoning_effort", f"The model thinks only where the limit is above {_LEAST} tokens.")
            return {}
        budget = min(budget, max(_LEAST, limit - _ROOM), limit - 1)
        for name, parameter in (("temperature", "temperature"), ("topP", "top_p")):
            if inference.get(name, 1) != 1:
                leave_out(asked, parameter, "Models that think take no other value than 1.")
            inference.pop(name, None)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    if "nova" in model:
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    if "gpt-oss" in model:
        return {"reasoning_effort": effort}
    if "qwen" in model:
        return {"reasoning_config": effort}
    leave_out(asked, "reasoning_effort")
    return {}
