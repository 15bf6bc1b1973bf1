"""The composition: settings to an ASGI application, with everything that it starts and stops."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__
from ..settings import Settings
from .client import Receive, Scope, Send, broken_off
from .counting import count_route
from .fetcher import is_public_address
from .gateway import Gateway
from .housekeeping import housekeeping
from .operator import operator_routes
from .recorder import Recorder
from .routes import Routes
from .tape import RecordingClient
from .upstream import Limits, Proxies, UpstreamClient

__all__ = ["create_app"]

_DEMO_RATE = 30.0
"""Events per second: a demo reads better than it flashes past."""


_NOT_STARTED = "the application has not started: run it with its lifespan"


class _Api:
    """Stands for the gateway from the start on; it is filled when the application starts."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.started()(scope, receive, send)

    def started(self) -> Gateway:
        """The gateway.  Raises RuntimeError, where the application has not started."""
        if self.gateway is None:
            raise RuntimeError(_NOT_STARTED)
        return self.gateway


def create_app(settings: Settings, *, own_process: bool = False) -> Starlette:
    """The proxy as an ASGI application.  It needs its lifespan: servers and test clients run it by default.

    While it runs, `app.state.gateway` is the gateway: the native server looks for it there.  `own_process`: nothing
    else runs in this process, whose memory is looked after, too.
    """
    api = _Api()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            demo_url = None
            if any(upstream.demo for upstream in settings.upstreams.values()):
                from ..sim import SimOptions, SimServer  # with its hundreds of faults, for a demo alone

                demo = await stack.enter_async_context(SimServer(SimOptions(rate=_DEMO_RATE)))
                demo_url = demo.url
            limits = Limits(max_body_bytes=settings.limits.reply_bytes, max_head_bytes=settings.limits.header_bytes)
            proxies = _proxies(settings)
            recorder = await _recorder(settings, stack)
            kind = UpstreamClient if recorder is None else RecordingClient
            upstream = kind(limits, proxies=proxies)
            guarded = kind(limits, proxies=proxies, address_allowed=is_public_address)
            stack.push_async_callback(upstream.close)
            stack.push_async_callback(guarded.close)
            stack.enter_context(_quiet())
            api.gateway = gateway = Gateway(settings, Routes(settings, demo_url), upstream, guarded, recorder)
            app.state.gateway = gateway
            if own_process:
                stack.enter_context(housekeeping(gateway.metrics.running, gateway.metrics.renew))
            yield
            app.state.gateway = api.gateway = None
            gateway.close()

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(request: Request) -> Response:
        started = api.gateway is not None
        return JSONResponse({"status": "ready" if started else "starting"}, 200 if started else 503)

    async def index(request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}/v1"
        return JSONResponse({"name": "Trueline", "version": __version__, "base_url": base})

    app = Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            *operator_routes(settings, lambda: api.started().metrics),
            count_route(settings, api.started),
            Route("/{path:path}", api),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.router.default = api  # for the few paths that no pattern matches: their 404 is OpenAI's as well
    return app


_UPGRADES = ("Unsupported upgrade request.", "No supported WebSocket library detected.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep out of uvicorn's log what is no failure: replies that were broken off on purpose, upgrades not taken up."""

    def is_news(record: logging.LogRecord) -> bool:
        message = str(record.msg)
        if message.startswith("Cancel %s running task") and record.args == (0,):
            return False  # native exchanges are no tasks: they are told when the application stops
        return not (broken_off.get() and "without completing response" in message) and not message.startswith(_UPGRADES)

    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


async def _recorder(settings: Settings, stack: AsyncExitStack) -> Recorder | None:
    if settings.record is None:
        return None
    recorder = Recorder(settings.record, settings)
    await recorder.start()
    stack.push_async_callback(recorder.close)
    return recorder


def _proxies(settings: Settings) -> Proxies:
    proxy = settings.proxy
    return Proxies(
        proxy.http.reveal() if proxy.http else None,
        proxy.https.reveal() if proxy.https else None,
        ",".join(proxy.no_proxy),
    )
