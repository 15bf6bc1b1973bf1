"""A server that does everything as OpenAI does gets the best grade, and nothing is found."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from check.kit import card_of, examine, names
from trueline.check import GROUPS, PROBES
from trueline.sim import SimOptions, SimServer


async def test_the_model_server() -> None:
    async with SimServer() as sim:
        results = await examine(sim.url, models=None)
        again = await examine(sim.url, models=None)

    card = card_of(results)
    assert names(results) == {} == names(again)
    assert (card.grade.letter, card.grade.points) == ("A+", 100)
    assert [result.probe.id for result in results if result.verdict != "pass"] == ["errors.no-key"]


@pytest.mark.parametrize(
    "options",
    [
        SimOptions(random_cuts=True),
        SimOptions(encoding="gzip"),
        SimOptions(encoding="zstd", random_cuts=True),
        SimOptions(obfuscation=False),
        SimOptions(require_key=True),
    ],
    ids=lambda options: next(
        name for name in options.__struct_fields__ if getattr(options, name) != getattr(SimOptions(), name)
    ),
)
async def test_other_ways_to_be_right(options: SimOptions) -> None:
    async with SimServer(options) as sim:
        results = await examine(sim.url, key="sk-" + "good" * 8)

    assert set(names(results).values()) <= {"legal"}, names(results)


@asynccontextmanager
async def gold(folder: Path) -> AsyncIterator[str]:
    """The reference server, in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import gold_server as g\n"
        "server = g.ThreadingHTTPServer(('127.0.0.1', 0), g.H)\n"
        "print(server.server_address[1], flush=True); server.serve_forever()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()


async def test_the_reference_server(shared: Path) -> None:
    async with gold(shared / "spec") as url:
        results = await examine(url, key="sk-" + "good" * 8, models=None)

    assert names(results) == {}
    assert card_of(results).grade == ("A+", 100)
    assert {result.verdict for result in results} == {"pass"}


def test_the_probes_are_many_and_well_named() -> None:
    ids = [probe.id for probe in PROBES]

    assert len(ids) >= 80
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+\.[a-z0-9-]+", name) for name in ids)
    assert all(
        (probe.title and probe.title[0].islower()) or probe.title.startswith(("DELETE", "JSON")) for probe in PROBES
    )
    assert set(GROUPS) == {
        *("chat", "stream", "tools", "structured", "usage", "errors"),
        *("images", "embeddings", "models", "completions", "http", "concurrency"),
    }
