"""The command: its exit codes, what it says before it spends anything, its files, and its mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trueline.cli import main
from trueline.sim import SimOptions, SimServer

KEY = "sk-" + "cli7777" * 5


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    """A model server in a thread of its own."""
    import asyncio

    ready = threading.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        async with SimServer() as server:
            box["sim"], box["loop"], box["stop"] = server, asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await box["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    yield box["sim"]
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join(20)


@pytest.fixture(autouse=True)
def honest(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sim.options = SimOptions()
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["check", *args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_clean_server(sim: SimServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, sim.url)

    assert code == 0
    assert "A+" in out
    assert "100 of 100. Every reply is exact OpenAI format." in out
    assert "\x1b" not in out
    assert f"requests to {sim.url} (gpt-4o-mini), about" in err, "what it costs is said before"


# the faults, --fail-on -> the exit code
CODES: list[tuple[tuple[str, ...], str, int]] = [
    ((), "any", 0),
    (("usage-total-mismatch",), "must", 1),
    (("sse-crlf",), "must", 0),
    (("sse-crlf",), "exact", 1),
    (("model-differs",), "exact", 0),
    (("model-differs",), "any", 1),
]


@pytest.mark.parametrize(("faults", "fail_on", "code"), CODES)
def test_exit_codes(
    sim: SimServer, capsys: pytest.CaptureFixture[str], faults: tuple[str, ...], fail_on: str, code: int
) -> None:
    sim.options = SimOptions(faults=faults)

    assert run(capsys, sim.url, "--only", "chat.whole,stream.plain", "--fail-on", fail_on)[0] == code


def test_json_is_all_of_stdout(sim: SimServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, sim.url, "--only", "models", "--json")

    made = json.loads(out)
    assert code == 0
    assert made["grade"] == "A+"
    assert [probe["id"] for probe in made["probes"]] == ["models.list", "models.one", "models.unknown"]


def test_files(sim: SimServer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page, junit = tmp_path / "report.html", tmp_path / "check.xml"
    code, _, err = run(capsys, sim.url, "--only", "models", "--html", str(page), "--junit", str(junit))

    assert code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert junit.read_text().startswith("<?xml")
    assert f"wrote {page}" in err


def test_a_host_alone_means_its_v1(sim: SimServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, sim.origin, "--only", "models")[0] == 0
    assert run(capsys, sim.url + "/chat/completions", "--only", "models")[0] == 0


@pytest.mark.parametrize("form", ["env:CHECK_KEY", "os.environ/CHECK_KEY", "${CHECK_KEY}"])
def test_keys_from_the_environment(
    sim: SimServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("CHECK_KEY", KEY)
    code, out, err = run(capsys, sim.url, "--only", "models", "--key", form)

    assert code == 0
    assert sim.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in out + err


def test_the_key_for_openai_goes_to_nobody_else(
    sim: SimServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    run(capsys, sim.url, "--only", "models")

    assert "authorization" not in sim.requests[-1].headers


# arguments -> a part of what is said
MISTAKES: dict[str, tuple[str, ...]] = {
    "which endpoint?": (),
    "must start with http": ("localhost:8000/v1",),
    "user name or password": ("http://me:secret-word@host/v1",),
    'no group or probe "strem"': ("http://127.0.0.1:1/v1", "--only", "strem"),
    "no variable NOT_SET": ("http://127.0.0.1:1/v1", "--key", "env:NOT_SET"),
    "printable ASCII": ("http://127.0.0.1:1/v1", "--key", "a b"),
    "--rate": ("http://127.0.0.1:1/v1", "--rate", "-1"),
    "--timeout": ("http://127.0.0.1:1/v1", "--timeout", "0"),
    "not both": ("http://127.0.0.1:1/v1", "--offline", "x.json"),
    "No such file": ("--offline", "is-not-there.json"),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_mistakes(capsys: pytest.CaptureFixture[str], said: str) -> None:
    code, out, err = run(capsys, *MISTAKES[said])

    assert (code, out) == (2, "")
    assert said in err
    assert "secret-word" not in err
    assert "Traceback" not in err


def test_unreachable(sim: SimServer, capsys: pytest.CaptureFixture[str], unused: int) -> None:
    code, _, err = run(capsys, f"http://127.0.0.1:{unused}/v1")

    assert code == 3
    assert "cannot be checked" in err


@pytest.fixture
def unused() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_a_file_that_cannot_be_written(sim: SimServer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, sim.url, "--only", "models", "--html", str(tmp_path / "no" / "report.html"))

    assert code == 2
    assert "report.html" in err


def test_recordings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    reply = tmp_path / "reply.json"
    reply.write_text('{"id":"x"}')
    code, out, _ = run(capsys, "--offline", str(reply))

    assert code == 1
    assert "1 recorded reply: 1 wrong" in out


def test_the_list_of_probes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list", "--only", "images")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        *("images.plain", "images.url", "images.b64", "images.n", "images.stream", "images.no-prompt"),
    ]


@pytest.mark.parametrize(
    ("env", "ascii_only"), [({"PYTHONIOENCODING": "ascii"}, True), ({"PYTHONIOENCODING": "utf-8"}, False)]
)
def test_letters_that_the_terminal_has(sim: SimServer, env: dict[str, str], ascii_only: bool) -> None:
    command = [sys.executable, "-m", "trueline", "check", sim.url, "--only", "models,errors", "--yes"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **env}, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii() is ascii_only


@pytest.mark.parametrize(("answer", "asked"), [("n\n", False), ("\n", True), ("y\n", True)])
def test_a_person_is_asked_before_tokens_are_spent(
    sim: SimServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, asked: bool
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    before = sim.request_count
    code, _, err = run(capsys, sim.url, "--only", "chat.whole")

    assert code == 0
    assert "Go on? [Y/n]" in err
    assert (sim.request_count - before > 1) is asked


def test_importing_the_command_loads_no_probes() -> None:
    code = "import sys, trueline.cli.check; print('trueline.check' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    words: Any = out

    assert code == 0
    assert "exit code:" in words
