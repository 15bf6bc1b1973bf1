"""Request bodies on their way out: bytes in pieces, or an async iterator, no faster than the upstream takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from trueline.shell.upstream.connection import Connection

__all__ = ["BytesUpload", "IteratorUpload", "Upload", "UploadOwner"]

_PIECE = 128 * 1024


class UploadOwner(Protocol):
    """Who wants to know how far an upload has come."""

    def upload_waiting(self) -> None:
        """The upstream takes no more for now."""

    def upload_moving(self) -> None:
        """The upstream takes bytes again; what is waited for is ours to bring."""

    def upload_done(self) -> None:
        """The last byte was handed to the socket."""

    def upload_failed(self, error: Exception) -> None:
        """The body could not be produced."""


class Upload(Protocol):
    """A body being sent."""

    def start(self) -> None:
        """Send what can be sent now."""

    def resume(self) -> None:
        """The socket takes bytes again."""

    def stop(self) -> None:
        """Send nothing more; no callback follows."""


class BytesUpload:
    """A body too large for one write, sent piece by piece so that a stall can be told from a slow line."""

    def __init__(self, connection: Connection, body: bytes, owner: UploadOwner) -> None:
        self._connection = connection
        self._rest = memoryview(body)
        self._owner = owner

    def start(self) -> None:
        self.resume()

    def resume(self) -> None:
        connection = self._connection
        while self._rest and connection.writable:
            connection.write(self._rest[:_PIECE])
            self._rest = self._rest[_PIECE:]
        if self._rest:
            self._owner.upload_waiting()
        else:
            self._owner.upload_done()

    def stop(self) -> None:
        self._rest = self._rest[:0]


class IteratorUpload:
    """An async iterator, in chunks, or plain where its length is known."""

    def __init__(
        self, connection: Connection, body: AsyncIterator[bytes], length: int | None, owner: UploadOwner
    ) -> None:
        self._connection = connection
        self._body = body
        self._length = length
        self._owner = owner
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._stopped = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def resume(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def stop(self) -> None:
        self._stopped = True
        # the owner may be told of the end by this very task, which then ends by itself
        if self._task is not None and self._task is not asyncio.current_task(self._task.get_loop()):
            self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._send()
        except asyncio.CancelledError:
            if not self._stopped:  # where the body comes from was cancelled: the exchange must not wait for it
                self._owner.upload_failed(ConnectionAbortedError("the request body was cancelled"))
            raise
        except Exception as error:
            self._owner.upload_failed(error)
        else:
            self._owner.upload_done()
        finally:
            close = getattr(self._body, "aclose", None)
            if close is not None:
                await close()

    async def _send(self) -> None:
        connection = self._connection
        sent = 0
        async for piece in self._body:
            if not piece:
                continue  # an empty chunk would end the body
            sent += len(piece)
            if self._length is None:
                connection.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            elif sent > self._length:
                raise ValueError("the body is longer than its content-length header says")
            else:
                connection.write(piece)
            if not connection.writable:
                self._owner.upload_waiting()
                self._writable = asyncio.get_running_loop().create_future()
                await self._writable
                self._writable = None
                self._owner.upload_moving()
        if self._length is None:
            connection.write(b"0\r\n\r\n")
        elif sent < self._length:
            raise ValueError("the body is shorter than its content-length header says")
