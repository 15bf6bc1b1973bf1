"""The file that a verb is given: read, or complained about."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["read_reply"]


def read_reply(file: str | None) -> bytes | None:
    """The content of a file, or of stdin for None and `-`; None, with a line on stderr, where it cannot be read."""
    if file in (None, "-"):
        if sys.stdin.isatty():
            print("trueline: reading a reply from the terminal; Ctrl-D ends it", file=sys.stderr)
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as failed:
        print(f"trueline: {file}: {failed.strerror or failed}", file=sys.stderr)
        return None
