"""The API: which path is answered how, one boundary for every error, and one log line per request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..context import FormatOptions
from ..errors import DrainingError, NotFoundError, RequestError, TruelineError
from ..messages import (
    ImageRequest,
    read_chat_request,
    read_completion_request,
    read_embedding_request,
    read_image_request,
    read_image_upload,
)
from ..pipeline import (
    ImageStream,
    Pipeline,
    WholeImages,
    chat_pipeline,
    completion_pipeline,
    embedding_pipeline,
    image_pipeline,
)
from ..prices import Price
from ..providers import Capabilities
from ..settings import Settings
from ..switches import HEADER, read_format_header
from .asking import Asker
from .awaited import AwaitedExchange
from .client import Client, ClientGone, Receive, Scope, Send
from .clock import SystemMint
from .conduct import Conduct
from .embedding import embedded
from .exchange import CLIENT_CLOSED, JSON, ClientSide, Exchange, log, log_failure
from .fetcher import Fetcher
from .headers import CREDENTIALS
from .journal import Journal
from .keys import admit
from .learned import Learned
from .metrics import Metrics
from .models import list_models, one_alias, one_model
from .passthrough import pass_through
from .pictures import Painter
from .recorder import Recorder
from .routes import Choice, Routes, spoken_by
from .tape import current as tape_of_task
from .together import together
from .translated import Translator, not_spoken
from .upstream import UpstreamClient

__all__ = ["PIPELINES", "Gateway", "Way", "options_of"]

_DOT_SEGMENT = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\;]|$)")


PIPELINES: dict[str, tuple[Callable[[bytes], Any], Callable[..., Pipeline]]] = {
    "/chat/completions": (read_chat_request, chat_pipeline),
    "/completions": (read_completion_request, completion_pipeline),
    "/embeddings": (read_embedding_request, embedding_pipeline),
    "/images/generations": (read_image_request, image_pipeline),
}
"""Paths whose replies are made exact: how their requests are read, and what their replies go through.

Reading refuses what cannot be asked.  The pipeline may be made when the request has left: making it raises nothing.
"""

TRANSLATED = ("/chat/completions", "/embeddings", "/images/generations")
"""Paths that are answered by upstreams that speak an API of their own, too."""

_FETCHES = 4
"""Pictures of one reply that are fetched at the same time."""

_UPLOADS = ("/images/edits", "/images/variations")
"""Paths of pictures whose requests are forms, or JSON."""


_WAYS = 1000
"""Model names that are kept in mind; clients choose them."""


class Way(NamedTuple):
    """What a model's name means."""

    choice: Choice
    known: Capabilities
    price: Price | None
    client: UpstreamClient


