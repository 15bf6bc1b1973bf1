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
NAMING = (TABLE, "trueline.sim", "trueline.judge", "trueline.check")
MENDING = [name for name in modules() if not name.startswith(NAMING)]

# What is always done, whatever came: counting it would say nothing.
UNCOUNTED = {
    "headers-lost": "every reply gets a request id",
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
    assert fault.evidence == "" or re.fullmatch(r"https://[a-z.]+/[\w./#?=-]+", fault.evidence)
    assert (fault.setting == "") or fault.action in ("mends", "option", "refuses")
    assert fault.same_as == "" or fault.same_as in FAULTS


@pytest.mark.parametrize("name", MENDING)
def test_what_is_noted_is_in_the_table(name: str) -> None:
    unknown = [
        f"{here(modules()[name], line)} {key}" for line, key in noted(tree(modules()[name])) if key not in FAULTS
    ]

    assert unknown == []


def test_what_is_in_the_table_is_noted_somewhere() -> None:
    named: set[str] = set().union(*(strings(tree(modules()[name])) for name in MENDING))

    wanted = {fault.id for fault in FAULTS.values() if fault.action != "leaves" and not fault.same_as}
    assert sorted(wanted - named - UNCOUNTED.keys()) == []


@pytest.mark.parametrize("rule", REPAIRS, ids=lambda rule: rule.__name__)
def test_rule_says_what_it_mends(rule: type[Rule]) -> None:
    assert rule.__doc__, "the first line of a rule's docstring stands in docs/faults.md"
    assert len(rule.sees) > 0, "a rule says which events it wants"
    assert sorted(set(rule.mends) - FAULTS.keys()) == []
    assert len(set(rule.mends)) == len(rule.mends)
