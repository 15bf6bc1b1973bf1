"""The command `trueline`: one file per verb, each with `add_arguments(parser)` and `run(args) -> exit code`.

A verb's file is imported when that verb is called, so that `trueline --help` costs nothing.  Exit codes of every verb:
0 done, 1 it failed, 2 it was called wrongly (arguments, settings, a file that is not there).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType, ModuleType

from .version import version_text

__all__ = ["VERBS", "build_parser", "main"]

VERBS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "run the proxy",
        "fix": "write the exact form of a recorded reply",
        "explain": "show a recorded reply event by event, and what each rule did",
        "count": "count the tokens of a text or a request",
        "check": "probe an endpoint and print a report card",
        "faults": "list the faults that Trueline knows, or explain one",
        "providers": "list the providers and model servers that Trueline knows",
        "sim": "run a model server that commits chosen faults",
        "replay": "play recorded replies again, for any client",
    }
)

_EPILOG = """\
examples:
  trueline serve                                         find a model server, or start the demo
  trueline serve --upstream http://127.0.0.1:8000/v1     put Trueline before a server
  trueline fix reply.json                                the exact reply on stdout, its faults on stderr
  trueline explain reply.sse                             what became of each event, and why
  trueline check http://127.0.0.1:8000/v1                what a server gets wrong, and which clients it breaks
  trueline count request.json                            how many tokens a prompt has
  trueline faults finish                                 the faults of finish_reason
  trueline providers                                     whom `provider: NAME` and `NAME/model` reach

`trueline VERB --help` says more about a verb.
"""


def build_parser(verbs: Collection[str] = tuple(VERBS)) -> argparse.ArgumentParser:
    """The parser, with the arguments of `verbs`; of the others it knows the name only, and imports nothing."""
    parser = argparse.ArgumentParser(
        prog="trueline",
        description="The OpenAI-format proxy: every reply is exact OpenAI format, or an honest OpenAI error.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"trueline {version_text()}")
    choices = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", help="what to do")
    for name, line in VERBS.items():
        verb = choices.add_parser(name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name in verbs:
            module = _module(name)
            verb.usage = module.USAGE
            verb.epilog = module.EPILOG
            module.add_arguments(verb)
            verb.description = textwrap.fill(verb.description or module.DESCRIPTION, 80)
    return parser


def _module(verb: str) -> ModuleType:
    return importlib.import_module(f".{verb}", __name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in arguments if not word.startswith("-")), "")
    parser = build_parser([verb] if verb in VERBS else [])
    if verb and verb not in VERBS:
        return _no_such_verb(verb)
    if not arguments:
        parser.print_help()
        return 0
    try:
        args = parser.parse_args(arguments)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 2
    if args.verb is None:
        parser.print_help()
        return 0
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    try:
        code: int = _module(args.verb).run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has seen enough (`trueline faults | head`).  Python would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _no_such_verb(verb: str) -> int:
    import difflib

    near = difflib.get_close_matches(verb, VERBS, n=1)
    meant = f'; did you mean "{near[0]}"?' if near else ";"
    print(f'trueline: there is no verb "{verb}"{meant} verbs: {", ".join(VERBS)}', file=sys.stderr)
    return 2
