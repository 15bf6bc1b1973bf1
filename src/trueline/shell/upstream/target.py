"""Target: the scheme, host, port and base path of an upstream, read from the URL a user wrote."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["Target"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+\Z")
_PATH = re.compile(r"[!-~]*\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream address.  `host` is lower-case ASCII without brackets; `base_path` is "" or starts with a slash."""

    scheme: str
    host: str
    port: int
    base_path: str = ""
    authority: str = field(init=False, compare=False)
    """host, and the port where it is not the scheme's own, as the Host header and CONNECT-less proxies want it."""
    origin: str = field(init=False, compare=False)
    """host:port, for CONNECT and for messages."""

    def __post_init__(self) -> None:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        origin = f"{shown}:{self.port}"
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "authority", shown if self.port == _DEFAULT_PORTS[self.scheme] else origin)

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read a base URL such as `http://127.0.0.1:11434/v1`.

        Raises:
            ValueError: with a sentence that says what to write; it never repeats a user name, password or query.
        """
        text = url.strip()
        scheme, separator, _ = text.partition("://")
        if not separator:
            raise ValueError("the URL must start with http:// or https://")
        scheme = scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            raise ValueError("the URL must start with http:// or https://, no other scheme is supported")
        try:
            parts = urlsplit(text)
        except ValueError:  # its words would repeat what is in the URL
            raise ValueError("the host in the URL is not a valid name or IPv6 address in brackets") from None
        if parts.username is not None or parts.password is not None:
            raise ValueError("the URL must not contain a user name or password; set the key apart from it")
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise ValueError("the URL must end with the path: no ?query and no #fragment")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("the port in the URL must be a number from 1 to 65535") from None
        if port == 0:
            raise ValueError("the port in the URL must be a number from 1 to 65535")
        path = parts.path.rstrip("/")
        if not _PATH.match(path):
            raise ValueError("the path in the URL must be percent-encoded ASCII")
        return cls(scheme, _read_host(parts.hostname or ""), port or _DEFAULT_PORTS[scheme], path)


def _read_host(host: str) -> str:
    if not host:
        raise ValueError("the URL has no host name")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("the host in the URL is not a valid IPv6 address") from None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("the host in the URL is not a valid international name") from None
    if not _HOST.match(host):
        raise ValueError("the host in the URL has a character that host names cannot have")
    return host.lower()
