"""The proxy under uvicorn, in the test's own loop and on real sockets, with its settings and its log at hand.

async with SimServer() as sim, running(settings(sim.url)) as proxy:
    reply = await proxy.chat(stream=True)
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from proxy.talking import Reply, Talk
from shell.upstream.scripted import until
from trueline.settings import ModelAlias, Secret, Settings, Upstream
from trueline.settings.model import Timeouts
from trueline.shell.app import create_app
from trueline.shell.native import NativeProtocol

__all__ = ["CHAT", "Log", "Proxy", "body_of", "running", "settings", "timeouts", "upstream"]

CHAT = "/v1/chat/completions"
WAY_IN = "native"
"""`native` or `asgi`: how requests are taken.  Every test of this folder runs both ways (`conftest.py`)."""
LOGGERS = ("trueline", "uvicorn", "asyncio")


def upstream(url: str, *, name: str = "up", key: str | None = None, **rest: Any) -> Upstream:
    headers = {n: Secret(value) for n, value in rest.pop("headers", {}).items()}
    return Upstream(name=name, url=url, key=Secret(key) if key else None, headers=headers, **rest)


def timeouts(**seconds: float) -> Timeouts:
    return Timeouts(**seconds)


def settings(
    *upstreams: str | Upstream,
    models: Mapping[str, tuple[str, str]] | None = None,
    keys: tuple[str, ...] = (),
    **rest: Any,
) -> Settings:
    """Settings with these upstreams: URLs, or upstreams with a name of their own."""
    made = [each if isinstance(each, Upstream) else upstream(each) for each in upstreams]
    return Settings(
        upstreams={each.name: each for each in made},
        models={alias: ModelAlias(*target) for alias, target in (models or {}).items()},
        keys=tuple(map(Secret, keys)),
        **rest,
    )


def body_of(prompt: str = "echo: one two three four five six", **fields: Any) -> dict[str, Any]:
    """A chat request."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}], **fields}


class Log(logging.Handler):
    """What was logged, as it would be read: `lines` by Trueline itself, `noise` by anyone."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []
        self.noise: list[str] = []
        """From warnings on."""

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if record.name.startswith("trueline"):
            self.lines.append(line)
        if record.levelno >= logging.WARNING:
            self.noise.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Proxy:
    """A proxy that runs."""

    def __init__(self, server: uvicorn.Server, app: Any, port: int, log: Log) -> None:
        self.server = server
        self.app = app
        self.port = port
        self.log = log
        self._talks: list[Talk] = []

    @property
    def running(self) -> int:
        """Exchanges that have not ended."""
        gateway = getattr(self.app.state, "gateway", None)
        native = len(gateway.metrics.running) if gateway is not None else 0
        return max(native, len(self.server.server_state.tasks))

    @property
    def unsent(self) -> int:
        """Bytes that wait in the proxy for clients to take them."""
        return sum(each.transport.get_write_buffer_size() for each in self.server.server_state.connections)

    async def talk(self, *, receive_buffer: int | None = None) -> Talk:
        """A connection to it, closed at the end if not before."""
        talk = await Talk.open("127.0.0.1", self.port, receive_buffer=receive_buffer)
        self._talks.append(talk)
        return talk

    def hang_up(self) -> None:
        """Close all connections to it."""
        for talk in self._talks:
            talk.close()

    async def ask(self, method: str, path: str, content: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own, and the whole reply."""
        talk = await self.talk()
        try:
            await talk.send(method, path, content, **headers)
            return await talk.reply()
        finally:
            talk.close()

    async def chat(self, prompt: str = "echo: one two three four five six", **fields: Any) -> Reply:
        return await self.ask("POST", CHAT, body_of(prompt, **fields))


@asynccontextmanager
async def running(chosen: Settings, *, noisy: bool = False, app: Any = None) -> AsyncIterator[Proxy]:
    """Serve `app`, or the proxy with these settings.

    At the end every exchange must come to its end, and but for `noisy` nothing may have been warned of.
    """
    log = Log()
    for name in LOGGERS:
        logging.getLogger(name).addHandler(log)
    level = logging.getLogger("trueline").level
    logging.getLogger("trueline").setLevel(logging.INFO)
    served = app or create_app(chosen)
    config = uvicorn.Config(
        served,
        http=NativeProtocol if WAY_IN == "native" and app is None else "httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    sock = socket.create_server(("127.0.0.1", 0))
    await server.startup(sockets=[sock])
    assert server.started
    await server.on_tick(0)  # the Date header
    proxy = Proxy(server, served, sock.getsockname()[1], log)
    try:
        yield proxy
    finally:
        proxy.hang_up()
        await _stop(server)
        logging.getLogger("trueline").setLevel(level)
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(log)
    assert noisy or log.noise == []


async def _stop(server: uvicorn.Server) -> None:
    """What uvicorn does, without its ticks of a tenth of a second."""
    state = server.server_state
    for listener in server.servers:
        listener.close()
    async with asyncio.timeout(10):
        for connection in list(state.connections):
            connection.transport.abort()
        await until(lambda: not state.connections and not state.tasks)
        await server.lifespan.shutdown()
