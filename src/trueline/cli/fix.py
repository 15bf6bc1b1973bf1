"""`trueline fix`: a recorded reply in, its exact form on stdout, the faults on stderr."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .files import add_kind, read_reply
from .terminal import fit, has_colour, paint, width

if TYPE_CHECKING:
    from ..errors import TruelineError
    from ..recordings import Played

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline fix [FILE] [--as KIND] [--model NAME] [--stream | --no-stream]"
DESCRIPTION = (
    "Write the exact OpenAI form of a recorded reply of any endpoint (JSON, an event stream, or a file of "
    "`trueline serve --record`) to stdout, and name its faults on stderr, each with how often it was found."
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
    parser.add_argument("file", nargs="?", metavar="FILE", help="the body or the recording; - or nothing for stdin")
    parser.add_argument("--model", metavar="NAME", help="the model that was requested (default: the reply's own)")
    add_kind(parser)
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write an event stream, or one object (default: the form that the reply has)",
    )


def run(args: argparse.Namespace) -> int:
    """Fix one reply; the exit code as in EPILOG."""
    from ..recordings import RecordingError, open_reply
    from ..shell.clock import SystemMint

    data = read_reply(args.file)
    if data is None:
        return 2
    try:
        played = open_reply(data, SystemMint(), model=args.model, stream=args.stream, kind=args.kind)
    except RecordingError as broken:
        print(f"trueline: {args.file or 'stdin'}: {broken}", file=sys.stderr)
        return 2
    out, error, faults = _mended(played)
    failed = error is not None or b'\ndata: {"error":' in out
    sys.stdout.buffer.write(out if out.endswith(b"\n") else out + b"\n")
    sys.stdout.flush()
    _name_faults(faults)
    return 1 if failed else 0


def _mended(played: Played) -> tuple[bytes, TruelineError | None, dict[str, int]]:
    """What leaves, why it is an error where it is one, and the faults."""
    from ..wire import jsonio

    pipe, error = played.pipe, played.error
    out = b"".join(map(pipe.feed, played.pieces)) + pipe.close(played.cut) if pipe else b"".join(played.pieces)
    faults = pipe.faults if pipe else {}
    if pipe is not None and pipe.error is not None:
        error = pipe.error
    if error is not None:
        out, faults = jsonio.encode(error.body()), faults | {fault: 1 for fault in error.faults if fault not in faults}
    return out, error, faults


def _name_faults(faults: dict[str, int]) -> None:
    from ..faults import FAULTS

    columns, colour = width(sys.stderr), has_colour(sys.stderr)
    for fault, count in faults.items():
        known = FAULTS.get(fault)
        head = f"{count} {fault}"
        room = None if columns is None else columns - len(head) - 2
        print(f"{paint(head, 'bold', colour)}  {fit(known.line if known else '', room)}".rstrip(), file=sys.stderr)
