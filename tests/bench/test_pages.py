"""Where a run is written to: the markers of the pages, and what stands between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import FIGURES
from bench.pages import BEGIN, END, README_ROWS, between, write_pages
from meta.source import ROOT

FACTS = {"when": "2026-01-02 03:04", "cores": 2, "cpu": "Chip", "system": "Linux 6", "python": "3.12", "rounds": 3}


def test_between_replaces_and_can_do_so_again() -> None:
    once = between(f"a\n{BEGIN}\n{END}\nb\n", "| \\1 |")

    assert once == f"a\n{BEGIN}\n| \\1 |\n{END}\nb\n"
    assert between(once, "new") == f"a\n{BEGIN}\nnew\n{END}\nb\n"


@pytest.mark.parametrize("page", ["", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_its_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="markers"):
        between(page, "text")


@pytest.mark.parametrize("name", ["README.md", "docs/performance.md"])
def test_the_pages_have_markers_and_say_the_command(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")

    assert between(page, "x") != page
    assert "scripts/bench full" in page


def test_write_pages(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/performance.md"):
        (tmp_path / name).write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    samples: dict[str, dict[str, list[float | None]]] = {"whole.cpu_us": {"nginx": [10.0], "trueline": [20.0]}}

    written = write_pages(samples, [("nginx", "nginx"), ("trueline", "Trueline")], FACTS, tmp_path)

    assert all((tmp_path / name).exists() for name in written)
    assert "| CPU per whole reply [µs] | 10.0 | 20.0 2.00× |" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "2026-01-02: 2 cores" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_rows_of_the_readme_are_figures() -> None:
    assert set(README_ROWS) <= {figure.key for figure in FIGURES}
