"""`trueline serve`: refusals in one line, the start, the workers, the drain."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cli.local import ROOT, SECONDS, Command
from trueline.cli import main
from trueline.recordings import read_recording

FAKE = str(ROOT / "tests" / "cli" / "serve_a_fake.py")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRUELINE_KEYS", "TRUELINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


UPSTREAM = ["--upstream", "http://127.0.0.1:9/v1"]
REFUSALS = [
    (["--port", "x"], '--port: found "x"; allowed: a whole number from 0 to 65535'),
    (["--config", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
    (
        ["--upstream", "ftp://x"],
        '--upstream: found "ftp://x"; allowed: an http:// or https:// URL, such as http://127.0.0.1:11434/v1',
    ),
    (
        [*UPSTREAM, "--host", "0.0.0.0"],
        "0.0.0.0 can be reached from other machines, and no `keys` are set, so that anybody could use the upstreams: "
        "set TRUELINE_KEYS (or `keys` in the settings file), or say --allow-public",
    ),
    (
        [*UPSTREAM, "--host", "203.0.113.7", "--allow-public"],
        "203.0.113.7 is not an address of this machine (from --host)",
    ),
    (
        ["--upstream", "http://localhost:4000"],
        '--upstream: found "http://localhost:4000/v1", which is where Trueline itself listens; '
        "allowed: another URL or --port",
    ),
]


@pytest.mark.parametrize(("arguments", "line"), REFUSALS)
def test_a_refusal_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *arguments]) == 2

    assert capsys.readouterr() == ("", f"trueline: {line}\n")


def test_a_host_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *UPSTREAM, "--host", "nowhere.invalid"]) == 2

    assert re.fullmatch(r"trueline: cannot listen on nowhere\.invalid: .+ \(from --host\)\n", capsys.readouterr().err)


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", *UPSTREAM, "--port", str(port)]) == 2

    expected = f"port {port} of 127.0.0.1 is in use; choose another with --port, or stop what listens there"
    assert capsys.readouterr().err == f"trueline: {expected}\n"


def test_the_settings_file_of_the_working_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trueline.yaml").write_text("host: localhost\nprot: 1\n", encoding="utf-8")

    assert main(["serve"]) == 2
    assert capsys.readouterr().err.startswith('trueline: trueline.yaml:2: prot: unknown key; did you mean "port"?')


def serve(*arguments: str, cwd: Path, **env: str) -> Command:
    return Command([FAKE, "serve", "--port", "0", *arguments], env=env, cwd=cwd)


def get(screen: str) -> Any:
    """The reply at the base URL that the start screen shows."""
    found = re.search(r"Base URL +(http://\S+)", screen)
    assert found, screen
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(found[1], timeout=SECONDS) as response:
        assert response.headers["Server"] is None
        return json.load(response)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serving_until_a_signal(how: signal.Signals, tmp_path: Path) -> None:
    with serve(cwd=tmp_path, OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="sk") as command:
        screen = command.until("Ready")
        reply = get(screen)

        assert reply["upstreams"] == {"127.0.0.1:9": ["http://127.0.0.1:9/v1", "sk", False]}
        assert reply["pid"] == command.process.pid
        assert "OPENAI_BASE_URL and OPENAI_API_KEY are set" in screen
        assert command.stop(how) == 0
        command.until("application stopped")


def test_workers_read_the_settings_themselves(tmp_path: Path) -> None:
    (tmp_path / "trueline.yaml").write_text("upstreams: {a: {url: http://127.0.0.1:9, key: env:KEY_A}}\nkeys: [k]\n")
    with serve("--workers", "2", cwd=tmp_path, KEY_A="sk-a") as command:
        screen = command.until("Ready")
        reply = get(screen)

        assert reply["upstreams"] == {"a": ["http://127.0.0.1:9/v1", "sk-a", False]}
        assert reply["keys"] == 1
        assert reply["pid"] != command.process.pid
        assert "Workers   2" in screen and "trueline.yaml" in screen
        assert command.stop() == 0


def test_workers_get_the_upstream_that_was_found(tmp_path: Path) -> None:
    with serve("--workers", "2", cwd=tmp_path, OPENAI_API_KEY="sk-o") as command:
        reply = get(command.until("Ready"))

        assert reply["upstreams"] == {"openai": ["https://api.openai.com/v1", "sk-o", False]}
        assert command.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_application_that_does_not_start(workers: str, tmp_path: Path) -> None:
    with serve(*UPSTREAM, "--workers", workers, cwd=tmp_path, FAKE_STARTUP_FAILS="1") as command:
        assert command.process.wait(SECONDS) == 1


def test_a_public_address_with_keys(tmp_path: Path) -> None:
    with serve(*UPSTREAM, "--host", "0.0.0.0", cwd=tmp_path, TRUELINE_KEYS="k") as command:
        assert get(command.until("Ready"))["keys"] == 1


def test_a_key_on_the_command_line_is_warned_of(tmp_path: Path) -> None:
    with serve(*UPSTREAM, "--key", "sk-1", cwd=tmp_path) as command:
        screen = command.until("Ready")

    assert "warning: a key on the command line can be read by every user of this machine" in screen
    assert "sk-1" not in screen


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    arguments = ["-m", "trueline", "serve", "--upstream", "http://127.0.0.1:1/v1", "--port", "0"]
    with Command([*arguments, "--record", "file/sub"], env={}, cwd=tmp_path) as command:
        assert command.process.wait(SECONDS) == 2
        assert command.process.stderr
        assert command.process.stderr.read() == (
            'trueline: --record: nothing can be written to "file/sub": Not a directory\n'
        )


def test_every_worker_records_and_logs_as_json(tmp_path: Path) -> None:
    flags = ["--port", "0", "--workers", "2", "--record", "rec", "--log-format", "json"]
    with Command(["-m", "trueline", "sim", "--port", "0"], env={}, cwd=tmp_path) as sim:
        upstream = sim.until(" on http://").split(" on ")[1].split()[0]
        record(["-m", "trueline", "serve", "--upstream", upstream, *flags], tmp_path)


def record(arguments: list[str], tmp_path: Path) -> None:
    with Command(arguments, env={}, cwd=tmp_path) as command:
        screen = command.until("Ready")
        url = screen.split("Base URL")[1].split()[0]
        body = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
        for _ in range(3):
            asked = urllib.request.Request(f"{url}/chat/completions", body, {"content-type": "application/json"})
            with urllib.request.urlopen(asked, timeout=SECONDS) as reply:
                assert reply.status == 200
        assert command.stop() == 0
        assert command.process.stderr
        lines = [json.loads(line) for line in command.process.stderr.read().splitlines()]

    assert "every exchange is recorded in rec" in screen
    assert [line["status"] for line in lines] == [200] * 3
    recordings = [read_recording(path.read_bytes()) for path in (tmp_path / "rec").iterdir()]
    assert {each.id for each in recordings if each} == {line["request"] for line in lines}
