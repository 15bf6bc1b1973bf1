"""Writes recorded exchanges to a folder: one file each, in a thread, within limits, and never at the cost of a reply.

What cannot be written is said once in the log and given up; the exchange never hears of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from ..recordings import Body, Call, Recording, Request, Sent, headers_of, scrub_path
from ..settings import Settings
from .exchange import Exchange
from .headers import Pairs, is_credential
from .tape import Tape, TapedBody, TapedCall
from .upstream import Target

__all__ = ["Recorder", "prepare_folder"]

log = logging.getLogger("trueline.recorder")

_MOST_WAITING = 64 * 1024 * 1024
"""Bytes of exchanges that may wait for the disk; more are not recorded."""
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_SCHEME = re.compile(rb"^\s*[A-Za-z]+\s+")


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, if it is not there.  Raises OSError: nothing can be written to it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied")


class Recorder:
    """The recordings of one process.  `start` it before the first exchange, `close` it after the last."""

    def __init__(self, folder: str, settings: Settings) -> None:
        self._folder = Path(folder)
        self._settings = settings
        self._secrets = tuple(_secrets_of(settings))
        self._names = {
            Target.parse(each.url).origin: name for name, each in settings.upstreams.items() if not each.demo
        }
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._waiting = 0
        self._left = 0
        self._full = False
        self._complained: set[str] = set()

    async def start(self) -> None:
        """Look at the folder.  Raises OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        prepare_folder(self._folder)
        used = sum(entry.stat().st_size for entry in os.scandir(self._folder) if entry.name.endswith(".json"))
        # Each worker has a share of its own, so that together they keep the limit.
        self._left = max(self._settings.limits.recorded_total - used, 0) // self._settings.workers

    async def close(self) -> None:
        """Write what waits, and stop."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def tape(self, scope: Any) -> Tape | None:
        """A tape for an exchange, unless the folder is full."""
        return None if self._full else Tape(scope, self._settings.limits.recorded_body)

    def keep(self, tape: Tape, exchange: Exchange[Any]) -> None:
        """Write the exchange, which has ended, some time soon."""
        held = tape.held
        if self._waiting + held > _MOST_WAITING:
            self._complain("the disk is too slow: some exchanges are not recorded")
            return
        self._waiting += held
        told = _Told(exchange)
        loop = asyncio.get_running_loop()
        try:
            written = self._thread.submit(self._write, tape, told)
        except RuntimeError:  # shut down
            return
        written.add_done_callback(lambda _: self._written(loop, held))

    def _written(self, loop: asyncio.AbstractEventLoop, held: int) -> None:
        def release() -> None:
            self._waiting -= held

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            loop.call_soon_threadsafe(release)

    # ---- in the thread

    def _write(self, tape: Tape, told: _Told) -> None:
        try:
            data = self._recording(tape, told).encode()
            if len(data) > self._left:
                self._full = True
                total = self._settings.limits.recorded_total
                self._complain(f"recording has stopped: {self._folder} may not hold more than {total} bytes")
                return
            self._left -= len(data)
            _create(self._folder, f"{told.at[:-1].replace(':', '-')}-{_NAME.sub('', told.id)[:36]}", data)
        except OSError as error:
            self._complain(f"cannot record to {self._folder}: {error.strerror or error}")
        except Exception:
            log.exception("request %s could not be recorded", told.id)

    def _complain(self, message: str) -> None:
        if message not in self._complained:
            self._complained.add(message)
            log.warning("%s", message)

    def _recording(self, tape: Tape, told: _Told) -> Recording:
        secrets = {*self._secrets, *_credentials(tape.headers)}
        limit = tape.limit

        def body(taped: TapedBody) -> Body:
            return Body.of(b"".join(taped.pieces), taped.reads, limit=limit, secrets=secrets, size=taped.size)

        def call(taped: TapedCall) -> Call:
            return Call(
                self._names.get(taped.origin) or told.upstream,
                taped.method,
                scrub_path(taped.path),
                headers_of(taped.headers, secrets),
                body(taped.body),
                taped.status,
                headers_of(taped.reply_headers, secrets),
                body(taped.reply),
                round(taped.head_ms, 3),
                taped.end,
                taped.why,
            )

        return Recording(
            id=told.id,
            at=told.at,
            ms=told.ms,
            request=Request(tape.method, scrub_path(tape.path), headers_of(tape.headers, secrets), body(tape.request)),
            calls=[call(taped) for taped in tape.calls],
            reply=Sent(tape.status, headers_of(tape.reply_headers, secrets), body(tape.reply)),
            faults=told.faults,
            error=told.error,
            format=msgspec.to_builtins(told.options),
        )


class _Told:
    """What the exchange itself says, copied while it is at rest."""

    def __init__(self, exchange: Exchange[Any]) -> None:
        self.id = exchange.request_id.decode("latin-1")
        elapsed = perf_counter() - exchange.began
        self.ms = round(elapsed * 1e3, 3)
        began = datetime.now(UTC) - timedelta(seconds=elapsed)
        self.at = began.isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.upstream = exchange.upstream or ""
        self.faults = dict(exchange.faults)
        error = exchange.error
        self.error = (error.code or error.type) if error is not None else None
        self.options = exchange.options


def _create(folder: Path, name: str, data: bytes) -> None:
    """A new file for its owner alone; it appears under its name when it is complete."""
    part = folder / f".{name}.part"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    target, number = folder / f"{name}.json", 1
    while target.exists():
        number += 1
        target = folder / f"{name}-{number}.json"
    part.rename(target)


def _secrets_of(settings: Settings) -> Iterable[bytes]:
    for key in settings.keys:
        yield key.reveal().encode()
    for upstream in settings.upstreams.values():
        if upstream.key is not None:
            yield upstream.key.reveal().encode()
        for value in upstream.headers.values():
            yield _bare(value.reveal().encode())


def _credentials(headers: Pairs) -> Collection[bytes]:
    """The keys that a client sent."""
    return [_bare(value) for name, value in headers if is_credential(name)]


def _bare(value: bytes) -> bytes:
    """`Bearer KEY` without its scheme."""
    return _SCHEME.sub(b"", value).strip()
