"""`trueline sim`: the arguments and the server are those of `trueline.sim.cli`."""

from __future__ import annotations

import argparse

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline sim [flags]"
DESCRIPTION = (
    "Run a model server that answers like OpenAI's, but commits the faults that it is told to: for trying Trueline "
    "out, and for testing clients."
)
EPILOG = """\
examples:
  trueline sim --port 8000
  trueline sim --fault usage-missing --fault finish-missing
  trueline sim --like ollama

`trueline faults` lists the faults.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the simulator."""
    from ..sim import cli

    cli.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    from ..sim import cli

    return cli.run(args)
