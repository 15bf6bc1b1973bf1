"""TLS over a transport: to the connection a transport, to the socket a protocol, and nothing scheduled between them.

The event loops' own TLS asks OpenSSL for 256 KB at a time.  The C library gets a buffer of that size from the kernel
and gives it back, for every record: several times what the record itself costs.  A record holds 16 KB at most, so that
is what is asked for here; and none is looked for where nothing more has arrived, since being told so is an exception.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

__all__ = ["SecureTransport"]

_RECORD = 16 * 1024  # RFC 8446 section 5.1: what a record holds at most, so that one read takes all of it
_AGAIN = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class SecureTransport(asyncio.Transport, asyncio.Protocol):
    """The client's side of a TLS connection.  Made by `over`, which returns it when the handshake is done."""

    __slots__ = (
        "_cause", "_closing", "_full", "_incoming", "_loop", "_object", "_open", "_outgoing", "_paused", "_protocol",
        "_ready", "_stuck", "_under", "_waiting",
    )  # fmt: skip

    def __init__(self, protocol: asyncio.BaseProtocol, context: ssl.SSLContext, host: str) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = cast(asyncio.Protocol, protocol)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._under: asyncio.Transport
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._open = False
        """The handshake is done, and nothing has ended the connection since."""
        self._closing = False
        self._cause: Exception | None = None
        """What is wrong with what the peer sends."""
        self._paused = False
        self._full = False
        """The transport underneath takes no more for now."""
        self._stuck = False
        """OpenSSL takes no more before it has read something: the peer wants to renegotiate (TLS 1.2)."""
        self._waiting: deque[bytes | bytearray | memoryview] = deque()

    @classmethod
    async def over(
        cls, transport: asyncio.Transport, protocol: asyncio.BaseProtocol, context: ssl.SSLContext, host: str
    ) -> SecureTransport:
        """Shake hands over `transport`, whose data is ours from now on; `protocol` is not told of its connection.

        Where that fails, closing `transport` is left to the caller.  There is no time limit.

        Raises:
            ssl.SSLError: the certificate is not to be trusted, or that is no TLS.
            OSError: the connection ended.
        """
        secure = cls(protocol, context, host)
        if transport.is_closing():
            raise ConnectionResetError  # whoever had the transport before was told, and we shall not be
        transport.set_protocol(secure)
        secure.connection_made(transport)
        await secure._ready
        return secure

    # ---- what comes from underneath

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._under = cast(asyncio.Transport, transport)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._incoming.write(data)
        if not self._open:
            if not self._closing:
                self._shake_hands()
        elif not self._paused:
            self._take()

    def eof_received(self) -> None:
        """See asyncio.  An end that TLS has not announced may be anybody's doing: the connection is lost."""
        if self._open and not self._paused:
            self._take()
        self._fail(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._open = False
        self._closing = True
        self._waiting.clear()
        if not self._ready.done():
            self._ready.set_exception(exc if isinstance(exc, OSError) else ConnectionResetError())
        elif self._ready.cancelled() or self._ready.exception() is not None:
            pass  # the protocol has never had a connection
        else:
            self._protocol.connection_lost(self._cause or exc)

    def pause_writing(self) -> None:
        """See asyncio."""
        self._full = True
        if not self._stuck:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._full = False
        if not self._stuck:
            self._protocol.resume_writing()

    def _shake_hands(self) -> None:
        try:
            self._object.do_handshake()
        except _AGAIN:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert, which says to the peer what is wrong
            self._closing = True
            if not self._ready.done():
                self._ready.set_exception(error)
        else:
            self._flush()
            self._open = True
            if not self._ready.done():
                self._ready.set_result(None)
            self._loop.call_soon(self._catch_up)  # what has come with the end of the handshake

    def _catch_up(self) -> None:
        if self._open and not self._paused:
            self._take()

    def _take(self) -> None:
        """Hand on all that has arrived, in one piece."""
        incoming, read = self._incoming, self._object.read
        pieces: list[bytes] = []
        ended = False
        failure: Exception | None = None
        try:
            while True:
                piece = read(_RECORD)
                if not piece:
                    ended = True
                    break
                pieces.append(piece)
                if not incoming.pending:
                    break
        except _AGAIN:
            pass  # the rest of a record is still to come, or it was a message of TLS itself
        except ssl.SSLError as error:
            failure = error
        if self._outgoing.pending:
            self._flush()
        if self._waiting:
            self._encrypt()
        if pieces:
            self._protocol.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if failure is not None:
            self._fail(failure)
        elif ended and self._open and not self._paused:  # once it reads again, the end is found again
            self._protocol.eof_received()
            self.close()

    def _fail(self, cause: Exception | None) -> None:
        """Drop the connection, of which the protocol is told as soon as the transport underneath tells us."""
        if not self._closing:
            self._cause = cause
            self.abort()

    # ---- what comes from the protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        if data and self._open:
            self._waiting.append(data)
            if not self._stuck:
                self._encrypt()

    def _encrypt(self) -> None:
        waiting, write = self._waiting, self._object.write
        try:
            while waiting:
                data = waiting[0]
                taken = write(data)
                if taken < len(data):
                    waiting[0] = memoryview(data)[taken:]
                else:
                    waiting.popleft()
        except _AGAIN:
            pass
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._flush()
        if self._stuck is not bool(waiting):
            self._stuck = not self._stuck
            if not self._full:
                (self._protocol.pause_writing if self._stuck else self._protocol.resume_writing)()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._under.write(self._outgoing.read())

    def pause_reading(self) -> None:
        """See asyncio."""
        if self._open and not self._paused:
            self._paused = True
            self._under.pause_reading()

    def resume_reading(self) -> None:
        """See asyncio."""
        if self._open and self._paused:
            self._paused = False
            self._loop.call_soon(self._catch_up)
            self._under.resume_reading()

    def is_reading(self) -> bool:
        """See asyncio."""
        return self._open and not self._paused

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._closing or self._under.is_closing()

    def close(self) -> None:
        """Announce the end and close; the peer's announcement is not waited for."""
        if self._open:
            self._open = False
            self._closing = True
            try:
                self._object.unwrap()
            except ssl.SSLError:
                pass  # it has not announced its own end yet, or sends something else instead
            self._flush()
            self._under.close()

    def abort(self) -> None:
        """See asyncio."""
        self._open = False
        self._closing = True
        self._under.abort()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See asyncio."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See asyncio."""
        return self._protocol

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See asyncio; `ssl_object` is ours."""
        return self._object if name == "ssl_object" else self._under.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """See asyncio."""
        return self._under.get_write_buffer_size() + sum(map(len, self._waiting))

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """See asyncio."""
        return self._under.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio."""
        self._under.set_write_buffer_limits(high, low)

    def can_write_eof(self) -> bool:
        """See asyncio: TLS knows no half of a connection."""
        return False
