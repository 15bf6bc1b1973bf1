"""`__all__` is the public surface: it exists, it is true, and everything else that is defined is private."""

from __future__ import annotations

import ast
import importlib

import pytest

from meta.source import modules, tree

# An entry point is run, not imported.
PUBLIC = [name for name in modules() if not any(part.startswith("_") for part in name.split("."))]


def defined(module: ast.Module) -> list[str]:
    """Public functions and classes that a module defines at its top level."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node.name for node in module.body if isinstance(node, kinds) and not node.name.startswith("_")]


def exported(module: ast.Module) -> list[str] | None:
    """What `__all__` lists, if there is one."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


@pytest.mark.parametrize("name", PUBLIC)
def test_all_lists_what_is_public(name: str) -> None:
    module = tree(modules()[name])
    names = exported(module)

    if names is None:
        assert defined(module) == [], "public names need an __all__"
    else:
        assert set(defined(module)) - set(names) == set(), "a public name is missing from __all__"
        assert sorted(set(names)) == sorted(names), "a name is listed twice"


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_true(name: str) -> None:
    module = importlib.import_module(name)

    assert [export for export in getattr(module, "__all__", ()) if not hasattr(module, export)] == []
