"""`bench profile`: where the native server spends its CPU, without sockets.

Requests and replies are handed to the two protocols over transports that only remember; what is left is Trueline's own
work.  The time of a reply and of an event is measured without a profiler; how it divides among the rooms of the
code is what cProfile counts as a function's own time, which makes small functions look dearer than they are.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import pstats
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from trueline.settings import load_settings
from trueline.shell.app import create_app
from trueline.shell.native import NativeProtocol
from trueline.shell.upstream.connection import Connection
from trueline.shell.upstream.pool import Pool

from . import replies

__all__ = ["main"]

ROUNDS = 40
EVENTS = 200
ROOMS = {
    "shell/native/": "server (shell/native)",
    "shell/known_head": "both connections (known heads)",
    "shell/upstream/": "upstream client (shell/upstream)",
    "shell/": "exchange, headers, metrics, log (shell)",
    "messages": "request (messages, wire)",
    "wire/": "request (messages, wire)",
    "pipeline/": "engine (pipeline, dialects, repairs)",
    "dialects/": "engine (pipeline, dialects, repairs)",
    "repairs/": "engine (pipeline, dialects, repairs)",
}


class Transport:
    """Takes everything and remembers the last of it."""

    def __init__(self) -> None:
        self.last = b""

    def write(self, data: bytes) -> None:
        """Take it."""
        self.last = data

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Two addresses, and no socket."""
        return {"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)}.get(name, default)

    def nothing(self, *_: Any, **__: Any) -> None:
        """What a transport can do besides."""

    close = abort = pause_reading = resume_reading = set_write_buffer_limits = nothing


class Bench:
    """A connection to a client and one to an upstream, with the server between."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(
            app, http=NativeProtocol, ws="none", lifespan="off", proxy_headers=False, log_config=None
        )
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Sun, 01 Jan 2026 00:00:00 GMT")]
        loop = asyncio.get_running_loop()
        self.client = NativeProtocol(config, state, {}, loop)
        self.client.connection_made(cast(asyncio.Transport, Transport()))
        self._gateway = app.state.gateway
        self._pool = Pool(self._dial, self._gateway._upstream._limits)
        self._gateway._upstream._pool = self._pool
        self.upstream: Connection | None = None

    async def _dial(self, route: Any, pool: Any) -> Connection:
        upstream = self.upstream = Connection(asyncio.get_running_loop(), pool, route.where, pool._limits)
        upstream.attach(cast(asyncio.Transport, Transport()))
        return upstream

    async def connect(self, request: bytes, reply: bytes) -> None:
        """The first exchange, for which a connection is opened."""
        self.client.data_received(request)
        while self.upstream is None or self.upstream._receiver is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        self.upstream.data_received(reply)

    def exchange(self, request: bytes, *reads: bytes) -> None:
        """One more."""
        self.client.data_received(request)
        assert self.upstream is not None
        for read in reads:
            self.upstream.data_received(read)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def fastest(work: Callable[[], None], units: int) -> float:
    """µs per unit of the fastest round."""
    times = []
    for _ in range(ROUNDS):
        before = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - before)
    return min(times) / units / 1e3


def shares(work: Callable[[], None]) -> list[tuple[str, float]]:
    """Each room's share of the time, the largest first."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(ROUNDS):
        work()
    profile.disable()
    times: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file.startswith("~"):  # built-ins count where they are called from
            for (caller, _, _), (_, _, time_there, _) in callers.items():
                times[room(caller)] += time_there
        else:
            times[room(file)] += own
    total = sum(times.values())
    return [(name, spent / total) for name, spent in times.most_common() if spent / total >= 0.01]


def room(file: str) -> str:
    _, found, rest = file.replace("\\", "/").rpartition("/src/trueline/")
    return next((title for start, title in ROOMS.items() if found and rest.startswith(start)), "other")


async def run() -> None:
    app = create_app(load_settings({"upstream": "http://127.0.0.1:9/v1"}, {}, None))
    async with app.router.lifespan_context(app):
        for faults, title in ((0, "exact"), (6, "with six faults")):
            body = replies.whole(faults, "0123456789abcdef")
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            request = replies.request("/v1/chat/completions", "m", {"Authorization": "Bearer sk-bench"})
            await show(app, f"A whole reply, {title}", request, [head + body], 1)
        for faults, title in ((0, "exact"), (8, "with eight faults")):
            begin, end = replies.events(EVENTS, faults, ("one", "two"))
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            request = replies.request("/v1/chat/completions", "m", {"Authorization": "Bearer sk-bench"}, True)
            reads = [head, *map(chunk, begin), chunk(end) + b"0\r\n\r\n"]
            await show(app, f"An event of a stream, {title}, its beginning and end included", request, reads, EVENTS)
            burst = [head + b"".join(reads[1:])]
            await show(app, f"The same with all events in one read, {title}", request, burst, EVENTS)


async def show(app: Any, title: str, request: bytes, reads: list[bytes], units: int) -> None:
    bench = Bench(app)
    await bench.connect(request, b"".join(reads))

    def work() -> None:
        for _ in range(max(1, EVENTS // units)):
            bench.exchange(request, *reads)

    for _ in range(3):
        work()
    gc.collect()
    print(f"{title}: {fastest(work, max(EVENTS, units)):.1f} µs")
    for name, share in shares(work):
        print(f"  {share:5.0%}  {name}")


def main() -> int:
    """Print the profile."""
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto").get_loop_factory()) as runner:
        runner.run(run())
    return 0
