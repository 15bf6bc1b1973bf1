"""The log line of each request, written off the path where the log's handler can take many lines at once."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter, time
from typing import Any, Protocol

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

    def write(self, exchange: Exchange[Any]) -> None:
        """Log an exchange that has ended."""
        if not self._wanted:
            return
        line = LogLine(_fields(exchange))
        if _batching(self._logger) is None:
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
        handler = _batching(self._logger) if waiting else None
        if handler is not None:
            handler.write_lines(self._logger.name, logging.INFO, waiting)


def _fields(exchange: Exchange[Any]) -> dict[str, Any]:
    error, client = exchange.error, exchange.client
    return {
        "request": exchange.request_id.decode("latin-1"),
        "method": client.method,
        "path": client.path[:200],
        "status": exchange.status,
        "ms": int((perf_counter() - exchange.began) * 1e3),
        "upstream": exchange.upstream,
        "model": exchange.model,
        "bytes": client.sent,
        "faults": exchange.faults,
        "error": (error.code or error.type) if error is not None else None,
    }


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
