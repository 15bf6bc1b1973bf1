"""The client's side of an exchange, as ASGI gives it: its body, its going away, and the reply to it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

from ..errors import TooLargeError
from .headers import Pairs

__all__ = ["Client", "ClientGone", "broken_off"]

broken_off: ContextVar[bool] = ContextVar("broken_off", default=False)
"""In the task of a request: its reply was left without an end on purpose."""

_PLAIN = re.compile(rb"[!-~]*")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed its connection; nobody is left to answer."""


class Client:
    """One request and the reply to it.

    `read` and `body` take the request; `start`, `write` and `end` give the reply, each write waiting until the client
    has taken enough of the one before (back-pressure); `break_off` leaves it without an end.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        # Where the application is mounted, the path in front of it is not its own.
        self.path = _text(raw_path.removeprefix(quote(scope.get("root_path") or "").encode()))
        query: bytes = scope.get("query_string") or b""
        self.query = "?" + _text(query) if query else ""
        self.headers: Pairs = list(scope["headers"])
        self.tried: str | None = scope.get("trueline.tried")
        """What is known of the upstream from this very request, which was passed on by the native server."""
        self.started = False
        self.sent = 0
        """Bytes of the reply's body."""
        self._receive = receive
        self._send = send
        self._limit = limit
        self._body_read = False

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` is lower-case."""
        return next((value for key, value in self.headers if key == name), None)

    # -- the request --------------------------------------------------------------------------------------------------

    def check_length(self) -> None:
        """Raises TooLargeError, where the request says that its body will be."""
        declared = self.header(b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()

    async def read(self) -> bytes:
        """The whole body.  Raises TooLargeError, ClientGone."""
        pieces = [piece async for piece in self.body()]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives.  Raises TooLargeError, ClientGone."""
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._limit:
                raise self._too_large()
            if piece:
                yield piece
            if not message.get("more_body"):
                self._body_read = True
                return

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body of your request is larger than the {self._limit} bytes that are allowed.")

    async def gone(self) -> None:
        """Return when the client has closed its connection; only to be awaited once the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @property
    def body_read(self) -> bool:
        return self._body_read

    # -- the reply ----------------------------------------------------------------------------------------------------

    async def start(self, status: int, headers: Pairs) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        self.sent += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        self.sent += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    def break_off(self) -> None:
        """Leave the reply without an end, so that the server closes the connection and it cannot look complete."""
        broken_off.set(True)


def _text(raw: bytes) -> str:
    """A path or query as the next server may be given it: bytes that have no place in a URL are percent-encoded."""
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E else f"%{byte:02X}" for byte in raw)
