"""The log line of each request, written off the path where the log's handler can take many lines at once."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter, time
from typing import Any, Protocol

from ..prices import shown
from .exchange import Exchange
from .logline import LogLine

__all__ = ["Journal"]

_EVERY = 0.1
"""Seconds that lines may wait for others, where the handler takes many at once."""
_MOST = 500
"""Lines that wait before they are written in any case."""


class _TakesMany(Protocol):
    def write_lines(self, logger: str, level: int, lines: list[tuple[float, LogLine]]) -> None:
        """Lines with the time at which each was made; seconds since the epoch."""


class Journal:
    """One line per exchange, at level INFO.

    A handler with `write_lines` that is the logger's only one gets them in batches, which costs a fraction of a log
    record for each; with any other handlers, each line is a log record, at once.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._wanted = logger.isEnabledFor(logging.INFO)
        self._waiting: list[tuple[float, LogLine]] = []
        self._closed = False
        self._handler = _batching(logger)

    def write(self, exchange: Exchange[Any]) -> None:
        """Log an exchange that has ended."""
        if not self._wanted:
            return
        line = _line(exchange)
        if self._handler is None:
            self._logger.info("%s", line)
            return
        waiting = self._waiting
        waiting.append((time(), line))
        if self._closed or len(waiting) >= _MOST:
            self.flush()
        elif len(waiting) == 1:
            asyncio.get_running_loop().call_later(_EVERY, self.flush)

    def close(self) -> None:
        """The process ends: nothing waits any more."""
        self._closed = True
        self.flush()

    def flush(self) -> None:
        """Write the lines that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._handler is not None:
            self._handler.write_lines(self._logger.name, logging.INFO, waiting)


def _line(exchange: Exchange[Any]) -> LogLine:
    error, client, used = exchange.error, exchange.client, exchange.used
    return LogLine(
        exchange.request_id.decode("latin-1"),
        client.method,
        client.path[:200],
        exchange.status,
        int((perf_counter() - exchange.began) * 1e3),
        exchange.upstream,
        exchange.model,
        client.sent,
        exchange.faults,
        (error.code or error.type) if error is not None else None,
        exchange.changes,
        None if used is None else used.source,
        None if used is None else used.prompt,
        None if used is None else used.completion,
        None if exchange.spent is None else shown(exchange.spent),
    )


def _batching(logger: logging.Logger) -> _TakesMany | None:
    """The only handler that the logger's lines reach, if it takes many at once."""
    found: logging.Handler | None = None
    each: logging.Logger | None = logger
    while each is not None:
        for handler in each.handlers:
            if found is not None:
                return None
            found = handler
        each = each.parent if each.propagate else None
    return found if hasattr(found, "write_lines") else None
