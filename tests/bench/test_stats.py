"""Medians, ratios, figures and tables of a run."""

from __future__ import annotations

import pytest

from bench.figures import FIGURES, cells, summary
from bench.plot import plot
from bench.stats import Spread, ratios, spread
from bench.table import markdown, number, terminal

SAMPLES: dict[str, dict[str, list[float | None]]] = {
    "whole.cpu_us": {"nginx": [10.0, 20.0, 12.0], "trueline": [30.0, 50.0, 24.0], "litellm": [12000.0, None, 10000.0]},
    "whole-faults.cpu_us": {"trueline": [33.0]},
    "paced.cpu_us": {"nginx": [8.0], "trueline": [None]},
    "memory.idle_mb": {"nginx": [10.0], "trueline": [28.0], "litellm": [298.0]},
}
COLUMNS = [("nginx", "nginx 1.22"), ("trueline", "Trueline"), ("litellm", "LiteLLM")]
WHOLE = next(figure for figure in FIGURES if figure.key == "whole.cpu_us")


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([3.0], Spread(3.0, 3.0, 3.0, 1)),
        ([1.0, 9.0, 2.0], Spread(2.0, 1.0, 9.0, 3)),
        ([1.0, 3.0], Spread(2.0, 1.0, 3.0, 2)),
    ],
)
def test_spread(samples: list[float], expected: Spread | None) -> None:
    assert spread(samples) == expected


@pytest.mark.parametrize(
    ("samples", "base", "expected"),
    [
        ([30.0, 50.0, 24.0], [10.0, 20.0, 12.0], Spread(2.5, 2.0, 3.0, 3)),
        ([30.0, None], [10.0, 10.0], Spread(3.0, 3.0, 3.0, 1)),
        ([30.0], [0.0], None),
        ([30.0], [], None),
    ],
)
def test_ratios_are_of_the_same_round(samples: list[float | None], base: list[float | None], expected: Spread) -> None:
    assert ratios(samples, base) == expected


def test_cells_have_what_was_measured() -> None:
    found = cells(SAMPLES, WHOLE)

    assert found["nginx"].ratio is None
    assert found["trueline"].ratio == Spread(2.5, 2.0, 3.0, 3)
    assert found["litellm"].value.rounds == 2
    assert "trueline" not in cells(SAMPLES, next(figure for figure in FIGURES if figure.key == "paced.cpu_us"))


def test_summary_is_what_json_has() -> None:
    assert summary(SAMPLES)["whole.cpu_us"]["trueline"] == {
        "median": 30.0, "low": 24.0, "high": 50.0, "unit": "µs", "ratio": 2.5, "ratio_low": 2.0, "ratio_high": 3.0,
        "rounds": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1234.5, 0, "1,234"), (38.24, 1, "38.2"), (0.371, 1, "0.37"), (0.05, 2, "0.05")]
)
def test_number(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_the_table_of_a_terminal() -> None:
    lines = terminal(SAMPLES, COLUMNS).splitlines()

    assert lines[0].split() == ["nginx", "1.22", "Trueline", "LiteLLM"]
    assert lines[2].startswith("CPU per whole reply [µs]     ")
    assert lines[2].endswith("  12.0 (10.0–20.0)  30.0 (24.0–50.0) 2.50×  11,000.0 (10,000.0–12,000.0) 1017×")
    assert "Streams of 25 events/s held" not in "\n".join(lines), "what nobody measured has no row"


def test_the_table_of_a_page() -> None:
    assert markdown(SAMPLES, COLUMNS, ["whole.cpu_us", "memory.idle_mb"]).splitlines() == [
        "|  | nginx 1.22 | Trueline | LiteLLM |",
        "|---|--:|--:|--:|",
        "| CPU per whole reply [µs] | 12.0 | 30.0 2.50× | 11,000.0 1017× |",
        "| Memory idle [MB] | 10.0 | 28.0 | 298.0 |",
    ]


def test_the_plot_has_everyone_and_bears_gaps() -> None:
    picture = plot(SAMPLES, COLUMNS, "2 cores")

    assert picture.startswith("<svg") and picture.endswith("</svg>\n")
    for words in ("nginx 1.22", "30 · 2.5×", "11,000 · 917×", "not measured", "prefers-color-scheme: dark", "2 cores"):
        assert words in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", ""), "it needs nothing beside itself"


def test_a_plot_of_nothing() -> None:
    assert plot({}, COLUMNS, "").startswith("<svg")
