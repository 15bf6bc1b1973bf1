"""The application: its own pages, and its life inside another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import trueline
from proxy.running import CHAT, body_of, running, settings
from trueline.asgi import create_app
from trueline.settings import Upstream
from trueline.shell.client import Client
from trueline.sim import SimServer


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/health", {"status": "ok", "version": trueline.__version__}),
        ("/health/ready", {"status": "ready"}),
        ("/", {"name": "Trueline", "version": trueline.__version__, "base_url": "http://proxy.test/v1"}),
    ],
)
async def test_pages(path: str, body: dict[str, str], method: str) -> None:
    async with running(settings("http://127.0.0.1:9")) as proxy:
        reply = await proxy.ask(method, path)

        assert (reply.status, reply.header("content-type")) == (200, "application/json")
        assert method == "HEAD" or reply.json == body


async def test_the_embedded_demo() -> None:
    async with running(settings(Upstream(name="demo", url="demo:", demo=True))) as proxy:
        reply = await proxy.chat("echo: it works", model="whatever", stream=True)
        assert reply.content == "it works" and reply.events[-1] == b"[DONE]"

        reply = await proxy.ask("POST", "/v1/images/generations", {"prompt": "a cat"})
        assert reply.json["data"][0]["url"]


async def test_mounted_in_another_application() -> None:
    async with SimServer() as sim:
        inner = create_app(settings(sim.url))

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with inner.router.lifespan_context(inner):
                yield

        outer = Starlette(routes=[Mount("/llm", inner)], lifespan=lifespan)
        async with running(settings(), app=outer) as proxy:
            assert (await proxy.ask("POST", "/llm" + CHAT, body_of())).status == 200
            assert sim.requests[-1].path == CHAT
            assert (await proxy.ask("GET", "/llm/v1/files/a%2Fb?x=1")).status == 404
            assert sim.requests[-1].path == "/v1/files/a%2Fb?x=1"
            assert (await proxy.ask("GET", "/llm/health")).status == 200
            assert (await proxy.ask("GET", "/llm/v1/../x")).error["code"] == "unknown_url"


SCOPES: list[tuple[dict[str, Any], str, str]] = [
    ({"path": "/v1/a b/ü", "query_string": b""}, "/v1/a%20b/%C3%BC", ""),
    ({"path": "/v1/a/b", "raw_path": b"/v1/a%2Fb", "query_string": b"x=%20"}, "/v1/a%2Fb", "?x=%20"),
    ({"path": "/v1/x", "raw_path": b"/v1/\xfc \r\n", "query_string": b"q=\xe4 \n"}, "/v1/%FC%20%0D%0A", "?q=%E4%20%0A"),
    ({"path": "/m/v1/x", "raw_path": b"/m/v1/x", "root_path": "/m", "query_string": b""}, "/v1/x", ""),
    ({"path": "/m ü/v1/x", "root_path": "/m ü", "query_string": b""}, "/v1/x", ""),
]


@pytest.mark.parametrize(("scope", "path", "query"), SCOPES)
def test_paths_of_any_server_can_be_sent_on(scope: dict[str, Any], path: str, query: str) -> None:
    async def nothing(*_: Any) -> Any: ...

    client = Client({"method": "GET", "headers": [], **scope}, nothing, nothing, 1)

    assert (client.path, client.query) == (path, query)
