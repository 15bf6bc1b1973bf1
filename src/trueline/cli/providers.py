"""`trueline providers`: the table of providers, or one row in full."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ..providers import PROVIDERS, Provider, named
from ..settings.providers import spoken
from .terminal import fit, has_colour, paint, width, wrap

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline providers [NAME] [--json]"
DESCRIPTION = (
    "List the providers and model servers that Trueline knows: what `provider: NAME` in the settings stands for, and "
    "what `NAME/model` reaches when a key is in the environment."
)
EPILOG = """\
examples:
  trueline providers                   all of them
  trueline providers azure             one, in full
  trueline providers qwen --json       one, for a program

In the KEY column, "set" is a key in this environment. A dialect in brackets is not spoken by this version.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline providers`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a provider's name, or a part of its name or title")
    parser.add_argument("--json", action="store_true", help="write JSON: a list, or one object for an exact name")


def run(args: argparse.Namespace) -> int:
    """Write the table or the row; 2 where nobody is called that."""
    if args.name is None:
        return _write(PROVIDERS.values(), as_json=args.json)
    wanted: str = args.name.strip().lower()
    exact = named(wanted)
    if exact is not None:
        print(json.dumps(_plain(exact), indent=2) if args.json else _entry(exact))
        return 0
    found = [row for row in PROVIDERS.values() if wanted in row.name or wanted in row.title.lower()]
    if found:
        return _write(found, as_json=args.json)
    near = difflib.get_close_matches(wanted, PROVIDERS, n=3)
    meant = f"; did you mean {' or '.join(near)}?" if near else "; `trueline providers` lists all"
    print(f'trueline: no provider is called "{args.name}"{meant}', file=sys.stderr)
    return 2


def _write(rows: Iterable[Provider], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps([_plain(row) for row in rows], indent=2))
    else:
        print("\n".join(_table(list(rows))))
    return 0


def _plain(row: Provider) -> dict[str, Any]:
    """The row as JSON, in its own words."""
    plain = {name: getattr(row, name) for name in row.__struct_fields__}
    tables = {"places": dict(row.places), "spelled": dict(row.spelled)}
    return {**plain, **tables, "capabilities": _known(row), "spoken": row.dialect in spoken()}


def _known(row: Provider) -> dict[str, Any]:
    """What is known of the requests that it takes; nothing for what is not."""
    known = row.capabilities
    fields = {name: getattr(known, name) for name in known.__struct_fields__}
    fields["keeps"] = sorted(known.keeps)
    fields["unsupported"] = dict(known.unsupported)
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _table(rows: list[Provider]) -> list[str]:
    """Aligned columns; on a terminal the URL, which is the last one, is cut."""
    columns, colour = width(sys.stdout), has_colour(sys.stdout)
    heads = ("NAME", "DIALECT", "KEY", "URL")
    cells = [(row.name, _dialect(row), _key(row, os.environ), row.url) for row in rows]
    widths = [max(len(cell[column]) for cell in (heads, *cells)) for column in range(3)]
    room = None if columns is None else max(columns - sum(widths) - 6, 1)

    def line(cell: tuple[str, ...]) -> str:
        parts = [cell[column].ljust(widths[column]) for column in range(3)]
        return "  ".join([*parts, fit(cell[3], room)]).rstrip()

    return [paint(line(heads), "dim", colour), *map(line, cells)]


def _dialect(row: Provider) -> str:
    return row.dialect if row.dialect in spoken() else f"({row.dialect})"


def _key(row: Provider, env: Mapping[str, str]) -> str:
    if not row.key_env:
        return "-"
    return "set" if any(env.get(name, "").strip() for name in row.key_env) else row.key_env[0]


def _entry(row: Provider) -> str:
    columns, colour = width(sys.stdout), has_colour(sys.stdout)
    known = [f"{name}: {_said(value)}" for name, value in _known(row).items()]
    rows = (
        ("title", row.title),
        ("URL", row.url),
        ("path", row.path if row.path != "{path}" else ""),
        ("dialect", _dialect(row)),
        ("key", row.auth + (f", from {' or '.join(row.key_env)}" if row.key_env else "")),
        ("fills", ", ".join(f"{{{name}}} from {' or '.join(names)}" for name, names in row.places.items())),
        ("hosts", ", ".join(row.hosts)),
        ("also", ", ".join(row.also)),
        ("known", "; ".join(known)),
        ("faults", ", ".join(row.faults)),
        ("docs", f"{row.docs} (seen {row.seen})"),
    )
    lines = [f"  {name:<9} {wrap(text, columns and columns - 12, ' ' * 12)}" for name, text in rows if text]
    return "\n".join([paint(row.name, "bold", colour), *lines])


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} ({what})" for name, what in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
