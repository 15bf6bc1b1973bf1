"""300 streams at once through one worker, half of whose clients go away in the middle.

TRUELINE_TEST_LOAD_SECONDS is the length of the streams (docs/testing.md); without it they are short.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from load.clients import StreamClient
from load.process import Worker, cpu_seconds, resident_mb, worker
from trueline.sim import SimServer

CLIENTS = 300
RATE = 50
"""Events per second, of each stream."""
SECONDS = float(os.environ.get("TRUELINE_TEST_LOAD_SECONDS", "6"))
EVENTS = int(RATE * SECONDS)
PATIENCE = 60 + 10 * SECONDS
"""Seconds until the test gives up; on an idle machine it takes about `SECONDS`."""
GROWTH_MB = 12.0
"""What memory may grow by from when all streams run; their texts, which are kept to know repeats, take 7 MB in 60 s."""


def text_of(number: int) -> str:
    """A text of `EVENTS` pieces that no other client has a word of."""
    return " ".join(f"{number}x{word:x}"[-8:] for word in range(EVENTS))


@dataclass
class Figures:
    """What is printed at the end."""

    freed: float = 0.0
    """Seconds from the going away of half of the clients to the last of their upstream connections being closed."""
    memory: list[float] = field(default_factory=list)
    """MB, from the time when all streams run."""
    cpu: float = 0.0
    """CPU seconds of the worker."""
    events: int = 0
    took: float = 0.0

    def __str__(self) -> str:
        first, most = (self.memory[0], max(self.memory)) if self.memory else (0.0, 0.0)
        return (
            f"{CLIENTS} streams, {self.events} events in {self.took:.1f} s; "
            f"worker: {self.cpu:.1f} s of CPU = {self.cpu / max(self.events, 1) * 1e6:.0f} us per event, "
            f"{first:.1f} MB resident with all streams, {most:.1f} MB at most after that; "
            f"upstream connections of the {CLIENTS // 2} who left closed within {self.freed * 1e3:.0f} ms"
        )


class Crowd:
    """The clients, and who waits for them to get somewhere."""

    def __init__(self) -> None:
        self.clients: list[StreamClient] = []
        self.on_progress: Callable[[], None] = lambda: None
        """Called about twenty times, as the first of those who stay gets on."""
        self._behind = 0
        self._milestone = 0
        self._passed = asyncio.Event()

    async def connect(self, port: int) -> None:
        """All clients ask at once."""
        options: dict[str, object] = {
            "rate": RATE,
            "obfuscation": False,
            "faults": ["role-repeated", "id-missing"],
            "hold_after": EVENTS // 2,  # no stream ends before the other half has left, however busy the machine is
        }
        self.clients = [StreamClient(number, text_of(number), options, self._event) for number in range(CLIENTS)]
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.create_connection(lambda c=client: c, "127.0.0.1", port) for client in self.clients)  # type: ignore[misc]
        )

    async def until_everybody_has(self, events: int) -> None:
        """Wait for each client to have so many events, which is before any stream ends; or fail with how one ended."""
        self._passed.clear()
        self._milestone = events
        self._behind = sum(client.events < events for client in self.clients)
        if not self._behind:
            return
        passed = asyncio.ensure_future(self._passed.wait())
        ends: list[asyncio.Future[Any]] = [passed, *(client.closed for client in self.clients)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        ended = [str(client) for client in self.clients if client.closed.done()]
        assert passed.done(), f"ended too early: {ended[:3]}"

    def _event(self, client: StreamClient, before: int) -> None:
        if before < self._milestone <= client.events:
            self._behind -= 1
            if not self._behind:
                self._passed.set()
        if client.number == 1 and before * 20 // EVENTS != client.events * 20 // EVENTS:
            self.on_progress()


@pytest.mark.timeout(PATIENCE + 60)
@pytest.mark.parametrize("server", ["native", "asgi"])
def test_many_streams(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), SimServer() as sim:
            with worker(sim.url, tmp_path, server) as proxy:
                await play(sim, proxy, figures)
                assert proxy.stop() == 0

    asyncio.run(run())
    with capsys.disabled():
        print(f"\n{server}: {figures}")  # noqa: T201 - the figures are the point
    if figures.memory:
        assert max(figures.memory) - figures.memory[0] < GROWTH_MB


async def play(sim: SimServer, proxy: Worker, figures: Figures) -> None:
    """All clients connect, half leave in the middle, the others hear everything."""

    def note_memory() -> None:
        memory = resident_mb(proxy.pid)
        if memory is not None:
            figures.memory.append(memory)

    crowd = Crowd()
    began, cpu = time.monotonic(), cpu_seconds(proxy.pid)
    await crowd.connect(proxy.port)
    await crowd.until_everybody_has(EVENTS // 6)
    assert sim.open_streams == CLIENTS
    crowd.on_progress = note_memory
    note_memory()
    await crowd.until_everybody_has(EVENTS // 3)
    await half_leaves(sim, crowd, figures)
    sim.release()
    staying = crowd.clients[1::2]
    await asyncio.gather(*(client.closed for client in staying))
    note_memory()

    assert [client.number for client in staying if not client.finished] == []
    assert [client.number for client in crowd.clients if not client.wanted.startswith(client.said)] == []
    figures.took = time.monotonic() - began
    figures.cpu = (cpu_seconds(proxy.pid) or 0.0) - (cpu or 0.0)
    figures.events = sum(client.events for client in crowd.clients)
    await sim.until(lambda: sim.open_streams == 0, timeout=PATIENCE)


async def half_leaves(sim: SimServer, crowd: Crowd, figures: Figures) -> None:
    """Every second client goes; its upstream connection, and no other, is closed."""
    before = time.monotonic()
    leaving = crowd.clients[::2]
    for client in leaving:
        client.leave()
    await sim.until(lambda: sim.open_connections <= CLIENTS - len(leaving), timeout=PATIENCE)
    figures.freed = time.monotonic() - before
    assert sim.open_streams == CLIENTS - len(leaving)
    assert not any(client.finished for client in leaving)
