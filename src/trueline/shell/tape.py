"""The tape of one exchange that is recorded: what the client sent and got, what upstreams got and sent, and when.

Only while recording is on does an exchange have one; it stands around the exchange (the client's messages, the sinks of
the upstream client), so that the exchange itself does not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from ..recordings.form import OVERLAP, Ending
from .client import Receive, Scope, Send
from .headers import Pairs
from .upstream import Response, Target, Timeouts, TLSOptions, UpstreamClient

__all__ = ["RecordingClient", "Tape", "TapedBody", "TapedCall", "current"]

_MOST_READS = 20_000
"""Reads that are told apart in one body; those behind count as one."""

current: ContextVar[Tape | None] = ContextVar("tape", default=None)
"""The tape of the exchange that the running task works for."""


class TapedBody:
    """The beginning of a body, with the reads that it came in."""

    __slots__ = ("_began", "_left", "pieces", "reads", "size")

    def __init__(self, began: float, limit: int) -> None:
        self.pieces: list[bytes] = []
        self.reads: list[tuple[float, int]] = []
        self.size = 0
        self._began = began
        self._left = limit + OVERLAP

    def add(self, data: bytes) -> None:
        """One read."""
        self.size += len(data)
        if self._left <= 0 or not data:
            return
        kept = data if len(data) <= self._left else data[: self._left]
        self._left -= len(kept)
        self.pieces.append(kept)
        if len(self.reads) < _MOST_READS:
            self.reads.append(((perf_counter() - self._began) * 1e3, len(kept)))
        else:
            ms, length = self.reads[-1]
            self.reads[-1] = ms, length + len(kept)


class TapedCall:
    """One request to an upstream."""

    def __init__(self, tape: Tape, method: str, target: Target, path: str, headers: Pairs, body: Any) -> None:
        self.tape = tape
        self.method, self.path, self.headers = method, path, headers
        self.origin = target.origin
        self.body = TapedBody(tape.began, tape.limit)
        if isinstance(body, bytes):
            self.body.add(body)
        self.asked = perf_counter()
        self.head_ms = 0.0
        self.status = 0
        self.reply_headers: Pairs = []
        self.reply = TapedBody(tape.began, tape.limit)
        self.end: Ending = "left"
        self.why = ""


class Tape:
    """What was seen of one exchange.  `scope` must be HTTP's."""

    def __init__(self, scope: Scope, limit: int) -> None:
        self.began = perf_counter()
        self.limit = limit
        """Bytes to keep of a body."""
        self.method: str = scope["method"]
        query = scope.get("query_string") or b""
        self.path = scope["path"] + ("?" + query.decode("latin-1") if query else "")
        self.headers: Pairs = list(scope["headers"])
        self.request = TapedBody(self.began, limit)
        self.status = 0
        self.reply_headers: Pairs = []
        self.reply = TapedBody(self.began, limit)
        self.calls: list[TapedCall] = []

    def receive(self, inner: Receive) -> Receive:
        """`inner`, with the request's body noted."""

        async def receive() -> MutableMapping[str, Any]:
            message = await inner()
            if message["type"] == "http.request":
                self.request.add(message.get("body", b""))
            return message

        return receive

    def send(self, inner: Send) -> Send:
        """`inner`, with the reply noted."""

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.reply_headers = list(message["headers"])
            elif message["type"] == "http.response.body":
                self.reply.add(message.get("body", b""))
            await inner(message)

        return send

    @property
    def held(self) -> int:
        """Bytes that it holds."""
        bodies = [self.request, self.reply, *(body for call in self.calls for body in (call.body, call.reply))]
        return sum(sum(map(len, body.pieces)) for body in bodies)


class _TapedResponse(Response):
    """A response whose bytes are noted as they come from the socket."""

    taped: TapedCall

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """See ResponseSink."""
        self.taped.status, self.taped.reply_headers = status, list(headers)
        self.taped.head_ms = (perf_counter() - self.taped.asked) * 1e3
        super().on_head(status, headers)

    def on_data(self, data: bytes) -> None:
        """See ResponseSink."""
        self.taped.reply.add(data)
        super().on_data(data)

    def on_end(self) -> None:
        """See ResponseSink."""
        self.taped.end = "complete"
        super().on_end()

    def on_error(self, error: Exception) -> None:
        """See ResponseSink."""
        self.taped.end, self.taped.why = "cut", str(error)
        super().on_error(error)


class RecordingClient(UpstreamClient):
    """An upstream client that notes what it does for an exchange with a tape."""

    async def request(
        self,
        method: str,
        target: Target,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes] | None = None,
        timeouts: Timeouts = Timeouts(),
        tls: TLSOptions | None = None,
    ) -> Response:
        """See UpstreamClient."""
        tape = current.get()
        if tape is None:
            return await super().request(method, target, path, headers, body, timeouts, tls)
        response = _TapedResponse(self._limits, target.origin)
        response.taped = TapedCall(tape, method, target, path, list(headers), body)
        tape.calls.append(response.taped)
        call = self.start(method, target, path, headers, body, timeouts, tls, sink=response)
        await response.wait_for_head(call)
        return response
