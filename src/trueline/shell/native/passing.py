"""How a native request is passed on to the application, which can wait: as uvicorn would have begun to answer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from .client import NativeClient

if TYPE_CHECKING:
    from .protocol import NativeProtocol

__all__ = ["cycle_of"]


def cycle_of(
    protocol: NativeProtocol, client: NativeClient, request_id: bytes, body: bytes, tried: str | None
) -> RequestResponseCycle:
    """The cycle that answers a request whose `body` is here; `tried`: see `Client.tried`."""
    path, _, query = (client.path + client.query).partition("?")
    headers = [*client.said, (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id)]
    scope: Any = {
        "type": "http",
        "asgi": {"version": protocol.asgi_version, "spec_version": "2.3"},
        "http_version": "1.1" if client.chunked else "1.0",
        "server": protocol.server,
        "client": protocol.client,
        "scheme": protocol.scheme,
        "root_path": "",
        "state": protocol.app_state.copy(),
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "headers": headers,
        "trueline.tried": tried,
    }
    arrived = asyncio.Event()
    arrived.set()
    cycle = RequestResponseCycle(
        scope=scope,
        transport=protocol.transport,
        flow=protocol.flow,
        logger=protocol.logger,
        access_logger=protocol.access_logger,
        access_log=protocol.access_log,
        default_headers=protocol.server_state.default_headers,
        message_event=arrived,
        expect_100_continue=False,
        keep_alive=client.keep_alive,
        on_response=protocol.on_response_complete,
    )
    cycle.body += body
    cycle.more_body = False
    return cycle
