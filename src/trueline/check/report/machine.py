"""The report card for machines: JSON of a stable shape, and JUnit for CI.

The JSON (`docs/check.md` shows it) only ever gains keys; `schema` counts up where one changes or goes.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from ...wire import jsonio
from ..card import Card, Entry
from ..model import LEVELS, Level, Result

__all__ = ["as_json", "as_junit", "counts_as_failure"]

_SCHEMA = 1
_CONTROL = {number: "\ufffd" for number in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)}
"""What XML cannot hold."""


def counts_as_failure(level: Level, fail_on: str) -> bool:
    """Is a finding of this level one that `--fail-on` speaks of?"""
    worst = {"must": 0, "exact": 1, "any": 2}[fail_on]
    return LEVELS.index(level) <= worst


def as_json(card: Card) -> str:
    """The card as indented JSON."""
    return msgspec.json.format(jsonio.encode(_plain(card)), indent=2).decode() + "\n"


def _plain(card: Card) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "trueline": card.version,
        "target": card.target,
        "offline": card.offline,
        "model": card.model,
        "when": card.when,
        "grade": card.grade.letter,
        "points": card.grade.points,
        "requests": card.requests,
        "tokens": card.tokens,
        "seconds": round(card.seconds, 3),
        "notes": list(card.notes),
        "counts": {level: len(card.level(level)) for level in LEVELS},
        "faults": [_fault(entry) for entry in card.entries],
        "unsupported": [{"feature": feature, "reason": reason} for feature, reason in card.lacking],
        "probes": [_probe(result) for group in card.groups for result in group.results],
    }


def _fault(entry: Entry) -> dict[str, Any]:
    issue = entry.issue
    return {
        "id": entry.name,
        "known": issue.fault is not None,
        "level": entry.level,
        "rule": issue.rule,
        "what": issue.text,
        "openai": issue.openai,
        "place": issue.place,
        "count": entry.count,
        "replies": entry.replies,
        "probes": list(entry.probes),
        "before": list(entry.excerpt.before),
        "after": list(entry.excerpt.after),
        "cured": entry.cured,
        "outcome": entry.outcome,
        "outcomes": dict(entry.fates),
        "breaks": [{"client": effect.client, "what": effect.what} for effect in entry.clients],
    }


def _probe(result: Result) -> dict[str, Any]:
    return {
        "id": result.probe.id,
        "title": result.probe.title,
        "verdict": result.verdict,
        "reason": result.reason,
        "faults": list(dict.fromkeys(issue.name for issue, _ in result.issues)),
        "tokens": result.tokens,
    }


def as_junit(card: Card, fail_on: str = "must") -> str:
    """The card as JUnit XML: a suite per group, a case per probe; findings that count fail it, the rest is output."""
    total = [result for group in card.groups for result in group.results]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="trueline check" {_sums(total, fail_on)}>']
    for group in card.groups:
        lines.append(f"  <testsuite name={_attr(group.name)} {_sums(group.results, fail_on)}>")
        for result in group.results:
            lines += _case(result, fail_on)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _failing(result: Result, fail_on: str) -> list[str]:
    found = [issue for issue, _ in result.issues if counts_as_failure(issue.level, fail_on)]
    return list(dict.fromkeys(f"{issue.level}: {issue.name}: {issue.text}{_seen(issue.excerpt)}" for issue in found))


def _seen(excerpt: str) -> str:
    return f" [{excerpt}]" if excerpt else ""


def _sums(results: Any, fail_on: str) -> str:
    failed = sum(bool(_failing(result, fail_on)) for result in results)
    skipped = sum(not _failing(result, fail_on) and _left_out(result) for result in results)
    return f'tests="{len(results)}" failures="{failed}" errors="0" skipped="{skipped}"'


def _left_out(result: Result) -> bool:
    return result.verdict in ("unsupported", "skipped", "unreachable")


def _case(result: Result, fail_on: str) -> list[str]:
    probe = result.probe
    seconds = sum(exchange.seconds for exchange in result.exchanges)
    name = _attr(f"{probe.id}: {probe.title}")
    head = f'    <testcase classname={_attr(probe.group)} name={name} time="{seconds:.3f}"'
    failing = _failing(result, fail_on)
    if failing:
        return [
            head + ">",
            f"      <failure message={_attr(failing[0])}>{_text(chr(10).join(failing))}</failure>",
            "    </testcase>",
        ]
    if _left_out(result):
        why = _attr(f"{result.verdict}: {result.reason}")
        return [head + ">", f"      <skipped message={why}/>", "    </testcase>"]
    return [head + "/>"]


def _attr(text: str) -> str:
    return quoteattr(text.translate(_CONTROL))


def _text(text: str) -> str:
    return escape(text.translate(_CONTROL))
