"""The rules of the house that a machine can check: sizes, docstrings, addresses, sleeps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta.source import ROOT, here, modules, text_files, tree

FILE_LINES = 500  # the aim is 400
FUNCTION_LINES = 60  # the aim is 50

# Written in pieces, so that this file does not find itself.
HOMES = ["work", "farm", "root", "tmp", "home", "Users"]
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:" + "|".join(HOMES) + r")/[\w.]")
REGISTRY = re.compile("|".join(["py" + r"pi\.", "python" + "hosted", "npm" + r"js\."]))

TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("name", sorted(modules()))
def test_file_size_and_docstring(name: str) -> None:
    path = modules()[name]

    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES, "a room that wants dividing"
    assert ast.get_docstring(tree(path)), "a module says what it knows and what it must not know"


@pytest.mark.parametrize("name", sorted(modules()))
def test_function_size(name: str) -> None:
    path = modules()[name]
    long = [
        f"{here(path, node.lineno)} {node.name} has {lines} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)) > FUNCTION_LINES
    ]

    assert long == []


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many of the function's lines are its docstring."""
    if ast.get_docstring(function) is None:
        return 0
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def test_no_path_of_a_machine_and_no_registry_is_named() -> None:
    found = [
        f"{here(path, number)} {match[0]}"
        for path in text_files()
        for number, line in enumerate(read(path), 1)
        for pattern in (MACHINE_PATH, REGISTRY)
        if (match := pattern.search(line))
    ]

    assert found == []


def read(path: Path) -> list[str]:
    """The lines of a text file; none for bytes that are not text (recordings)."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_tests_do_not_sleep(path: Path) -> None:
    found = [here(path, line) for line in sleeps(tree(path))]

    assert found == [], "wait for what you are waiting for, with a timeout; asyncio.sleep(0) may yield"


def sleeps(module: ast.Module) -> Iterator[int]:
    """Lines that sleep: any call of something named sleep, but for a literal zero."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        zero = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        if name == "sleep" and not zero:
            yield node.lineno


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("asyncio.sleep(0)", []),
        ("await_(asyncio.sleep(0.1))", [1]),
        ("sleep(1)", [1]),
        ("\ntime.sleep(x)", [2]),
        ("clock.sleep_until(3)", []),
    ],
)
def test_the_sleep_finder(code: str, lines: list[int]) -> None:
    assert list(sleeps(ast.parse(code))) == lines


@pytest.mark.parametrize(
    ("text", "found"),
    [("in /wo" + "rk/main", True), ("/ho" + "me/me", True), ("/v1/models", False), ("~/ro" + "ot/x", False)],
)
def test_the_path_finder(text: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is found
