"""The report card as data: what every report (terminal, page, JSON, JUnit) is written from.

A fault is told once, however many probes met it, with the evidence of the reply that shows it best: the one with the
fewest other faults in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..dialects.error_bodies import redact
from ..mint import Mint
from .clients import Effect, broken_by
from .excerpts import Excerpt, before_after
from .grade import Grade, grade
from .model import LEVELS, Exchange, Issue, Level, Probe, Result, Shade
from .outcome import CURED, Behind, Fate, Trueline, outcome

__all__ = ["Card", "Entry", "Group", "make_card"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault of the server."""

    issue: Issue
    """As it was met first, in the reply that shows it best."""
    count: int
    """How often, over all replies."""
    replies: int
    probes: tuple[str, ...]
    excerpt: Excerpt
    clients: tuple[Effect, ...]
    outcome: str
    """What Trueline makes of it, as one clause."""
    fates: Counter[Fate]
    """In how many replies it was what."""

    @property
    def cured(self) -> bool:
        """No reply that leaves Trueline has it any more."""
        return self.fates.keys() <= CURED

    @property
    def level(self) -> Level:
        return self.issue.level

    @property
    def name(self) -> str:
        return self.issue.name


@dataclass(frozen=True, slots=True)
class Group:
    """The probes of one subject."""

    name: str
    results: tuple[Result, ...]

    def count(self, shade: Shade) -> int:
        """How many probes came out like this."""
        return sum(result.shade == shade for result in self.results)


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a report says."""

    target: str
    """The URL, or the names of the recordings."""
    model: str
    grade: Grade
    groups: tuple[Group, ...]
    entries: tuple[Entry, ...]
    lacking: tuple[tuple[str, str], ...]
    """Features that are not supported, each with the server's words."""
    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0
    when: str = ""
    """ISO 8601, UTC."""
    version: str = ""
    offline: bool = False
    notes: tuple[str, ...] = field(default=())

    def level(self, level: Level) -> list[Entry]:
        """The faults of one level."""
        return [entry for entry in self.entries if entry.level == level]

    def count(self, shade: Shade) -> int:
        """How many probes came out like this."""
        return sum(group.count(shade) for group in self.groups)


def make_card(target: str, model: str, results: Sequence[Result], mint: Mint) -> Card:
    """Put the results together."""
    entries = _entries(results, mint)
    lacking = _lacking(results)
    groups = tuple(
        Group(name, tuple(result for result in results if result.probe.group == name))
        for name in dict.fromkeys(result.probe.group for result in results)
    )
    marks = grade([entry.level for entry in entries], [feature for feature, _ in lacking], results)
    return Card(target, model, marks, groups, tuple(entries), lacking)


def _lacking(results: Iterable[Result]) -> tuple[tuple[str, str], ...]:
    """Features of which no probe went through."""
    working = {result.probe.feature for result in results if result.verdict in ("pass", "wrong")}
    found: dict[str, str] = {}
    for result in results:
        feature = result.probe.feature
        if result.verdict == "unsupported" and feature and feature not in working:
            found.setdefault(feature, result.reason)
    return tuple(found.items())


class _Met(NamedTuple):
    """An issue where it was met."""

    issue: Issue
    exchange: Exchange
    probe: Probe
    others: int
    """Kinds of other issues in the same reply."""


def _entries(results: Iterable[Result], mint: Mint) -> list[Entry]:
    met: dict[str, list[_Met]] = {}
    for result in results:
        names: dict[int, set[str]] = {}
        for issue, exchange in result.issues:
            if issue.level != "legal":
                names.setdefault(id(exchange), set()).add(issue.name)
        for issue, exchange in result.issues:
            others = len(names.get(id(exchange), ()))
            met.setdefault(issue.name, []).append(_Met(issue, exchange, result.probe, others))
    trueline = Trueline(mint)
    entries = [_entry(found, trueline) for found in met.values()]
    return sorted(entries, key=lambda entry: (LEVELS.index(entry.level), -entry.replies, entry.name))


def _entry(found: list[_Met], trueline: Trueline) -> Entry:
    name = found[0].issue.name
    worst = min((met.issue.level for met in found), key=LEVELS.index)
    behind = {id(met.exchange): trueline.behind(met.exchange, met.probe) for met in found}
    text, fates = outcome(name, behind.values())

    def shows(met: _Met) -> tuple[bool, bool, bool, int]:
        fate = behind[id(met.exchange)].fate(name)
        return met.issue.level != worst, fate != fates.most_common(1)[0][0], not met.issue.excerpt, met.others

    best = min(found, key=shows)
    issue, seen = best.issue, behind[id(best.exchange)]
    return Entry(
        replace(issue, level=worst, excerpt=redact(issue.excerpt)),
        sum(met.issue.count for met in found),
        len(behind),
        tuple(dict.fromkeys(met.probe.id for met in found)),
        _evidence(best, seen, seen.fate(name) in CURED),
        broken_by(name),
        text,
        fates,
    )


_HEADERS = {"headers-lost": "x-request-id", "ctype-missing": "content-type", "ctype-charset": "content-type"}
"""Faults whose evidence is a header."""


def _evidence(met: _Met, behind: Behind, cured: bool) -> Excerpt:
    """What the server sent, and what Trueline sends where that is the remedy; without keys, whoever wrote them."""
    exchange, issue, mended = met.exchange, met.issue, behind.mended
    header = _HEADERS.get(issue.name)
    if header is not None:
        was, now = exchange.headers.get(header), behind.headers[header]
        return Excerpt((f"{header}: {was}" if was else f"(no {header})",), (f"{header}: {now}",) if cured else ())
    found = before_after(
        exchange.body, mended.body if mended.done else exchange.body, issue.place, issue.excerpt, issue.name
    )
    return Excerpt(tuple(map(redact, found.before)), tuple(map(redact, found.after)) if cured else ())
