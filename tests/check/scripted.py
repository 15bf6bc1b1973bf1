"""A server that answers from a script: what a path gets is a function of the request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from trueline.sim import render

__all__ = ["Answer", "Asked", "Server", "clean", "refused", "scripted"]


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """What came, and where."""

    url: str
    requests: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    _running: int = 0


def clean(asked: Asked) -> Answer:
    """OpenAI's own answer."""
    reply, _ = render(asked.method, asked.path, asked.headers, asked.body)
    return reply.status, reply.headers, reply.body


def refused(status: int, message: str, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
    kept = {"content-type": "application/json", "x-request-id": "req_1", **(headers or {})}
    return status, kept, json.dumps({"error": error}).encode()


@asynccontextmanager
async def scripted(answer: Callable[[Asked], Answer | None]) -> AsyncIterator[Server]:
    """Serve; an answer of None drops the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _read(reader)
                made.requests.append(asked)
                made._running += 1
                made.most_at_once = max(made.most_at_once, made._running)
                await asyncio.sleep(0)
                said = answer(asked)
                made._running -= 1
                if said is None:
                    break
                writer.write(_bytes(*said))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made = Server(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    try:
        yield made
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length") or 0)))


def _bytes(status: int, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body
