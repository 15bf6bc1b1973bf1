"""One exchange: sends a request, times it, retries it once where that is safe, and decodes what comes back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Final, Protocol

from trueline.errors import (
    TruelineError,
    UpstreamError,
    UpstreamReplyTooLargeError,
    UpstreamTimeoutError,
)
from trueline.shell.upstream.connection import Connection
from trueline.shell.upstream.decoding import BodyDecoder
from trueline.shell.upstream.headers import RequestHead, ResponseHead
from trueline.shell.upstream.options import Limits, Timeouts
from trueline.shell.upstream.pool import Pool, Route
from trueline.shell.upstream.upload import BytesUpload, IteratorUpload, Upload

__all__ = ["Call", "Request", "ResponseSink"]

_ONE_WRITE: Final = 256 * 1024
_NO_BODY = frozenset({204, 304})
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 64 * 1024


class ResponseSink(Protocol):
    """Who takes a response.  Callbacks come one at a time, never before `UpstreamClient.start` has returned."""

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Called once, first."""

    def on_data(self, data: bytes) -> None:
        """Called with decoded body bytes, never empty.  After `Call.pause()` one read's worth may still come."""

    def on_end(self) -> None:
        """The response was complete.  Nothing follows."""

    def on_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        """A response that came in one read: `on_head`, `on_data` unless it is empty, and `on_end`, in one call.

        `head` is that of other responses too, and has no length.
        """
        self.on_head(status, head.sized(len(body)))
        if body:
            self.on_data(body)
        self.on_end()

    def on_error(self, error: Exception) -> None:
        """The exchange failed, before or after the head; nothing follows.

        `error` is a TruelineError, or what the body iterator or this sink raised.
        """


class Request:
    """What is sent, ready to be written."""

    __slots__ = ("body", "head", "head_only")

    def __init__(self, head: RequestHead, body: bytes | AsyncIterator[bytes], head_only: bool) -> None:
        self.head = head
        self.body = body
        self.head_only = head_only


_ANSWERED: Final = Request(RequestHead(b"", False, 0), b"", False)
"""Stands for a request that will not be sent again, so that a long reply does not keep a large body."""


class _NoSink:
    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        pass

    def on_data(self, data: bytes) -> None:
        pass

    def on_end(self) -> None:
        pass

    def on_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        pass

    def on_error(self, error: Exception) -> None:
        pass


_NO_SINK: Final = _NoSink()


