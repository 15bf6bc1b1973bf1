"""What an exchange used: as its upstream said, or counted from what was said."""

from __future__ import annotations

from typing import NamedTuple

from ..context import ReplyContext, UsageSource

__all__ = ["Tally", "tally"]


class Tally(NamedTuple):
    """Tokens of one exchange, and who says so."""

    prompt: int
    completion: int
    source: UsageSource


def tally(context: ReplyContext) -> Tally | None:
    """What was used so far."""
    usage = context.usage
    if usage is None or context.usage_source is None:
        return None
    return Tally(usage["prompt_tokens"], usage["completion_tokens"], context.usage_source)
