"""Idle connections, per route, and how many there may be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from trueline.errors import UpstreamConnectError, UpstreamCutError
from trueline.shell.upstream.connection import Connection
from trueline.shell.upstream.options import Limits, TLSOptions
from trueline.shell.upstream.proxies import Proxy
from trueline.shell.upstream.target import Target

__all__ = ["Dial", "Pool", "Route"]


class Route(NamedTuple):
    """What makes two connections interchangeable."""

    scheme: str
    host: str
    port: int
    tls: TLSOptions | None
    proxy: Proxy | None
    where: str
    """host:port, for messages."""

    @classmethod
    def to(cls, target: Target, tls: TLSOptions | None, proxy: Proxy | None) -> Route:
        """The route to a target; `tls` is None for http."""
        return cls(target.scheme, target.host, target.port, tls, proxy, target.origin)


Dial = Callable[[Route, "Pool"], Awaitable[Connection]]


class _Host:
    """The connections of one route."""

    __slots__ = ("count", "idle", "route", "waiters")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.count = 0
        """Connections that are open or being opened."""
        self.idle: deque[Connection] = deque()
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()
        """Those who wait for a connection, or for None: the place of one that is gone, counted already."""


class Pool:
    """Keeps connections for reuse, the youngest first, and closes those that nobody wants any more."""

    def __init__(self, dial: Dial, limits: Limits) -> None:
        self._dial = dial
        self._limits = limits
        self._hosts: dict[Route, _Host] = {}
        self._kept: dict[Connection, _Host] = {}
        """Every connection, idle or not."""
        self._recent: _Host | None = None
        """That of the last request: looking for it by its route takes longer than all the rest."""
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self, route: Route) -> Connection | None:
        """An idle connection, if there is one that still seems to work.

        Raises:
            RuntimeError: the pool is closed.
        """
        if self._closed:
            raise RuntimeError("the upstream client is closed")
        host = self._recent
        if host is None or host.route is not route:
            host = self._recent = self._hosts.get(route)
        if host is None:
            return None
        while host.idle:
            connection = host.idle.pop()
            expired = connection.loop.time() - self._limits.idle_expiry
            if connection.usable and connection.idle_since > expired:
                return connection
            connection.abort()
        return None

    async def open(self, route: Route) -> Connection:
        """A new connection, or one that becomes free while the limit keeps us waiting.

        Raises:
            UpstreamConnectError, UpstreamTLSError: there is no getting through.
        """
        limit = self._limits.max_connections_per_host
        while True:
            if self._closed:
                raise UpstreamConnectError("The upstream client is closed.")
            host = self._hosts.setdefault(route, _Host(route))
            if limit is None or host.count < limit:
                host.count += 1
                break
            free = await self._wait(host)
            if free is None:
                break
            if free.usable:
                return free
            free.abort()
        try:
            connection = await self._dial(route, self)
        except BaseException:
            self._leave(host)
            raise
        if not connection.usable or self._is_closed():
            connection.abort()
            self._leave(host)
            raise UpstreamCutError(f"{route.where} closed the connection without answering.")
        self._kept[connection] = host
        return connection

    def _is_closed(self) -> bool:
        return self._closed  # asked again after waiting

    async def _wait(self, host: _Host) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        host.waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was served just before it was cancelled
                connection = waiter.result()
                if connection is None:
                    self._leave(host)
                else:
                    self.release(connection)
            else:
                host.waiters.remove(waiter)
                self._discard_if_unused(host)
            raise

    def release(self, connection: Connection) -> None:
        """See ConnectionOwner."""
        host = self._kept.get(connection)
        if self._closed or host is None:
            connection.abort()
            return
        if host.waiters and self._wake(host, connection):
            return
        loop = connection.loop
        connection.idle_since = loop.time()
        host.idle.append(connection)
        if len(host.idle) > self._limits.max_idle_per_host:
            host.idle.popleft().abort()
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._limits.idle_expiry, self._sweep)

    def forget(self, connection: Connection) -> None:
        """See ConnectionOwner."""
        host = self._kept.pop(connection, None)
        if host is None:
            return  # it was lost while it was being opened, which `open` sees for itself
        try:
            host.idle.remove(connection)
        except ValueError:
            pass
        self._leave(host)

    def close(self) -> None:
        """Drop all connections, in use or not."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._kept):
            connection.drop("the upstream client was closed")

    def _leave(self, host: _Host) -> None:
        if not self._wake(host, None):
            host.count -= 1
            self._discard_if_unused(host)

    def _wake(self, host: _Host, connection: Connection | None) -> bool:
        while host.waiters:
            waiter = host.waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _discard_if_unused(self, host: _Host) -> None:
        if host.count == 0 and not host.waiters:
            self._hosts.pop(host.route, None)
            self._recent = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        expired = loop.time() - self._limits.idle_expiry
        oldest: float | None = None
        for host in list(self._hosts.values()):
            while host.idle and (host.idle[0].idle_since <= expired or not host.idle[0].usable):
                host.idle.popleft().abort()
            if host.idle and (oldest is None or host.idle[0].idle_since < oldest):
                oldest = host.idle[0].idle_since
        self._sweeper = None if oldest is None else loop.call_at(oldest + self._limits.idle_expiry + 0.01, self._sweep)
