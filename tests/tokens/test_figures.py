"""The rules against recorded usage: figures that may rise, but not fall; see docs/tokens.md and scripts/tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.kit import load_module

ROOT = Path(__file__).resolve().parents[2]

# Kind -> share that is exact, share within 2 %: a little below what docs/tokens.md says.
LEAST: dict[str, tuple[float, float]] = {
    "Plain chat, classic models": (0.98, 0.98),
    "Plain chat, reasoning models": (0.90, 0.90),
    "Functions, classic models": (0.95, 0.98),
    "Functions, reasoning models": (0.95, 0.98),
    "Calls in the history": (0.65, 0.90),
    "Structured output": (0.0, 0.75),
    "Reply: text, classic models": (0.94, 0.95),
    "Reply: refusal": (1.0, 1.0),
}


@pytest.fixture(scope="module")
def tokens() -> Any:
    """The script."""
    return load_module(ROOT / "scripts" / "_tokens.py", "tokens_script")


@pytest.fixture(scope="module")
def found(tokens: Any) -> list[Any]:
    """What it finds."""
    if not tokens.CORPUS.is_dir():
        pytest.skip("needs the recordings beside the checkout (../shared/corpus)")
    return list(tokens.rows())


@pytest.mark.parametrize("kind", LEAST)
def test_the_figures_hold(tokens: Any, found: list[Any], kind: str) -> None:
    figures = tokens.figures([row for row in found if row.kind == kind])
    exact, near = LEAST[kind]
    assert figures.exact >= exact * figures.recordings, figures
    assert figures.near >= near * figures.recordings, figures


def test_the_recorded_prompts(tokens: Any, found: list[Any]) -> None:
    prompts = [row for row in found if row.kind.startswith(("Plain", "Functions"))]
    plain = tokens.figures([row for row in prompts if row.kind.startswith("Plain")])
    functions = tokens.figures([row for row in prompts if row.kind.startswith("Functions")])
    assert plain.exact / plain.recordings > 0.97
    assert functions.exact / functions.recordings > 0.95
    assert functions.near / functions.recordings > 0.98


def test_the_recorded_pictures(tokens: Any, found: list[Any]) -> None:
    """All are exact where the picture is at hand; nothing is called exact where it is not."""
    figures = {kind: tokens.figures([row for row in found if row.kind == kind]) for kind in tokens.PICTURES}
    recordings = {kind: each.recordings for kind, each in figures.items()}
    assert recordings == {tokens.GIVEN: 4, tokens.SAID: 2, tokens.REMOTE: 3, tokens.SEEN: 5}
    assert {kind: each.exact for kind, each in figures.items()} == {**recordings, tokens.REMOTE: 0}
    assert {kind: each.claimed for kind, each in figures.items()} == {**recordings, tokens.SAID: 0, tokens.REMOTE: 0}


def test_what_is_called_exact_is(tokens: Any, found: list[Any]) -> None:
    figures = tokens.figures(found)
    assert figures.wrong <= 0.015 * figures.claimed, figures


def test_the_table_is_fresh(tokens: Any, found: list[Any]) -> None:
    assert tokens.table(found) in tokens.PAGE.read_text(encoding="utf-8"), "run scripts/tokens"
