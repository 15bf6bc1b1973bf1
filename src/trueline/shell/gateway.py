"""The API: which path is answered how, one boundary for every error, and one log line per request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from urllib.parse import unquote

from ..errors import AuthenticationError, DrainingError, NotFoundError, TruelineError
from ..messages import read_chat_request, read_image_request
from ..pipeline import Pipeline, WholeImages, chat_pipeline, image_pipeline
from ..settings import Settings
from .client import Client, ClientGone, Receive, Scope, Send
from .clock import SystemMint
from .exchange import Exchange, log
from .fetcher import Fetcher
from .models import list_models, one_model
from .passthrough import pass_through
from .routes import Choice, Routes
from .upstream import UpstreamClient

__all__ = ["Gateway"]


CLIENT_CLOSED = 499
"""Status in the log, nowhere else: the client went away before it was answered."""


class Gateway:
    """The ASGI application for everything that goes to an upstream."""

    def __init__(self, settings: Settings, routes: Routes, upstream: UpstreamClient, guarded: UpstreamClient) -> None:
        self.settings = settings
        self.routes = routes
        self.mint = SystemMint()
        self.fetcher = Fetcher(upstream, guarded)
        self._upstream = upstream
        self._guarded = guarded
        self._log = log.isEnabledFor(20)
        self._handlers: dict[tuple[str, str], Callable[[Exchange, str | None], Awaitable[None]]] = {
            ("POST", "/chat/completions"): self._chat,
            ("POST", "/images/generations"): self._images,
            ("GET", "/models"): self._models,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(scope, receive, send, self.settings.limits.request_bytes)
        exchange = Exchange(client, self._request_id)
        try:
            await self._guard(exchange)
        finally:
            exchange.close()
            if self._log:
                self._write_log(exchange)

    def _request_id(self) -> bytes:
        return b"req_" + self.mint.token(32).encode()

    async def _guard(self, exchange: Exchange) -> None:
        """Every failure of an exchange ends here, and takes nothing else down."""
        try:
            await self._answer(exchange)
        except TruelineError as error:
            await exchange.fail(error)
        except ClientGone:
            exchange.status = CLIENT_CLOSED
        except asyncio.CancelledError:
            if exchange.gone:
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                exchange.status = CLIENT_CLOSED
                return
            await exchange.fail(DrainingError("The server is shutting down, and the time for running replies is over."))
            raise
        except Exception:
            log.exception("request %s failed in Trueline itself", exchange.request_id.decode("latin-1"))
            await exchange.fail(TruelineError("Trueline failed to handle this request; its log says why."))

    async def _answer(self, exchange: Exchange) -> None:
        client = exchange.client
        self._authenticate(client)
        path, host = self._split(client.path)
        handler = self._handlers.get((client.method, path))
        if handler is not None:
            await handler(exchange, host)
        elif client.method == "GET" and path.startswith("/models/") and len(path) > 8:
            await client.read()
            exchange.watch()
            name = unquote(path[8:])
            await one_model(exchange, self.routes, self.choose(host, name), name, self.client_for)
        else:
            await pass_through(exchange, self.routes, host, path, self.client_for)

    def _authenticate(self, client: Client) -> None:
        keys = self.settings.keys
        if not keys:
            return
        given = (client.header(b"authorization") or b"").decode("latin-1")
        key = given.removeprefix("Bearer ").strip() or (client.header(b"api-key") or b"").decode("latin-1")
        if not key:
            raise AuthenticationError(
                "You didn't provide an API key. You need to provide your API key in an Authorization header "
                "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                code="",
            )
        if not any(known.matches(key) for known in keys):
            raise AuthenticationError("Incorrect API key provided.")
        client.headers = [
            pair for pair in client.headers if pair[0] not in (b"authorization", b"api-key", b"x-api-key")
        ]

    def _split(self, path: str) -> tuple[str, str | None]:
        """`/v1/…` or `/{host}/v1/…` as the path behind `/v1` and the host.  Raises NotFoundError."""
        if path.startswith("/v1/"):
            return path[3:], None
        host, slash, rest = path[1:].partition("/")
        if slash and (rest + "/").startswith("v1/") and ("." in host or ":" in host or host == "localhost"):
            if self.routes.for_host(unquote(host)) is None:
                raise NotFoundError(
                    f"The host '{host}' is not on the allow-list. Hosts in the path must be listed in `allowed_hosts`.",
                    code="host_not_allowed",
                )
            return rest[2:], unquote(host)
        hint = " The API is under /v1." if path != "/v1" else ""
        raise NotFoundError(f"Invalid URL ({path}).{hint}", code="unknown_url")

    # -- the API ------------------------------------------------------------------------------------------------------

    def choose(self, host: str | None, model: str | None) -> Choice:
        """The way for a request: by the host in its path, else by its model."""
        chosen = self.routes.for_host(host) if host is not None else None
        return chosen or self.routes.for_model(model)

    async def _chat(self, exchange: Exchange, host: str | None) -> None:
        request = read_chat_request(await exchange.client.read())
        exchange.model = request.model
        choice = self.choose(host, request.model)
        pipe = chat_pipeline(request, choice.route, self.mint, choice.backend.options)
        last = await self._run(exchange, choice, "/chat/completions", request.with_model(choice.model), pipe)
        await exchange.finish(last)

    async def _images(self, exchange: Exchange, host: str | None) -> None:
        request = read_image_request(await exchange.client.read())
        exchange.model = request.model
        choice = self.choose(host, request.model)
        pipe = image_pipeline(request, choice.route, self.mint, choice.backend.options)
        last = await self._run(exchange, choice, "/images/generations", request.with_model(choice.model), pipe)
        if isinstance(pipe, WholeImages) and pipe.missing:
            for url in dict.fromkeys(pipe.missing):
                pipe.supply(url, await self.fetcher.fetch(url, choice.backend))
            last = pipe.finish()
        await exchange.finish(last)

    async def _run(self, exchange: Exchange, choice: Choice, path: str, body: bytes, pipe: Pipeline) -> bytes:
        exchange.watch()
        upstream = self.client_for(choice)
        response = await exchange.call(upstream, choice, "POST", path + exchange.client.query, body)
        await exchange.refuse_error(response, choice.backend)
        return await exchange.run(pipe, response)

    async def _models(self, exchange: Exchange, host: str | None) -> None:
        await exchange.client.read()
        exchange.watch()
        await list_models(
            exchange, self.routes, self.routes.for_host(host) if host is not None else None, self.client_for
        )

    def client_for(self, choice: Choice) -> UpstreamClient:
        """The upstream client: the guarded one, where the request chose the host."""
        return self._guarded if choice.backend.guarded else self._upstream

    def _write_log(self, exchange: Exchange) -> None:
        client = exchange.client
        log.info(
            "%s %s %s status=%d ms=%d upstream=%s model=%s repairs=%s",
            exchange.request_id.decode("latin-1"),
            client.method,
            client.path,
            exchange.status,
            (perf_counter() - exchange.began) * 1e3,
            exchange.upstream or "-",
            exchange.model or "-",
            ",".join(f"{fault}:{count}" for fault, count in exchange.faults.items()) or "-",
        )
