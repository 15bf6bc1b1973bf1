"""The command `trueline sim`: flags to options, a start line with something to try, and the server until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

from trueline.sim.examples import example_request
from trueline.sim.faults import NOT_PLANTABLE, PLANTERS
from trueline.sim.options import FAILURES, REFUSALS, OptionError, SimOptions, with_overrides
from trueline.sim.providers import PROVIDERS
from trueline.sim.render import faults_of
from trueline.sim.server import SimServer

__all__ = ["add_arguments", "options_of", "run", "serve_until_stopped", "welcome"]

DEFAULT_PORT = 4010

_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--host", {"default": "127.0.0.1", "help": "address to listen on (default: %(default)s)"}),
    ("--port", {"type": int, "default": DEFAULT_PORT, "help": "port to listen on; 0: any free one (default: 4010)"}),
    (
        "--fault",
        {
            "action": "append",
            "default": [],
            "metavar": "ID[,ID…]",
            "help": "commit these faults on every reply; may be repeated (see --list)",
        },
    ),
    ("--like", {"metavar": "PROVIDER", "help": f"commit the faults to expect of: {', '.join(PROVIDERS)}"}),
    ("--variant", {"type": int, "default": 0, "metavar": "K", "help": "which form of a fault that has several"}),
    ("--text", {"metavar": "TEXT", "help": "what every reply says (default: what follows `echo: ` in the prompt)"}),
    ("--tokens", {"type": int, "metavar": "N", "help": "length of every answer, in events of a stream"}),
    ("--endless", {"action": "store_true", "help": "streams never end"}),
    ("--rate", {"type": float, "default": 0.0, "metavar": "EVENTS_PER_SECOND", "help": "pace of streams"}),
    ("--first-token", {"type": float, "default": 0.0, "metavar": "SECONDS", "help": "wait before the first event"}),
    ("--fail", {"metavar": "HOW", "help": f"how replies fail: {', '.join(FAILURES)}"}),
    ("--fail-after", {"type": int, "metavar": "EVENTS", "help": "events before the failure (default: half of them)"}),
    ("--fail-every", {"type": int, "default": 1, "metavar": "N", "help": "only every N-th request fails"}),
    ("--random-cuts", {"action": "store_true", "help": "cut the bytes of the body at random places"}),
    ("--encoding", {"metavar": "NAME", "help": "gzip, deflate, br or zstd, for clients that accept it"}),
    ("--seed", {"type": int, "metavar": "N", "help": "the same ids and times on every reply"}),
    (
        "--refuse",
        {
            "action": "append",
            "default": [],
            "metavar": "NAME[,NAME…]",
            "help": f"answer 400 to a request with one of: {', '.join(REFUSALS)}",
        },
    ),
    ("--require-key", {"action": "store_true", "help": "answer 401 where no API key comes"}),
    ("--list", {"action": "store_true", "help": "list the faults, the providers and the failures, and stop"}),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `trueline sim`."""
    parser.description = (
        "A model server that answers as OpenAI does, except for the faults, speed and failures that you choose. "
        'A request can choose too, with "x_sim": {"faults": ["sse-crlf"], "rate": 20} in its body.'
    )
    for name, settings in _FLAGS:
        parser.add_argument(name, **settings)


def options_of(args: argparse.Namespace) -> SimOptions:
    """The options that the flags choose.  Raises OptionError."""
    names = [name for name in SimOptions.__struct_fields__ if hasattr(args, name)]
    given = {name: getattr(args, name) for name in names}
    given["refuses"] = [name.strip() for each in args.refuse for name in each.split(",") if name.strip()]
    given["faults"] = [fault.strip() for each in args.fault for fault in each.split(",") if fault.strip()]
    options = with_overrides(SimOptions(), given)
    faults_of(options)
    return options


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted.  0: stopped; 1: cannot listen; 2: a flag that makes no sense."""
    if args.list:
        sys.stdout.write(_listing())
        return 0
    try:
        options = options_of(args)
    except OptionError as error:
        sys.stderr.write(f"trueline sim: {error}\n")
        return 2
    sim = SimServer(options, host=args.host, port=args.port)
    try:
        serve_until_stopped(sim, lambda: welcome(sim))
    except OSError as error:
        sys.stderr.write(f"trueline sim: cannot listen on {args.host}:{args.port}: {error.strerror or error}\n")
        return 1
    return 0


def serve_until_stopped(sim: SimServer, started: Callable[[], str]) -> None:
    """Serve until a signal comes; what `started` says is written when it listens.  Raises OSError."""
    try:
        _runner()(_serve(sim, started))
    except KeyboardInterrupt:
        pass


def _runner() -> Callable[[Any], None]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    run: Callable[[Any], None] = uvloop.run
    return run


async def _serve(sim: SimServer, started: Callable[[], str]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            pass
    async with sim:
        sys.stdout.write(started())
        sys.stdout.flush()
        await stopped.wait()


def welcome(sim: SimServer) -> str:
    """The start lines: where it listens, what it does wrong, and a curl that shows it."""
    options = sim.options
    faults = faults_of(options)
    lines = [f"trueline sim: a model server on {sim.url}", f"  faults: {', '.join(faults) or 'none'}"]
    if options.fail:
        every = "" if options.fail_every <= 1 else f" (every {options.fail_every} requests)"
        lines.append(f"  fails: {options.fail}{every}: {FAILURES.get(options.fail, FAILURES['http-NNN'])}")
    if options.rate or options.first_token:
        pace = f"{options.rate:g} events/s" if options.rate else "no pause between events"
        lines.append(f"  speed: first event after {options.first_token:g} s, then {pace}")
    shown = next(iter(options.faults or faults), None)
    lines += ["", "Try it:", f"  {_curl(sim, shown)}", "", "Stop it with Ctrl-C."]
    return "\n".join(lines) + "\n"


def _curl(sim: SimServer, fault: str | None) -> str:
    path, body = ("/v1/chat/completions", None) if fault is None else example_request(fault)
    if fault is None:
        body = {
            "model": "gpt-4o",
            "stream": True,
            "messages": [{"role": "user", "content": "Say something about tea."}],
        }
    if body is None:
        return f"curl -i {sim.origin}{path}"
    data = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return f"curl -iN {sim.origin}{path} -H 'content-type: application/json' -d '{data}'"


def _listing() -> str:
    lines = [f"Faults ({len(PLANTERS)}), for --fault and x_sim:"]
    for fault, planter in sorted(PLANTERS.items()):
        needs = f"  (shows with: {', '.join(planter.needs)})" if planter.needs else ""
        lines.append(f"  {fault:32} {', '.join(sorted(planter.on))}{needs}")
    lines.append("\nNot to be committed by a server:")
    lines += [f"  {fault:32} {reason}" for fault, reason in NOT_PLANTABLE.items()]
    lines.append("\nProviders, for --like:")
    lines += [f"  {name:12} {', '.join(faults)}" for name, faults in PROVIDERS.items()]
    lines.append("\nFailures, for --fail:")
    lines += [f"  {name:14} {what}" for name, what in FAILURES.items()]
    return "\n".join(lines) + "\n"
