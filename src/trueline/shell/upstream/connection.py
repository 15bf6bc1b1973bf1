"""One socket to an upstream: parses responses, knows exactly where they end, and says when the socket can be reused.

It knows nothing of requests beyond "the response has no body", and nothing of timers but their owner.  What a read
brings is handed on after parsing, in one piece: one callback per read, however many chunks it held.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from trueline.errors import UpstreamCutError, UpstreamError, UpstreamFormatError
from trueline.shell.known_head import KnownHead, only_chunk
from trueline.shell.transports import write_at_once
from trueline.shell.upstream.headers import ResponseHead, read_head
from trueline.shell.upstream.options import Limits
from trueline.shell.watchdog import Watchdog

__all__ = ["Connection", "ConnectionOwner", "Receiver"]


class Receiver(Protocol):
    """Who a response is for."""

    head_only: bool
    """The response has no body, whatever its headers say (HEAD)."""
    sent: bool
    """The request has left completely."""

    def response_head(self, status: int, head: ResponseHead) -> None:
        """Called once, before everything else."""

    def response_whole(self, status: int, head: ResponseHead, body: bytes) -> None:
        """Called alone, with a response that is complete and not coded, after which the connection is no longer this
        receiver's; its head has no length, which is that of the body."""

    def response_data(self, data: bytes) -> None:
        """Called with undecoded body bytes, but for those that its `Connection.sink` takes."""

    def sink_failed(self, error: Exception) -> None:
        """Called with what `Connection.sink` raised."""

    def response_end(self) -> None:
        """The body is complete; the connection is no longer this receiver's."""

    def connection_failed(self, error: UpstreamError, lost: bool) -> None:
        """Nothing more will come; `lost`: the socket died, in contrast to the upstream sending nonsense."""

    def expired(self) -> None:
        """The deadline on the connection's watchdog has passed."""

    def drained(self) -> None:
        """The socket takes bytes again."""


class ConnectionOwner(Protocol):
    """Who keeps connections."""

    def release(self, connection: Connection) -> None:
        """The connection is free for the next request."""

    def forget(self, connection: Connection) -> None:
        """The connection is gone; called once."""


class _StopParsing(Exception):
    """Raised in a parser callback, as the parser has no other way to stop."""


