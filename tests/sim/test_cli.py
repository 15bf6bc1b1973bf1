"""The command: flags to options, words that are wrong, and the server as a process."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from trueline.sim import PLANTERS, PROVIDERS, SimOptions, SimServer
from trueline.sim.cli import add_arguments, options_of, run, welcome


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser("trueline sim")
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], SimOptions()),
        (["--fault", "sse-crlf,id-empty", "--fault", "bom"], SimOptions(faults=("sse-crlf", "id-empty", "bom"))),
        (["--like", "ollama", "--seed", "3"], SimOptions(like="ollama", seed=3)),
        (["--rate", "50", "--first-token", "0.2"], SimOptions(rate=50.0, first_token=0.2)),
        (["--tokens", "9", "--endless", "--random-cuts"], SimOptions(tokens=9, endless=True, random_cuts=True)),
        (
            ["--fail", "cut", "--fail-after", "3", "--fail-every", "2"],
            SimOptions(fail="cut", fail_after=3, fail_every=2),
        ),
        (["--fail", "http-503", "--encoding", "br"], SimOptions(fail="http-503", encoding="br")),
    ],
)
def test_flags(words: list[str], options: SimOptions) -> None:
    assert options_of(parsed(*words)) == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fault", "tool-index-mising"], "Unknown fault: 'tool-index-mising'. Did you mean 'tool-index-missing'?"),
        (["--like", "olama"], "Did you mean 'ollama'?"),
        (["--fail", "cutt"], "Did you mean 'cut'?"),
        (["--encoding", "lzma"], "Unknown encoding: 'lzma'. Known: gzip"),
    ],
)
def test_wrong_words(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parsed(*words)) == 2
    assert message in capsys.readouterr().err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parsed("--list")) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out for name in [*PLANTERS, *PROVIDERS, "close-idle", "reasoning-dropped"])


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        (SimOptions(), ["http://127.0.0.1:4010/v1", "faults: none", "curl -iN", '"stream": true']),
        (SimOptions(faults=("tool-index-missing",)), ["faults: tool-index-missing", "get_weather"]),
        (SimOptions(faults=("models-bare-array",)), ["curl -i http://127.0.0.1:4010/v1/models"]),
        (SimOptions(like="ollama", rate=5, fail="cut", fail_every=3), ["role-repeated", "5 events/s", "every 3 req"]),
    ],
)
def test_welcome(options: SimOptions, pieces: list[str]) -> None:
    text = welcome(SimServer(options, port=4010))

    assert [piece for piece in pieces if piece not in text] == []


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(parsed("--port", str(port))) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_it_serves_until_it_is_stopped() -> None:
    code = (
        "import argparse, sys; from trueline.sim.cli import add_arguments, run;"
        "parser = argparse.ArgumentParser(); add_arguments(parser); sys.exit(run(parser.parse_args()))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-c", code, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rpartition(" ")[2].strip()
        with urllib.request.urlopen(f"{url}/models", timeout=20) as reply:
            assert reply.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.read()
