"""An exchange that waits: for everything that comes through ASGI.

    client ──▶ AwaitedExchange ──▶ UpstreamClient
    client ◀── AwaitedExchange ◀── pipeline ◀──┘

The status of a reply is held back until the pipeline has something to say, so that a failure before the first byte is
an HTTP status and one after it an error event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from ..errors import TruelineError, UpstreamError
from ..pipeline import Pipeline
from .client import Client
from .exchange import JSON, MAX_ERROR_BODY, Exchange, keys_in
from .headers import Pairs, pairs_of
from .routes import Backend, Choice
from .upstream import Response, UpstreamClient
from .work import work_off

__all__ = ["AwaitedExchange"]


class AwaitedExchange(Exchange[Client]):
    """An exchange in a task of its own, which ends with the client's going away."""

    def __init__(self, client: Client, make_id: Callable[[], bytes]) -> None:
        super().__init__(client, make_id)
        self.gone = False
        """The client went away."""
        self._task = asyncio.current_task()
        self._responses: list[Response] = []
        self._waits = 0
        self._watcher: asyncio.Task[None] | None = None
        self._ending = False

    # -- to the upstream ----------------------------------------------------------------------------------------------

    async def body(self) -> bytes:
        """The client's whole body; once it is there, the client's going away ends the exchange."""
        with self.waiting():
            body = await self.client.read()
        self.watch()
        return body

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The time spent in this block is not Trueline's own; of several that overlap it is the first one's."""
        before = perf_counter()
        counts = self._waits == 0
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if counts:
                self.waited += perf_counter() - before

    async def call(
        self,
        upstream: UpstreamClient,
        choice: Choice,
        method: str,
        path: str,
        body: Any = None,
        *,
        identity: bool = True,
        content_type: bytes | None = None,
        client_length: bytes | None = None,
        credentials: bool = True,
        more: Iterable[tuple[bytes, bytes]] = (),
    ) -> Response:
        """Send the request on.  The response is closed with the exchange.

        See `upstream_headers`; `client_length`: of a body that is streamed; `more`: headers that the request needs,
        in place of the client's.
        Raises what `UpstreamClient.request` raises.
        """
        backend = choice.backend
        self.upstream = backend.name
        headers = self.upstream_headers(choice, identity=identity, content_type=content_type, credentials=credentials)
        headers.append((b"x-request-id", self.request_id))
        if client_length is not None:
            headers.append((b"content-length", client_length))
        if more:
            headers = _with(headers, more)
        path = backend.paths.of(path, choice.model or self.model)
        if backend.signing is not None:
            target = backend.target
            url = f"{target.scheme}://{target.authority}{target.base_path}{path}"
            with self.waiting():
                signed = await backend.signing.headers(method, url, headers, body if isinstance(body, bytes) else b"")
            self.secrets = (*self.secrets, *keys_in(signed))
            headers = _with(headers, signed)
        before = perf_counter()
        with self.waiting():
            response = await upstream.request(
                method, backend.target, path, headers, body, backend.timeouts, backend.tls
            )
        self._responses.append(response)
        self.upstream_seconds = perf_counter() - before
        self.reply_headers = response.headers
        return response

    async def refuse_error(self, response: Response, backend: Backend) -> None:
        """Raise the upstream's error, where it answered with one: any status but 2xx."""
        if 200 <= response.status < 300:
            return
        if 300 <= response.status < 400:
            raise self.redirected(backend)
        try:
            body = await response.read_all(MAX_ERROR_BODY)
        except UpstreamError:
            body = b""
        raise self.upstream_error(response.status, body, backend)

    # -- through a pipeline -------------------------------------------------------------------------------------------

    async def run(self, pipe: Pipeline, response: Response) -> bytes:
        """Pump the response through `pipe` to the client; returns the last bytes, which are still to be sent.

        Raises the pipeline's error, where nothing was sent yet.
        """
        pipe.secrets = self.secrets
        pipe.defer()
        self.pipe = pipe
        self.faults = pipe.faults
        cut: TruelineError | None = None
        start = last = b""
        known = 0
        try:
            while not pipe.done:
                before = perf_counter()
                data = await response.read()
                self.waited += perf_counter() - before
                if not data:
                    break
                if not start:
                    start = data
                    self.note_content_type(data)
                last = data
                self.received += len(data)
                out = pipe.feed(data)
                if len(self.faults) != known:
                    known = self.keep_examples(data, self.faults)
                if out:
                    await self.stream(out)
                if pipe.owed is not None:
                    out = await self._work_off(pipe)
                    if out:
                        await self.stream(out)
        except UpstreamError as error:
            self.error = cut = error
        for fault in response.faults:
            self.note(fault)
        if cut is None and pipe.done and pipe.error is None and not pipe.left:
            response.finish()
        else:
            response.close()
        out = pipe.close(cut)
        if pipe.owed is not None:
            out += await self._work_off(pipe)
        if len(self.faults) != known:
            self.keep_last_examples(start, last)
        if pipe.error is not None:
            raise pipe.error
        return out

    async def _work_off(self, pipe: Pipeline) -> bytes:
        """What the pipeline gives when what it owes has been done, or there is no time left for it."""
        out = b""
        while (work := pipe.owed) is not None:
            try:
                await work_off(work)
            except asyncio.CancelledError:
                out += pipe.settle()
                if self.gone or self._task is None or not pipe.done or pipe.owed is not None:
                    raise
                self._task.uncancel()  # a reply that lacks nothing but a count is answered all the same
                return out
            out += pipe.settle()
        return out

    # -- to the client ------------------------------------------------------------------------------------------------

    async def stream(self, data: bytes) -> None:
        """Send bytes of a stream; the head goes first."""
        if not self.client.started:
            self.status = 200
            await self.client.start(200, pairs_of(self.stream_head()))
        await self.client.write(data)

    async def whole(self, data: bytes, content_type: bytes = JSON) -> None:
        """Send a whole reply."""
        self.account(data)
        headers = pairs_of(self.whole_head(len(data), content_type))
        self.status = 200
        self.unwatch()
        await self.client.start(200, headers)
        await self.client.end(data)

    async def fail(self, error: TruelineError) -> None:
        """Answer with an error: its status if nothing was sent, else the event that the pipeline makes of it.

        What has begun and cannot end in an error event gets no end at all.
        """
        self.unwatch()
        self.blame(error)
        if self.client.started:
            last = self.last_words(error)
            if last:
                await self.client.end(last)
            else:
                self.client.break_off()
            return
        head, body = self.error_reply(error)
        self.status = error.status
        await self.client.start(error.status, pairs_of(head))
        await self.client.end(body)

    async def finish(self, last: bytes) -> None:
        """Send what the pipeline gave at its end: the last of a stream, or a whole reply."""
        assert self.pipe is not None
        if self.pipe.content_type.startswith(b"text/event-stream"):
            if not self.client.started:
                await self.stream(b"")
            self.unwatch()
            await self.client.end(last)
        else:
            await self.whole(last)

    # -- the client's going away --------------------------------------------------------------------------------------

    def watch(self) -> None:
        """From now on, end the exchange at once when the client goes away.  Its body must have been read."""
        task = self._task
        if self._watcher is not None or self._ending or task is None:
            return

        async def wait() -> None:
            await self.client.gone()
            self.gone = True
            task.cancel()

        self._watcher = asyncio.get_running_loop().create_task(wait())

    def unwatch(self) -> None:
        """The reply's last bytes are on their way: the client may go when it has them."""
        self._ending = True
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def close(self) -> None:
        """Let go of the upstream: a reply that has not ended is cancelled at once."""
        self.unwatch()
        for response in self._responses:
            response.close()
        if self.pipe is not None:
            self.pipe.release()


def _with(headers: Pairs, more: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """`headers` with others in the place of those of their names."""
    others = list(more)
    named = {name for name, _ in others}
    return [pair for pair in headers if pair[0] not in named] + others
