"""The command itself: help, version, unknown verbs, and what they cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.local import ROOT, clean_environment
from trueline import __version__
from trueline.cli import VERBS, main


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=clean_environment(), cwd=ROOT, timeout=60
    )


def test_version_as_a_module() -> None:
    done = python("-m", "trueline", "--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"trueline {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0

    page = capsys.readouterr().out
    assert page.startswith("usage: trueline ")
    assert "examples:\n  trueline serve " in page
    assert all(f"    {verb}" in page for verb in VERBS)


@pytest.mark.parametrize("verb", ["serve", "fix", "explain"])
def test_help_of_a_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0

    page = capsys.readouterr().out
    assert page.startswith(f"usage: trueline {verb} ")
    assert "\nexamples:\n" in page


def test_an_unknown_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["srve"]) == 2
    assert main(["qqq"]) == 2

    assert capsys.readouterr().err == (
        f'trueline: there is no verb "srve"; did you mean "serve"? verbs: {", ".join(VERBS)}\n'
        f'trueline: there is no verb "qqq"; verbs: {", ".join(VERBS)}\n'
    )


def test_an_unknown_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nonsense"]) == 2
    assert main(["serve", "--nonsense"]) == 2

    assert capsys.readouterr().err.count("unrecognized arguments: --nonsense") == 2


def test_help_and_version_import_nothing_heavy() -> None:
    code = """
import sys
from trueline.cli import main
main(["--version"]), main(["--help"])
print(*sorted({"asyncio", "http", "msgspec", "starlette", "uvicorn", "yaml"} & set(sys.modules)), file=sys.stderr)
"""
    assert python("-c", code).stderr.split() == []
