"""The README and the guides: every command and every piece of code in them runs, and says what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta.source import ROOT
from trueline.settings import load_settings

README = (ROOT / "README.md").read_text()
SERVE = "scripts/serve"
TEST = "scripts/test"


def blocks(page: str, language: str) -> list[str]:
    return [m[1].strip() for m in re.finditer(rf"^```{language}\n(.*?)^```", page, re.S | re.M)]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "TRUELINE_"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | more


@pytest.fixture(scope="module")
def served() -> Iterator[int]:
    """`scripts/serve` as a new user runs it, but on a free port."""
    port = free_port()
    process = subprocess.Popen(
        [ROOT / SERVE], cwd=ROOT, env=environment(TRUELINE_PORT=str(port)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    screen = ""
    for line in process.stdout:
        screen += line
        if "Ready" in line:
            break
    assert "Ready" in screen, screen
    yield port
    process.terminate()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


COMMANDS = [command for block in blocks(README, "sh") for command in re.split(r"(?<!\\)\n", block)]


def test_the_two_commands_are_there() -> None:
    assert SERVE in COMMANDS
    assert TEST in COMMANDS
    assert os.access(ROOT / TEST, os.X_OK)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("curl")])
def test_a_curl_gives_the_shape_of_its_kind(command: str, served: int) -> None:
    command = command.replace("127.0.0.1:4000", f"127.0.0.1:{served}").replace("curl ", "curl -sS ", 1)

    done = subprocess.run(command, shell=True, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    if "images" in command:
        reply = json.loads(done.stdout)
        assert isinstance(reply["created"], int)
        assert reply["data"][0].keys() == {"url", "revised_prompt"}
    elif '"stream":true' in command:
        events = [e.removeprefix("data: ") for e in done.stdout.strip().split("\n\n")]
        assert events[-1] == "[DONE]"
        assert [json.loads(e)["object"] for e in events[:-1]] == ["chat.completion.chunk"] * (len(events) - 1)
        assert json.loads(events[0])["choices"][0]["delta"]["role"] == "assistant"
        assert json.loads(events[-2])["choices"][0]["finish_reason"] == "stop"
    else:
        reply = json.loads(done.stdout)
        assert reply["object"] == "chat.completion"
        assert reply["choices"][0]["message"]["content"]
        assert reply["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("trueline ")])
def test_a_command_runs(command: str) -> None:
    done = subprocess.run(command, shell=True, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_no_command_is_left_out() -> None:
    assert [c for c in COMMANDS if c not in (SERVE, TEST) and not c.startswith(("curl ", "trueline "))] == []


def test_the_broken_reply_is_the_one_in_the_file() -> None:
    broken, mended = blocks(README, "")[:2]

    recorded = (ROOT / "docs/examples/broken.sse").read_text()
    assert recorded.removeprefix(": PROCESSING\n\n").strip() == broken
    command = [sys.executable, "-m", "trueline", "fix", "docs/examples/broken.sse"]
    fixed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    chunks = [json.loads(e.removeprefix("data: ")) for e in fixed.strip().split("\n\n")[:-1]]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    shown = [{"delta": c["delta"], "finish_reason": c["finish_reason"]} for c in choices]
    assert [json.loads(line) for line in mended.splitlines()] == shown


def test_the_settings_are_those_of_the_file() -> None:
    shown = next(b for b in blocks(README, "yaml") if "models" in b)

    lines = [line for line in shown.splitlines() if line]
    example = (ROOT / "docs/examples/trueline.yaml").read_text()
    assert [line for line in lines if line not in example] == []
    settings = load_settings({}, {"GROQ_API_KEY": "k"}, ROOT / "docs/examples/trueline.yaml")
    assert settings.models["gpt-4o-mini"].model == "llama-3.3-70b-versatile"


LIBRARY = blocks((ROOT / "docs/library.md").read_text(), "python")


@pytest.mark.parametrize("code", LIBRARY, ids=range(len(LIBRARY)))
def test_code_of_the_guide_runs(code: str) -> None:
    exec(compile(code, "docs/library.md", "exec"), {})  # noqa: S102  # our own page, which is what is tested


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT).as_posix() for p in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    missing = [link for link in links if link and not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []


@pytest.mark.parametrize("text", [b for b in blocks(README, "yaml") if "models" not in b])
def test_other_settings_are_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "trueline.yaml"
    file.write_text(text)
    keys = {"ANTHROPIC_API_KEY": "a-key", "GEMINI_API_KEY": "g-key"}

    assert {upstream.dialect for upstream in load_settings({}, keys, file).upstreams.values()} == {
        *("anthropic", "gemini", "bedrock")
    }
