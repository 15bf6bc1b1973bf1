"""Many clients for the price of few: each is one socket, an HTTP parser and a regular expression."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import httptools

__all__ = ["StreamClient"]

_CONTENT = re.compile(rb'"content":"([^"]*)"')


class StreamClient(asyncio.Protocol):
    """Asks for one stream and keeps its text.  `text` must need no escapes in JSON."""

    def __init__(
        self, number: int, text: str, options: dict[str, object], on_event: Callable[[StreamClient, int], None]
    ):
        self.number = number
        self.wanted = text.encode()
        self.said = bytearray()
        self.events = 0
        self.status = 0
        self.complete = False
        """The reply ended as HTTP says, after `[DONE]`."""
        self.rest = b""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_event = on_event
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"I am {number}"}], "stream": True}
        self._body = json.dumps({**body, "x_sim": {"text": text, **options}}).encode()

    @property
    def finished(self) -> bool:
        """All of the text came, nothing else, and the end of it."""
        return self.complete and self.status == 200 and self.said == self.wanted

    def __str__(self) -> str:
        how = "complete" if self.complete else f"incomplete, {self.rest!r}"
        return f"client {self.number}: status {self.status}, {self.events} events, {how}"

    def leave(self) -> None:
        """Go away without a word: half of the clients close their connection, the others reset it."""
        assert self._transport is not None
        if self.number % 4:
            self._transport.abort()
        else:
            self._transport.close()

    # -- asyncio ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: load\r\ncontent-length: {len(self._body)}\r\n"
        transport.write(head.encode() + b"content-type: application/json\r\n\r\n" + self._body)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    # -- httptools ----------------------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        events, end, rest = (self.rest + data).rpartition(b"\n\n")
        self.rest = rest
        words = _CONTENT.findall(events + end)
        if words:
            self.said += b"".join(words)
            before = self.events
            self.events += len(words)
            self._on_event(self, before)
        if events.endswith(b"data: [DONE]"):
            self.rest = b"[DONE]" + rest

    def on_message_complete(self) -> None:
        self.complete = self.rest == b"[DONE]"
        if self._transport is not None:
            self._transport.close()
