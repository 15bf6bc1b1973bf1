"""uvicorn around the application: one process, or one per worker.

uvicorn owns the loop, the protocol, the signals and the drain; what is served is `trueline.shell.app:create_app`.
"""

from __future__ import annotations

import inspect
import logging
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

import uvicorn
from uvicorn.supervisors import Multiprocess

from ..settings import Settings, SettingsError
from .listen import BACKLOG
from .serve import Sources

__all__ = ["WorkerApp", "serve"]

_STARTUP_FAILURE = 3
# Longer than clients keep idle connections (5 s in most SDKs), or a request could cross with the close.
_KEEP_ALIVE_SECONDS = 75


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """Makes the application in a worker process.  Only this crosses over, through a pipe: flags as they were typed and
    the name of the file.  A restarted worker (SIGHUP) reads the settings afresh."""

    sources: Sources

    def __call__(self) -> Any:
        threading.Thread(target=_follow_parent, daemon=True).start()
        try:
            settings = self.sources.load(dict(os.environ))
        except SettingsError as error:
            logging.getLogger("trueline").error("settings: %s", error)
            raise SystemExit(_STARTUP_FAILURE) from None
        return _create_app(settings)


def _follow_parent() -> None:
    """Stop when the process that would stop this worker is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _create_app(settings: Settings) -> Any:
    from ..shell.app import create_app

    return create_app(settings, own_process=True)


def serve(sources: Sources, settings: Settings, sock: socket.socket, announce: Callable[[], None]) -> int:
    """Run until a signal, drain, and return the exit code.  `announce` is called when requests are answered."""
    try:
        return _serve(sources, settings, sock, announce)
    finally:
        if settings.socket is not None:
            with suppress(OSError):
                os.unlink(settings.socket)


def _serve(sources: Sources, settings: Settings, sock: socket.socket, announce: Callable[[], None]) -> int:
    if settings.workers > 1:
        return _serve_workers(sources, settings, sock, announce)
    app = _create_app(settings)
    return _serve_here(_config(lambda: app, settings), sock, announce)


def _config(factory: Callable[[], Any], settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        factory,
        factory=True,
        workers=settings.workers,
        loop="auto",  # uvloop, but for platforms that it does not exist on
        http=_http(settings),
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.grace),
        log_config=_logging(settings.log_level, settings.log_format),
    )


def _http(settings: Settings) -> Any:
    """uvicorn's protocol for a connection: its own, or ours."""
    if settings.server == "asgi":
        return "httptools"
    from ..shell.native import NativeProtocol

    return NativeProtocol


def _logging(level: str, form: str = "text") -> dict[str, Any]:
    if level == "info" and _is_thrown_away(sys.stderr):
        level = "warning"  # a line per request costs as much as a tenth of the request
    server = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "trueline.cli.logs.TextLines"},
            "json": {"()": "trueline.cli.logs.JsonLines"},
        },
        "handlers": {"stderr": {"class": "trueline.cli.logs.NeverWaiting", "formatter": form}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"trueline": {"level": level.upper()}, "uvicorn": {"level": server}},
    }


def _is_thrown_away(stream: TextIO) -> bool:
    """Whether what is written goes to the null device."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
    except (OSError, ValueError, AttributeError):
        return False


class _Server(uvicorn.Server):
    """Says so when it is ready, and not before."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and not self.should_exit:
            self._announce()


def _serve_here(config: uvicorn.Config, sock: socket.socket, announce: Callable[[], None]) -> int:
    server = _Server(config, announce)
    if threading.current_thread() is threading.main_thread():
        # uvicorn drains on SIGTERM and then raises it again; a drained server has done what it was told to.
        signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        server.run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    except SystemExit:
        return 1
    finally:
        sock.close()
    return 0 if server.started else 1


class _Workers(Multiprocess):
    """The socket is closed here as well when the workers are to stop: while anyone holds it open, new connections
    would queue up for nobody instead of being refused."""

    def terminate_all(self) -> None:
        for sock in self.sockets:
            sock.close()
        super().terminate_all()


def _serve_workers(sources: Sources, settings: Settings, sock: socket.socket, announce: Callable[[], None]) -> int:
    config = _config(WorkerApp(sources), settings)
    # uvicorn before 0.50 or so wants the target of the processes as well.
    with_target = "target" in inspect.signature(Multiprocess.__init__).parameters
    target: dict[str, Any] = {"target": uvicorn.Server(config).run} if with_target else {}
    supervisor = _Workers(config, sockets=[sock], **target)
    announce()  # The socket listens already: what comes before the first worker is ready waits for it.
    try:
        supervisor.run()
    finally:
        sock.close()
    failed = any(process.process.exitcode == _STARTUP_FAILURE for process in supervisor.processes)
    return 1 if failed else 0
