"""Nothing is mended anonymously: the table of faults, the code that notes them and the rules agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from meta.source import here, modules, tree
from trueline.faults import FAULTS
from trueline.repairs import REPAIRS, Rule

PLACES = {"chat", "stream", "images", "embeddings", "models", "completions", "errors", "http"}
TABLE = "trueline.faults"
# Who commits faults, or looks for them from outside, names them all; that says nothing about their being mended.
NAMING = (TABLE, "trueline.sim", "trueline.judge", "trueline.check", "trueline.providers")
MENDING = [name for name in modules() if not name.startswith(NAMING)]

# What no exchange counts, and why.
UNCOUNTED = {
    "headers-lost": "every reply gets a request id: counting it would say nothing",
    "one-char-chunks": "legal, and a count for every event of a reply would say nothing",
    "usage-flag-rejected": "an error of the upstream's own, which passes",
    "tool-id-format": "ids are opaque: whether another server would refuse one cannot be told",
    "reasoning-dropped": "nothing in a reply shows it",
    "buffered-stream": "how bytes arrive is no fault of a reply",
    "img-extra-format": "of the request, which is forwarded as it is",
    "img-response-format-rejected": "an error of the upstream's own, which passes",
    "models-endpoint-404": "an error of the upstream's own, which passes",
    "utf8-split": "how bytes arrive is no fault of a reply",
    "json-split-read": "how bytes arrive is no fault of a reply",
}


def noted(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, id) of every literal that is handed to something called `note`, and of conditional ones."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "note" and node.args:
            yield from literals(node.args[0])


def literals(node: ast.expr) -> Iterator[tuple[int, str]]:
    """String constants that an argument may be: `"a"`, `"a" if x else "b"`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def strings(module: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_row(key: str) -> None:
    fault = FAULTS[key]

    assert fault.id == key
    assert re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", key)
    assert set() < set(fault.where) <= PLACES
    assert fault.line and fault.action
    assert "\n" not in fault.line + fault.action
    assert re.fullmatch(
        r"https://[a-z.]+/[\w./#?=-]+|(recorded|reported|source|specified|inferred): .+", fault.evidence
    )
    assert fault.setting in ("", "enforce.on_invalid") or fault.action in ("mends", "option", "refuses")
    assert fault.same_as == "" or fault.same_as in FAULTS


@pytest.mark.parametrize("name", MENDING)
def test_what_is_noted_is_in_the_table(name: str) -> None:
    unknown = [
        f"{here(modules()[name], line)} {key}" for line, key in noted(tree(modules()[name])) if key not in FAULTS
    ]

    assert unknown == []


def test_what_is_in_the_table_is_noted_somewhere() -> None:
    named: set[str] = set().union(*(strings(tree(modules()[name])) for name in MENDING))

    wanted = {fault.id for fault in FAULTS.values() if not fault.same_as}
    assert sorted(wanted - named - UNCOUNTED.keys()) == []
    assert sorted(UNCOUNTED.keys() & named) == [], "it is counted after all"


@pytest.mark.parametrize("rule", REPAIRS, ids=lambda rule: rule.__name__)
def test_rule_says_what_it_mends(rule: type[Rule]) -> None:
    assert rule.__doc__, "the first line of a rule's docstring stands in docs/faults.md"
    assert len(rule.sees) > 0, "a rule says which events it wants"
    assert sorted(set(rule.mends) - FAULTS.keys()) == []
    assert len(set(rule.mends)) == len(rule.mends)
