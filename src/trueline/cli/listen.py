"""The listening socket: bound before anything else starts, so that a bad address is one clear line."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import stat
from typing import Any

from ..settings import Settings

__all__ = ["BACKLOG", "ListenError", "listen"]

BACKLOG = 2048


class ListenError(Exception):
    """Why there is nothing to listen on, in one line."""


def listen(settings: Settings) -> socket.socket:
    """A socket that accepts at `socket`, or at `host` and `port`.

    Raises ListenError, also for a public address without keys.
    """
    if settings.socket is not None:
        return _listen_unix(settings.socket)
    family, address = _resolve(settings)
    public = not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    if public and not settings.keys and not settings.allow_public:
        raise ListenError(
            f"{settings.host} can be reached from other machines, and no `keys` are set, so that anybody could use the "
            "upstreams: set TRUELINE_KEYS (or `keys` in the settings file), or say --allow-public"
        )
    try:
        sock = socket.create_server(
            address,
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=settings.host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as failed:
        raise ListenError(_reason(failed, settings)) from None
    sock.set_inheritable(True)
    return sock


def _listen_unix(path: str) -> socket.socket:
    """A unix socket, in place of one that a stopped server left behind."""
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            if _answers(path):
                raise ListenError(f"the socket {path} is in use; choose another with --socket, or stop what listens")
            os.unlink(path)
    except FileNotFoundError:
        pass
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        sock.listen(BACKLOG)
    except OSError as failed:
        sock.close()
        raise ListenError(f"cannot listen on {path}: {failed.strerror or failed}") from None
    sock.set_inheritable(True)
    return sock


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _resolve(settings: Settings) -> tuple[socket.AddressFamily, Any]:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as failed:
        reason = getattr(failed, "strerror", None) or failed
        raise ListenError(f"cannot listen on {settings.host}: {reason} (from {settings.origin('host')})") from None
    # `localhost` is both; clients that are told 127.0.0.1 outnumber those that try ::1 first.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _reason(failed: OSError, settings: Settings) -> str:
    host, port = settings.host, settings.port
    if failed.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port, or stop what listens there"
    if failed.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} of {host} is not allowed to this user; choose one above 1023 with --port"
    if failed.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine (from {settings.origin('host')})"
    return f"cannot listen on {host} port {port}: {failed.strerror or failed}"
