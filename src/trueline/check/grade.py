"""The grade: from A+ to F, from what was found and what is missing.

    points   100, less 6 for each kind of `must` finding, 2 for each kind of `exact`, and the price of each feature
             that is unsupported (`_PRICES`, else 1)
    grade    A+ 100, A 93, B 80, C 65, D 45, F below
    ?        nothing was examined: all of it was skipped, or refused as unsupported
    at best  B with a `must` finding; F where the plain chat, whole or streamed, does not work at all

Remarks (`legal`) cost nothing, and neither does what was skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from .model import Level, Result

__all__ = ["ESSENTIAL", "Grade", "grade"]

_COSTS: Final[dict[Level, int]] = {"must": 6, "exact": 2, "legal": 0}
_PRICES: Final[dict[str, int]] = {
    "tools": 6,
    "usage in streams": 4,
    "stop": 3,
    "max_tokens": 0,  # OpenAI's own reasoning models refuse it
    "the list of models": 3,
    "keys": 0,
    "images as URLs": 0,  # OpenAI's own image models have no URLs
    "images as base64": 0,
    "an empty message": 0,
    "a last message of the assistant": 0,
}
_BOUNDS: Final = (("A+", 100), ("A", 93), ("B", 80), ("C", 65), ("D", 45))
_BEST_WITH_MUST: Final = 92
ESSENTIAL: Final = ("chat.whole", "stream.plain")
"""The probes without which there is no chat."""


class Grade(NamedTuple):
    """A letter and its points of 100."""

    letter: str
    points: int


def grade(levels: Iterable[Level], lacking: Collection[str], results: Iterable[Result]) -> Grade:
    """The grade for the findings (one level per kind), the features that are lacking, and the probes as they went."""
    found, results = list(levels), list(results)
    if not any(result.verdict in ("pass", "wrong") for result in results):
        failed = any(result.verdict == "unreachable" for result in results)
        return Grade("F" if failed else "?", 0)
    points = 100 - sum(_COSTS[level] for level in found) - sum(_PRICES.get(feature, 1) for feature in lacking)
    if "must" in found:
        points = min(points, _BEST_WITH_MUST)
    for result in results:
        if result.probe.id in ESSENTIAL and result.verdict != "skipped" and not _came(result):
            points = 0
    points = max(points, 0)
    return Grade(next((letter for letter, bound in _BOUNDS if points >= bound), "F"), points)


def _came(result: Result) -> bool:
    """Did a whole reply come, whatever is in it?"""
    return result.verdict in ("pass", "wrong") and any(each.answered and not each.failure for each in result.exchanges)
