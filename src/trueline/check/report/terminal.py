"""The report card for a terminal: the grade, the probes at a glance, then fault by fault.

Every line keeps to the width that it is given.  `paint` colours, or does not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from ..card import Card, Entry, Group
from ..model import LEVELS, Shade
from .words import HEADINGS, MARKS, VERDICTS, alike, behind, counted, facts, openai, others, summary, where

__all__ = ["Paint", "terminal"]

Paint = Callable[[str, str], str]
"""`(text, style)`: the styles are bold, dim, red, green, yellow and cyan."""

_STYLES: dict[Shade, str] = {
    "pass": "green",
    "differs": "yellow",
    "wrong": "red",
    "unsupported": "dim",
    "skipped": "dim",
    "unreachable": "yellow",
}
_LEVEL_STYLES = {"must": "red", "exact": "yellow", "legal": "dim"}
_LABEL = 10
_NAME = 13
_PLAIN = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "–": "-",
        "○": "o",
        "≈": "~",
        "·": "-",
        "…": "~",
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "─": "-",
        "│": "|",
    }
)
_MOST_EFFECTS = 3
_MOST_ALIKE = 6
_LEAST = 60
"""Columns: a narrower terminal wraps the lines itself."""


def terminal(card: Card, columns: int, paint: Paint, *, ascii_only: bool = False) -> str:
    """The whole report, `columns` wide."""
    columns = max(columns, _LEAST)
    lines = [*_head(card, columns, paint), *_probes(card, columns, paint)]
    for level in LEVELS:
        entries = card.level(level)
        if entries:
            title, meaning = HEADINGS[level]
            lines += ["", f"{paint(title, 'bold')}  {paint(_fit(meaning, columns - len(title) - 2), 'dim')}", ""]
            for entry in entries:
                lines += _remark(entry, columns, paint) if level == "legal" else _entry(entry, columns, paint)
    lines += _lacking(card, columns, paint) + _open(card, columns, paint) + _foot(card, columns, paint)
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text.translate(_PLAIN) if ascii_only else text


def _head(card: Card, columns: int, paint: Paint) -> list[str]:
    style = "green" if card.grade.letter[0] == "A" else "yellow" if card.grade.letter in "BC" else "red"
    letter = card.grade.letter.center(3)
    box = ("╭─────╮", "│ " + paint(paint(letter, style), "bold") + " │", "╰─────╯")
    said = textwrap.wrap(f"{card.grade.points} of 100. {summary(card)}", columns - 11)
    beside = [*said, *(part for part in (facts(card), behind(card), *card.notes) if part)]
    beside = [_fit(line, columns - 11) for line in beside]
    beside[0] = paint(beside[0], "bold")
    rows = max(3, len(beside))
    boxed = [*box, *[" " * 7] * (rows - 3)]
    beside += [""] * (rows - len(beside))
    about = " · ".join(part for part in (card.target, card.model, card.when[:10]) if part)
    title = f"{paint('Trueline check', 'bold')}  {_fit(about, columns - 16)}"
    return [title, "", *(f"  {left}  {right}" for left, right in zip(boxed, beside, strict=True)), ""]


def _probes(card: Card, columns: int, paint: Paint) -> list[str]:
    widest = max((len(group.results) for group in card.groups), default=0)
    return [_group(group, min(widest, columns - 40), columns, paint) for group in card.groups]


def _group(group: Group, width: int, columns: int, paint: Paint) -> str:
    marks = "".join(paint(MARKS[result.shade], _STYLES[result.shade]) for result in group.results[:width])
    room = " " * (width - min(len(group.results), width))
    good = f"{group.count('pass')} of {len(group.results)}"
    rest = others(group)
    style = "bold" if group.count("wrong") else "dim"
    left = columns - _NAME - width - 16
    return f"  {group.name:<{_NAME}}{marks}{room}  {good:<9} {paint(_fit(rest, left), style)}"


def _entry(entry: Entry, columns: int, paint: Paint) -> list[str]:
    style = _LEVEL_STYLES[entry.level]
    room = columns - len(entry.name) - 6
    head = f"  {paint(paint(entry.name, style), 'bold')}  {paint(_fit(where(entry, room), room), 'dim')}"
    lines = [head, *_field("wrong", entry.issue.text, columns, paint)]
    lines += _field("OpenAI", openai(entry), columns, paint)
    lines += _sample("server", entry.excerpt.before, columns, paint, "red")
    lines += _sample("Trueline", entry.excerpt.after, columns, paint, "green")
    lines += _field("" if entry.excerpt.after else "Trueline", entry.outcome, columns, paint, "dim")
    for number, effect in enumerate(entry.clients[:_MOST_EFFECTS]):
        lines += _field("breaks" if number == 0 else "", f"{effect.client}: {effect.what}", columns, paint)
    return [*lines, ""]


def _field(label: str, text: str, columns: int, paint: Paint, style: str = "") -> list[str]:
    if not text:
        return []
    room = columns - _LABEL - 4
    wrapped = textwrap.wrap(text, max(room, 20), break_on_hyphens=False)
    first, *more = [paint(line, style) if style else line for line in wrapped]
    return [f"    {paint(f'{label:<{_LABEL}}', 'dim')}{first}", *(" " * (_LABEL + 4) + line for line in more)]


def _sample(label: str, lines: tuple[str, ...], columns: int, paint: Paint, style: str) -> list[str]:
    """Lines of a reply, each on two lines at most."""
    room = columns - _LABEL - 4
    shown: list[str] = []
    for line in map(_visible, lines):
        shown += [line[:room].rstrip(), _fit(line[room:], room).rstrip()] if len(line) > room else [line.rstrip()]
    labels = [label, *[""] * len(shown)]
    return [
        f"    {paint(f'{label:<{_LABEL}}', 'dim')}{paint(line, style)}"
        for label, line in zip(labels, shown, strict=False)
    ]


def _remark(entry: Entry, columns: int, paint: Paint) -> list[str]:
    text = f"{entry.issue.text} ({counted(entry.replies, 'reply', 'replies')})"
    return [f"  {paint(f'{entry.name:<24}', 'bold')}  {_fit(text, columns - max(24, len(entry.name)) - 4)}"]


def _lacking(card: Card, columns: int, paint: Paint) -> list[str]:
    if not card.lacking:
        return []
    lines = ["", f"{paint('Not supported', 'bold')}  {paint('told apart from what is wrong', 'dim')}", ""]
    few = [(feature, why) for features, why in alike(card) if len(features) <= _MOST_ALIKE for feature in features]
    width = max((len(feature) for feature, _ in few), default=0)
    for feature, why in few:
        lines.append(f"  {feature:<{width}}  {paint(_fit(why, columns - width - 4), 'dim')}")
    for features, why in alike(card):
        if len(features) > _MOST_ALIKE:
            named = textwrap.wrap(", ".join(features), columns - 4, break_on_hyphens=False)
            lines += [f"  {paint(_fit(why, columns - 2), 'dim')}", *(f"    {line}" for line in named)]
    return lines


def _open(card: Card, columns: int, paint: Paint) -> list[str]:
    left = [result for group in card.groups for result in group.results if result.verdict in ("skipped", "unreachable")]
    if not left:
        return []
    alike: dict[str, list[str]] = {}
    for result in left:
        alike.setdefault(f"{VERDICTS[result.verdict]}: {result.reason}", []).append(result.probe.id)
    rows = [row for text, names in alike.items() for row in _rows(names, text)]
    width = max(len(name) for name, _ in rows)
    lines = ["", paint("Not examined", "bold"), ""]
    for name, text in rows:
        lines.append(f"  {name:<{width}}  {paint(_fit(text, columns - width - 4), 'dim')}")
    return lines


def _rows(names: list[str], text: str) -> list[tuple[str, str]]:
    """Probes that were left out for one reason: each by its name, but many as their number."""
    if len(names) > _MOST_ALIKE:
        return [(f"{len(names)} probes", text)]
    return [(name, text) for name in names]


def _foot(card: Card, columns: int, paint: Paint) -> list[str]:
    return ["", *(paint(line, "dim") for line in _last(card, columns))]


def _last(card: Card, columns: int) -> Iterator[str]:
    if not card.offline:
        spent = f"{counted(card.requests, 'request')}, about {counted(card.tokens, 'token')}, {card.seconds:.1f} s."
        yield _fit(spent, columns)
    worst = next(iter(card.entries), None)
    if worst is not None and worst.issue.fault:
        yield _fit(f"`trueline faults {worst.name}` says more about a fault.", columns)
    if any(entry.cured for entry in card.entries) and not card.offline:
        yield _fit(f"`trueline serve --upstream {card.target}` puts Trueline before this server.", columns)


def _visible(line: str) -> str:
    """Control characters would move the cursor, and a tab has no width that can be counted."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def _fit(text: str, columns: int) -> str:
    columns = max(columns, 1)
    return text if len(text) <= columns else text[: columns - 1] + "…"
