"""Which requests go through which proxy, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say; the caller passes them in."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from trueline.shell.upstream.target import Target

__all__ = ["Proxies", "Proxy"]


@dataclass(frozen=True, slots=True)
class Proxy:
    """One HTTP proxy; its credentials never show in `repr`."""

    target: Target
    authorization: bytes | None = field(default=None, repr=False)
    """Value of the Proxy-Authorization header."""

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Read `http://[user:password@]host:port`; a missing scheme means http, as curl reads it.

        Raises:
            ValueError: not such a URL.
        """
        text = url.strip()
        if "://" not in text:
            text = "http://" + text
        try:
            parts = urlsplit(text)
        except ValueError:  # its words would repeat what is in the URL
            raise ValueError("proxy: the URL is not valid") from None
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            authorization = b"Basic " + base64.b64encode(pair)
        try:
            target = Target.parse(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        except ValueError as error:
            raise ValueError(f"proxy: {error}") from None
        return cls(target, authorization)


class Proxies:
    """The proxies for http and https targets, and the hosts that are reached without one.

    `no_proxy` is a comma-separated list: `*`, a host name (which covers its subdomains), `.domain`, an address, a
    network (`10.0.0.0/8`), each with an optional `:port`.  As in Go, localhost and loopback addresses use no proxy.
    """

    def __init__(self, http: str | None = None, https: str | None = None, no_proxy: str = "") -> None:
        self._proxies = {
            "http": Proxy.parse(http) if http else None,
            "https": Proxy.parse(https) if https else None,
        }
        self._exceptions = [item.strip().lower() for item in no_proxy.split(",") if item.strip()]
        self._answers: dict[Target, Proxy | None] = {}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Proxies:
        """Read the usual variables from `env`: lower case first, and HTTP_PROXY not under CGI (httpoxy)."""

        def first(*names: str) -> str | None:
            return next((env[name] for name in names if env.get(name)), None)

        http = first("http_proxy") if "REQUEST_METHOD" in env else first("http_proxy", "HTTP_PROXY")
        every = first("all_proxy", "ALL_PROXY")
        https = first("https_proxy", "HTTPS_PROXY") or every
        return cls(http or every, https, first("no_proxy", "NO_PROXY") or "")

    def for_target(self, target: Target) -> Proxy | None:
        """The proxy to use for `target`, or None for a direct connection."""
        proxy = self._proxies[target.scheme]
        if proxy is None:
            return None
        try:
            return self._answers[target]
        except KeyError:
            pass
        if len(self._answers) > 1000:  # targets chosen by requests must not fill the memory
            self._answers.clear()
        answer = None if self._is_direct(target) else proxy
        self._answers[target] = answer
        return answer

    def _is_direct(self, target: Target) -> bool:
        if target.host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(target.host)
        except ValueError:
            return any(_covers_name(item, target) for item in self._exceptions)
        return address.is_loopback or any(_covers_address(item, address, target.port) for item in self._exceptions)


def _split_port(item: str) -> tuple[str, int | None]:
    host, colon, port = item.rpartition(":")
    if colon and port.isdigit() and (host.startswith("[") or ":" not in host):
        return host.strip("[]"), int(port)
    return item.strip("[]"), None


def _covers_name(item: str, target: Target) -> bool:
    if item == "*":
        return True
    name, port = _split_port(item)
    name = name.removeprefix("*").removeprefix(".")
    return port in (None, target.port) and (target.host == name or target.host.endswith("." + name))


def _covers_address(item: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, wanted: int) -> bool:
    if item == "*":
        return True
    name, port = _split_port(item)
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
    return port in (None, wanted) and address in network
