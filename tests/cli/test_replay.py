"""`trueline replay` as a user runs it."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from cli.local import ROOT, Command
from trueline.cli import main
from trueline.recordings import Recording

BROKEN = ROOT / "docs/examples/broken.sse"


def test_a_body_is_played(tmp_path: Path) -> None:
    with Command(["-m", "trueline", "replay", str(BROKEN), "--port", "0"], env={}, cwd=tmp_path) as command:
        screen = command.until("Ctrl-C")
        url = screen.split(" on ")[1].split()[0]
        asked = urllib.request.Request(
            f"{url}/chat/completions", b'{"stream":true}', {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=20) as reply:
            assert reply.read() == BROKEN.read_bytes()
        assert command.stop() == 0
        assert command.process.stderr and "POST /v1/chat/completions 200" in command.process.stderr.read()

    assert screen.startswith("trueline replay: 1 recorded reply on http://127.0.0.1:")
    assert "1 POST /chat/completions" in screen and "models: llama-3" in screen
    assert f"trueline serve --upstream {url}" in screen


@pytest.mark.parametrize(
    ("content", "flags", "err"),
    [
        (Recording().encode(), [], "trueline: no reply of an upstream is in these files\n"),
        (
            b'{"trueline_recording": 9}',
            [],
            "trueline: x.json is left out: it is of form 9; this Trueline reads form 1\n",
        ),
        (b"{}", ["--rate", "-1"], "trueline: --rate must not be negative\n"),
    ],
)
def test_nothing_to_play(
    content: bytes, flags: list[str], err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_bytes(content)

    assert main(["replay", str(tmp_path), *flags]) == 2
    assert capsys.readouterr().err.startswith(err)


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"trueline: {tmp_path / 'none'}: No such file or directory\n"
