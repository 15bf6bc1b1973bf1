"""`trueline faults`: the catalogue as a table, or one fault in full."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Iterable
from typing import Any

from ..faults import FAULTS, Fault
from .terminal import fit, has_colour, paint, width, wrap

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline faults [ID] [--json]"
DESCRIPTION = "List the deviations from OpenAI's format that Trueline knows by name, and what it does about each."
EPILOG = """\
examples:
  trueline faults                      all of them
  trueline faults usage                those with "usage" in their id or line
  trueline faults usage-missing        one, in full
  trueline faults --json | jq length
"""

_STYLES = {"must": "red", "exact": "yellow", "legal": "dim"}
_SEVERITIES = {
    "must": "breaks OpenAI's schema, or loses, doubles or falsifies what was said",
    "exact": "differs from how OpenAI says it; strict clients stumble",
    "legal": "allowed, and surprising",
}
_ACTIONS = {
    "mends": "the reply leaves in OpenAI's form",
    "refuses": "an OpenAI error leaves instead, never an invented success",
    "leaves": "passed on as it is",
    "option": "done where a setting asks for it",
}
_LEAST_LINE = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline faults`."""
    parser.add_argument("id", nargs="?", metavar="ID", help="a fault's id, or a part of its id or description")
    parser.add_argument("--json", action="store_true", help="write JSON: a list, or one object for an exact id")


def run(args: argparse.Namespace) -> int:
    """Write the table or the entry; 2 where nothing is called that."""
    wanted: str | None = args.id
    if wanted is None:
        return _write(FAULTS.values(), as_json=args.json)
    exact = FAULTS.get(wanted.lower())
    if exact is not None:
        print(json.dumps(_plain(exact), indent=2) if args.json else _entry(exact))
        return 0
    part = wanted.lower()
    found = [fault for fault in FAULTS.values() if part in fault.id or part in fault.line.lower()]
    if found:
        return _write(found, as_json=args.json)
    near = difflib.get_close_matches(part, FAULTS, n=3)
    meant = f"; did you mean {' or '.join(near)}?" if near else "; `trueline faults` lists all"
    print(f'trueline: no fault is called "{wanted}"{meant}', file=sys.stderr)
    return 2


def _write(faults: Iterable[Fault], *, as_json: bool) -> int:
    rows = list(faults)
    if as_json:
        print(json.dumps([_plain(fault) for fault in rows], indent=2))
    else:
        print("\n".join(_table(rows)))
    return 0


def _plain(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.id,
        "where": list(fault.where),
        "severity": fault.severity,
        "action": fault.action,
        "line": fault.line,
        "evidence": fault.evidence or None,
        "setting": _setting(fault),
        "same_as": fault.same_as or None,
    }


def _setting(fault: Fault) -> str | None:
    """How the settings name the choice, where there is one."""
    if "." in fault.setting:
        return fault.setting
    return f"format.{fault.setting}" if fault.setting else None


def _table(faults: list[Fault]) -> list[str]:
    """Aligned columns; on a terminal the last ones are cut or left out, so that each fault keeps to one line."""
    columns, colour = width(sys.stdout), has_colour(sys.stdout)
    heads = ("ID", "WHERE", "SEVERITY", "ACTION", "LINE")
    cells = [(f.id, ",".join(f.where), f.severity, f.action, f.line) for f in faults]
    widths = [max(len(row[column]) for row in (heads, *cells)) for column in range(4)]
    shown = _columns_that_fit(widths, columns)
    room = None if columns is None else max(columns - sum(widths[column] + 2 for column in shown), 1)

    def line(row: tuple[str, ...], *, head: bool = False) -> str:
        parts = [row[column].ljust(widths[column]) for column in shown]
        if 2 in shown and not head:
            parts[shown.index(2)] = paint(row[2].ljust(widths[2]), _STYLES[row[2]], colour)
        text = "  ".join([*parts, fit(row[4], room)]).rstrip()
        return paint(text, "dim", colour) if head else text

    return [line(heads, head=True), *(line(row) for row in cells)]


def _columns_that_fit(widths: list[int], columns: int | None) -> list[int]:
    shown = [0, 1, 2, 3]
    for dropped in (3, 1, 2):
        if columns is None or sum(widths[column] + 2 for column in shown) + _LEAST_LINE <= columns:
            break
        shown.remove(dropped)
    return shown


def _entry(fault: Fault) -> str:
    columns, colour = width(sys.stdout), has_colour(sys.stdout)
    rows = (
        ("what", fault.line),
        ("where", ", ".join(fault.where)),
        ("severity", f"{fault.severity}: {_SEVERITIES[fault.severity]}"),
        ("Trueline", f"{fault.action}: {_ACTIONS[fault.action]}"),
        ("setting", _setting(fault)),
        ("noted as", fault.same_as),
        ("seen", fault.evidence),
    )
    lines = [f"  {name:<9} {wrap(text, columns and columns - 12, ' ' * 12)}" for name, text in rows if text]
    return "\n".join([paint(fault.id, "bold", colour), *lines])
