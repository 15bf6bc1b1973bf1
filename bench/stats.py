"""Medians, spreads and ratios of figures that were measured in rounds.  Numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "ratios", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds found for one figure."""

    median: float
    low: float
    high: float
    rounds: int


def spread(samples: Sequence[float]) -> Spread | None:
    """Median and range; None without samples."""
    if not samples:
        return None
    return Spread(median(samples), min(samples), max(samples), len(samples))


def ratios(samples: Sequence[float | None], base: Sequence[float | None]) -> Spread | None:
    """The ratio to a reference, round by round, so that a machine that drifts cancels out.

    A round in which one of both is missing or zero says nothing.
    """
    pairs = [each / other for each, other in zip(samples, base, strict=False) if each is not None and other]
    return spread(pairs)
