"""Pictures of upstreams that speak an API of their own: asked for in as many calls as it takes, and waited for.

What is still made is asked for again and again, at the pace that the API's dialect and the upstream's `Retry-After`
say, until it is there, the upstream's time is over, or the client has gone: then it is called off where the API can.
Only the upstream itself is asked: its own host, or another one of the same provider.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..dialects.bases import joined as below
from ..dialects.images import joined, read_answer
from ..dialects.provider import Painted, ProviderRequest, Waiting
from ..errors import TruelineError, UpstreamConnectError, UpstreamError, UpstreamFormatError, UpstreamTimeoutError
from ..messages import ImageRequest
from ..pipeline import MAX_REPLY, ImageStream, WholeImages
from ..providers import provider_of
from .awaited import AwaitedExchange
from .fetcher import Fetcher
from .routes import Backend, Choice
from .together import together
from .translated import Translator
from .upstream import Target, Timeouts, UpstreamClient

__all__ = ["Painter", "is_its_own"]

AT_ONCE = 8
"""Calls for one request at the same time; others wait for their turn."""
MAX_PAUSE = 5.0
"""Seconds between two looks, at most."""
_SLOWER = 1.25
_PATIENCE = 3
"""Looks in a row that may fail while a picture is made."""
_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of a look that say nothing of the picture."""
_SENDABLE = re.compile(r"/[!-\"$-~]*")
_CALLING_OFF = Timeouts(connect=5.0, first_byte=10.0, stall=5.0, total=15.0)


class Painter:
    """Has the pictures of one request made.  `aside` runs what outlives the exchange."""

    def __init__(
        self,
        exchange: AwaitedExchange,
        upstream: UpstreamClient,
        fetcher: Fetcher,
        choice: Choice,
        translator: Translator,
        aside: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._exchange = exchange
        self._upstream = upstream
        self._fetcher = fetcher
        self._choice = choice
        self._images = translator.images
        self._translator = translator
        self._aside = aside

    async def reply(self, request: ImageRequest, pipe: WholeImages | ImageStream) -> bytes:
        """The reply's last bytes, for `AwaitedExchange.finish`.  Raises what the exchange fails with."""
        exchange = self._exchange
        sent = await self._translator.written(request)
        async with _within(self._choice.backend.timeouts):
            whole = joined(await together([self._one(one, request) for one in sent], AT_ONCE), request.n)
        if isinstance(whole, TruelineError):
            raise whole
        if request.stream:
            await together([self._bring(image) for image in whole["data"]], AT_ONCE)
        exchange.pipe = pipe
        pipe.secrets = exchange.secrets
        exchange.faults = pipe.faults
        pipe.take(whole)
        out = pipe.close()
        if pipe.error is not None:
            raise pipe.error
        return out

    async def _one(self, sent: ProviderRequest, request: ImageRequest) -> Painted | TruelineError:
        """Ask, and go on asking.  What was withheld is an answer; any other failure is raised."""
        made, told = await self._look(sent, request)
        try:
            pause, failed = 0.0, 0
            while isinstance(made, Waiting):
                if made.after:
                    pause = min(pause * _SLOWER or made.after, MAX_PAUSE)
                    with self._exchange.waiting():
                        await asyncio.sleep(pause if told is None else told)
                try:
                    (made, told), failed = await self._look(made.ask, request, made), 0
                except UpstreamError as error:
                    failed += 1
                    if failed > _PATIENCE or not _passes(error):
                        raise
        except BaseException:
            if isinstance(made, Waiting) and made.cancel is not None:
                self._call_off(made.cancel)
            raise
        if isinstance(made, TruelineError) and made.code != "content_policy_violation":
            raise made
        return made

    async def _look(
        self, sent: ProviderRequest, request: ImageRequest, before: Waiting | None = None
    ) -> tuple[Painted | Waiting | TruelineError, float | None]:
        """One call, and what its reply means; in how many seconds the next one is welcome, if that is said."""
        exchange, choice = self._exchange, self._choice
        target, path = self._place(sent.path)
        if target is not choice.backend.target:
            choice = replace(choice, backend=replace(choice.backend, target=target))
        try:
            response = await self._translator.call(sent, path, choice)
            with exchange.waiting():
                body = await response.read_all(MAX_REPLY)
        except TruelineError as error:
            if error.code == "content_policy_violation":
                return error, None
            raise
        exchange.received += len(body)
        made = read_answer(self._images, body, request, sent)
        if isinstance(made, Waiting) and made.cancel is None and before is not None:
            made = made._replace(cancel=before.cancel)
        told = response.header(b"retry-after") or b""
        return made, min(float(told), MAX_PAUSE) if told.isdigit() else None

    def _place(self, path: str) -> tuple[Target, str]:
        """Where a request goes.  Raises UpstreamFormatError for a URL that is not the upstream's or its provider's."""
        backend = self._choice.backend
        if path.startswith("/") and not path.startswith("//"):
            return backend.target, below(backend.target.base_path, path)
        target: Target | None = None
        rest = ""
        try:
            parts = urlsplit(path)
            rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            target = Target.parse(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            pass
        if target is None or not _SENDABLE.fullmatch(rest) or not is_its_own(target, backend):
            raise UpstreamFormatError(
                "The upstream says that its pictures are to be asked for at another host than its own, "
                "which Trueline does not do.",
                code="upstream_host_refused",
            )
        return target, rest

    def _call_off(self, sent: ProviderRequest) -> None:
        try:
            target, path = self._place(sent.path)
        except UpstreamError:
            return
        exchange, choice = self._exchange, self._choice
        headers = exchange.upstream_headers(choice, content_type=b"application/json")
        path = choice.backend.paths.of(path, choice.model or exchange.model)
        tls = choice.backend.tls

        async def call() -> None:
            try:
                response = await self._upstream.request(
                    sent.method, target, path, headers, sent.body, _CALLING_OFF, tls
                )
                async with response:
                    await response.read_all(MAX_REPLY)
            except UpstreamError:
                pass  # nobody waits for it, and it may have ended by itself

        self._aside(call())

    async def _bring(self, image: dict[str, Any]) -> None:
        """Fetch a picture that is somewhere else: a stream has it in its event."""
        url = image.get("url")
        if isinstance(url, str) and "b64_json" not in image:
            with self._exchange.waiting():
                data = await self._fetcher.fetch(url, self._choice.backend)
            image["b64_json"] = b64encode(data).decode()
            del image["url"]


def is_its_own(target: Target, backend: Backend) -> bool:
    """Whether a host is the upstream's, or of the provider that the upstream's own host is of."""
    own = backend.target
    if (target.scheme, target.origin) == (own.scheme, own.origin):
        return True
    row = provider_of(f"https://{own.authority}", backend.dialect)
    same = row is not None and provider_of(f"https://{target.authority}", backend.dialect) is row
    return same and target.scheme == own.scheme == "https"


def _passes(error: UpstreamError) -> bool:
    """Whether a failure to look says nothing of the picture."""
    if isinstance(error, UpstreamFormatError):
        return False  # where to look is nowhere that Trueline looks
    return isinstance(error, UpstreamConnectError) or error.status in _PASSING


@asynccontextmanager
async def _within(timeouts: Timeouts) -> AsyncIterator[None]:
    """The upstream's time for a reply: to its head, as nothing is sent before, or as a whole."""
    limits = [seconds for seconds in (timeouts.first_byte, timeouts.total) if seconds is not None]
    limit = min(limits) if limits else None
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        raise UpstreamTimeoutError(f"The upstream's pictures were not there after {limit:g} seconds.") from None
