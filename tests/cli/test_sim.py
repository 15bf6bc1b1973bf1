"""`trueline sim` reaches the simulator, with its arguments and its help."""

from __future__ import annotations

import pytest

from trueline.cli import build_parser, main


def test_the_arguments_are_the_simulators(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--help"]) == 0
    assert "--fault " in capsys.readouterr().out

    assert main(["sim", "--list"]) == 0
    assert "finish-missing" in capsys.readouterr().out


def test_a_fault_that_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--fault", "no-such-fault"]) == 2

    assert "no-such-fault" in capsys.readouterr().err


def test_the_whole_parser_has_every_verb() -> None:
    parser = build_parser()

    assert parser.parse_args(["sim", "--fault", "usage-missing"]).verb == "sim"
    assert parser.parse_args(["serve", "--port", "1"]).port == "1"
    assert parser.parse_args(["fix", "x"]).file == "x"
    assert parser.parse_args(["faults", "x"]).id == "x"
