"""`trueline fix`: a recorded reply in, its exact form on stdout, the faults on stderr."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .terminal import fit, has_colour, paint, width

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline fix [FILE] [--model NAME] [--stream | --no-stream]"
DESCRIPTION = (
    "Write the exact OpenAI form of a recorded chat or image reply (JSON or an event stream) to stdout, and name its "
    "faults on stderr, each with how often it was found."
)
EPILOG = """\
examples:
  trueline fix reply.json
  curl -N .../v1/chat/completions -d ... | trueline fix > exact.sse
  trueline fix --no-stream reply.sse                      fold a stream into one object

exit code: 0 the reply is exact now, 1 the honest answer is an error (it is on stdout), 2 there is nothing to read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline fix`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the recorded body; - or nothing for stdin")
    parser.add_argument("--model", metavar="NAME", help="the model that was requested (default: the reply's own)")
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write an event stream, or one object (default: the form that the reply has)",
    )


def run(args: argparse.Namespace) -> int:
    """Fix one reply; the exit code as in EPILOG."""
    from ..recorded import look
    from ..shell.clock import SystemMint
    from ..wire import jsonio

    data = _read(args.file)
    if data is None:
        return 2
    pipe = look(data).pipeline(SystemMint(), model=args.model, stream=args.stream)
    out = pipe.feed(data) + pipe.close()
    failed = pipe.error is not None or b'\ndata: {"error":' in out
    if pipe.error is not None:
        out = jsonio.encode(pipe.error.body())
    sys.stdout.buffer.write(out if out.endswith(b"\n") else out + b"\n")
    sys.stdout.flush()
    _name_faults(pipe.faults)
    return 1 if failed else 0


def _read(file: str | None) -> bytes | None:
    if file in (None, "-"):
        if sys.stdin.isatty():
            print("trueline: reading a reply from the terminal; Ctrl-D ends it", file=sys.stderr)
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as failed:
        print(f"trueline: {file}: {failed.strerror or failed}", file=sys.stderr)
        return None


def _name_faults(faults: dict[str, int]) -> None:
    from ..faults import FAULTS

    columns, colour = width(sys.stderr), has_colour(sys.stderr)
    for fault, count in faults.items():
        known = FAULTS.get(fault)
        head = f"{count} {fault}"
        room = None if columns is None else columns - len(head) - 2
        print(f"{paint(head, 'bold', colour)}  {fit(known.line if known else '', room)}".rstrip(), file=sys.stderr)