class Call:
    """A running exchange.  `pause`, `resume`, `cancel` and `finish` may be called from within the sink's callbacks."""

    # What most calls never change stands here: an attribute of the class costs a call nothing.
    _connection: Connection | None = None
    _dialling: asyncio.Task[None] | None = None
    _upload: Upload | None = None
    _decoder: BodyDecoder | None = None
    _total_deadline: float | None = None
    _phase = "connect"
    _size = 0
    _retried = False
    _received = False
    _done = False
    sent = False
    mislabelled = False
    """A content-encoding was announced that the body does not have."""

    def __init__(
        self, pool: Pool, route: Route, request: Request, timeouts: Timeouts, limits: Limits, sink: ResponseSink
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._route = route
        self._request = request
        self._timeouts = timeouts
        self._limits = limits
        self._sink: ResponseSink = sink
        self._paused = False  # asked for with every read
        self.head_only = request.head_only
        if timeouts.total is not None:
            self._total_deadline = self._loop.time() + timeouts.total

    # ---- for the sink's owner

    def start(self) -> None:
        """Send the request, over an idle connection if there is one."""
        connection = self._pool.take(self._route)
        if connection is None:
            self._dial()
            return
        head, body = self._request.head, self._request.body
        if not isinstance(body, bytes) or len(body) > _ONE_WRITE:
            self._send(connection)
            return
        self._connection = connection  # what `_send` does in this case, which is nearly every one
        connection.begin(self)
        connection.write(head.data + body)
        self.sent = True
        self._phase = "first_byte"
        self._arm(self._timeouts.first_byte)

    def pause(self) -> None:
        """Stop reading from the upstream: the sink has enough.  Waiting for the sink is no stall."""
        if self._done or self._paused:
            return
        self._paused = True
        connection = self._connection
        if connection is not None and not self._received:
            connection.sink = None
            connection.pause()
            if self._phase == "stall":
                self._arm(None)

    def resume(self) -> None:
        """Read again; what was held back is delivered before this returns."""
        if self._done or not self._paused:
            return
        self._paused = False
        self._pump()
        connection = self._connection
        if connection is not None and not self._paused:
            connection.resume()
            if self._phase == "stall":
                self._arm(self._timeouts.stall)
                self._pass_by(connection)

    def cancel(self) -> None:
        """Drop the exchange and, unless the response was complete, its connection.  No callback follows."""
        self._drop()

    def finish(self) -> None:
        """The sink wants nothing more: if the end follows shortly, the connection is kept, else it is dropped.

        For streams whose last event came before the last bytes of HTTP.  No callback follows.
        """
        if self._done or self._phase == "linger":
            return
        if self._connection is None or self._phase != "stall":
            self._drop()
            return
        self._sink = _NO_SINK
        self._decoder = None
        self._phase = "linger"
        self._connection.sink = None
        self._size = 0
        self._paused = False
        self._connection.resume()
        self._connection.watchdog.set(self._loop.time() + _LINGER_SECONDS)

    # ---- getting a connection

    def _dial(self) -> None:
        self._phase = "connect"
        self._dialling = self._loop.create_task(self._open())

    async def _open(self) -> None:
        scope = asyncio.timeout_at(self._deadline(self._timeouts.connect))
        try:
            async with scope:
                connection = await self._pool.open(self._route)
        except TimeoutError as error:
            self._dialling = None
            self._fail(self._timeout_error() if scope.expired() else error)
        except Exception as error:
            self._dialling = None
            self._fail(error)
        else:
            self._dialling = None
            self._send(connection)

    # ---- the request

    def _send(self, connection: Connection) -> None:
        self._connection = connection
        connection.begin(self)
        if self._paused:
            connection.pause()
        head, body = self._request.head, self._request.body
        if isinstance(body, bytes):
            if len(body) <= _ONE_WRITE:
                connection.write(head.data + body)
                self.upload_done()
                return
            self._upload = BytesUpload(connection, body, self)
        else:
            self._upload = IteratorUpload(connection, body, head.length, self)
        self._phase = "send"
        self._arm(None)
        connection.write(head.data)
        self._upload.start()

    def upload_waiting(self) -> None:
        """See UploadOwner."""
        if self._phase == "send":
            self._arm(self._timeouts.stall)

    def upload_moving(self) -> None:
        """See UploadOwner."""
        if self._phase == "send":
            self._arm(None)

    def upload_done(self) -> None:
        """See UploadOwner."""
        self._upload = None
        if self._done:
            return
        self.sent = True
        if self._phase in ("send", "connect"):
            self._phase = "first_byte"
            self._arm(self._timeouts.first_byte)

    def upload_failed(self, error: Exception) -> None:
        """See UploadOwner."""
        self._upload = None
        self._fail(error)

    def drained(self) -> None:
        """See Receiver."""
        if self._upload is not None:
            self._upload.resume()

    # ---- the response

    def response_head(self, status: int, head: ResponseHead) -> None:
        """See Receiver."""
        if status >= 400:
            self._stop_upload()  # it has decided; the rest would be read by nobody
        self._request = _ANSWERED
        headers = head.headers
        if head.codings and not self.head_only and status not in _NO_BODY:
            try:
                self._decoder = BodyDecoder(head.codings, self._limits, self._route.where)
            except UpstreamError as error:
                self._fail(error)
                return
            headers = [pair for pair in headers if pair[0] not in (b"content-encoding", b"content-length")]
        self._phase = "stall"
        self._arm(None if self._paused else self._timeouts.stall)
        if self._connection is not None:
            limit = self._limits.max_body_bytes
            self._connection.left = sys.maxsize if limit is None else limit
            self._pass_by(self._connection)
        try:
            self._sink.on_head(status, headers)
        except Exception as error:
            self._fail(error)

    def response_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        """See Receiver."""
        self._connection = None
        self._received = True
        if self._upload is not None:
            self._stop_upload()
        limit = self._limits.max_body_bytes
        if limit is not None and len(body) > limit:
            self._fail(self._too_large(limit))
            return
        self._done = True
        sink, self._sink = self._sink, _NO_SINK
        try:
            sink.on_whole(status, head, body)
        except Exception as error:
            sink.on_error(error)

    def response_data(self, data: bytes) -> None:
        """See Receiver."""
        if self._phase == "linger":
            self._size += len(data)
            if self._size > _LINGER_BYTES:
                self._drop()
            return
        if not self._paused:
            self._arm(self._timeouts.stall)
        if self._decoder is not None:
            self._decoder.feed(data)
            self._pump()
        elif self._connection is not None:
            left = self._connection.left = self._connection.left - len(data)
            self._deliver(data, left < 0)

    def sink_failed(self, error: Exception) -> None:
        """See Receiver."""
        self._fail(error)

    def _pass_by(self, connection: Connection) -> None:
        """Have the sink take what comes, as long as there is nothing to do here but to move the deadline."""
        stall = self._timeouts.stall
        if self._decoder is None and stall is not None and self._total_deadline is None and not self._paused:
            connection.pace = stall
            connection.sink = self._sink.on_data

    def response_end(self) -> None:
        """See Receiver."""
        self._connection = None
        self._received = True
        self._stop_upload()
        self._pump()

    def _pump(self) -> None:
        """Deliver what can be decoded until the sink has enough, and the end after the last of it."""
        decoder = self._decoder
        try:
            while decoder is not None and not self._paused and not self._done:
                data = decoder.pull()
                if not data:
                    break
                self._size += len(data)
                limit = self._limits.max_body_bytes
                self._deliver(data, limit is not None and self._size > limit)
            if not self._received or self._done or (decoder is not None and self._paused):
                return
            if decoder is not None:
                decoder.close()
                self.mislabelled = decoder.mislabelled
        except TruelineError as error:
            self._fail(error)
            return
        self._done = True
        sink, self._sink = self._sink, _NO_SINK
        sink.on_end()

    def _deliver(self, data: bytes, too_large: bool) -> None:
        if too_large:
            self._fail(self._too_large(self._limits.max_body_bytes or 0))
            return
        try:
            self._sink.on_data(data)
        except Exception as error:
            self._fail(error)

    # ---- the ways it fails

    def connection_failed(self, error: UpstreamError, lost: bool) -> None:
        """See Receiver."""
        connection, self._connection = self._connection, None
        if (
            lost
            and connection is not None
            and connection.reused
            and not connection.answered
            and not self._retried
            and isinstance(self._request.body, bytes)
        ):
            # The usual race: the upstream closed its idle connection while the request was on its way.
            self._retried = True
            self._stop_upload()
            self.sent = False
            self._dial()
        else:
            self._fail(error)

    def expired(self) -> None:
        """See Receiver."""
        if self._phase == "linger":
            self._drop()
        else:
            self._fail(self._timeout_error())

    def _deadline(self, seconds: float | None) -> float | None:
        total = self._total_deadline
        if seconds is None:
            return total
        deadline = self._loop.time() + seconds
        return deadline if total is None or deadline < total else total

    def _arm(self, seconds: float | None) -> None:
        if self._connection is None:
            return
        if seconds is not None and self._total_deadline is None:
            self._connection.watchdog.set(self._loop.time() + seconds)
        else:
            self._connection.watchdog.set(self._deadline(seconds))

    def _timeout_error(self) -> UpstreamTimeoutError:
        where, timeouts = self._route.where, self._timeouts
        total = self._total_deadline
        if total is not None and self._loop.time() >= total - 0.002:
            return UpstreamTimeoutError(f"{where} took longer than {timeouts.total:g} s in all (total timeout).")
        if self._phase == "connect":
            return UpstreamTimeoutError(f"{where} did not connect within {timeouts.connect:g} s (connect timeout).")
        if self._phase == "first_byte":
            return UpstreamTimeoutError(
                f"{where} did not answer within {timeouts.first_byte:g} s (first_byte timeout)."
            )
        what = "took no byte of the request" if self._phase == "send" else "sent no byte"
        return UpstreamTimeoutError(f"{where} {what} for {timeouts.stall:g} s (stall timeout).")

    def _too_large(self, limit: int) -> UpstreamReplyTooLargeError:
        return UpstreamReplyTooLargeError(f"{self._route.where} sent a reply of more than {limit} bytes.")

    def _stop_upload(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.stop()

    def _fail(self, error: Exception) -> None:
        if self._done:
            return
        sink = self._sink
        self._drop()
        sink.on_error(error)

    def _drop(self) -> None:
        if self._done:
            return
        self._done = True
        self._sink = _NO_SINK
        self._decoder = None
        self._stop_upload()
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