class Gateway:
    """The ASGI application for everything that goes to an upstream."""

    def __init__(
        self,
        settings: Settings,
        routes: Routes,
        upstream: UpstreamClient,
        guarded: UpstreamClient,
        recorder: Recorder | None = None,
    ) -> None:
        self.settings = settings
        self.routes = routes
        self.mint = SystemMint()
        self.metrics = Metrics(settings.workers)
        self.fetcher = Fetcher(upstream, guarded)
        self._ways: dict[str | None, Way] = {}
        self.learned = Learned(self._ways.clear)
        self.conduct = Conduct()
        self._upstream = upstream
        self._guarded = guarded
        self._recorder = recorder
        self._journal = Journal(log)
        self._aside: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tape = self._recorder.tape(scope) if self._recorder is not None else None
        if tape is not None:
            tape_of_task.set(tape)
            receive, send = tape.receive(receive), tape.send(send)
        client = Client(scope, receive, send, self.settings.limits.request_bytes)
        exchange = AwaitedExchange(client, self.request_id)
        self.metrics.running.add(exchange)
        try:
            await self._guard(exchange)
        finally:
            exchange.close()
            self.end(exchange)
            if tape is not None and self._recorder is not None:
                self._recorder.keep(tape, exchange)

    def end(self, exchange: Exchange[Any]) -> None:
        """Count an exchange that has ended, and log it."""
        pipe = exchange.pipe
        if pipe is not None:
            faults = exchange.faults
            if faults or pipe.facts.kept:
                self.conduct.learn(exchange.upstream, exchange.model, pipe.facts.kept, faults)
            exchange.used = used = pipe.tally()
            if used is not None and exchange.upstream is not None:
                stream = pipe.content_type != JSON
                reported = used.source in ("reported", "mended")
                self.learned.heard(exchange.upstream, stream, reported)
                if reported and self.conduct.trusts:
                    self.conduct.hear(
                        exchange.upstream, exchange.model, used.completion, getattr(pipe.facts, "request", None)
                    )
                if "n-ignored" in faults:
                    self.learned.gave(exchange.upstream, exchange.model, stream, complete=False)
            if exchange.price is not None:
                exchange.account()
        self.metrics.end(exchange)
        self._journal.write(exchange)

    @property
    def recording(self) -> bool:
        """Exchanges are written to a folder."""
        return self._recorder is not None

    def close(self) -> None:
        """The application stops: what still runs has no time left."""
        for exchange in list(self.metrics.running):
            exchange.drain()
        self._journal.close()

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what outlives its exchange, such as calling off what nobody waits for any more."""
        task = asyncio.get_running_loop().create_task(work, context=Context())  # it is none of the exchange's tape
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def request_id(self) -> bytes:
        return b"req_" + self.mint.token(32).encode()

    async def _guard(self, exchange: AwaitedExchange) -> None:
        """Every failure of an exchange ends here, and takes nothing else down."""
        error = await self._outcome(exchange)
        if error is None:
            return
        try:
            await exchange.fail(error)
        except asyncio.CancelledError:  # once more, while a slow client takes its error
            exchange.client.break_off()
        except Exception:
            log_failure(exchange)
            exchange.client.break_off()

    async def _outcome(self, exchange: AwaitedExchange) -> TruelineError | None:
        """Answer; the error to end with, where there is one."""
        try:
            await self._answer(exchange)
        except TruelineError as error:
            return error
        except ClientGone:
            exchange.status = CLIENT_CLOSED
        except asyncio.CancelledError:
            # Goes no further: the task ends here in any case, and a server would log it as a failure.
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            if not exchange.gone:
                return DrainingError("The server is shutting down, and the time for running replies is over.")
            exchange.status = CLIENT_CLOSED
        except Exception:
            log_failure(exchange)
            return TruelineError("Trueline failed to handle this request; its log says why.")
        return None

    async def _answer(self, exchange: AwaitedExchange) -> None:
        client = exchange.client
        self.authenticate(client)
        path, host = self._split(client)
        client.check_length()
        if client.header(b"upgrade") == b"websocket":
            raise RequestError("WebSockets are not supported: use plain HTTP requests.", code="websocket_unsupported")
        known = path if path in PIPELINES else _tidy(path)
        if client.method == "POST" and known in PIPELINES:
            read, make = PIPELINES[known]
            await self._reply(exchange, host, known, read(await exchange.body()), make)
        elif client.method == "POST" and known in _UPLOADS:
            kind = client.header(b"content-type") or b"application/json"
            form = read_image_upload(await exchange.body(), kind)
            await self._reply(exchange, host, known, form, image_pipeline, kind)
        elif client.method == "GET" and known == "/models":
            await self._models(exchange, host)
        elif client.method == "GET" and path.startswith("/models/") and len(path) > 8:
            await self._model(exchange, host, unquote(path[8:]))
        else:
            await pass_through(exchange, self.routes, host, path, self.client_for)

    def authenticate(self, client: ClientSide) -> None:
        """Let in who has a key, where keys are demanded; the key goes no further.  Raises AuthenticationError."""
        keys = self.settings.keys
        if keys:
            admit(keys, client.headers)
            client.headers = [pair for pair in client.headers if pair[0] not in CREDENTIALS]

    def _split(self, client: Client) -> tuple[str, str | None]:
        """`/v1/…` or `/{host}/v1/…` as the path behind `/v1` and the host.  Raises NotFoundError."""
        path = client.path
        where = f"{client.method} {path[:200]}"
        if _DOT_SEGMENT.search(unquote(path)):
            raise NotFoundError(
                f"Invalid URL ({where}): a path must not have '.' or '..' between its slashes.", code="unknown_url"
            )
        if path.startswith("/v1/"):
            return path[3:], None
        host, slash, rest = path[1:].partition("/")
        host = unquote(host)
        if slash and (rest + "/").startswith("v1/"):
            if self.routes.for_host(host) is not None:
                return rest[2:], host
            if "." in host or ":" in host or host == "localhost":
                raise NotFoundError(
                    f"The host '{host[:200]}' is not on the allow-list: hosts in the path must be listed in "
                    "`allowed_hosts`.",
                    code="host_not_allowed",
                )
        hint = " The API is under /v1." if path != "/v1" else ""
        raise NotFoundError(f"Invalid URL ({where}).{hint}", code="unknown_url")

    # -- the API ------------------------------------------------------------------------------------------------------

    def way_to(self, model: str | None) -> Way:
        """The way for a model name, worked out once.  Raises what `choose` raises."""
        way = self._ways.get(model)
        if way is None:
            choice = self.choose(None, model)
            price = choice.backend.prices.of(choice.model or model)
            way = Way(choice, self.learned.of(choice, model), price, self.client_for(choice))
            if len(self._ways) >= _WAYS:
                self._ways.clear()
            self._ways[model] = way
        return way

    def choose(self, host: str | None, model: str | None) -> Choice:
        """The way for a request: by the host in its path, else by its model."""
        chosen = self.routes.for_host(host) if host is not None else None
        return chosen or self.routes.for_model(model)

    async def _reply(
        self,
        exchange: AwaitedExchange,
        host: str | None,
        path: str,
        request: Any,
        make: Callable[..., Pipeline],
        kind: bytes = b"application/json",
    ) -> None:
        exchange.model = request.model
        choice = self.choose(host, request.model)
        exchange.options = self.options_for(exchange.client, choice, request)
        exchange.price = choice.backend.prices.of(choice.model or request.model)
        dialect = spoken_by(choice.backend)
        translator = None
        if dialect is not None:
            if path not in TRANSLATED:
                raise not_spoken(choice.backend, f"/v1{path}")
            make = partial(make, dialect=dialect)
            translator = Translator(exchange, self.client_for(choice), self.fetcher, choice, dialect)
        if translator is not None and isinstance(request, ImageRequest):
            last = await self._paint(exchange, choice, translator, request, make)
        elif translator is not None and len(shares := translator.shares(request)) > 1:
            whole = make(request, choice.route, self.mint, exchange.options)
            last = await embedded(exchange, translator, request, shares, whole)
        else:
            last = await self._ask(exchange, choice, translator, request, make, path, kind)
        pipe = exchange.pipe
        if isinstance(pipe, WholeImages) and pipe.missing:
            with exchange.waiting():
                await self._fetch(pipe, choice)
            last = pipe.finish()
        await exchange.finish(last)

    async def _fetch(self, pipe: WholeImages, choice: Choice) -> None:
        """Fetch what came as a URL where base64 was asked for."""
        urls = list(dict.fromkeys(pipe.missing))
        pictures = await together([self.fetcher.fetch(url, choice.backend) for url in urls], _FETCHES)
        for url, picture in zip(urls, pictures, strict=True):
            pipe.supply(url, picture)

    async def _ask(
        self,
        exchange: AwaitedExchange,
        choice: Choice,
        translator: Translator | None,
        request: Any,
        make: Callable[..., Pipeline],
        path: str,
        kind: bytes,
    ) -> bytes:
        """What is answered in one reply, or in several of which one is made; the last bytes of it."""
        asker = Asker(
            exchange,
            self.client_for(choice),
            choice,
            self.learned,
            lambda asked: make(asked, choice.route, self.mint, exchange.options),
            path + exchange.client.query,
            kind,
            translator,
        )
        return await asker.reply(request)

    async def _paint(
        self,
        exchange: AwaitedExchange,
        choice: Choice,
        translator: Translator,
        request: ImageRequest,
        make: Callable[..., Pipeline],
    ) -> bytes:
        """Pictures of an upstream with an API of its own; the last bytes of the reply."""
        client, pipe = self.client_for(choice), make(request, choice.route, self.mint, exchange.options)
        assert isinstance(pipe, (WholeImages, ImageStream))
        return await Painter(exchange, client, self.fetcher, choice, translator, self.aside).reply(request, pipe)

    async def _models(self, exchange: AwaitedExchange, host: str | None) -> None:
        await exchange.body()
        only = self.routes.for_host(host) if host is not None else None
        await list_models(exchange, self.routes, only, self.client_for)

    async def _model(self, exchange: AwaitedExchange, host: str | None, name: str) -> None:
        await exchange.body()
        exchange.model = name
        if host is None and name in self.routes.aliases:
            await one_alias(exchange, name, self.routes.aliases[name])
        else:
            await one_model(exchange, self.choose(host, name), name, self.client_for)

    def options_for(self, client: ClientSide, choice: Choice, request: Any) -> FormatOptions:
        """How a request wants its reply, but for checks that its upstream makes superfluous.  Raises RequestError."""
        return self.settled(options_of(client, choice), choice, request, self.learned.of(choice, request.model))

    def settled(self, options: FormatOptions, choice: Choice, request: Any, known: Capabilities) -> FormatOptions:
        """The options without checks of what the upstream keeps, by what is known of it or was seen."""
        if not known.keeps and not self.conduct.trusts:
            return options
        return self.conduct.settled(options, request.body, known.keeps, choice.backend.name, request.model)

    def client_for(self, choice: Choice) -> UpstreamClient:
        """The upstream client: the guarded one, where the request chose the host."""
        return self._guarded if choice.backend.guarded else self._upstream


_HEADER = HEADER.encode()


def options_of(client: ClientSide, choice: Choice) -> FormatOptions:
    """The upstream's format, with what the request's own header says.  Raises RequestError."""
    asked = client.header(_HEADER)
    options = choice.backend.options
    return options if asked is None else read_format_header(asked.decode("latin-1"), options)


def _tidy(path: str) -> str:
    """The path as the API spells it: one slash at a time, none at the end."""
    return "/" + "/".join(part for part in unquote(path).split("/") if part)
