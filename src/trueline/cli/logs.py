"""The log on standard error, which never makes a request wait: where nobody reads the pipe, lines are dropped."""

from __future__ import annotations

import logging
import select
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

__all__ = ["JsonLines", "NeverWaiting"]

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


class JsonLines(logging.Formatter):
    """Each record as one JSON object: `time`, `level`, `logger`, then the fields of the line, or `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        said = record.args[0] if isinstance(record.args, tuple) and len(record.args) == 1 else None
        fields = getattr(said, "fields", None)
        line |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _without_surrogates(line)


def _without_surrogates(line: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(line).decode()
    except UnicodeEncodeError:  # a lone surrogate, in a name that a client chose
        clean = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in line.items()}
        return msgspec.json.encode(clean).decode()
