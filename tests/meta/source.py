"""The repository as the meta tests see it: files, parsed once, never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = "trueline"

# What a person reads or runs; generated and downloaded things are elsewhere.
TRACKED = ("src", "tests", "docs", "scripts", ".ci", "bench")


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, for every module of the package."""
    return {module_name(path): path for path in sorted((SRC / PACKAGE).rglob("*.py"))}


def module_name(path: Path) -> str:
    """`src/trueline/wire/__init__.py` -> `trueline.wire`."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(name: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import anywhere in a module: in functions and under TYPE_CHECKING too."""
    path = modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            # `from trueline import wire` imports a module; `from trueline.wire import feed` imports from one.
            # The version is a fact that everyone may state; it binds to nothing.
            for alias in node.names:
                if (base, alias.name) == (PACKAGE, "__version__"):
                    continue
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in modules() else base


def text_files() -> Iterator[Path]:
    """Every file that a person wrote: the folders above and the files at the top."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix in {".md", ".toml", ".lock", ".yml", ".yaml", ".cfg", ""}:
            yield path
    for folder in TRACKED:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def here(path: Path, line: int) -> str:
    """`src/trueline/x.py:12`, as an editor can open it."""
    return f"{path.relative_to(ROOT)}:{line}"
