"""The benchmark is written as the package is: rooms of a size to read, and nothing that the engine imports."""

from __future__ import annotations

import ast

import pytest

from meta.source import ROOT, imports, modules, tree

MODULES = sorted((ROOT / "bench").glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_sizes_and_docstring(path: object) -> None:
    [path] = [each for each in MODULES if each is path]
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    long = [each.name for each in functions if (each.end_lineno or each.lineno) - each.lineno + 1 > 50]

    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert long == []
    assert ast.get_docstring(tree(path))


def test_only_what_measures_in_process_imports_trueline() -> None:
    found = {
        path.name
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("trueline")
    }

    assert found == {"in_process.py", "micro_cases.py", "micro_server.py"}


def test_the_package_does_not_know_of_it() -> None:
    assert [name for name in modules() for _, target in imports(name) if target.partition(".")[0] == "bench"] == []
