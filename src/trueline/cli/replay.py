"""`trueline replay`: a server that plays recorded replies again, for Trueline or for any client."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sim.replay import Play, ReplayServer

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline replay FILE… [--host HOST] [--port N] [--rate N] [--quiet]"
DESCRIPTION = (
    "Run a server that answers with what upstreams have answered: the same status, headers, bytes and reads, for "
    "requests of the same path and, where several were recorded, of the same model. Files are those of `trueline serve "
    "--record`, folders of them, or bodies (JSON, event streams) of chats and images."
)
EPILOG = """\
examples:
  trueline replay recordings/                              everything that was recorded
  trueline replay reply.sse --port 8000                    one body, for any chat request
  trueline serve --upstream http://127.0.0.1:4020/v1       Trueline before it
  trueline check http://127.0.0.1:4020/v1 --only chat      what a report card says of it

Each of several recordings that fit is played in its turn. Times are not played again: --rate paces streams.
"""
_PORT = 4020


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline replay`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, folders of recordings, or bodies")
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="N", help=f"port to listen on; 0: any free one (default: {_PORT})"
    )
    parser.add_argument("--rate", type=float, default=0.0, metavar="N", help="reads per second (default: all at once)")
    parser.add_argument("--quiet", action="store_true", help="do not write a line per request")


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; 1: it cannot listen, 2: there is nothing to play."""
    from ..sim.cli import serve_until_stopped
    from ..sim.options import SimOptions
    from ..sim.replay import ReplayServer

    plays = _plays(args.files)
    if plays is None:
        return 2
    if not plays:
        print("trueline: no reply of an upstream is in these files", file=sys.stderr)
        return 2
    if args.rate < 0:
        print("trueline: --rate must not be negative", file=sys.stderr)
        return 2
    said = None if args.quiet else _say
    server = ReplayServer(plays, SimOptions(rate=args.rate), host=args.host, port=args.port, said=said)
    try:
        serve_until_stopped(server, lambda: _welcome(server))
    except OSError as error:
        print(f"trueline: cannot listen on {args.host}:{args.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _plays(names: Sequence[str]) -> list[Play] | None:
    """The replies in the files; None, with a line on stderr, where one cannot be read."""
    plays: list[Play] = []
    for name in names:
        try:
            for path in _files(Path(name)):
                plays += _plays_of(path.name, path.read_bytes())
        except OSError as failed:
            print(f"trueline: {failed.filename or name}: {failed.strerror or failed}", file=sys.stderr)
            return None
    return plays


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.suffix == ".json") if path.is_dir() else [path]


def _plays_of(name: str, data: bytes) -> list[Play]:
    from ..recordings import RecordingError, read_recording
    from ..sim.replay import plays_of

    try:
        recording = read_recording(data)
        if recording is None:
            return [_bare(data)]
        plays = plays_of(recording)
    except RecordingError as error:
        print(f"trueline: {name} is left out: {error}", file=sys.stderr)
        return []
    if any(call.reply.truncated for call in recording.calls):
        print(f"trueline: {name} holds the beginning of its reply only: it will break off there", file=sys.stderr)
    return plays


def _bare(data: bytes) -> Play:
    """A body alone: its events are its reads."""
    from ..recorded import look
    from ..sim.replay import Play
    from ..sim.reply import SimReply
    from ..trace.cut import cut_events

    seen = look(data)
    path = seen.path.removeprefix("/v1")
    kind = "text/event-stream" if seen.streamed else "application/json"
    pieces = cut_events(data) if seen.streamed else [data]
    models = frozenset([seen.model] if seen.model else [])
    return Play(
        "GET" if seen.kind in ("models", "model") else "POST",
        path,
        models,
        seen.streamed,
        SimReply(200, {"content-type": kind}, pieces, stream=seen.streamed),
    )


def _welcome(server: ReplayServer) -> str:
    count = len(server.plays)
    lines = [f"trueline replay: {count} recorded repl{'y' if count == 1 else 'ies'} on {server.url}"]
    paths = dict.fromkeys(f"{play.method} {play.path}" for play in server.plays)
    lines += [f"  {sum(f'{p.method} {p.path}' == path for p in server.plays):>4} {path}" for path in paths]
    if server.models:
        shown = ", ".join(server.models[:8]) + (" …" if len(server.models) > 8 else "")
        lines.append(f"  models: {shown}")
    lines += ["", "Put Trueline before it:", f"  trueline serve --upstream {server.url}", "", "Stop it with Ctrl-C."]
    return "\n".join(lines) + "\n"
