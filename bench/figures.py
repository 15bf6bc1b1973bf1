"""The figures that are reported: one row each, from the samples of a run.  Data and arithmetic; no printing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .stats import Spread, ratios, spread

__all__ = ["FIGURES", "Cell", "Figure", "cells", "summary"]

Samples = Mapping[str, Mapping[str, Sequence[float | None]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table."""

    key: str
    title: str
    unit: str
    ratio: bool = False
    """Whether the ratio to nginx is shown."""
    digits: int = 1
    over: str = ""
    """Another figure of the same gateway: the row is then the ratio to it."""


FIGURES = (
    Figure("whole.cpu_us", "CPU per whole reply", "µs", True),
    Figure("whole-faults.cpu_us", "CPU per whole reply, with faults", "µs", True),
    Figure("paced.cpu_us", "CPU per event, paced", "µs", True),
    Figure("paced-faults.cpu_us", "CPU per event, paced, with faults", "µs", True),
    Figure("burst.cpu_us", "CPU per event, 202 at once", "µs", False, 2),
    Figure("burst-faults.cpu_us", "CPU per event, 202 at once, with faults", "µs", False, 2),
    Figure("whole-faults.rate", "Whole replies a second, with faults", "/s", False, 0),
    Figure("tls-whole.cpu_us", "CPU per whole reply, TLS upstream", "µs", True),
    Figure("tls-whole.cpu_us", "  times the same without TLS", "", False, 2, "whole-faults.cpu_us"),
    Figure("tls-paced.cpu_us", "CPU per event, paced, TLS upstream", "µs", True),
    Figure("tls-paced.cpu_us", "  times the same without TLS", "", False, 2, "paced-faults.cpu_us"),
    Figure("latency.p50", "Whole reply at 30 % load, p50", "µs", False, 0),
    Figure("latency.p99", "Whole reply at 30 % load, p99", "µs", False, 0),
    Figure("latency.added_p50", "  more than nginx at the same rate, p50", "µs", False, 0),
    Figure("latency.added_p99", "  more than nginx at the same rate, p99", "µs", False, 0),
    Figure("first-token.p50", "First byte of a stream, p50", "µs", False, 0),
    Figure("first-token.added_p50", "  more than nginx at the same rate, p50", "µs", False, 0),
    Figure("paced-faults.lag_p50", "An event's way through, 400 streams, p50", "µs", False, 0),
    Figure("paced-faults.gap_p99_ms", "Time between events (20 due), p99", "ms"),
    Figure("memory.streams", "Paced streams of the memory figures", "", False, 0),
    Figure("memory.held", "  share of their events that came in time", "", False, 3),
    Figure("memory.idle_mb", "Memory idle", "MB"),
    Figure("memory.under_mb", "Memory with those streams", "MB"),
    Figure("memory.after_mb", "Memory afterwards", "MB"),
    Figure("memory.after_mb", "  times what it was before", "", False, 2, "memory.idle_mb"),
    Figure("memory.stream_kb", "Memory per open stream", "KB"),
    Figure("held.streams", "Streams of 25 events/s held", "", False, 0),
    Figure("big-request10.cpu_ms", "CPU of a 10 MB request", "ms"),
    Figure("big-request20.cpu_ms", "CPU of a 20 MB request", "ms"),
    Figure("big-request20.cpu_ms", "  times that of half the size", "", False, 2, "big-request10.cpu_ms"),
    Figure("big-request20.peak_mb", "  peak memory, two at a time", "MB"),
    Figure("big-reply25.cpu_ms", "CPU of a 25 MB reply", "ms"),
    Figure("big-reply50.cpu_ms", "CPU of a 50 MB reply", "ms"),
    Figure("big-reply50.cpu_ms", "  times that of half the size", "", False, 2, "big-reply25.cpu_ms"),
    Figure("big-reply50.peak_mb", "  peak memory, two at a time", "MB"),
    Figure("startup.ready_s", "Start until ready", "s", False, 2),
    Figure("startup.import_ms", "import trueline", "ms"),
)

REFERENCE = "nginx"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one gateway has for one figure."""

    value: Spread
    ratio: Spread | None


def cells(samples: Samples, figure: Figure) -> dict[str, Cell]:
    """Gateway -> its cell; gateways without a sample are absent."""
    found = samples.get(figure.key, {})
    base = found.get(REFERENCE, [])
    made = {}
    for key, values in found.items():
        if figure.over:
            value = ratios(values, samples.get(figure.over, {}).get(key, []))
        else:
            value = spread([each for each in values if each is not None])
        if value is not None:
            made[key] = Cell(value, ratios(values, base) if figure.ratio and key != REFERENCE else None)
    return made


def summary(samples: Samples) -> dict[str, dict[str, dict[str, Any]]]:
    """All figures as JSON has them: median, range, number of rounds, and the ratio to nginx."""
    made: dict[str, dict[str, dict[str, Any]]] = {}
    for figure in FIGURES:
        for key, cell in cells(samples, figure).items():
            row = {"median": cell.value.median, "low": cell.value.low, "high": cell.value.high, "unit": figure.unit}
            if cell.ratio:
                row |= {"ratio": cell.ratio.median, "ratio_low": cell.ratio.low, "ratio_high": cell.ratio.high}
            name = f"{figure.key} / {figure.over}" if figure.over else figure.key
            made.setdefault(name, {})[key] = {**row, "rounds": cell.value.rounds}
    return made
