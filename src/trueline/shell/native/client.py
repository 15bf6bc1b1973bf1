"""One request on a connection of the native server, and the reply to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ..headers import Pairs

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from .exchange import NativeExchange
    from .turns import Turns

__all__ = ["CONTINUE", "NativeClient"]

LARGE: Final = 256 * 1024
"""Bytes of a body that is not copied to be in one write with its head."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class NativeClient:
    """The client's side of an exchange.

    `reply` answers in one write; `start`, `write` and `end` give a stream, its head leaving with the first of it;
    `break_off` leaves it without an end.  Nothing here waits: `NativeExchange.pause` is called when the client has
    not taken what was written.
    """

    method = "POST"
    given_id: bytes | None = None
    length: bytes | None = None
    expects = False
    """It waits for `100 Continue` before it sends its body."""
    keep_alive = True
    chunked = True
    """What has no length is sent in chunks; to HTTP/1.0, up to the close."""
    complete = False
    """The request's body is here."""
    started = False
    sent = 0
    exchange: NativeExchange | None = None
    cycle: RequestResponseCycle | None = None
    """What answers it in place of an exchange, where it was passed on to the application."""
    _head = b""
    _send: Callable[[bytes], object]
    """Once a stream has begun."""

    def __init__(self, turns: Turns, path: str, query: str, headers: Pairs) -> None:
        self.turns = turns
        self.path = path
        self.query = query
        self.headers = headers
        """All but those that every request has another value of: its length and its id."""
        self.said = headers
        """The same as they came, keys that are not for the upstream included."""
        self.pieces: list[bytes] = []

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` is lower-case."""
        if name == b"x-request-id":
            return self.given_id
        if name == b"content-length":
            return self.length
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def body(self) -> bytes:
        """The request's body, which is let go of."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def gone(self) -> None:
        """The connection is closed."""
        if self.exchange is not None:
            self.exchange.gone()
        elif self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def be_last(self) -> None:
        """The connection closes behind the reply."""
        self.keep_alive = False
        if self.cycle is not None:
            self.cycle.keep_alive = False

    # -- the reply ----------------------------------------------------------------------------------------------------

    def reply(self, status: int, head: bytes, body: bytes) -> None:
        """Answer; `head`: header lines, the body's length among them."""
        self.started = True
        self.sent = len(body)
        turns = self.turns
        if len(body) > LARGE:
            turns.transport.write(self._render(status, head, b"\r\n"))
            turns.transport.write(body)
        elif status == 200 and self.keep_alive:
            turns.transport.write(b"%b%b\r\n%b" % (turns.ok_line(), head, body))
        else:
            turns.transport.write(self._render(status, head, b"\r\n") + body)

    def start(self, status: int, head: bytes) -> None:
        """Begin a stream; its head leaves with its first bytes."""
        self.started = True
        self._send = self.turns.transport.write
        if self.chunked:
            self._head = self._render(status, head, b"transfer-encoding: chunked\r\n\r\n")
        else:
            self.keep_alive = False
            self._head = self._render(status, head, b"\r\n")

    def write(self, data: bytes) -> None:
        """Send bytes of a stream; never empty."""
        self.sent += len(data)
        if self.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._head:
            data = self._head + data
            self._head = b""
        self._send(data)

    def end(self, data: bytes = b"") -> None:
        """Send the last bytes of a stream, if there are any, and its end."""
        self.sent += len(data)
        if self.chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        if self._head:
            data = self._head + data
            self._head = b""
        self.turns.transport.write(data)

    def break_off(self) -> None:
        """Leave the reply without an end, so that it cannot look complete."""
        self.keep_alive = False
        if self._head:
            self.turns.transport.write(self._head)
            self._head = b""
        self.turns.transport.close()

    def _render(self, status: int, head: bytes, last: bytes) -> bytes:
        """The head of a reply."""
        start = self.turns.ok_line() if status == 200 else STATUS_LINE[status] + self.turns.date()
        if self.keep_alive:
            return start + head + last
        return start + head + b"connection: close\r\n" + last
