"""Which headers travel, in both directions: safe ones do, those of one connection and those with secrets do not."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Pairs", "for_client", "for_upstream"]

Pairs = list[tuple[bytes, bytes]]

_NOT_UPSTREAM = frozenset(
    (
        b"accept-encoding",
        b"api-key",
        b"authorization",
        b"connection",
        b"content-length",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"keep-alive",
        b"origin",
        b"referer",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-api-key",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
    )
)
_CREDENTIALS = frozenset((b"authorization", b"api-key", b"x-api-key"))
_NOT_CLIENT = frozenset(
    (
        b"alt-svc",
        b"connection",
        b"content-length",
        b"content-type",
        b"date",
        b"keep-alive",
        b"server",
        b"set-cookie",
        b"strict-transport-security",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-request-id",
    )
)
_OURS = b"x-trueline-"


def for_upstream(headers: Iterable[tuple[bytes, bytes]], *, credentials: bool) -> Pairs:
    """The client's headers that its upstream may see; its key only with `credentials`."""
    return [
        (name, value)
        for name, value in headers
        if (name not in _NOT_UPSTREAM or (credentials and name in _CREDENTIALS))
        and not name.startswith((_OURS, b"proxy-", b"sec-"))
    ]


def for_client(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """The upstream's headers that the client gets; `content-type` and the request id are Trueline's own."""
    return [(n, v) for n, v in headers if n not in _NOT_CLIENT and not n.startswith((_OURS, b"access-control-"))]
