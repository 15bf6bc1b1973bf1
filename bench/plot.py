"""The figures of a run as one SVG: a panel per figure, a line per gateway, a logarithmic scale.  Strings only.

It needs nothing beside itself, and takes its colours from the reader's light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .figures import Samples
from .stats import Spread, spread

__all__ = ["PANELS", "Panel", "plot"]


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure, and the same one with an upstream that commits faults."""

    title: str
    unit: str
    exact: str
    faulty: str | None = None


PANELS = (
    Panel("CPU for a whole reply", "µs", "whole.cpu_us", "whole-faults.cpu_us"),
    Panel("CPU for a streamed event", "µs", "paced.cpu_us", "paced-faults.cpu_us"),
    Panel("Memory, idle", "MB", "memory.idle_mb"),
)
REFERENCE, OURS = "nginx", "trueline"

LEFT, PANEL, STEP, TOP, LINE = 176, 200, 312, 74, 40
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.small, .ours { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
.small { font-size: 11px; fill: #59636e } .head { font-weight: 600 } .ours { font-weight: 600; fill: #0550ae }
.grid { stroke: #d1d9e0; stroke-width: 1 } .base { stroke: #59636e; stroke-dasharray: 3 3 }
.stem { stroke: #afb8c1; stroke-width: 3 } .dot { fill: #59636e } .ring { fill: none; stroke: #59636e; stroke-width: 2 }
.stem.our { stroke: #54aeff } .dot.our { fill: #0969da } .ring.our { stroke: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small, .ours { stroke: #0d1117 } .small { fill: #9198a1 } .ours { fill: #79c0ff }
  .grid { stroke: #3d444d } .base { stroke: #9198a1 }
  .stem { stroke: #59636e } .dot { fill: #9198a1 } .ring { stroke: #9198a1 }
  .stem.our { stroke: #1f6feb } .dot.our { fill: #4493f8 } .ring.our { stroke: #4493f8 }
}"""

Found = Mapping[str, Spread]
Gateways = Sequence[tuple[str, str]]
"""(key, name) of each gateway, in the order of the lines."""


class Scale:
    """A logarithmic scale that begins and ends at powers of ten."""

    def __init__(self, values: Sequence[float], at: float, width: float) -> None:
        self.low = math.floor(math.log10(min(values)) - 0.15)
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.at, self.width = at, width

    def x(self, value: float) -> float:
        """Where a value stands."""
        return self.at + (math.log10(value) - self.low) / (self.high - self.low) * self.width

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def plot(samples: Samples, gateways: Gateways, caption: str) -> str:
    """The whole picture; panels that have no figure are left out."""
    panels = [panel for panel in PANELS if found(samples, panel.exact)]
    height = TOP + LINE * len(gateways) + 58
    width = LEFT + max(len(panels), 1) * STEP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title">',
        f'<title id="title">{escape(described(samples, panels, gateways))}</title><style>{STYLE}</style>',
    ]
    for row, (key, name) in enumerate(gateways):
        chosen = ' class="ours"' if key.startswith(OURS) else ""
        lines.append(f'<text x="{LEFT - 16}" y="{line_y(row) + 4:g}" text-anchor="end"{chosen}>{escape(name)}</text>')
    for number, panel in enumerate(panels):
        lines += drawn(samples, panel, gateways, LEFT + number * STEP)
    y = height - 12
    lines += [
        f'<circle class="dot" cx="{LEFT + 5}" cy="{y - 4}" r="5"/>',
        f'<text class="small" x="{LEFT + 16}" y="{y}">exact upstream</text>',
        f'<circle class="ring" cx="{LEFT + 117}" cy="{y - 4}" r="5"/>',
        f'<text class="small" x="{LEFT + 128}" y="{y}">upstream with faults · {escape(caption)}</text>',
    ]
    return "\n".join([*lines, "</svg>", ""])


def line_y(row: int) -> float:
    return TOP + LINE * (row + 0.5)


def found(samples: Samples, key: str | None) -> dict[str, Spread]:
    """Gateway -> its figure, where it is more than nothing."""
    made = {}
    for gateway, values in samples.get(key or "", {}).items():
        value = spread([each for each in values if each is not None])
        if value is not None and value.median > 0:
            made[gateway] = value
    return made


def drawn(samples: Samples, panel: Panel, gateways: Gateways, left: float) -> list[str]:
    """One panel: its scale, the reference, and a stem with a dot and a ring for each gateway."""
    exact, faulty = found(samples, panel.exact), found(samples, panel.faulty)
    scale = Scale([each.median for each in (*exact.values(), *faulty.values())], left, PANEL)
    bottom = TOP + LINE * len(gateways)
    lines = [f'<text class="head" x="{left:g}" y="26">{panel.title}</text>']
    lines.append(f'<text class="small" x="{left:g}" y="44">{panel.unit}, less is better</text>')
    for tick in scale.ticks():
        x = scale.x(tick)
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:,g}</text>')
    base = exact.get(REFERENCE)
    if base:
        x = scale.x(base.median)
        lines.append(f'<line class="base" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>')
    for row, (key, _) in enumerate(gateways):
        lines += mark(scale, line_y(row), key, exact.get(key), faulty.get(key), base)
    return lines


def mark(
    scale: Scale, y: float, key: str, exact: Spread | None, faulty: Spread | None, base: Spread | None
) -> list[str]:
    """The line of one gateway."""
    if exact is None:
        return [f'<text class="small" x="{scale.at + 6:g}" y="{y + 4:g}">not measured</text>']
    our = " our" if key.startswith(OURS) else ""
    x = scale.x(exact.median)
    lines = [f'<line class="stem{our}" x1="{scale.at:g}" y1="{y:g}" x2="{x:.1f}" y2="{y:g}"/>']
    lines.append(f'<circle class="dot{our}" cx="{x:.1f}" cy="{y:g}" r="5"/>')
    end = x
    if faulty:
        end = max(x, ring := scale.x(faulty.median))
        lines.append(f'<circle class="ring{our}" cx="{ring:.1f}" cy="{y:g}" r="5"/>')
    words = f"{exact.median:,.0f}" if exact.median >= 10 else f"{exact.median:.1f}"
    if base and key != REFERENCE:
        times = exact.median / base.median
        words += f" · {times:,.0f}×" if times >= 10 else f" · {times:.1f}×"
    chosen = "ours" if our else "small"
    return [*lines, f'<text class="{chosen}" x="{end + 11:.1f}" y="{y + 4:g}">{words}</text>']


def described(samples: Samples, panels: Sequence[Panel], gateways: Gateways) -> str:
    """The picture in words, for those who cannot see it."""
    parts = []
    for panel in panels:
        values = found(samples, panel.exact)
        named = [f"{name} {values[key].median:,.1f}" for key, name in gateways if key in values]
        parts.append(f"{panel.title} in {panel.unit}: {', '.join(named)}")
    return ". ".join(parts) + "."
