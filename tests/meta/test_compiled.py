"""What scripts/compile makes behaves as the source does: for recordings, golden files and clients over sockets."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from runpy import run_path

import pytest

from meta.source import ROOT

SUITES = (
    "tests/golden", "tests/native", "tests/engine/test_corpus.py",
    *(f"tests/proxy/test_{name}.py" for name in (
        "chat", "cuts", "embeddings", "forms", "headers", "images", "leaving", "metrics", "passthrough", "pictures",
        "pressure", "recording", "refusals", "routes", "several", "translated", "upstream_failures", "usage",
    )),
)  # fmt: skip

SOURCE = ROOT / "src" / "trueline"
COMPILED: tuple[str, ...] = run_path(str(ROOT / "scripts/_compile.py"))["COMPILED"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def classes_of(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]


def bases_of(kind: ast.ClassDef) -> set[str]:
    return {node.id for base in kind.bases for node in ast.walk(base) if isinstance(node, ast.Name)}


def test_what_is_compiled_is_inherited_from_by_nothing_else() -> None:
    table = {path for pattern in COMPILED for path in SOURCE.glob(pattern)}
    compiled = {kind.name for path in table for kind in classes_of(path)}
    others = [(path, kind) for path in set(SOURCE.rglob("*.py")) - table for kind in classes_of(path)]

    assert len(compiled) > 100
    assert [f"{path.relative_to(SOURCE)}: {kind.name}" for path, kind in others if bases_of(kind) & compiled] == []


def python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**clean, **env}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that scripts/compile fills, for a copy of the source."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("there is no C compiler, or Python's headers are not there: nothing can be compiled")
    root = tmp_path_factory.mktemp("compiled")
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    done = python("scripts/_compile.py", str(root))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return root / ".compiled"


def test_it_is_what_runs(compiled: Path) -> None:
    done = python("-m", "trueline", "--version", PYTHONPATH=str(compiled))

    assert done.stdout.rstrip().endswith("(compiled)"), done.stderr
    assert python("-m", "trueline", "--version", PYTHONPATH="src").stdout.rstrip().endswith(tuple("0123456789"))


def test_it_answers_as_the_source_does(compiled: Path) -> None:
    done = python(
        "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-o", f"pythonpath={compiled} tests .",
        *SUITES,
    )  # fmt: skip
    passed = re.search(r"(\d+) passed", done.stdout)

    assert done.returncode == 0, done.stdout[-8000:]
    assert passed is not None and int(passed[1]) > 1000
