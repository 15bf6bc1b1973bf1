"""A client that sends one request as it is told and reads whatever comes."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

from trueline.sim import SimServer

CHAT = "/v1/chat/completions"
SECONDS = 10.0


@dataclass
class Answer:
    """What came, and how it ended."""

    raw: bytes = b""
    reset: bool = False
    ended: bool = False
    """The server closed the connection."""
    reads: list[bytes] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    @property
    def complete(self) -> bool:
        """Is the body as long as the head promised?"""
        length = re.search(rb"content-length: (\d+)", self.head)
        if length:
            return len(self.raw.partition(b"\r\n\r\n")[2]) == int(length[1])
        return self.raw.endswith(b"0\r\n\r\n")

    @property
    def body(self) -> bytes:
        """The body without its transfer coding, as far as it came."""
        rest = self.raw.partition(b"\r\n\r\n")[2]
        if b"transfer-encoding: chunked" not in self.head:
            return rest
        body = b""
        while rest:
            size, found, rest = rest.partition(b"\r\n")
            if not found or not int(size, 16):
                break
            body += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        return body

    @property
    def events(self) -> list[bytes]:
        return [event for event in self.body.split(b"\n\n") if event]


def chat(prompt: str = "echo: one two three four five six", **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}], **fields}


def request_bytes(body: dict[str, Any] | None, path: str = CHAT, close: bool = True, **headers: str) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "host: sim", f"content-length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append("connection: close" if close else "connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


async def ask(sim: SimServer, body: dict[str, Any] | None, path: str = CHAT, **headers: str) -> Answer:
    """One request on a connection of its own, read to its end."""
    reader, writer = await asyncio.open_connection(sim.host, sim.port)
    try:
        writer.write(request_bytes(body, path, True, **headers))
        return await read_all(reader)
    finally:
        writer.close()


async def read_all(reader: asyncio.StreamReader) -> Answer:
    answer = Answer()
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                data = await reader.read(65536)
            except ConnectionResetError:
                answer.reset = True
                return answer
            if not data:
                answer.ended = True
                return answer
            answer.reads.append(data)
            answer.raw += data
