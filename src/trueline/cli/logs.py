"""The log on standard error, which never makes a request wait: where nobody reads the pipe, lines are dropped."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO, cast

import msgspec

from ..shell.logline import LogLine

__all__ = ["JsonLines", "NeverWaiting", "TextLines"]

_PIECE = select.PIPE_BUF
"""Bytes of a write: a pipe that is ready takes so many without blocking (POSIX)."""


class _FormatsLines(Protocol):
    def format_line(self, created: float, logger: str, level: int, line: LogLine) -> str: ...


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

    def write_lines(self, logger: str, level: int, lines: Sequence[tuple[float, LogLine]]) -> None:
        """Many lines at once, as `emit` would write each: no log record is made for them.

        `lines`: each with the time at which it was made, in seconds since the epoch.
        """
        formatter = cast(_FormatsLines, self.formatter)
        try:
            texts = [formatter.format_line(at, logger, level, line) + self.terminator for at, line in lines]
            for count, text in _pieces(texts):
                if self.dropped and self._write(f"{self.dropped} lines of the log were dropped: nobody read them.\n"):
                    self.dropped = 0
                if self.dropped or not self._write(text):
                    self.dropped += count
        except Exception:
            self.handleError(logging.LogRecord(logger, level, __file__, 0, "%d lines", (len(lines),), None))

    def _write(self, text: str) -> bool:
        """Whether it was written, or at least begun."""
        step = _PIECE if text.isascii() else _PIECE // 4
        for at in range(0, len(text), step):
            if not self._takes_more():
                return at > 0
            self.stream.write(text[at : at + step])
            self.flush()
        return True

    def _takes_more(self) -> bool:
        try:
            return bool(select.select((), (self.stream.fileno(),), (), 0)[1])
        except (OSError, ValueError, AttributeError):  # no file, or one that cannot be asked
            return True


def _pieces(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The texts in as few writes as a pipe allows, each with the number of texts in it; a long text stands alone."""
    first, size = 0, 0
    for position, text in enumerate(texts):
        if size and size + len(text) > _PIECE:
            yield position - first, "".join(texts[first:position])
            first, size = position, 0
        size += len(text)
    if size:
        yield len(texts) - first, "".join(texts[first:])


class TextLines(logging.Formatter):
    """Each record as one line: time, level, logger, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._second = -1
        self._shown = ""

    def format_line(self, created: float, logger: str, level: int, line: LogLine) -> str:
        """What `format` makes of a record with this line."""
        second = int(created)
        if second != self._second:
            self._second = second
            self._shown = time.strftime(self.default_time_format, self.converter(second))
        return f"{self._shown},{int((created - second) * 1000):03d} {logging.getLevelName(level)} {logger}: {line}"


class JsonLines(logging.Formatter):
    """Each record as one JSON object: `time`, `level`, `logger`, then the fields of the line, or `message`."""

    def format_line(self, created: float, logger: str, level: int, line: LogLine) -> str:
        """What `format` makes of a record with this line."""
        return _without_surrogates({**_start(created, logger, level), **line.fields})

    def format(self, record: logging.LogRecord) -> str:
        """See logging."""
        line = _start(record.created, record.name, record.levelno)
        said = record.args[0] if isinstance(record.args, tuple) and len(record.args) == 1 else None
        fields = getattr(said, "fields", None)
        line |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _without_surrogates(line)


def _start(created: float, logger: str, level: int) -> dict[str, Any]:
    return {
        "time": datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "level": logging.getLevelName(level).lower(),
        "logger": logger,
    }


def _without_surrogates(line: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(line).decode()
    except UnicodeEncodeError:  # a lone surrogate, in a name that a client chose
        clean = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in line.items()}
        return msgspec.json.encode(clean).decode()
