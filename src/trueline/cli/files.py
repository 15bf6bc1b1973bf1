"""The file that a verb is given: read, or complained about; and what is in it, where looks deceive."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["AS", "add_kind", "read_reply"]

AS = {
    "dest": "kind",
    "metavar": "KIND",
    "choices": ("chat", "completions", "embeddings", "images", "models", "model"),
    "help": "what a bare body is: chat, completions, embeddings, images, models or model (default: as it looks)",
}
"""The settings of `--as`: the kinds of `trueline.recorded`, which is not imported to write a help text."""


def add_kind(parser: argparse.ArgumentParser) -> None:
    """The flag `--as`."""
    parser.add_argument("--as", **AS)  # type: ignore[arg-type]  # a table of keywords


def read_reply(file: str | None, what: str = "a reply") -> bytes | None:
    """The content of a file, or of stdin for None and `-`; None, with a line on stderr, where it cannot be read."""
    if file in (None, "-"):
        if sys.stdin.isatty():
            print(f"trueline: reading {what} from the terminal; Ctrl-D ends it", file=sys.stderr)
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as failed:
        print(f"trueline: {file}: {failed.strerror or failed}", file=sys.stderr)
        return None
