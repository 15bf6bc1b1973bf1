"""One connection of the native server.

A request is one of two kinds: native (`HOT` paths, where the application is Trueline's own), answered by a
`NativeExchange`, or ASGI, answered as uvicorn answers it.  Replies leave in the order of their requests; a request that
comes before the last one was answered waits in `pipeline`, a few of them and what the last read brought.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ...errors import RequestError, TooLargeError, TruelineError
from ...wire import jsonio
from ..exchange import log
from ..gateway import PIPELINES
from ..transports import write_at_once
from .client import CONTINUE, NativeClient
from .exchange import NativeExchange
from .passing import cycle_of
from .reading import RequestReader
from .turns import Turns

__all__ = ["HOT", "NativeProtocol"]

HOT: dict[bytes, str] = {
    b"/v1" + path.encode(): path for path in ("/chat/completions", "/completions", "/embeddings") if path in PIPELINES
}
"""Paths that are answered natively, for POST; pictures may need fetching, which waits."""

SLOWEST = 1024
"""Bytes a second, on average, below which a body that takes longer than the client's time is given up."""
SMALL = 64 * 1024
"""Bytes of a body that are read before it is looked at who sends them."""
_FOREVER = 1e9


class NativeProtocol(RequestReader):
    """See the module."""

    __slots__ = ("_body_began", "_hot", "_max_body", "_patience", "_read", "_turns", "_unwritten", "_watchdog")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        gateway, settings = self._gateway, self._settings
        self._hot = {} if gateway is None or self.root_path or gateway.recording else HOT
        self._max_body = settings.limits.request_bytes
        self._patience = settings.client_timeout or _FOREVER
        self._turns = Turns(self, gateway, self.loop, server_state, self._max_body)
        self._watchdog = self._turns.watchdog
        self._body_began = 0.0
        self._unwritten = 0
        """Bytes that waited for the client when the watchdog was last set for it."""
        self._read = b""
        """What is being parsed."""

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """See asyncio."""
        super().connection_made(transport)
        if self.scheme == "http":
            write_at_once(transport)
        self._turns.begin(transport, self.flow)
        self.wait_for_client()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        super().connection_lost(exc)
        self._turns.end()
        self.cycle = None  # type: ignore[assignment]  # as before the first; it knows this connection

    def shutdown(self) -> None:
        """See uvicorn: answer what runs, then close."""
        turns = self._turns
        if turns.current is not None:
            turns.current.be_last()
        elif turns.asgi_runs():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        client = self._turns.current
        if client is not None and client.exchange is not None:
            client.exchange.pause()
        self._unwritten = self.transport.get_write_buffer_size()
        self.wait_for_client()

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        turns = self._turns
        turns.rest()
        if turns.current is not None and turns.current.exchange is not None:
            turns.current.exchange.resume()
        elif self.pipeline and not turns.answering:
            turns.come()

    # -- reading (see also RequestReader) -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not (self.in_head or self._in_body) and self._turns.repeat(data):
            return
        self._read = data
        super().data_received(data)
        self._read = b""

    def _begun(self) -> None:
        if not self._turns.busy():
            self.wait_for_client()

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self.parser.should_upgrade() and self._declines():
            self._offering_method = self.parser.get_method()
            return
        self._check_head()
        self.in_head = False
        self._in_body = True
        self._unseen = self._body_size = 0
        url, hot = self.url, self._hot
        path = hot.get(url)
        if path is None and b"?" in url:
            path = hot.get(url.partition(b"?")[0])
        if path is not None and self.parser.get_method() == b"POST" and not self.parser.should_upgrade():
            self._begin_native(path)
        else:
            self._begin_asgi()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._body_size += len(body)
        client = self._turns.receiving
        if self.discarding:
            return
        if client is None:
            super().on_body(body)
            return
        client.pieces.append(body)
        if client is not self._turns.current and self._body_size > SMALL:
            self.flow.pause_reading()
        if self._body_size > self._max_body and client.exchange is not None:
            self._turn_away(client, self._too_large())

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._offered:
            return
        self._in_body = False
        self._watchdog.set(None)
        if self.discarding:
            self.transport.close()
            return
        turns = self._turns
        client = turns.receiving
        if client is None:
            super().on_message_complete()
            return
        turns.receiving = None
        client.complete = True
        if turns.current is client:
            turns.learn(client, self._read)
            self._run(client)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _begin_native(self, path: str) -> None:
        query = self.url.partition(b"?")[2].partition(b"#")[0]
        turns = self._turns
        client = NativeClient(turns, "/v1" + path, "?" + query.decode("latin-1") if query else "", [])
        for pair in self.headers:
            name = pair[0]
            if name == b"content-length":
                client.length = pair[1]
            elif name == b"x-request-id":
                client.given_id = client.given_id or pair[1]
            elif name == b"expect":
                client.expects = pair[1].lower() == b"100-continue"
            else:
                client.headers.append(pair)
        client.said = client.headers
        client.chunked = not self._old
        client.keep_alive = self.parser.should_keep_alive() and not self._old
        assert self._gateway is not None
        client.exchange = NativeExchange(self._gateway, client)
        turns.receiving = client
        if turns.busy() or self.flow.write_paused:
            turns.wait(client, None)
        else:
            self.take_up(client)

    def take_up(self, client: NativeClient) -> None:
        """It is this request's turn."""
        assert client.exchange is not None
        self._turns.current = client
        self._turns.answering = True
        if client.complete:
            self._run(client)
            return
        length = -1 if client.length is None else int(client.length)
        if length > self._max_body:
            self._turn_away(client, self._too_large())
        elif 0 <= length <= SMALL or client.exchange.admit():
            if client.expects:
                self.transport.write(CONTINUE)
            self._watch_body()
            self.flow.resume_reading()

    def _run(self, client: NativeClient) -> None:
        assert client.exchange is not None
        if client.exchange.admit():
            client.exchange.run(client.path[3:], client.body())

    def pass_on(self, client: NativeClient, request_id: bytes, body: bytes, tried: str | None) -> None:
        """See Turns."""
        client.cycle = cycle_of(self, client, request_id, body, tried)
        super()._start_asgi_task(client.cycle, self.app)

    def _begin_asgi(self) -> None:
        """Let uvicorn make of the request what it would have made of it."""
        url, headers = self.url, self.headers
        HttpToolsProtocol.on_message_begin(self)
        self.url = url
        for name, value in headers:
            HttpToolsProtocol.on_header(self, name, value)
        self._turns.receiving = None
        super().on_headers_complete()
        self._watch_body()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if self._turns.busy() or self.flow.write_paused:
            self._turns.wait(cycle, app)
        else:
            self.take_up_asgi(cycle, app)

    def take_up_asgi(self, cycle: Any, app: Any) -> None:
        """It is the turn of this request, which the application answers."""
        self._turns.answering = True
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """See uvicorn: it is the next request's turn."""
        self._turns.over()

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body of your request is larger than the {self._max_body} bytes that are allowed.")

    def _turn_away(self, client: NativeClient, error: TruelineError) -> None:
        assert client.exchange is not None
        if self._turns.current is client:
            client.exchange.fail(error)
        else:
            client.exchange.gone()  # behind a reply that is still being given: nobody can be told
            self._refuse(error)

    def discard(self, client: NativeClient) -> None:
        """Its client was answered before it had sent everything: drop the rest, so that it gets to read the answer."""
        client.pieces.clear()
        turns = self._turns
        turns.forget()
        turns.current = turns.receiving = None
        turns.answering = False
        self.discarding = True
        self._unseen = 0
        self.wait_for_client()

    def _refuse(self, error: TruelineError) -> None:
        """What comes is no request, or goes on as none: answer it, unless a reply is under way, and take no more."""
        log.info("refused what is no request: %s", error.message)
        turns, cycle = self._turns, self.cycle
        client = turns.current
        self.discarding = True
        turns.forget()
        if self.transport.is_closing():
            return
        if client is not None and client is turns.receiving and client.exchange is not None:
            client.complete, client.keep_alive = True, False
            client.exchange.fail(error)
        elif client is not None or self.pipeline:
            pass  # what was asked for before is answered; then the connection closes
        elif turns.asgi_runs() and (cycle.response_started or not self._in_body):
            cycle.keep_alive = False
        else:
            body = jsonio.encode(error.body())
            self.transport.write(
                b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (STATUS_LINE[error.status] + turns.date(), len(body), body)
            )
            self.transport.close()

    # -- time ---------------------------------------------------------------------------------------------------------

    def wait_for_client(self) -> None:
        """Give the client its time, to send or to take."""
        self._watchdog.set(self.loop.time() + self._patience)

    def _watch_body(self) -> None:
        self._body_began = self.loop.time()
        self._watchdog.set(self._body_began + self._patience)

    def expired(self) -> None:
        """The client took longer than it is given: to send, to take, or to ask again."""
        waiting = self.transport.get_write_buffer_size()
        if self.flow.write_paused:
            if waiting >= self._unwritten:
                self.transport.abort()
                return
            self._unwritten = waiting
            self.wait_for_client()
        elif self._in_body and not self.discarding:
            allowed = self._body_began + self._patience + self._body_size / SLOWEST
            if allowed > self.loop.time() or self.flow.read_paused:
                self._watchdog.set(max(allowed, self.loop.time() + 1.0))
            else:
                self._time_out()
        elif self.in_head and (self.url or self.headers):
            self._time_out()
        elif waiting:
            self.transport.abort()
        else:
            self.transport.close()

    def _time_out(self) -> None:
        error = RequestError("Your request did not arrive in time.", status=408, code="request_timeout")
        client = self._turns.current
        if client is not None and client is self._turns.receiving:
            self._turn_away(client, error)
        elif self._turns.asgi_runs():
            self.transport.abort()
        else:
            self._refuse(error)
