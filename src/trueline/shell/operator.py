"""The pages for whoever runs the proxy: `/metrics` and `/trueline/faults`, behind the same keys as the API."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import AuthenticationError
from ..settings import Settings
from .keys import admit
from .metrics import Metrics

__all__ = ["operator_routes"]


def operator_routes(settings: Settings, metrics: Callable[[], Metrics]) -> list[Route]:
    """The routes; `metrics` gives the counters of the application that runs."""

    def page(show: Callable[[Metrics], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                admit(settings.keys, request.headers.raw)
            except AuthenticationError as error:
                return JSONResponse(error.body(), error.status)
            return show(metrics())

        return answer

    def prometheus(seen: Metrics) -> Response:
        return Response(seen.text(), media_type="text/plain; version=0.0.4")

    def faults(seen: Metrics) -> Response:
        return JSONResponse(seen.document())

    pages = {"/metrics": page(prometheus), "/trueline/faults": page(faults)}
    return [Route(path, _awaited(answer), methods=["GET"]) for path, answer in pages.items()]


def _awaited(answer: Callable[[Request], Response]) -> Callable[[Request], object]:
    """In the loop: the counters belong to it, and a thread would read them while they change."""

    async def endpoint(request: Request) -> Response:
        return answer(request)

    return endpoint
