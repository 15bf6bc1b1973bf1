"""The log on standard error, which never makes a request wait: where nobody reads the pipe, lines are dropped."""

from __future__ import annotations

import logging
import select
from typing import TextIO

__all__ = ["NeverWaiting"]

# POSIX: a pipe that is ready takes at least this much without blocking.
_PIECE = 512


class NeverWaiting(logging.StreamHandler[TextIO]):
    """Writes what the stream takes at once.  What it does not take is dropped and counted, and the count is written
    as soon as there is room again."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """See logging."""
        try:
            line = self.format(record) + self.terminator
            if self.dropped and self._write(f"{self.dropped} lines of the log were dropped: nobody read them.\n"):
                self.dropped = 0
            if self.dropped or not self._write(line):
                self.dropped += 1
        except Exception:
            self.handleError(record)

    def _write(self, text: str) -> bool:
        """Whether it was written, or at least begun."""
        for at in range(0, len(text), _PIECE):
            if not self._takes_more():
                return at > 0
            self.stream.write(text[at : at + _PIECE])
            self.flush()
        return True

    def _takes_more(self) -> bool:
        try:
            return bool(select.select((), (self.stream.fileno(),), (), 0)[1])
        except (OSError, ValueError, AttributeError):  # no file, or one that cannot be asked
            return True
