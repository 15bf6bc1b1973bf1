"""Pictures that have to be fetched on behalf of a request, guarded: scheme, address, size, time, redirects.

The upstream's own host is trusted as the upstream is; any other host must have a public address.  Nothing of the
request, its key least of all, is sent along.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urljoin, urlsplit

from ..dialects.provider import Fetched
from ..errors import RequestError, UpstreamError
from .routes import Backend
from .upstream import Target, Timeouts, UpstreamClient

__all__ = ["MAX_PICTURE", "Fetcher", "is_public_address"]

MAX_PICTURE = 50 * 1024 * 1024
"""Bytes."""
MAX_REDIRECTS = 3
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_TIMEOUTS = Timeouts(connect=5.0, first_byte=30.0, stall=15.0, total=60.0)


def is_public_address(address: str) -> bool:
    """Whether an IP address is on the public internet: not private, loopback, link-local, multicast or reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        )
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


class Fetcher:
    """`upstream` for hosts that are trusted, `guarded` for all others."""

    def __init__(self, upstream: UpstreamClient, guarded: UpstreamClient) -> None:
        self._upstream = upstream
        self._guarded = guarded

    async def fetch(self, url: str, backend: Backend) -> bytes:
        """The bytes behind `url`, which may be relative to the upstream.

        Raises UpstreamError: a scheme or address that is not allowed, a status but 200, too large, too slow.
        """
        own = f"{backend.target.scheme}://{backend.target.authority}"
        where = own + "/"
        for _ in range(MAX_REDIRECTS + 1):
            try:
                where = urljoin(where, url)
                found = await self._get(where, own, backend)
            except ValueError as error:
                raise _failed(where, str(error)) from None
            except UpstreamError as error:
                raise _failed(where, error.message.rstrip("."), error.status) from None
            if isinstance(found, bytes):
                return found
            url = found
        raise _failed(where, f"more than {MAX_REDIRECTS} redirects")

    async def fetch_file(self, url: str) -> Fetched:
        """The file behind a URL of the client's, which only a public address may have.

        Raises RequestError: a scheme or address that is not allowed, a status but 200, too large, too slow.
        """
        where = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                found = await self._get_file(where)
            except (ValueError, UpstreamError) as error:
                raise _not_had(url, getattr(error, "message", str(error)).rstrip(".")) from None
            if isinstance(found, Fetched):
                return found
            where = urljoin(where, found)
        raise _not_had(url, f"more than {MAX_REDIRECTS} redirects")

    async def _get_file(self, url: str) -> Fetched | str:
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = Target.parse(f"{parts.scheme}://{parts.netloc}")
        response = await self._guarded.request("GET", target, path, [(b"accept", b"*/*")], None, _TIMEOUTS, None)
        async with response:
            if response.status in (301, 302, 303, 307, 308):
                return (response.header(b"location") or b"").decode("latin-1")
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            kind = (response.header(b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
            return Fetched(kind or "application/octet-stream", await response.read_all(MAX_PICTURE))

    async def _get(self, url: str, own: str, backend: Backend) -> bytes | str:
        """The picture, or where it is instead.  Raises ValueError, where there is none."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = Target.parse(f"{parts.scheme}://{parts.netloc}")
        trusted = f"{target.scheme}://{target.authority}" == own
        client = self._upstream if trusted and not backend.guarded else self._guarded
        tls = backend.tls if trusted else None
        response = await client.request("GET", target, path, [(b"accept", b"image/*")], None, _TIMEOUTS, tls)
        async with response:
            if response.status in (301, 302, 303, 307, 308):
                return (response.header(b"location") or b"").decode("latin-1")
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            kind = (response.header(b"content-type") or b"").lower()
            if kind.startswith((b"text/", b"application/json")):
                raise ValueError("it is no picture")
            return await response.read_all(MAX_PICTURE)


def _not_had(url: str, why: str) -> RequestError:
    return RequestError(
        f"Failed to download the file from {url[:200]}: {why}.", param="messages", code="invalid_image_url"
    )


def _failed(url: str, why: str, status: int = 502) -> UpstreamError:
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = "a place that is no host"
    return UpstreamError(
        f"The upstream answered with the URL of a picture at {host} where base64 was asked for, and it could not be "
        f"fetched: {why}.",
        status=status,
        code="image_fetch_failed",
    )
