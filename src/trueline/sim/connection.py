"""One connection of the model server: HTTP/1.1 in with httptools, replies out one after the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httptools
import msgspec

from trueline.sim.writer import ReplyWriter

if TYPE_CHECKING:
    from trueline.sim.server import SimServer

__all__ = ["Connection", "Recorded"]

_MAX_BODY = 64 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True)
class Recorded:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; of repeated ones the last."""
    body: bytes
    keep_alive: bool = True

    @property
    def json(self) -> Any:
        """The body, parsed.  Raises msgspec.DecodeError."""
        return msgspec.json.decode(self.body)


class Connection(asyncio.Protocol):
    """Reads requests; while one is answered, the next ones wait."""

    def __init__(self, server: SimServer) -> None:
        self.server = server
        self.transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._writer: ReplyWriter | None = None
        self._waiting: deque[Recorded] = deque()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it
        self.server.opened(self)
        options = self.server.options
        if options.fail == "refuse" and options.fail_every == 1:
            self.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._writer is not None:
            self._writer.stop()
        self._waiting.clear()
        self.server.closed(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self.transport.write(_BAD_REQUEST)
                self.transport.close()

    def eof_received(self) -> bool:
        # A client that half-closes has gone: a stream to it must end at once.
        return False

    def pause_writing(self) -> None:
        if self._writer is not None:
            self._writer.pause()

    def resume_writing(self) -> None:
        if self._writer is not None:
            self._writer.resume()

    # httptools

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body, self._size = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > _MAX_BODY:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        keep_alive = self._parser.should_keep_alive()
        path = self._url.decode("latin-1")
        self._waiting.append(Recorded(method, path, self._headers, b"".join(self._body), keep_alive))
        self._next()

    # Answers

    def _next(self) -> None:
        if self._writer is not None or not self._waiting or self.transport.is_closing():
            return
        request = self._waiting.popleft()
        reply, options = self.server.answer(request)
        self._writer = ReplyWriter(self, reply, options, request.keep_alive)
        self.server.writers.add(self._writer)
        self._writer.start()
        self.server.changed()

    def finished(self, writer: ReplyWriter, keep_alive: bool) -> None:
        """The writer has done what it had to do."""
        self.server.writers.discard(writer)
        self._writer = None
        if not keep_alive:
            self.transport.close()
        self.server.changed()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def reset(self) -> None:
        """End with a TCP reset: what was not sent yet is thrown away, and the client's next read fails."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def abort(self) -> None:
        """Drop the connection now."""
        self.transport.abort()
