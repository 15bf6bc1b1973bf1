"""One exchange: a request to an upstream, its reply through a pipeline, and every way in which that can fail.

    client ──▶ Exchange ──▶ UpstreamClient
    client ◀── Exchange ◀── pipeline ◀──┘

The status of a reply is held back until the pipeline has something to say, so that a failure before the first byte is
an HTTP status and one after it an error event.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from ..context import FormatOptions
from ..dialects.error_bodies import read_error, without_secrets
from ..dialects.sharper import sharpen
from ..errors import TruelineError, UpstreamError, UpstreamReplyError
from ..excerpts import MOST
from ..pipeline import Pipeline
from ..wire import jsonio
from ..wire.transfer import content_type_faults
from .client import Client
from .headers import Pairs, for_client, for_upstream, is_credential
from .routes import Backend, Choice
from .upstream import Response, UpstreamClient

__all__ = ["Exchange", "log"]

log = logging.getLogger("trueline.exchange")

MIN_KEY = 8
"""Characters below which what a client sends as its key is taken for a word, which a message may well contain."""

MAX_ERROR_BODY = 1024 * 1024
"""Bytes of an upstream's error body that are looked at."""

_SAFE_ID = re.compile(rb"[!-~]{1,512}")
_JSON = b"application/json"
_IDENTITY = (b"accept-encoding", b"identity")


