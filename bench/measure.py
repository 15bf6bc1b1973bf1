"""One measurement: a load through one gateway, and what it cost there."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import replies
from .cases import CHAT, Case
from .processes import cores, prepare
from .world import Gateway, World

__all__ = ["Load", "Pace", "big", "drive", "first_token", "held", "latency", "memory", "paced", "run_case"]

Result = dict[str, Any]
SETTLED = 5.0
"""Seconds after which memory that was for a burst should have been given back."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a measurement warms up and lasts, in seconds."""

    warm: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the client does: see native/client.c."""

    connections: int
    rate: float = 0
    ramp: float = 0
    drop: bool = False

    def words(self) -> list[str]:
        """As the client's arguments."""
        words = ["connections", str(self.connections), "rate", str(self.rate), "ramp", str(self.ramp)]
        return [*words, "drop"] if self.drop else words


def drive(
    world: World, gateway: Gateway, request: bytes, load: Load, pace: Pace, during: Callable[[], None] | None = None
) -> Result:
    """Run the client against a gateway; its report, with the gateway's CPU seconds in the measured time as `cpu`.

    `during` is called at the end of the measured time, with all streams still open.  Raises RuntimeError where the
    client failed.
    """
    path = world.folder / "request"
    path.write_bytes(request)
    command = [str(world.client), str(gateway.place.port), str(path), *load.words()]
    command += ["warm", str(pace.warm), "seconds", str(pace.seconds)]
    load_cores, _ = cores()
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, preexec_fn=prepare(load_cores))
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        marks = {}
        for line in process.stdout:
            word = line.strip()
            if word in ("steady", "end"):
                marks[word] = gateway.server.cpu()
                if word == "end":
                    if during:
                        during()
                    if load.drop:
                        process.stdin.write("\n")
                        process.stdin.flush()
                continue
            report: Result = json.loads(line)
            report["cpu"] = marks["end"] - marks["steady"]
            report["complaints"] = process.stderr.read()
            return report
        raise RuntimeError(f"{gateway.contender.title}: {process.stderr.read()[:500]}")
    finally:
        process.kill()
        process.__exit__(None, None, None)


def make_request(gateway: Gateway, model: str, streamed: bool = False, path: str = CHAT, size: int = 1000) -> bytes:
    """A request as this gateway wants it."""
    headers: Mapping[str, str] = gateway.contender.headers(gateway.place)
    return replies.request(path, model, {"Authorization": "Bearer sk-bench", **headers}, streamed, size)


def stream_of(gateway: Gateway) -> str:
    """The stream that its upstream sends in what is no case of its own: with faults, if it has answers for them."""
    return "faulty" if gateway.contender.bears_faults else "events"


def run_case(world: World, gateway: Gateway, case: Case, pace: Pace, per_second: float = 1000.0) -> Result:
    """A row of CASES: `cpu_us` per unit, `rate` of units a second, latencies, and what went wrong.

    `per_second` is how many requests this gateway can answer: streams are opened at half that, and last accordingly.
    """
    if case.rate:
        streams = max(4, round(case.connections * gateway.contender.load))
        return paced(world, gateway, case.model, streams, case.rate, pace, per_second)
    request = make_request(gateway, case.model, case.streamed)
    report = drive(world, gateway, request, Load(case.connections or gateway.contender.connections), pace)
    units = report["tokens"] if case.unit == "event" else report["requests"]
    return plain(report, units)


def paced(
    world: World, gateway: Gateway, model: str, streams: int, rate: int, pace: Pace, per_second: float,
    during: Callable[[], None] | None = None,
) -> Result:  # fmt: skip
    """So many streams at once, each with `rate` events a second; they are left at the end of the measured time.

    `held` is the share of the events due that came, `lost` the streams that did not flow at the end.
    """
    ramp = min(2000.0, per_second / 2)
    request = make_request(gateway, model.format(count=rate * gateway.contender.stream_seconds), streamed=True)
    report = drive(world, gateway, request, Load(streams, ramp=ramp, drop=True), pace, during)
    result = plain(report, report["tokens"])
    result["held"] = report["tokens"] / max(rate * report["stream_seconds"], 1.0)
    result["lost"] = streams - report["flowing"]
    result |= {"lag_p50": report["lag_us"]["p50"], "lag_p99": report["lag_us"]["p99"]}
    return result | {"gap_p99_ms": report["gap_us"]["p99"] / 1000}


