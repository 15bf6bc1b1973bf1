"""Whose turn it is on a connection, and the way of most requests: taken without the parser, answered, and forgotten.

Replies leave in the order of their requests; a request that comes before the last one was answered waits in
`pipeline`.  A request whose head says what the last one's said is known by its bytes (`known_head.py`), and what is
sent upstream for it has been worked out before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from ..headers import Pairs
from ..known_head import KnownHead
from ..paths import PLAIN
from ..watchdog import Watchdog
from .client import NativeClient
from .exchange import NativeExchange

if TYPE_CHECKING:
    from ..gateway import Gateway
    from ..routes import Backend, Choice
    from ..upstream.client import Prepared

__all__ = ["Turns"]

MOST_LEARNED = 8
"""Heads of one connection that are learned in vain."""
MOST_WAITING = 16
"""Requests that wait for their turn before the connection is read no further."""


class _Meaning(NamedTuple):
    """What the head of a native request says."""

    path: str
    query: str
    headers: Pairs
    given_id: bytes | None


class Turns:
    """The requests of one connection: `current` is answered, `receiving` has its body read; both may be one."""

    def __init__(
        self,
        connection: Any,
        gateway: Gateway | None,
        loop: asyncio.AbstractEventLoop,
        server_state: ServerState,
        max_body: int,
    ) -> None:
        self._connection = connection
        """The NativeProtocol; None behind its end, so that it is freed."""
        self._gateway = gateway
        self._loop = loop
        self._server_state = server_state
        self._max_body = max_body
        self._keep_alive: float = connection.timeout_keep_alive
        self.pipeline: deque[tuple[Any, Any]] = connection.pipeline
        """Requests that wait for their turn, the next one last: uvicorn's, or a NativeClient and None."""
        self.watchdog = Watchdog(loop, connection.expired)
        self.transport: Any = None
        self.flow: Any = None
        self.answering = False
        """A request, of either kind, is being answered or has its body read for that."""
        self.due = False
        """The next request's turn comes in the loop's next round."""
        self.current: NativeClient | None = None
        """The native request that is being answered, or whose body is being read."""
        self.receiving: NativeClient | None = None
        """The native request whose body is being read."""
        self._last: KnownHead[_Meaning] | None = None
        """The head of the last native request."""
        self._learned = 0
        """How often a head was learned since one was last known."""
        self._known: tuple[Pairs, Backend, str, str, Prepared, tuple[str, ...]] | None = None
        """The last request upstream but for its id and body, and the keys in it; first, what it was made for."""
        self._dated: Any = None
        self._date = b""
        self._ok_line = b""

    def begin(self, transport: Any, flow: Any) -> None:
        """The connection is made."""
        self.transport, self.flow = transport, flow

    def end(self) -> None:
        """The connection is lost: whoever is being answered is told, and nobody's turn comes any more."""
        self.watchdog.stop()
        for client in {self.current, self.receiving, *(entry for entry, _ in self.pipeline)}:
            if isinstance(client, NativeClient):
                client.gone()
        self.pipeline.clear()
        self.current = self.receiving = None
        self._connection = None

    # -- requests that are like the last one --------------------------------------------------------------------------

    def repeat(self, data: bytes) -> bool:
        """Answer a request whose head says what the last one's said; False: these bytes are for the parser."""
        known = self._last
        if known is None or self.answering or self.pipeline or self.flow.write_paused:
            return False
        body = known.body_in(data)
        if body is None or len(body) > self._max_body:
            return False
        path, query, headers, given_id = known.meaning
        self._learned = 0
        self.watchdog.set(None)
        assert self._gateway is not None
        client = NativeClient(self, path, query, headers)
        client.given_id = given_id
        client.complete = True
        client.exchange = exchange = NativeExchange(self._gateway, client)
        self.current = client
        self.answering = True
        if exchange.admit():
            exchange.run(path[3:], body)
        return True

    def learn(self, client: NativeClient, read: bytes) -> None:
        """Keep the head of a whole request that came in one read, unless this client never says the same twice."""
        if client.length is not None and client.keep_alive and not client.expects and self._learned < MOST_LEARNED:
            meaning = _Meaning(client.path, client.query, client.said, client.given_id)
            self._last = KnownHead.of(read, meaning)
            self._learned += self._last is not None

    def forget(self) -> None:
        """Nothing more is taken so: the connection ends behind what is answered."""
        self._last = None

    def prepared(self, exchange: NativeExchange, choice: Choice, path: str) -> tuple[Prepared, tuple[str, ...]]:
        """The upstream's request but for id and body, and the keys in it: clients say the same in each request."""
        client, backend = exchange.client, choice.backend
        paths = backend.paths
        if paths is not PLAIN:
            path = paths.of(path + client.query, choice.model or exchange.model)
        known = self._known
        if known is not None:
            headers, served, where, query, made, secrets = known
            alike = served is backend and where == path and query == client.query
            if alike and (headers is client.headers or headers == client.headers):
                return made, secrets
        headers = exchange.upstream_headers(choice, content_type=b"application/json")
        where = path + client.query if paths is PLAIN else path
        made = exchange.gateway.client_for(choice).prepare(
            "POST", backend.target, where, headers, backend.timeouts, backend.tls
        )
        self._known = (client.headers, backend, path, client.query, made, exchange.secrets)
        return made, exchange.secrets

    # -- turns --------------------------------------------------------------------------------------------------------

    def busy(self) -> bool:
        """Whether a request that comes now has to wait."""
        return self.answering or bool(self.pipeline)

    def asgi_runs(self) -> bool:
        """Whether the application answers."""
        return self.answering and self.current is None

    def wait(self, entry: Any, app: Any) -> None:
        """Let a request wait; reading goes on for a while, as only a reader hears that the client has left."""
        self.pipeline.appendleft((entry, app))
        if len(self.pipeline) >= MOST_WAITING:
            self.flow.pause_reading()

    def replied(self, client: NativeClient) -> None:
        """The reply to `client` has ended."""
        if client is not self.current:
            return
        if not client.complete:
            self._connection.discard(client)
            return
        if not client.keep_alive:
            self.transport.close()
        self.over()

    def over(self) -> None:
        """A reply, of either kind, has ended: it is the next request's turn."""
        self.current = None
        self.answering = False
        self._server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.come()
            return
        connection, flow = self._connection, self.flow
        if connection.discarding:
            self.transport.close()
            return
        if connection.in_head:
            connection.wait_for_client()
        elif not flow.write_paused:  # else the client must first take what was written
            self.watchdog.set(self._loop.time() + self._keep_alive)
        if flow.read_paused:
            flow.resume_reading()

    def come(self) -> None:
        """The next request's turn comes in the loop's next round."""
        if not self.due:
            self.due = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """The next request's turn, once its client has taken enough of the last reply."""
        self.due = False
        if not self.pipeline or self.transport.is_closing() or self.flow.write_paused or self.answering:
            return
        entry, app = self.pipeline.pop()
        if isinstance(entry, NativeClient):
            self._connection.take_up(entry)
        else:
            self._connection.take_up_asgi(entry, app)

    def rest(self) -> None:
        """Wait for the next request, or for nothing while a reply is made."""
        if not self.flow.write_paused:  # else the client must first take what was written
            self.watchdog.set(None if self.busy() else self._loop.time() + self._keep_alive)

    def pass_on(self, client: NativeClient, request_id: bytes, body: bytes, tried: str | None) -> None:
        """Let the application answer what takes more than one call of an upstream (`passing.py`)."""
        self._connection.pass_on(client, request_id, body, tried)

    # -- heads of replies ---------------------------------------------------------------------------------------------

    def date(self) -> bytes:
        """The header lines that every reply has, which uvicorn renews each second."""
        given = self._server_state.default_headers
        if self._dated is not given:
            self._dated = given
            self._date = b"".join([b"%b: %b\r\n" % pair for pair in given])
            self._ok_line = STATUS_LINE[200] + self._date
        return self._date

    def ok_line(self) -> bytes:
        """The status line 200 and the lines of `date`."""
        if self._dated is not self._server_state.default_headers:
            self.date()
        return self._ok_line
