"""Thoughts beside the answer: the fields that hold them (rules.md knows none; faults of section 8)."""

from __future__ import annotations

from typing import Any

from .findings import Docket

__all__ = ["judge_reasoning", "reasoning_of"]

Json = dict[str, Any]

_NAMES = ("reasoning_content", "reasoning", "reasoning_text", "thinking_content", "thinking", "thought")


def _fields(part: Json) -> list[str]:
    return [part[name] for name in _NAMES if isinstance(part.get(name), str) and part[name]]


def reasoning_of(part: Json) -> str:
    """The thoughts of a message or delta, from the first field that has some."""
    return next(iter(_fields(part)), "")


def judge_reasoning(docket: Docket, part: Json, where: str) -> None:
    """Note thoughts that are said twice; single fields are named with the schema."""
    texts = _fields(part)
    if len(texts) > 1 and texts[0] == texts[1]:
        docket.note("reasoning-mirrored", where, texts[0])
