"""Response: a sink that can be awaited, with a bounded buffer between the socket and its reader."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from trueline.errors import UpstreamReplyTooLargeError
from trueline.shell.upstream.call import Call
from trueline.shell.upstream.headers import ResponseHead
from trueline.shell.upstream.options import Limits

__all__ = ["Response"]


class Response:
    """A response whose head has arrived.  Exactly one task may read it."""

    def __init__(self, limits: Limits, where: str) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        """Names lower-case; hop-by-hop headers gone; content-encoding and -length gone where the body was decoded."""
        self._where = where
        self._high = limits.high_water
        self._call: Call | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._closed = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # ---- reading

    async def read(self) -> bytes:
        """The next decoded body bytes, as soon as there are any; b"" at the clean end.

        Cancelling it drops the connection.

        Raises:
            UpstreamCutError, UpstreamTimeoutError, UpstreamReplyTooLargeError, UpstreamFormatError: the body is not
                complete; what had arrived was returned before.
            RuntimeError: the response was closed, or another task is reading it.
        """
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._closed:
                raise RuntimeError("the response was closed before its end")
            if self._ended:
                return b""
            await self._wait()
        return self._take()

    def read_nowait(self) -> bytes:
        """What has arrived and was not read yet; b"" if nothing."""
        return self._take() if self._pieces else b""

    async def read_all(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            UpstreamReplyTooLargeError: it has more than `limit` bytes; the connection is dropped.
            UpstreamCutError, UpstreamTimeoutError, UpstreamFormatError: it is not complete.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > limit:
                self.close()
                raise UpstreamReplyTooLargeError(f"{self._where} sent a reply of more than {limit} bytes.")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` is lower-case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def ended(self) -> bool:
        """The upstream's reply was complete; bytes of it may still wait to be read."""
        return self._ended

    @property
    def buffered(self) -> int:
        """Decoded bytes that wait to be read."""
        return self._size

    @property
    def faults(self) -> tuple[str, ...]:
        """Ids of faults that were tolerated in the transfer, known once the body has ended."""
        return ("content-encoding-kept",) if self._call is not None and self._call.mislabelled else ()

    # ---- leaving

    def close(self) -> None:
        """Be done with it: a connection whose response has not ended is dropped at once."""
        self._leave()
        if self._call is not None:
            self._call.cancel()

    def finish(self) -> None:
        """Be done with it, as `close`, but keep the connection if the end of the response is about to arrive anyway.

        For streams whose last event has been read: the end of HTTP often comes a moment later.
        """
        self._leave()
        if self._call is not None:
            self._call.finish()
            if not self._ended:
                self._call = None  # so that a later `close` does not undo this

    def _leave(self) -> None:
        self._closed = True
        self._pieces.clear()
        self._size = 0
        self._wake()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- for the client

    async def wait_for_head(self, call: Call) -> None:
        """Wait until the head has arrived; cancelling it drops the connection."""
        self._call = call
        while self.status == 0:
            if self._error is not None:
                raise self._error
            await self._wait()

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """See ResponseSink."""
        self.status = status
        self.headers = headers
        self._wake()

    def on_data(self, data: bytes) -> None:
        """See ResponseSink."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._high and not self._paused and self._call is not None:
            self._paused = True
            self._call.pause()
        self._wake()

    def on_end(self) -> None:
        """See ResponseSink."""
        self._ended = True
        self._wake()

    def on_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        """See ResponseSink."""
        self.on_head(status, head.sized(len(body)))
        if body:
            self.on_data(body)
        self.on_end()

    def on_error(self, error: Exception) -> None:
        """See ResponseSink."""
        self._error = error
        self._wake()

    def _take(self) -> bytes:
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._paused and self._call is not None:
            self._paused = False
            self._call.resume()
        return data

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("another task is reading this response")
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self._waiter = None
            self.close()
            raise
