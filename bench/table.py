"""The figures of a run as text: for a terminal, and as Markdown.  Strings only."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import FIGURES, Cell, Figure, Samples, cells

__all__ = ["markdown", "terminal"]

Columns = Sequence[tuple[str, str]]
"""(key of a gateway, heading)."""


def number(value: float, digits: int) -> str:
    """With thousands set apart; small numbers keep what they have to say."""
    if abs(value) < 1 and digits == 1:
        digits = 2
    return f"{value:,.{digits}f}"


def shown(cell: Cell | None, figure: Figure, ranged: bool) -> str:
    """`38.2 (36.9–41.0) 2.4×`"""
    if cell is None:
        return "–"
    text = number(cell.value.median, figure.digits)
    if ranged and cell.value.rounds > 1:
        text += f" ({number(cell.value.low, figure.digits)}–{number(cell.value.high, figure.digits)})"
    if cell.ratio:
        text += f" {cell.ratio.median:.2f}×" if cell.ratio.median < 10 else f" {cell.ratio.median:.0f}×"
    return text


def rows(samples: Samples, columns: Columns, ranged: bool, figures: Sequence[Figure]) -> list[list[str]]:
    """The heading and a row per figure that anybody has."""
    made = [["", *(title for _, title in columns)]]
    for figure in figures:
        found = cells(samples, figure)
        if found:
            title = f"{figure.title} [{figure.unit}]" if figure.unit else figure.title
            made.append([title, *(shown(found.get(key), figure, ranged) for key, _ in columns)])
    return made


def terminal(samples: Samples, columns: Columns) -> str:
    """Aligned columns; medians with the range of the rounds, and the ratio to nginx."""
    table = rows(samples, columns, True, FIGURES)
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table]
    return "\n".join([lines[0], "─" * len(max(lines, key=len)), *lines[1:]])


def markdown(samples: Samples, columns: Columns, keys: Sequence[str]) -> str:
    """The figures with these keys as a Markdown table: medians and ratios."""
    chosen = [figure for figure in FIGURES if figure.key in keys]
    head, *table = rows(samples, columns, False, chosen)
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join(lines).replace("|   ", "| – ")
