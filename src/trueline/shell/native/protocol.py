"""One connection of the native server.

A request is one of two kinds: native (`HOT` paths, where the application is Trueline's own), answered by a
`NativeExchange`, or ASGI, answered as uvicorn answers it.  Replies leave in the order of their requests; a request that
comes before the last one was answered waits in `pipeline`, a few of them and what the last read brought.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from ...errors import RequestError, TooLargeError, TruelineError
from ...wire import jsonio
from ..exchange import log
from ..gateway import PIPELINES
from ..headers import Pairs
from ..known_head import KnownHead
from ..paths import PLAIN
from ..watchdog import Watchdog
from .client import CONTINUE, NativeClient
from .exchange import NativeExchange
from .passing import cycle_of
from .reading import RequestReader

if TYPE_CHECKING:
    from ..routes import Backend, Choice
    from ..upstream.client import Prepared

__all__ = ["HOT", "NativeProtocol"]

HOT: dict[bytes, str] = {
    b"/v1" + path.encode(): path for path in ("/chat/completions", "/completions", "/embeddings") if path in PIPELINES
}
"""Paths that are answered natively, for POST; pictures may need fetching, which waits."""

SLOWEST = 1024
"""Bytes a second, on average, below which a body that takes longer than the client's time is given up."""
SMALL = 64 * 1024
"""Bytes of a body that are read before it is looked at who sends them."""
MOST_LEARNED = 8
"""Heads of one connection that are learned in vain."""
MOST_WAITING = 16
"""Requests that wait for their turn before the connection is read no further."""
_FOREVER = 1e9


class _Meaning(NamedTuple):
    """What the head of a native request says."""

    path: str
    query: str
    headers: Pairs
    given_id: bytes | None


