"""Where a run goes in the documentation: the table between two markers of a page, and the picture beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .contenders import ROOT
from .figures import FIGURES, Samples
from .plot import plot
from .table import markdown

__all__ = ["README_ROWS", "between", "block", "write_pages"]

BEGIN = "<!-- bench: written by `scripts/bench full --write-readme` -->"
END = "<!-- /bench -->"
PICTURE = "docs/performance.svg"
README_ROWS = (
    "whole.cpu_us", "whole-faults.cpu_us", "paced.cpu_us", "paced-faults.cpu_us", "burst.cpu_us", "burst-faults.cpu_us",
    "latency.p50", "latency.added_p50", "first-token.p50", "first-token.added_p50", "memory.idle_mb",
    "memory.stream_kb", "startup.ready_s",
)  # fmt: skip


def between(page: str, text: str) -> str:
    """The page with new text between its markers; raises ValueError where it has none."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"the page has not exactly one pair of markers: {BEGIN} … {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{text.strip()}\n{END}", page)


def block(samples: Samples, columns: Sequence[tuple[str, str]], facts: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The table, and under what circumstances it was measured."""
    circumstances = (
        f"`scripts/bench full` on {facts['when'].partition(' ')[0]}: {facts['cores']} cores of an {facts['cpu']}, "
        f"{facts['system']}, Python {facts['python']}, one worker each; medians of {facts['rounds']} rounds, "
        "× against nginx in the same round."
    )
    return f"{markdown(samples, columns, keys)}\n\n{circumstances}"


def write_pages(
    samples: Samples, columns: Sequence[tuple[str, str]], facts: Mapping[str, Any], root: Path = ROOT
) -> list[str]:
    """Write README.md, docs/performance.md and the picture; what was written."""
    every = [figure.key for figure in FIGURES]
    for name, keys in (("README.md", README_ROWS), ("docs/performance.md", every)):
        path = root / name
        path.write_text(
            between(path.read_text(encoding="utf-8"), block(samples, columns, facts, keys)), encoding="utf-8"
        )
    caption = f"{facts['cores']} cores, one worker each, medians of {facts['rounds']} rounds"
    (root / PICTURE).write_text(plot(samples, columns, caption), encoding="utf-8")
    return ["README.md", "docs/performance.md", PICTURE]