def plain(report: Result, units: float) -> Result:
    """What every measurement has; RuntimeError where most of it went wrong: that has no figures."""
    result = {"errors": report["errors"], "rate": units / report["seconds"], "complaints": report["complaints"]}
    if report["errors"] * 20 > report["requests"] + report["tokens"] / 100:
        raise RuntimeError(f"{report['errors']} errors; {report['complaints'][:300]}")
    if not units:
        raise RuntimeError("nothing was answered in the measured time")
    result["cpu_us"] = report["cpu"] / units * 1e6
    return result


def latency(world: World, gateway: Gateway, rate: float, pace: Pace) -> Result:
    """p50 and p99 in µs of whole replies with faults at a fixed rate, from when each request was due."""
    request = make_request(gateway, "faults" if gateway.contender.bears_faults else "exact")
    report = drive(world, gateway, request, Load(64, rate=rate), pace)
    plain(report, report["requests"])
    return {"p50": report["latency_us"]["p50"], "p99": report["latency_us"]["p99"], "errors": report["errors"]}


def first_token(world: World, gateway: Gateway, rate: float, pace: Pace) -> Result:
    """p50 and p99 in µs until the first byte of short streams with faults, asked for at a fixed rate."""
    request = make_request(gateway, f"{stream_of(gateway)}-200-5", streamed=True)
    report = drive(world, gateway, request, Load(64, rate=rate), pace)
    plain(report, report["tokens"])
    return {"p50": report["first_us"]["p50"], "p99": report["first_us"]["p99"], "errors": report["errors"]}


def memory(world: World, gateway: Gateway, pace: Pace, per_second: float) -> Result:
    """Resident MB idle, with up to 1,000 paced streams open, and when they are gone; and whether they were held."""
    streams = max(4, round(1000 * gateway.contender.load))
    under: list[float] = []
    result = paced(
        world,
        gateway,
        stream_of(gateway) + "-25-{count}",
        streams,
        25,
        pace,
        per_second,
        lambda: under.append(gateway.server.memory()),
    )
    time.sleep(SETTLED)
    idle, after = gateway.idle_mb, gateway.server.memory()
    return result | {
        "streams": streams, "idle_mb": idle, "under_mb": under[0], "after_mb": after,
        "stream_kb": (under[0] - idle) * 1024 / streams,
    }  # fmt: skip


def big(world: World, gateway: Gateway, megabytes: int, reply: bool, pace: Pace) -> Result:
    """CPU milliseconds per exchange with a big body, and the peak of the resident memory."""
    path = "/v1/images/generations" if reply else CHAT
    model, size = (f"image{megabytes}", 1000) if reply else ("exact", megabytes * 1_000_000)
    gateway.server.forget_peak()
    report = drive(world, gateway, make_request(gateway, model, path=path, size=size), Load(2), pace)
    result = plain(report, report["requests"])
    return result | {"cpu_ms": result.get("cpu_us", 0.0) / 1000, "peak_mb": gateway.server.peak()}


def held(world: World, gateway: Gateway, pace: Pace, per_second: float, most: int) -> int:
    """How many streams of 25 events a second it holds before the p99 gap is over twice the interval; `most` at most.

    Climbs by a quarter from 50 streams; the last rung that held.
    """
    good, streams = 0, 50
    while streams <= most:
        gap = gap_of(world, gateway, streams, pace, per_second)
        if gap is None:  # once more: the machine may have been elsewhere
            gap = gap_of(world, gateway, streams, pace, per_second)
        if gap is None:
            break
        good = streams
        streams = round(streams * (2 if gap < 50 else 1.25))
    return good


def gap_of(world: World, gateway: Gateway, streams: int, pace: Pace, per_second: float) -> float | None:
    """The p99 gap in ms of so many streams of 25 events a second; None where they were not held."""
    try:
        result = paced(world, gateway, stream_of(gateway) + "-25-{count}", streams, 25, pace, per_second)
    except RuntimeError:
        return None
    wrong = result["held"] < 0.97 or result["errors"] or result["lost"]
    gap = float(result["gap_p99_ms"])
    return None if wrong or gap > 80 else gap
