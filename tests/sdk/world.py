"""Trueline before the model server, both in one loop in a thread: the SDK's sync and async clients reach them alike."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from trueline.settings import load_settings
from trueline.shell.app import create_app
from trueline.shell.native import NativeProtocol
from trueline.sim import SimServer

__all__ = ["SECONDS", "World", "running_world", "sim"]

SECONDS = 60.0
"""How long anything may take before a test fails; nothing here waits that long on purpose."""


class World:
    """The addresses of both servers, and the model server itself."""

    def __init__(self, upstream: str | None = None) -> None:
        self.sim = SimServer()
        self.url = ""
        """Base URL of Trueline, with /v1."""
        self.port = 0
        self._upstream = upstream
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._server: uvicorn.Server | None = None

    @property
    def direct(self) -> str:
        """Base URL of the model server, with /v1: what a client gets without Trueline."""
        return self.sim.url

    def run(self) -> None:
        """The thread's body."""
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failed = error
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with self.sim:
            sock = socket.create_server(("127.0.0.1", 0))
            app = create_app(load_settings({"upstream": self._upstream or self.sim.url}))
            config = uvicorn.Config(
                app,
                http=NativeProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
            )
            self._server = _Server(config, self._ready)
            self.port = sock.getsockname()[1]
            self.url = f"http://127.0.0.1:{self.port}/v1"
            await self._server.serve(sockets=[sock])

    def wait(self) -> None:
        """Until both servers answer.  Raises what stopped them."""
        assert self._ready.wait(SECONDS)
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready.set()


@contextmanager
def running_world(upstream: str | None = None) -> Iterator[World]:
    """Both servers, until the block ends.  Trueline's upstream is the model server unless another one is named."""
    world = World(upstream)
    thread = threading.Thread(target=world.run, name="servers", daemon=True)
    thread.start()
    try:
        world.wait()
        yield world
    finally:
        world.stop()
        thread.join(SECONDS)


def sim(**options: Any) -> dict[str, Any]:
    """`extra_body` that tells the model server how to answer; seeded, so that each answer can be had again."""
    return {"x_sim": {"seed": 1, **options}}
