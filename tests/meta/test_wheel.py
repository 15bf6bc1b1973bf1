"""The wheel that a user installs, built from a clean copy: it holds what it must and runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from meta.source import PACKAGE, ROOT, SRC

VERSION = next(
    line.split('"')[1] for line in (SRC / PACKAGE / "__init__.py").read_text().splitlines() if "__version__ =" in line
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sdist, then a wheel from that sdist, as a release does; the build backend is the locked one."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    (built,) = out.glob("*.whl")
    return built


def run(*command: str, **env: str) -> str:
    where = Path(command[0]).parent  # anywhere but the checkout
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, cwd=where)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    sources = {path.relative_to(SRC).as_posix() for path in (SRC / PACKAGE).rglob("*") if path.is_file()}
    sources = {name for name in sources if "__pycache__" not in name}
    info = f"{PACKAGE}-{VERSION}.dist-info"
    assert {name for name in names if not name.startswith(info)} == sources
    assert f"{PACKAGE}/py.typed" in names
    assert f"{info}/licenses/LICENSE" in names


@pytest.mark.slow
def test_wheel_runs_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    python = venv / "bin" / "python"
    site = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    run(sys.executable, "-m", "pip", "-q", "--python", str(python), "install", "--no-index", "--no-deps", str(wheel))
    # The dependencies are this environment's own, behind what was installed; the checkout is not on the path.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (Path(site) / "dependencies.pth").write_text("\n".join(here))

    home = run(str(python), "-I", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)").strip()
    version = run(str(venv / "bin" / PACKAGE), "--version", PYTHONPATH="")

    assert Path(home).is_relative_to(venv)
    assert VERSION in version