class NativeProtocol(RequestReader):
    """See the module."""

    __slots__ = (
        "_answering", "_body_began", "_current", "_date", "_dated", "_hot", "_known", "_learned", "_max_body",
        "_ok_line", "_patience", "_prepared", "_read", "_receiving", "_turn_is_due", "_unwritten", "_watchdog",
    )  # fmt: skip

    pipeline: deque[tuple[Any, Any]]
    """Requests that wait for their turn, the next one last: uvicorn's, or a NativeClient and None."""

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
        self._watchdog = Watchdog(self.loop, self._expired)
        self._answering = False
        """A request, of either kind, is being answered or has its body read for that."""
        self._turn_is_due = False
        """The next request's turn comes in the loop's next round."""
        self._current: NativeClient | None = None
        """The native request that is being answered, or whose body is being read."""
        self._receiving: NativeClient | None = None
        """The native request whose body is being read."""
        self._body_began = 0.0
        self._dated: Any = None
        self._date = b""
        self._ok_line = b""
        self._unwritten = 0
        """Bytes that waited for the client when the watchdog was last set for it."""
        self._known: KnownHead[_Meaning] | None = None
        self._read = b""
        """What is being parsed."""
        self._learned = 0
        """How often a head was learned since one was last known."""
        self._prepared: tuple[Pairs, Backend, str, str, Prepared, tuple[str, ...]] | None = None

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """See asyncio."""
        super().connection_made(transport)
        self._watchdog.set(self.loop.time() + self._patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._watchdog.stop()
        super().connection_lost(exc)
        for client in {self._current, self._receiving, *(entry for entry, _ in self.pipeline)}:
            if isinstance(client, NativeClient):
                client.gone()
        self.pipeline.clear()
        self._current = self._receiving = None
        self.cycle = None  # type: ignore[assignment]  # as before the first; it knows this connection

    def shutdown(self) -> None:
        """See uvicorn: answer what runs, then close."""
        if self._current is not None:
            self._current.be_last()
        elif self._asgi_runs():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        if self._current is not None and self._current.exchange is not None:
            self._current.exchange.pause()
        self._unwritten = self.transport.get_write_buffer_size()
        self._watchdog.set(self.loop.time() + self._patience)

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        self._rest()
        if self._current is not None and self._current.exchange is not None:
            self._current.exchange.resume()
        elif self.pipeline and not self._answering and not self._turn_is_due:
            self._turn_is_due = True
            self.loop.call_soon(self._next)

    # -- reading (see also RequestReader) -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        known = self._known
        if known is not None and not (self._in_head or self._in_body or self.flow.write_paused or self._busy()):
            body = known.body_in(data)
            if body is not None and len(body) <= self._max_body:
                self._repeat(known.meaning, body)
                return
        self._read = data
        super().data_received(data)
        self._read = b""

    def _repeat(self, last: _Meaning, body: bytes) -> None:
        """A request whose head says what the last one's said."""
        self._learned = 0
        self._watchdog.set(None)
        assert self._gateway is not None
        client = NativeClient(self, last.path, last.query, last.headers)
        client.given_id = last.given_id
        client.complete = True
        client.exchange = exchange = NativeExchange(self._gateway, client)
        self._current = client
        self._answering = True
        if exchange.admit():
            exchange.run(last.path[3:], body)

    def _learn(self, client: NativeClient) -> None:
        """Keep the head of a whole request that came in one read, unless this client never says the same twice."""
        if client.length is not None and client.keep_alive and not client.expects and self._learned < MOST_LEARNED:
            meaning = _Meaning(client.path, client.query, client.said, client.given_id)
            self._known = KnownHead.of(self._read, meaning)
            self._learned += self._known is not None

    def _begun(self) -> None:
        if not self._busy():
            self._watchdog.set(self.loop.time() + self._patience)

    def on_headers_complete(self) -> None:
        """See httptools."""
        if self.parser.should_upgrade() and self._declines():
            self._offering_method = self.parser.get_method()
            return
        self._check_head()
        self._in_head = False
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
        client = self._receiving
        if self._discarding:
            return
        if client is None:
            super().on_body(body)
            return
        client.pieces.append(body)
        if client is not self._current and self._body_size > SMALL:
            self.flow.pause_reading()
        if self._body_size > self._max_body and client.exchange is not None:
            self._turn_away(client, self._too_large())

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._offered:
            return
        self._in_body = False
        self._watchdog.set(None)
        if self._discarding:
            self.transport.close()
            return
        client = self._receiving
        if client is None:
            super().on_message_complete()
            return
        self._receiving = None
        client.complete = True
        if self._current is client:
            self._learn(client)
            self._run(client)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _begin_native(self, path: str) -> None:
        query = self.url.partition(b"?")[2].partition(b"#")[0]
        client = NativeClient(self, "/v1" + path, "?" + query.decode("latin-1") if query else "", [])
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
        self._receiving = client
        if self._busy() or self.flow.write_paused:
            self._queue(client, None)
        else:
            self._take_up(client)

    def _take_up(self, client: NativeClient) -> None:
        """It is this request's turn."""
        assert client.exchange is not None
        self._current = client
        self._answering = True
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
        """Let the application answer what takes more than one call of an upstream (`passing.py`)."""
        client.cycle = cycle_of(self, client, request_id, body, tried)
        super()._start_asgi_task(client.cycle, self.app)

    def _begin_asgi(self) -> None:
        """Let uvicorn make of the request what it would have made of it."""
        url, headers = self.url, self.headers
        HttpToolsProtocol.on_message_begin(self)
        self.url = url
        for name, value in headers:
            HttpToolsProtocol.on_header(self, name, value)
        self._receiving = None
        super().on_headers_complete()
        self._watch_body()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if self._busy() or self.flow.write_paused:
            self._queue(cycle, app)
        else:
            self._answering = True
            super()._start_asgi_task(cycle, app)

    def _queue(self, entry: Any, app: Any) -> None:
        """Let a request wait; reading goes on for a while, as only a reader hears that the client has left."""
        self.pipeline.appendleft((entry, app))
        if len(self.pipeline) >= MOST_WAITING:
            self.flow.pause_reading()

    def _asgi_runs(self) -> bool:
        return self._answering and self._current is None

    def _busy(self) -> bool:
        return self._answering or bool(self.pipeline)

    # -- replies ------------------------------------------------------------------------------------------------------

    def replied(self, client: NativeClient) -> None:
        """The reply to `client` has ended."""
        if client is not self._current:
            return
        if not client.complete:
            self._discard(client)
            return
        if not client.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """See uvicorn: it is the next request's turn."""
        self._current = None
        self._answering = False
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._turn_is_due = True
            self.loop.call_soon(self._next)
            return
        if self._discarding:
            self.transport.close()
            return
        if self._in_head:
            self._watchdog.set(self.loop.time() + self._patience)
        elif not self.flow.write_paused:  # else the client must first take what was written
            self._watchdog.set(self.loop.time() + self.timeout_keep_alive)
        if self.flow.read_paused:
            self.flow.resume_reading()

    def _next(self) -> None:
        """The next request's turn, once its client has taken enough of the last reply."""
        self._turn_is_due = False
        if not self.pipeline or self.transport.is_closing() or self.flow.write_paused or self._answering:
            return
        entry, app = self.pipeline.pop()
        if isinstance(entry, NativeClient):
            self._take_up(entry)
        else:
            self._answering = True
            super()._start_asgi_task(entry, app)

    def _rest(self) -> None:
        """Wait for the next request, or for nothing while a reply is made."""
        if self.flow.write_paused:
            return  # first the client must take what was written
        self._watchdog.set(None if self._busy() else self.loop.time() + self.timeout_keep_alive)

    def prepared(self, exchange: NativeExchange, choice: Choice, path: str) -> tuple[Prepared, tuple[str, ...]]:
        """The upstream's request but for id and body, and the keys in it: clients say the same in each request."""
        client = exchange.client
        paths = choice.backend.paths
        if paths is not PLAIN:
            path = paths.of(path + client.query, choice.model or exchange.model)
        known = self._prepared
        if (
            known is not None
            and known[1] is choice.backend
            and known[2] == path
            and known[3] == client.query
            and (known[0] is client.headers or known[0] == client.headers)
        ):
            return known[4], known[5]
        backend = choice.backend
        headers = exchange.upstream_headers(choice, content_type=b"application/json")
        where = path + client.query if paths is PLAIN else path
        made = exchange.gateway.client_for(choice).prepare(
            "POST", backend.target, where, headers, backend.timeouts, backend.tls
        )
        self._prepared = (client.headers, backend, path, client.query, made, exchange.secrets)
        return made, exchange.secrets

    def date(self) -> bytes:
        """The header lines that every reply has, which uvicorn renews each second."""
        given = self.server_state.default_headers
        if self._dated is not given:
            self._dated = given
            self._date = b"".join([b"%b: %b\r\n" % pair for pair in given])
            self._ok_line = STATUS_LINE[200] + self._date
        return self._date

    @property
    def ok_line(self) -> bytes:
        """The status line 200 and the lines of `date`."""
        if self._dated is not self.server_state.default_headers:
            self.date()
        return self._ok_line

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body of your request is larger than the {self._max_body} bytes that are allowed.")

    def _turn_away(self, client: NativeClient, error: TruelineError) -> None:
        assert client.exchange is not None
        if self._current is client:
            client.exchange.fail(error)
        else:
            client.exchange.gone()  # behind a reply that is still being given: nobody can be told
            self._refuse(error)

    def _discard(self, client: NativeClient) -> None:
        """Its client was answered before it had sent everything: drop the rest, so that it gets to read the answer."""
        client.pieces.clear()
        self._current = self._receiving = self._known = None
        self._answering = False
        self._discarding = True
        self._unseen = 0
        self._watchdog.set(self.loop.time() + self._patience)

    def _refuse(self, error: TruelineError) -> None:
        """What comes is no request, or goes on as none: answer it, unless a reply is under way, and take no more."""
        log.info("refused what is no request: %s", error.message)
        client, cycle = self._current, self.cycle
        self._discarding = True
        self._known = None
        if self.transport.is_closing():
            return
        if client is not None and client is self._receiving and client.exchange is not None:
            client.complete, client.keep_alive = True, False
            client.exchange.fail(error)
        elif client is not None or self.pipeline:
            pass  # what was asked for before is answered; then the connection closes
        elif self._asgi_runs() and (cycle.response_started or not self._in_body):
            cycle.keep_alive = False
        else:
            body = jsonio.encode(error.body())
            self.transport.write(
                b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (STATUS_LINE[error.status] + self.date(), len(body), body)
            )
            self.transport.close()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _watch_body(self) -> None:
        self._body_began = self.loop.time()
        self._watchdog.set(self._body_began + self._patience)

    def _expired(self) -> None:
        """The client took longer than it is given: to send, to take, or to ask again."""
        waiting = self.transport.get_write_buffer_size()
        if self.flow.write_paused:
            if waiting >= self._unwritten:
                self.transport.abort()
                return
            self._unwritten = waiting
            self._watchdog.set(self.loop.time() + self._patience)
        elif self._in_body and not self._discarding:
            allowed = self._body_began + self._patience + self._body_size / SLOWEST
            if allowed > self.loop.time() or self.flow.read_paused:
                self._watchdog.set(max(allowed, self.loop.time() + 1.0))
            else:
                self._time_out()
        elif self._in_head and (self.url or self.headers):
            self._time_out()
        elif waiting:
            self.transport.abort()
        else:
            self.transport.close()

    def _time_out(self) -> None:
        error = RequestError("Your request did not arrive in time.", status=408, code="request_timeout")
        client = self._current
        if client is not None and client is self._receiving:
            self._turn_away(client, error)
        elif self._asgi_runs():
            self.transport.abort()
        else:
            self._refuse(error)
