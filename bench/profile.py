"""`bench profile`: where the native server spends its CPU, without sockets.

Requests and replies are handed to the two protocols over transports that only remember; what is left is Trueline's own
work.  The time of a reply and of an event is measured without a profiler; how it divides among the rooms of the
code is what cProfile counts as a function's own time, which makes small functions look dearer than they are.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import time
from collections import Counter
from collections.abc import Callable

from . import replies
from .in_process import Gateway, Loop, chunked

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


async def run(gateway: Gateway) -> None:
    for faults, title in ((0, "exact"), (6, "with six faults")):
        body = replies.whole(faults, "0123456789abcdef")
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        request = replies.request("/v1/chat/completions", "m", {"Authorization": "Bearer sk-bench"})
        await show(gateway, f"A whole reply, {title}", request, [head + body], 1)
    for faults, title in ((0, "exact"), (8, "with eight faults")):
        begin, end = replies.events(EVENTS, faults, ("one", "two"))
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        request = replies.request("/v1/chat/completions", "m", {"Authorization": "Bearer sk-bench"}, True)
        reads = [head, *map(chunked, begin), chunked(end) + chunked(b"")]
        await show(gateway, f"An event of a stream, {title}, its beginning and end included", request, reads, EVENTS)
        burst = [head + b"".join(reads[1:])]
        await show(gateway, f"The same with all events in one read, {title}", request, burst, EVENTS)


async def show(gateway: Gateway, title: str, request: bytes, reads: list[bytes], units: int) -> None:
    await gateway.answer(request, reads)

    def work() -> None:
        for _ in range(max(1, EVENTS // units)):
            gateway.exchange(request, *reads)

    for _ in range(3):
        work()
    gc.collect()
    print(f"{title}: {fastest(work, max(EVENTS, units)):.1f} µs")
    for name, share in shares(work):
        print(f"  {share:5.0%}  {name}")


def main() -> int:
    """Print the profile."""
    loop = Loop()
    gateway = Gateway(loop)
    loop.run_until_complete(run(gateway))
    gateway.close()
    loop.close()
    return 0
