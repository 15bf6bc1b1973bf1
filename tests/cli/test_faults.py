"""`trueline faults`: the catalogue as a table, one fault in full, as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cli.local import ROOT, clean_environment
from trueline.cli import main
from trueline.faults import FAULTS

SOME = next(iter(FAULTS.values()))


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults"]) == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "WHERE", "SEVERITY", "ACTION", "LINE"]
    assert [row.split()[0] for row in rows] == list(FAULTS)
    assert all(row.endswith(fault.line) for row, fault in zip(rows, FAULTS.values(), strict=True))


@pytest.mark.parametrize("columns", [200, 120, 80, 40])
def test_the_width_of_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["faults"]) == 0

    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(FAULTS)
    assert max(len(row) for row in rows) <= columns or columns < max(map(len, FAULTS)) + 3


def test_those_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "USAGE"]) == 0

    _, *rows = capsys.readouterr().out.splitlines()
    found = [fault.id for fault in FAULTS.values() if "usage" in fault.id or "usage" in fault.line.lower()]
    assert [row.split()[0] for row in rows] == found
    assert 0 < len(found) < len(FAULTS)


def test_one_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", SOME.id]) == 0

    page = " ".join(capsys.readouterr().out.split())
    for text in (SOME.id, SOME.line, SOME.severity, SOME.action, ", ".join(SOME.where)):
        assert " ".join(text.split()) in page


def test_the_setting_that_decides(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "finish-foreign-vocab"]) == 0

    page = capsys.readouterr().out
    assert "setting   format.off" in page
    assert FAULTS["finish-foreign-vocab"].evidence in page


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--json"]) == 0
    assert [fault["id"] for fault in json.loads(capsys.readouterr().out)] == list(FAULTS)

    assert main(["faults", SOME.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "id": SOME.id,
        "where": list(SOME.where),
        "severity": SOME.severity,
        "action": SOME.action,
        "line": SOME.line,
        "evidence": SOME.evidence,
        "setting": None,
        "same_as": None,
    }


def test_an_unknown_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", SOME.id[:-1] + "zz"]) == 2
    assert main(["faults", "qqqqqqqq"]) == 2

    near, far = capsys.readouterr().err.splitlines()
    assert near.startswith(f'trueline: no fault is called "{SOME.id[:-1]}zz"; did you mean ') and SOME.id in near
    assert far == 'trueline: no fault is called "qqqqqqqq"; `trueline faults` lists all'


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colour_on_a_terminal_only(
    terminal: bool,
    no_color: str,
    coloured: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert main(["faults", SOME.id]) == 0
    assert main(["faults"]) == 0

    assert ("\x1b[" in capsys.readouterr().out) is coloured


def test_every_word_of_the_table_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for fault in {(fault.severity, fault.action): fault for fault in FAULTS.values()}.values():
        assert main(["faults", fault.id]) == 0

        page = capsys.readouterr().out
        assert f"{fault.severity}: " in page and f"{fault.action}: " in page


def test_a_reader_that_has_seen_enough() -> None:
    command = [sys.executable, "-m", "trueline", "faults"]
    with subprocess.Popen(
        command, env=clean_environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(60) == 0