class Exchange:
    """The state of one exchange, for its headers and its log line."""

    def __init__(self, client: Client, make_id: Any) -> None:
        self.client = client
        given = client.header(b"x-request-id")
        self.request_id: bytes = given if given and _SAFE_ID.fullmatch(given) else make_id()
        self.began = perf_counter()
        self.waited = 0.0
        """Seconds in which the client's body or the upstream was waited for, until the reply began."""
        self.upstream: str | None = None
        self.model: str | None = None
        self.status = 0
        self.error: TruelineError | None = None
        """Why the reply is an error, or ends in one."""
        self.faults: dict[str, int] = {}
        self.examples: dict[str, bytes] = {}
        """What the upstream had just sent when a fault was first noted."""
        self.received = 0
        """Bytes of the upstream's reply, decoded."""
        self.upstream_seconds: float | None = None
        """From the request to the head of the upstream's reply."""
        self.secrets: tuple[str, ...] = ()
        """Keys that were sent upstream: an error that repeats one must not carry it on."""
        self.pipe: Pipeline | None = None
        self.options = FormatOptions()
        """How this request wants its reply."""
        self.gone = False
        """The client went away."""
        self._task = asyncio.current_task()
        self._response: Response | None = None
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
        """The time spent in this block is not Trueline's own."""
        before = perf_counter()
        try:
            yield
        finally:
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
    ) -> Response:
        """Send the request on.  The response is closed with the exchange.

        `identity`: ask for no compression, so that no event of a stream waits in a compressor.
        `content_type`: in place of the client's.  `credentials`: whether the client's key may go along.
        Raises what `UpstreamClient.request` raises.
        """
        backend = choice.backend
        self.upstream = backend.name
        headers = for_upstream(self.client.headers, credentials=credentials and not backend.own_key)
        self.secrets = (*backend.secrets, *_keys_in(headers))
        if content_type is not None:
            headers = [pair for pair in headers if pair[0] != b"content-type"]
            headers.append((b"content-type", content_type))
        if backend.headers:
            own = {name for name, _ in backend.headers}
            headers = [pair for pair in headers if pair[0] not in own] + backend.headers
        headers.append((b"x-request-id", self.request_id))
        if client_length is not None:
            headers.append((b"content-length", client_length))
        if identity:
            headers.append(_IDENTITY)
        before = perf_counter()
        with self.waiting():
            self._response = await upstream.request(
                method, backend.target, path, headers, body, backend.timeouts, backend.tls
            )
        self.upstream_seconds = perf_counter() - before
        return self._response

    async def refuse_error(self, response: Response, backend: Backend) -> None:
        """Raise the upstream's error, where it answered with one: any status but 2xx."""
        status = response.status
        if 200 <= status < 300:
            return
        headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in response.headers}
        if 300 <= status < 400:
            where = headers.get("location", "").partition("?")[0] or "another address"
            raise UpstreamError(
                f"The upstream '{backend.name}' redirects to {where}. Redirects are not followed: "
                "set the upstream's URL to the address that it redirects to.",
                code="upstream_redirect",
            )
        try:
            body = await response.read_all(MAX_ERROR_BODY)
        except UpstreamError:
            body = b""
        error = read_error(status, headers, body)
        sharpen(error, self.options.options)
        self.received += len(body)
        self._keep_examples(body, error.faults)
        error.message = without_secrets(error.message, self.secrets)
        if backend.own_key and status in (401, 403):
            error = UpstreamReplyError(
                f"The upstream '{backend.name}' refused the key that Trueline has for it ({status}): {error.message}",
                status=502,
                code="upstream_key_refused",
            )
        raise error

    # -- through a pipeline -------------------------------------------------------------------------------------------

    async def run(self, pipe: Pipeline, response: Response) -> bytes:
        """Pump the response through `pipe` to the client; returns the last bytes, which are still to be sent.

        Raises the pipeline's error, where nothing was sent yet.
        """
        pipe.secrets = self.secrets
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
                    self._note_content_type(response, data)
                last = data
                self.received += len(data)
                out = pipe.feed(data)
                if len(self.faults) != known:
                    known = self._keep_examples(data, self.faults)
                if out:
                    await self.stream(out)
        except UpstreamError as error:
            self.error = cut = error
        for fault in response.faults:
            self.faults[fault] = self.faults.get(fault, 0) + 1
        if cut is None and pipe.done and pipe.error is None:
            response.finish()
        else:
            response.close()
        out = pipe.close(cut)
        if len(self.faults) != known:
            self._keep_examples(start if pipe.content_type == _JSON else _tail(last), self.faults)
        if pipe.error is not None:
            raise pipe.error
        return out

    def _keep_examples(self, data: bytes, faults: Collection[str]) -> int:
        """Keep what may show a fault; how many faults there are by now."""
        for fault in faults:
            if fault not in self.examples:
                self.examples[fault] = data[:MOST]
        return len(faults)

    def _note_content_type(self, response: Response, start: bytes) -> None:
        said = next((value for name, value in response.headers if name == b"content-type"), None)
        for fault in content_type_faults(said, start):
            self.faults[fault] = self.faults.get(fault, 0) + 1

    @property
    def streams(self) -> bool:
        """A stream of events has begun."""
        return self.client.started and self.pipe is not None and self.pipe.content_type.startswith(b"text/event-stream")

    # -- to the client ------------------------------------------------------------------------------------------------

    def head(self, content_type: bytes | None, *, same_body: bool = False) -> Pairs:
        """The headers of a reply; `same_body`: it is the upstream's, byte for byte."""
        headers = for_client(self._response.headers, same_body=same_body) if self._response is not None else []
        if content_type is not None:
            headers.append((b"content-type", content_type))
        headers.append((b"x-request-id", self.request_id))
        elapsed = perf_counter() - self.began
        if not any(name == b"openai-processing-ms" for name, _ in headers):
            headers.append((b"openai-processing-ms", b"%d" % (elapsed * 1e3)))
        if self.upstream is not None:
            headers.append((b"x-trueline-upstream", self.upstream.encode("utf-8", "replace")))
            headers.append((b"x-trueline-overhead-us", b"%d" % max(0.0, (elapsed - self.waited) * 1e6)))
        source = getattr(self.pipe, "usage_source", None)  # of chats only
        if source is not None:
            headers.append((b"x-trueline-usage", source.encode()))
        upstream_id = self.pipe.upstream_id if self.pipe is not None else None
        if upstream_id is not None and _SAFE_ID.fullmatch(upstream_id.encode("utf-8", "replace")):
            headers.append((b"x-trueline-upstream-id", upstream_id.encode()))
        return headers

    async def stream(self, data: bytes) -> None:
        """Send bytes of a stream; the head goes first."""
        if not self.client.started:
            assert self.pipe is not None
            headers = self.head(self.pipe.content_type)
            headers.append((b"cache-control", b"no-cache"))
            headers.append((b"x-accel-buffering", b"no"))
            self.status = 200
            await self.client.start(200, headers)
        await self.client.write(data)

    async def whole(self, data: bytes, content_type: bytes = b"application/json") -> None:
        """Send a whole reply."""
        headers = self.head(content_type)
        headers.append((b"content-length", b"%d" % len(data)))
        if self.faults:
            headers.append((b"x-trueline-repairs", ",".join(self.faults).encode()))
        self.status = 200
        self.unwatch()
        await self.client.start(200, headers)
        await self.client.end(data)

    async def fail(self, error: TruelineError) -> None:
        """Answer with an error: its status if nothing was sent, else the event that the pipeline makes of it.

        What has begun and cannot end in an error event gets no end at all.
        """
        self.unwatch()
        self.error = error
        error.message = without_secrets(error.message, self.secrets)
        if self.client.started:
            last = self.pipe.close(error) if self.pipe is not None and not self.pipe.done else b""
            if last:
                await self.client.end(last)
            else:
                self.client.break_off()
            return
        for fault in error.faults:
            self.faults.setdefault(fault, 1)
        body = jsonio.encode(error.body())
        # The error says when to come back; a challenge is for a client whose key was refused.
        dropped = (b"retry-after",) if error.status == 401 else (b"retry-after", b"www-authenticate")
        headers = [pair for pair in self.head(b"application/json") if pair[0] not in dropped]
        headers.append((b"content-length", b"%d" % len(body)))
        if error.retry_after is not None:
            headers.append((b"retry-after", error.retry_after.encode("latin-1", "replace")))
        if self.faults:
            headers.append((b"x-trueline-repairs", ",".join(self.faults).encode()))
        self.status = error.status
        await self.client.start(error.status, headers)
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
        if self._response is not None:
            self._response.close()


def _tail(data: bytes) -> bytes:
    """The last lines of what came last."""
    tail = data[-MOST:]
    return tail if len(data) <= MOST else tail.partition(b"\n")[2] or tail


def _keys_in(headers: Pairs) -> Iterator[str]:
    """The keys that go along."""
    for name, value in headers:
        key = value.decode("latin-1").strip().rpartition(" ")[2]
        if is_credential(name) and len(key) >= MIN_KEY:
            yield key
