"""The terminal output in the guides and in the README is what the commands write; WRITE_DOCS=1 writes it anew."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import replace

import openai
import pytest

from check.kit import card_of, examine
from meta.source import ROOT
from trueline.check import terminal
from trueline.cli import main
from trueline.faults import FAULTS
from trueline.sim import SimOptions, SimServer

BLOCK = re.compile(r"(?<=```text\n).*?(?=```\n)", re.DOTALL)
COMPATIBLE, CRASH, README = "docs/compatible.md", "docs/crash.md", "README.md"
REPLY = "docs/examples/crash.sse"
Say = Callable[..., str]
CRASHES = (
    ((ROOT / REPLY).read_bytes(), r"TypeError: list indices|RuntimeError: Expected list delta entry"),
    (b"event: ping\n\n", r"JSONDecodeError: Expecting value: line 1 column 1 \(char 0\)"),
    (b"data: busy\n\n", r"JSONDecodeError: Expecting value: line 1 column 1 \(char 0\)"),
    (b'data: {"error":"busy"}\n\n', r"APIError: An error occurred during streaming"),
    (b"", r"AssertionError"),
)


def shown(page: str, number: int, text: str) -> str:
    """The text block of a page; with WRITE_DOCS it is made to say `text`."""
    path = ROOT / page
    found = list(BLOCK.finditer(path.read_text(encoding="utf-8")))[number]
    if os.environ.get("WRITE_DOCS"):
        path.write_text(found.string[: found.start()] + text + found.string[found.end() :], encoding="utf-8")
        return text
    return found[0]


def findings(report: str, count: int) -> str:
    """A report down to its first findings, which are of one kind."""
    report = report.partition("\n\n\n")[0]
    parts = re.split(r"\n(?=\n  [a-z_-]+  \d+ repl)", report)
    return "\n".join(parts[: count + 1]).rstrip() + "\n"


async def ollama() -> str:
    """What a server like Ollama is told."""
    async with SimServer(SimOptions(like="ollama", seed=1)) as sim:
        results = await examine(sim.url, at_once=1)
    card = replace(card_of(results, "http://127.0.0.1:11434/v1"), when="2026-01-31")
    return terminal(card, 80, lambda text, style: text)


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a command writes on a terminal of 80 columns, on a certain day."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> str:
        main(list(arguments))
        return re.sub(r"(?<= · )\d{4}-\d\d-\d\d$", "2026-01-31", capsys.readouterr().out, count=1, flags=re.MULTILINE)

    return run


async def test_the_report_of_a_server() -> None:
    report = findings(await ollama(), 2)

    assert shown(COMPATIBLE, 0, report) == report


async def test_the_readme_shows_parts_of_it() -> None:
    report = findings(await ollama(), 2)
    head, _, rest = report.partition("\n\n  models ")
    parts = f"{head}\n\nBreaks clients{rest.partition('Breaks clients')[2]}"

    assert len(parts.splitlines()) <= 25
    assert shown(README, 0, parts) == parts


def test_the_report_of_a_recording(say: Say) -> None:
    report = findings(say("check", "--offline", "docs/examples/thoughts.sse"), 1)

    assert shown(COMPATIBLE, 1, report) == report


def test_the_report_of_a_crash(say: Say) -> None:
    report = say("check", "--offline", REPLY)

    assert shown(CRASH, 0, report) == report


def test_a_crash_explained(say: Say) -> None:
    text = say("explain", REPLY)

    assert shown(CRASH, 1, text) == text


def test_the_ids_of_the_guide_are_known() -> None:
    page = (ROOT / CRASH).read_text(encoding="utf-8")
    links = re.findall(r"\[`([^`]+)`\]\(faults\.md#([^)]+)\)", page)

    assert links and [(said, to) for said, to in links if said != to or to not in FAULTS] == []


@pytest.mark.parametrize(("reply", "said"), CRASHES, ids=[said[:20] for _, said in CRASHES])
async def test_openai_python_says_what_the_guide_says(reply: bytes, said: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=20) as client:
        with pytest.raises(Exception) as caught:
            async with client.chat.completions.stream(model="m", messages=[]) as stream:
                await stream.get_final_completion()

    assert re.match(said, f"{caught.type.__name__}: {caught.value}")
