"""`trueline explain`: a recorded reply event by event: as it came, what each rule did, as it left."""

from __future__ import annotations

import argparse
import sys

from .files import add_kind, read_reply
from .terminal import has_colour, width

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline explain [FILE] [--all] [--full] [--json] [--as KIND] [--model NAME] [--stream | --no-stream]"
DESCRIPTION = (
    "Show a recorded reply event by event: as it came, which faults were noted there, what each rule did with what was "
    "read, and the bytes as they left. Reads bodies (JSON, event streams) and the files of `trueline serve --record`."
)
EPILOG = """\
examples:
  trueline explain reply.sse
  trueline explain recordings/2025-11-03T10-15-00.123-req_9aX2.json
  curl -sN .../v1/chat/completions -d ... | trueline explain
  trueline explain --json reply.sse | jq '.steps[].events[].acts[] | select(.did != "kept")'

what a rule did:
  kept      let it pass as it is (shown with --all)
  changed   let it pass changed            dropped   took it away
  split     made several of it             held      kept it until it can decide
  added     put others beside it           released  let go what it had held

exit code: 0 the reply is exact now, 1 the honest answer is an error, 2 there is nothing to read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline explain`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the body or the recording; - or nothing for stdin")
    parser.add_argument("--all", action="store_true", help="name the rules that changed nothing as well")
    parser.add_argument("--full", action="store_true", help="shorten nothing")
    parser.add_argument("--json", action="store_true", help="write the trace as JSON")
    parser.add_argument("--model", metavar="NAME", help="the model that was requested (default: the recording's)")
    add_kind(parser)
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="as if a stream, or one object, had been asked for (default: what was asked for)",
    )


def run(args: argparse.Namespace) -> int:
    """Explain one reply; the exit code as in EPILOG."""
    from .. import __version__
    from ..recordings import RecordingError
    from ..shell.clock import SystemMint
    from ..trace import trace
    from .explain_screen import screen

    data = read_reply(args.file)
    if data is None:
        return 2
    name = "stdin" if args.file in (None, "-") else str(args.file)
    try:
        traced = trace(data, SystemMint(), model=args.model, stream=args.stream, kind=args.kind)
    except RecordingError as error:
        print(f"trueline: {name}: {error}", file=sys.stderr)
        return 2
    if args.json:
        sys.stdout.write(traced.to_json(name, __version__).decode())
    else:
        text = screen(traced, name, width(sys.stdout), has_colour(sys.stdout), all_rules=args.all, full=args.full)
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    return 1 if traced.result == "error" else 0
