"""Write the generated pages of docs/ from the tables in the code, or compare: `_docs.py [--check]`.

The same text on every machine and every Python: nothing is taken from argparse's own help, whose layout changes
between versions and terminals, but from the parser's table of arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from _tables import cost_page, providers_page

from trueline.check.clients import broken_by
from trueline.cli import build_parser
from trueline.faults import FAULTS, Fault
from trueline.repairs import REPAIRS
from trueline.settings import settings_markdown, settings_schema
from trueline.sim import PROVIDERS

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by scripts/docs from {}; edits here are lost. -->\n\n"

FAULTS_HEAD = """\
# Faults

The {count} deviations from OpenAI's format that Trueline knows by name. What was mended in a whole reply stands in its
`x-trueline-repairs` header; `trueline faults ID` prints a row of this table.

- [By fault](#by-fault): each id, and what becomes of it
- [By provider](#by-provider): which faults to expect of a server
- [By client](#by-client): which faults a client stumbles over
- [Rules](#rules): what mends them, in which order

From a symptom or the text of an exception to the fault: [crash.md](crash.md).

## By fault

- *must*: breaks OpenAI's schema, or loses, doubles or falsifies what was said. *exact*: differs from how OpenAI says
  it, and strict clients stumble. *legal*: allowed, and surprising.
- *mends*: the reply leaves in OpenAI's form. *refuses*: an OpenAI error leaves instead. *leaves*: passed on as it
  is. *option*: done where a setting asks for it.
- *Seen*: a report of a server that has it.

| Id | Where | Severity | Action | What the upstream does, and what becomes of it |
|---|---|---|---|---|
"""

PROVIDERS_HEAD = """
## By provider

What reports and sources say of known servers and gateways. Versions differ: one may have mended what an older one got
wrong, and no list is complete. What yours does today, [`trueline check`](compatible.md) tells. The name is the one that
`trueline sim --like NAME` takes: a model server with these habits, to test clients with.

| Provider | Faults to expect |
|---|---|
"""

CLIENTS_HEAD = """
## By client

What is known of official and popular clients, from their sources and their issue threads; it is what a report of
`trueline check` shows as *breaks*. A fault that is not here may still break somebody's client.
"""


def faults_page() -> str:
    """The catalogue: by fault, by provider, by client, and the rules."""
    head = FAULTS_HEAD.format(count=len(FAULTS))
    rows = "".join(map(fault_row, FAULTS.values()))
    note = NOTE.format("trueline.faults, trueline.sim.providers and trueline.check.clients")
    return note + head + rows + providers_section() + clients_section() + rules_section()


def fault_row(fault: Fault) -> str:
    """A row of the table, with an anchor that the other tables lead to."""
    name = f'<a id="{fault.id}"></a>`{fault.id}`'
    cells = (name, ", ".join(fault.where), fault.severity, fault.action, cell(fault.line) + seen(fault))
    return f"| {' | '.join(cells)} |\n"


def seen(fault: Fault) -> str:
    """Where a server with this fault was reported."""
    return f" [Seen]({fault.evidence})" if fault.evidence else ""


def links(ids: Iterable[str]) -> str:
    """Ids that lead to their rows; in the order given."""
    return ", ".join(f"[`{fault}`](#{fault})" for fault in ids)


def providers_section() -> str:
    """Provider by provider: the faults to expect of it."""
    return PROVIDERS_HEAD + "".join(f"| `{name}` | {links(ids)} |\n" for name, ids in sorted(PROVIDERS.items()))


def clients_section() -> str:
    """Client by client: what it does, and the faults that make it do so."""
    clients: dict[str, dict[str, list[str]]] = {}
    for fault in FAULTS:
        for client, what in broken_by(fault):
            clients.setdefault(client, {}).setdefault(what, []).append(fault)
    return CLIENTS_HEAD + "".join(client_table(name, clients[name]) for name in sorted(clients, key=str.lower))


def client_table(client: str, effects: Mapping[str, Iterable[str]]) -> str:
    rows = "".join(f"| {cell(what)} | {links(ids)} |\n" for what, ids in effects.items())
    return f"\n### {client}\n\n| What happens | At |\n|---|---|\n{rows}"


def rules_section() -> str:
    """The rules over events, in their order, with the first sentence of each and what it mends."""
    head = (
        "\n## Rules\n\n"
        "Most of these are mended by rules over the events of a reply, in this order; the others where bytes and\n"
        "fields are read.\n\n"
        "| Rule | What it does | Mends |\n|---|---|---|\n"
    )
    rows = (f"| {rule.__name__} | {summary(rule)} | {', '.join(f'`{i}`' for i in rule.mends)} |\n" for rule in REPAIRS)
    return head + "".join(rows)


def summary(documented: object) -> str:
    """The first line of a docstring."""
    return cell((documented.__doc__ or "").partition("\n")[0])


def cell(text: str) -> str:
    """Text that may stand in a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def cli_page() -> str:
    """Every verb with its arguments."""
    parser = build_parser()
    verbs = "".join(verb_section(name, verb) for name, verb in subparsers(parser))
    return NOTE.format("trueline.cli") + "# The command\n\n" + verb_body(parser) + verbs


def subparsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parsers of a parser's verbs, in their order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def verb_section(name: str, parser: argparse.ArgumentParser) -> str:
    return f"\n## trueline {name}\n\n{verb_body(parser)}"


def verb_body(parser: argparse.ArgumentParser) -> str:
    """Usage, description, table of arguments, and what stands after it in the help."""
    shown = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    rows = "".join(f"| {cell(call(action))} | {cell(meaning(parser, action))} |\n" for action in shown)
    parts = [
        fenced(parser.usage),
        parser.description or "",
        "| Argument | Meaning |\n|---|---|\n" + rows if rows else "",
        fenced(parser.epilog),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def fenced(text: str | None) -> str:
    """Usage and examples keep their lines."""
    return f"```\n{text.strip()}\n```" if text else ""


def call(action: argparse.Action) -> str:
    """How an argument is written: `-c`, `--config FILE`."""
    if isinstance(action, argparse._SubParsersAction):
        return ", ".join(f"`{name}`" for name in action.choices)
    value = metavar(action)
    if not action.option_strings:
        return f"`[{value}]`" if action.nargs in ("?", "*") else f"`{value}`"
    return ", ".join(f"`{option} {value}`" if value else f"`{option}`" for option in action.option_strings)


def metavar(action: argparse.Action) -> str:
    """The name of an argument's value; empty for a flag."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar is not None:
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The help text with its `%(default)s` and the like filled in."""
    if isinstance(action, argparse._SubParsersAction):
        return action.help or "what to do"
    values = {**vars(action), "prog": parser.prog}
    return (action.help or "") % values


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "cost.md": lambda: NOTE.format("trueline.prices") + cost_page(),
    "faults.md": faults_page,
    "providers.md": lambda: NOTE.format("trueline.providers") + providers_page(),
    "settings.md": lambda: NOTE.format("trueline.settings") + settings_markdown().strip() + "\n",
    "trueline.schema.json": lambda: json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n",
}


def stale() -> list[str]:
    """Names of the pages that are not what the code says."""
    return [name for name, page in PAGES.items() if read(DOCS / name) != page()]


def read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(check: bool) -> int:
    """Write what is stale, or report it."""
    names = stale()
    for name in names:
        if not check:
            (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/{name} {'is stale: run scripts/docs' if check else 'written'}")
    return 1 if check and names else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
