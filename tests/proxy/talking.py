"""An HTTP client for tests: sends what it is told, and shows when each piece came and whether the end was clean."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Reply", "Talk", "request_bytes"]

SECONDS = 15.0


@dataclass
class Reply:
    """A reply, whole or as far as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    complete: bool = False
    """It ended as its framing says; else it was cut."""
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error in it, which must have OpenAI's four keys."""
        assert self.header("content-type") == "application/json", self
        found = self.json
        assert list(found) == ["error"], found
        error = found["error"]
        assert list(error) == ["message", "type", "param", "code"], error
        assert isinstance(error["message"], str) and error["message"]
        assert isinstance(error["type"], str) and error["type"]
        return dict(error)

    @property
    def events(self) -> list[bytes]:
        assert not self.body or self.body.endswith(b"\n\n"), self.body[-200:]
        return [event.removeprefix(b"data: ") for event in self.body.split(b"\n\n")[:-1]]

    @property
    def chunks(self) -> list[Any]:
        """The JSON of the events, but for `[DONE]`."""
        return [json.loads(event) for event in self.events if event != b"[DONE]"]

    @property
    def content(self) -> str:
        """The text of a streamed chat."""
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk.get("choices", ())]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def finish(self) -> str | None:
        reasons = [c["finish_reason"] for chunk in self.chunks for c in chunk.get("choices", ())]
        return next((reason for reason in reasons if reason), None)


def request_bytes(method: str, path: str, content: Any = None, **headers: str) -> bytes:
    """A request; `content` that is not bytes becomes JSON.  Header names are given with `_` for `-`."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    if content is not None and not isinstance(content, bytes):
        content = json.dumps(content).encode()
        lines.setdefault("content-type", "application/json")
    if content is not None and "transfer-encoding" not in lines:
        lines.setdefault("content-length", str(len(content)))
    head = [f"{method} {path} HTTP/1.1", "host: proxy.test", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join((*head, "", "")).encode("latin-1") + (content or b"")


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._method = "GET"
        self._left: int | None = 0
        """Bytes of the body that are still to come; None: in chunks; -1: up to the close."""
        self._events = b""

    @classmethod
    async def open(cls, host: str, port: int, *, receive_buffer: int | None = None) -> Talk:
        if receive_buffer is None:
            return cls(*await asyncio.open_connection(host, port))
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
        return cls(*await asyncio.open_connection(sock=sock, limit=receive_buffer))

    async def send(self, method: str, path: str, content: Any = None, **headers: str) -> None:
        self._method = method
        await self.write(request_bytes(method, path, content, **headers))

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def fill(self, piece: bytes, most: int) -> int:
        """Write until nobody takes any more, and no more than `most`; how many bytes were written."""
        transport = self.writer.transport
        transport.set_write_buffer_limits(0)
        sent = 0
        while sent < most:
            transport.write(piece)
            sent += len(piece)
            left, turns = transport.get_write_buffer_size(), 0
            while left and turns < 2000:
                await asyncio.sleep(0)
                turns = turns + 1 if transport.get_write_buffer_size() == left else 0
                left = transport.get_write_buffer_size()
            if left:
                break
        return sent

    async def head(self) -> Reply:
        """Status and headers of the next reply."""
        interim: list[int] = []
        async with asyncio.timeout(SECONDS):
            while True:
                raw = await self.reader.readuntil(b"\r\n\r\n")
                line, *rest = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
                status = int(line.split()[1])
                if status >= 200:
                    break
                interim.append(status)
        headers = [(name.lower(), value.strip()) for name, _, value in (item.partition(":") for item in rest)]
        reply = Reply(status, headers, interim=interim)
        length = reply.header("content-length")
        if self._method == "HEAD" or status in (204, 304):
            self._left = 0
        elif reply.header("transfer-encoding") == "chunked":
            self._left = None
        else:
            self._left = int(length) if length is not None else -1
        return reply

    async def piece(self) -> bytes:
        """Body bytes as they come; b"" at the clean end.  Raises EOFError or ConnectionError where it was cut."""
        async with asyncio.timeout(SECONDS):
            if self._left is None:
                return await self._chunk()
            if self._left == 0:
                return b""
            data = await self.reader.read(65536 if self._left < 0 else min(65536, self._left))
            if not data and self._left > 0:
                raise EOFError
            self._left -= len(data) if self._left > 0 else 0
            return data

    async def _chunk(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        data = await self.reader.readexactly(int(line, 16) + 2)
        if len(data) == 2:
            self._left = 0
        return data[:-2]

    async def event(self) -> bytes:
        """The next event of a stream, without `data: `."""
        while b"\n\n" not in self._events:
            data = await self.piece()
            assert data, "the stream has ended"
            self._events += data
        event, _, self._events = self._events.partition(b"\n\n")
        return event.removeprefix(b"data: ")

    async def rest(self, reply: Reply) -> Reply:
        """The body, as far as it comes."""
        reply.body = self._events
        try:
            while data := await self.piece():
                reply.body += data
            reply.complete = True
        except (EOFError, ConnectionError):
            pass
        return reply

    async def reply(self) -> Reply:
        return await self.rest(await self.head())

    async def closed(self) -> bool:
        """The server has closed the connection."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
