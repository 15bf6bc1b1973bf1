"""`trueline sim`: the arguments and the server are those of `trueline.sim.cli`."""

from __future__ import annotations

import argparse

__all__ = ["EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline sim [flags]"
EPILOG = """\
examples:
  trueline sim --port 8000
  trueline sim --fault usage-missing,finish-missing
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
