"""From a route to a connection: DNS, TCP to the first address that answers, CONNECT, TLS."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable

from trueline.errors import UpstreamConnectError
from trueline.shell.upstream.connection import Connection
from trueline.shell.upstream.options import Limits, TLSOptions
from trueline.shell.upstream.pool import Pool, Route
from trueline.shell.upstream.proxies import Proxy
from trueline.shell.upstream.secure import SecureTransport
from trueline.shell.upstream.target import Target
from trueline.shell.upstream.tls import DEFAULT_TLS, make_context, tls_error

__all__ = ["AddressFilter", "Dialler"]

AddressFilter = Callable[[str], bool]
"""Whether an IP address may be connected to."""

_STAGGER = 0.25  # RFC 8305 section 5: how long one address may stay silent before the next is tried as well
_MAX_PROXY_HEAD = 16 * 1024

_UNREACHABLE = {
    errno.ECONNREFUSED: "refused the connection: no server is listening there",
    errno.EHOSTUNREACH: "is unreachable: there is no route to the host",
    errno.ENETUNREACH: "is unreachable: there is no route to its network",
    errno.ECONNRESET: "reset the connection at once",
    errno.ETIMEDOUT: "does not answer",
    errno.EMFILE: "cannot be connected to: this process has too many open files",
}

_Address = tuple[int, str, int]  # family, IP address, port


class Dialler:
    """Opens connections; keeps the TLS contexts, which are dear to make."""

    def __init__(self, limits: Limits, address_allowed: AddressFilter | None = None) -> None:
        self._limits = limits
        self._allowed = address_allowed
        self._contexts: dict[TLSOptions, ssl.SSLContext] = {}

    async def __call__(self, route: Route, pool: Pool) -> Connection:
        """Open a connection that `pool` owns.

        Raises:
            UpstreamConnectError: the name is unknown, or no address can be connected to.
            UpstreamTLSError: the handshake failed.
        """
        loop = asyncio.get_running_loop()
        connection = Connection(loop, pool, route.where, self._limits)
        if route.scheme == "http":
            await self._connect(route, lambda: connection)
            return connection
        context = self._context(route.tls or DEFAULT_TLS)
        tunnel = _Tunnel(loop)
        transport = await self._connect(route, lambda: tunnel)
        try:
            if route.proxy is not None:
                await tunnel.open(transport, route)
            secured = await _secure(transport, connection, context, route.host, route.where)
        except BaseException:
            transport.abort()
            raise
        connection.attach(secured)
        return connection

    def _context(self, options: TLSOptions) -> ssl.SSLContext:
        context = self._contexts.get(options)
        if context is None:
            context = self._contexts[options] = make_context(options)
        return context

    async def _connect(self, route: Route, factory: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        if route.proxy is None:
            return await self._reach(route.host, route.port, route.where, factory, self._allowed)
        proxy = route.proxy.target
        where = f"The proxy {proxy.origin}"
        if proxy.scheme == "http":
            return await self._reach(proxy.host, proxy.port, where, factory, None)
        plain = await self._reach(proxy.host, proxy.port, where, asyncio.Protocol, None)
        protocol = factory()
        try:
            transport = await _secure(plain, protocol, self._context(DEFAULT_TLS), proxy.host, where)
        except BaseException:
            plain.abort()
            raise
        protocol.connection_made(transport)
        return transport

    async def _reach(
        self,
        host: str,
        port: int,
        where: str,
        factory: Callable[[], asyncio.Protocol],
        allowed: AddressFilter | None,
    ) -> asyncio.Transport:
        addresses = await _resolve(host, port, where)
        if allowed is not None:
            addresses = [address for address in addresses if allowed(address[1])]
            if not addresses:
                raise UpstreamConnectError(f"{where} has an address that may not be connected to.")
        try:
            return await _race(addresses, factory)
        except OSError as error:
            code = error.errno
            why = (
                _UNREACHABLE.get(code or 0)
                or f"cannot be connected to: {os.strerror(code).lower() if code else 'unknown'}"
            )
            raise UpstreamConnectError(f"{where} {why}.") from error


async def _resolve(host: str, port: int, where: str) -> list[_Address]:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if version == 4 else socket.AF_INET6, host, port)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise UpstreamConnectError(f"{where} cannot be found: DNS knows no address of that name.") from error
    addresses = [(int(family), str(address[0]), port) for family, _, _, _, address in found]
    return list(dict.fromkeys(addresses))


async def _race(addresses: list[_Address], factory: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
    """Connect to the first address that answers, each next one tried when the one before fails or stays silent."""
    loop = asyncio.get_running_loop()
    queue = deque(addresses)
    errors: list[OSError] = []
    running: set[asyncio.Task[socket.socket]] = set()
    winner: socket.socket | None = None
    try:
        while winner is None:
            if queue:
                running.add(loop.create_task(_tcp(queue.popleft())))
            elif not running:
                raise errors[0]
            done, running = await asyncio.wait(
                running, timeout=_STAGGER if queue else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if isinstance(error, OSError):
                    errors.append(error)
                elif winner is None:
                    winner = task.result()
                else:
                    task.result().close()
    finally:
        for task in running:
            task.add_done_callback(_close_late)
            task.cancel()
    try:
        transport, _ = await loop.create_connection(factory, sock=winner)
    except BaseException:
        winner.close()
        raise
    return transport


async def _tcp(address: _Address) -> socket.socket:
    family, host, port = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _secure(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext, host: str, where: str
) -> asyncio.Transport:
    try:
        return await SecureTransport.over(transport, protocol, context, host)
    except (OSError, ssl.SSLError) as error:
        raise tls_error(where, error) from error


class _Tunnel(asyncio.Protocol):
    """Speaks CONNECT with a proxy, and holds the place of the connection until TLS stands."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._answer: asyncio.Future[int] = loop.create_future()
        self._data = b""

    async def open(self, transport: asyncio.Transport, route: Route) -> None:
        """Have the proxy connect us to the route's host.

        Raises:
            UpstreamConnectError: the proxy refused.
        """
        proxy = route.proxy
        assert proxy is not None
        origin = Target(route.scheme, route.host, route.port).origin.encode("ascii")
        lines = [b"CONNECT %b HTTP/1.1" % origin, b"host: " + origin]
        if proxy.authorization is not None:
            lines.append(b"proxy-authorization: " + proxy.authorization)
        transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        status = await self._answer
        if not 200 <= status < 300:
            raise UpstreamConnectError(_refusal(proxy, route.where, status))

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._data += data
        if self._answer.done():
            return
        head, end, _ = self._data.partition(b"\r\n\r\n")
        if end:
            words = head.split(None, 2)
            valid = len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit()
            self._answer.set_result(int(words[1]) if valid else 0)
        elif len(self._data) > _MAX_PROXY_HEAD:
            self._answer.set_result(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if not self._answer.done():
            self._answer.set_result(0)


def _refusal(proxy: Proxy, where: str, status: int) -> str:
    name = proxy.target.origin
    if status == 0:
        return f"The proxy {name} did not answer the request to connect to {where}."
    if status == 407:
        return f"The proxy {name} wants other credentials (407) to connect to {where}."
    return f"The proxy {name} refused to connect to {where} (status {status})."