class Connection(asyncio.Protocol):
    """See the module.  `answered`, `reused`, `writable` are there to be read."""

    __slots__ = (
        "__weakref__", "_at_chunk", "_closed", "_complete", "_failure", "_fresh", "_head", "_head_delivered",
        "_header_bytes", "_header_count", "_headers", "_interim", "_keep_alive", "_known", "_limits", "_owner",
         "_parser", "_pieces", "_reading", "_receiver", "_status", "_surplus", "_transport",
        "_undelivered", "answered", "idle_since", "left", "loop", "on_body", "pace", "reused", "sink", "watchdog",
        "where", "writable",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: ConnectionOwner, where: str, limits: Limits) -> None:
        self.loop = loop
        self._owner = owner
        self.where = where
        self._limits = limits
        self.watchdog = Watchdog(loop, self._expired)
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self.reused = False
        self.writable = True
        self.idle_since = 0.0
        self._closed = False
        self._reading = True
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # bound once: the parser calls straight into the list
        self._parser = self._new_parser()
        self._known: KnownHead[ResponseHead] | None = None
        self._reset()

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        # What cannot be mistaken is forgiven: bare line feeds, a length beside chunks, blanks after a chunk size.
        parser.set_dangerous_leniencies(
            lenient_chunked_length=True,
            lenient_transfer_encoding=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    def _reset(self) -> None:
        self._fresh = True
        """Nothing has been parsed since: what is set here is as it was set."""
        self.answered = False
        """A byte of the response has arrived."""
        self._at_chunk = False
        """The parser waits for the size of a chunk."""
        self._status = 0
        self._interim = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_count = 0
        self._header_bytes = 0
        self._undelivered = 0
        self.sink: Callable[[bytes], object] | None = None
        """Takes chunks that come one by one, past the receiver, with nothing done but what `pace` and `left` say."""
        self.pace = 0.0
        """Seconds by which such a chunk moves the deadline."""
        self.left = 0
        """Bytes of the body that the receiver still takes; more go past the sink."""
        self._head: ResponseHead | None = None
        self._head_delivered = False
        self._complete = False
        self._keep_alive = False
        self._surplus = False
        self._failure: UpstreamError | None = None

    # ---- for the call

    def begin(self, receiver: Receiver) -> None:
        """Take the next request's receiver; the request itself is written by its owner."""
        self._receiver = receiver
        if not self._fresh:
            self._reset()

    def write(self, data: bytes | memoryview) -> None:
        """Hand bytes to the socket."""
        if self._transport is not None and not self._closed:
            self._transport.write(data)

    def pause(self) -> None:
        """Stop reading; what the current read brought may still be delivered."""
        if self._reading and self._transport is not None and not self._closed:
            self._reading = False
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if not self._reading and self._transport is not None and not self._closed:
            self._reading = True
            self._transport.resume_reading()

    def abort(self) -> None:
        """Drop the connection now; no receiver is told."""
        self._receiver = self.sink = None
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def drop(self, why: str) -> None:
        """Drop the connection now, and tell the receiver."""
        self._fail(UpstreamCutError(f"{self.where}: {why}."))

    @property
    def usable(self) -> bool:
        """The socket is open, as far as we know."""
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    # ---- asyncio.Protocol

    def attach(self, transport: asyncio.Transport) -> None:
        """Use this transport; called by the loop for plain sockets, by the dialler after TLS."""
        self._transport = transport
        write_at_once(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            except OSError:
                pass  # closed already, which connection_lost will say

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.attach(cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        receiver = self._receiver
        if receiver is None:  # a server that speaks without being asked is not one to ask next
            self.abort()
            return
        if self._at_chunk:
            body = only_chunk(data)
            if body is not None:
                self._take_chunk(receiver, body)
                return
        elif not self.answered and self._known is not None and self._take_known(receiver, data):
            return
        first = not self.answered
        self.answered = True
        self._fresh = False
        self._at_chunk = False
        broken = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            broken = True
            self._surplus = True
        self._at_chunk = self._at_chunk and data.endswith(b"\r\n")
        in_body = self._head_delivered
        if not in_body and not self._deliver_head(receiver, broken, len(data)):
            return
        pieces = self._pieces
        if pieces:
            self._undelivered = 0
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            if receiver.head_only:
                self._surplus = True
            else:
                receiver.response_data(body)
                if self._receiver is not receiver:
                    return
        elif in_body and not self._complete:
            self._count_undelivered(len(data))
        if self._complete:
            if first and not receiver.head_only:
                self._learn(data)
            self._end(receiver)
        elif broken or self._failure is not None:
            self._fail(
                self._failure or UpstreamCutError(f"{self.where} broke off its reply: the framing is malformed.")
            )

    def _take_chunk(self, receiver: Receiver, body: bytes) -> None:
        """Take a chunk that came alone."""
        sink = self.sink
        if sink is None or len(body) > self.left:
            receiver.response_data(body)
            return
        self.left -= len(body)
        self.watchdog.set(self.loop.time() + self.pace)
        try:
            sink(body)
        except Exception as error:
            receiver.sink_failed(error)

    def _take_known(self, receiver: Receiver, data: bytes) -> bool:
        """Take a whole response whose head is, but for its length, the one before it; False: it is another."""
        known = self._known
        body = None if known is None or receiver.head_only else known.body_in(data)
        if known is None or body is None:
            return False
        if receiver.sent and self.usable:  # else it is of no more use, as in `_let_go`
            self._receiver = None
            self.watchdog.set(None)
            self.reused = True
            if not self._reading:
                self.resume()
            self._owner.release(self)
        else:
            self._let_go(receiver)
        receiver.response_whole(200, known.meaning, body)
        return True

    def _learn(self, data: bytes) -> None:
        """Keep the head of a whole response that came in one read, for the next one."""
        head = self._head
        if head is not None and self._keep_alive and not self._surplus and self._status == 200 and not head.codings:
            self._known = KnownHead.of(data, head.unsized())

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._at_chunk = False

    def on_chunk_complete(self) -> None:
        """A chunk has ended; if nothing follows in this read, the next read begins with the size of the next one."""
        self._at_chunk = True

    def _deliver_head(self, receiver: Receiver, broken: bool, size: int) -> bool:
        """Hand on the head if it is complete; False: there is nothing more to do for this read."""
        head = self._head
        if head is not None:
            self._head_delivered = True
            self._undelivered = 0
            receiver.response_head(self._status, head)
            return self._receiver is receiver
        if broken:
            self._fail(self._failure or UpstreamFormatError(f"{self.where} did not answer in HTTP/1.1."))
            return False
        self._count_undelivered(size)
        if self._failure is not None:
            self._fail(self._failure)
        return False

    def _count_undelivered(self, size: int) -> None:
        """Bound what the parser holds: an endless header line, chunk extension or trailer reaches no callback."""
        self._undelivered += size
        if self._undelivered > self._limits.max_head_bytes:
            self._failure = self._head_too_large()

    def _end(self, receiver: Receiver) -> None:
        self._let_go(receiver)
        receiver.response_end()

    def _let_go(self, receiver: Receiver) -> None:
        """The response is complete: the connection is for the next one, if it may be."""
        self._receiver = self.sink = None
        self.watchdog.set(None)
        if self._keep_alive and not self._surplus and receiver.sent and self.usable:
            if receiver.head_only:
                self._parser = self._new_parser()  # this one still waits for the body
            if not self._reading:
                self.resume()
            self.reused = True
            self._owner.release(self)
        else:
            self.abort()

    def _fail(self, error: UpstreamError, lost: bool = False) -> None:
        receiver = self._receiver
        self.abort()
        if receiver is not None:
            receiver.connection_failed(error, lost)

    def eof_received(self) -> None:
        """See asyncio; the transport closes itself."""
        receiver = self._receiver
        if receiver is None:
            self.abort()
        elif self._head_delivered and self._head is not None and self._head.until_close:
            self._keep_alive = False
            self._end(receiver)
        else:
            self._fail(self._cut("closed the connection"), lost=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        receiver = self._receiver
        self._transport = None
        if receiver is None:
            self._forget()
        else:
            self._fail(self._cut("closed the connection" if exc is None else "reset the connection"), lost=True)

    def _cut(self, what: str) -> UpstreamCutError:
        if self._head_delivered:
            return UpstreamCutError(f"{self.where} {what} before its reply was complete.")
        return UpstreamCutError(f"{self.where} {what} without answering.")

    def pause_writing(self) -> None:
        """See asyncio."""
        self.writable = False

    def resume_writing(self) -> None:
        """See asyncio."""
        self.writable = True
        if self._receiver is not None:
            self._receiver.drained()

    def _expired(self) -> None:
        if self._receiver is not None:
            self._receiver.expired()

    def _forget(self) -> None:
        if not self._closed:
            self._closed = True
            self._parser = None  # type: ignore[assignment]  # which knows this connection
            self.watchdog.stop()
            self._owner.forget(self)

    # ---- httptools

    def on_message_begin(self) -> None:
        """A response begins; after the one that was asked for, that is one too many."""
        if self._complete:
            self._surplus = True
            raise _StopParsing

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._header_count += 1
        self._header_bytes += len(name) + len(value) + 4
        if self._header_count > self._limits.max_headers or self._header_bytes > self._limits.max_head_bytes:
            self._failure = self._head_too_large()
            raise _StopParsing
        if self._head is None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head of a response, interim or final, is complete."""
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self._failure = UpstreamFormatError(
                    f"{self.where} answered with status {status}, which is not asked for."
                )
                raise _StopParsing
            self._interim = True
            self._headers = []
            return
        head = self._head = read_head(self._headers)
        self._status = status
        receiver = self._receiver
        if receiver is not None and receiver.head_only:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive() and not head.ambiguous

    def on_message_complete(self) -> None:
        """A response is complete."""
        if self._interim:
            self._interim = False
        elif not self._complete:
            self._complete = True
            head = self._head
            self._keep_alive = self._parser.should_keep_alive() and head is not None and not head.ambiguous

    def _head_too_large(self) -> UpstreamFormatError:
        limits = self._limits
        return UpstreamFormatError(
            f"{self.where} sent more than {limits.max_headers} headers or {limits.max_head_bytes} bytes of them."
        )
