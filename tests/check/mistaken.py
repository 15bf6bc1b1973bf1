"""A tiny server that answers as OpenAI does, but for one mistake.

A mistake is a function on a part of a clean reply: the chunks of a stream, the object of a whole reply, the bytes, or
the status and headers.  Nothing here comes from the model server's own faults.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from trueline.sim import SimReply, render

__all__ = ["DONE", "Json", "Mistake", "answer", "mistaken", "read_request"]

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Mistake:
    """One mistake, where it is made."""

    rule: str
    says: str
    """What must be found: one of these names, parted by blanks."""
    chunks: Callable[[list[Json]], list[Any]] | None = None
    whole: Callable[[Json], Any] | None = None
    frames: Callable[[list[bytes]], list[bytes]] | None = None
    head: Callable[[int, dict[str, str]], tuple[int, dict[str, str]]] | None = None
    on: str = "/chat/completions"
    errors: bool = False
    """Made in errors, and not in good replies."""
    probes: tuple[str, ...] = ("chat.whole", "stream.plain")


class _Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def mistaken(mistake: Mistake | None) -> AsyncIterator[str]:
    """The server; its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await read_request(reader)) is not None:
                writer.write(answer(asked, mistake))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> _Asked | None:
    """The next request; None where there is no more."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return _Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length") or 0)))


def answer(asked: _Asked, mistake: Mistake | None) -> bytes:
    """OpenAI's reply to a request, with the mistake."""
    reply, _ = render(asked.method, asked.path, asked.headers, asked.body, host="https://pictures.example")
    failed = reply.status >= 400
    if mistake is not None and mistake.errors == failed and (failed or mistake.on in asked.path):
        reply = _spoiled(reply, mistake)
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in reply.headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(reply.body)}", "", ""]).encode() + reply.body


def _spoiled(reply: SimReply, mistake: Mistake) -> SimReply:
    made = reply.chunks
    if reply.stream:
        if mistake.chunks is not None:
            objects = [json.loads(frame[6:]) for frame in made[:-1]]
            made = [_event(chunk) for chunk in mistake.chunks(objects)] + made[-1:]
    elif mistake.whole is not None:
        made = [json.dumps(mistake.whole(json.loads(reply.body)), indent=2, ensure_ascii=False).encode()]
    if mistake.frames is not None and (reply.stream or mistake.errors):
        made = mistake.frames(made)
    number, headers = reply.status, reply.headers
    if mistake.head is not None:
        number, headers = mistake.head(number, headers)
    return replace(reply, chunks=made, status=number, headers=headers)


def _event(chunk: Any) -> bytes:
    """An event, padded as OpenAI pads (O2), whatever was changed in it."""
    padded = isinstance(chunk, dict) and "obfuscation" in chunk
    if padded:
        chunk["obfuscation"] = ""
    data = json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode()
    if padded:
        chunk["obfuscation"] = "x" * ((1 - len(data)) % 16)
        data = json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode()
    return b"data: " + data + b"\n\n"
