"""The faults that the server can commit: `PLANTERS`, keyed by fault id (faults.md), one file per family.

The order of the table is the order in which faults are committed when several are chosen.
"""

from __future__ import annotations

from trueline.sim.faults import (
    calls,
    choices,
    dialects,
    envelope,
    errors,
    finish,
    framing,
    images,
    other,
    overlooked,
    reasoning,
    termination,
    text,
    tools,
    usage,
)
from trueline.sim.faults.base import Ctx, Head, Planter

__all__ = ["NOT_PLANTABLE", "PLANTERS", "Ctx", "Head", "Planter"]

PLANTERS: dict[str, Planter] = {
    **dialects.PLANTERS,
    **finish.PLANTERS,
    **usage.PLANTERS,
    **tools.PLANTERS,
    **calls.PLANTERS,
    **tools.INDEXES,
    **text.PLANTERS,
    **reasoning.PLANTERS,
    **images.PLANTERS,
    **other.PLANTERS,
    **choices.PLANTERS,
    **overlooked.PLANTERS,
    **envelope.PLANTERS,
    **errors.PLANTERS,
    **termination.PLANTERS,
    **framing.PLANTERS,
}
"""Fault id -> how it is committed."""

NOT_PLANTABLE: dict[str, str] = {
    "img-extra-format": "what a client asks for (`response_format: file`), not what a server answers",
    "n-interleave": "legal, and what OpenAI does: the clean server interleaves choices too",
    "reasoning-dropped": "a proxy that removes reasoning leaves a clean reply: nothing in it shows the loss",
}
"""Fault id -> why no server can be made to show it."""
