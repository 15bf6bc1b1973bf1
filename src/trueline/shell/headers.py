"""Which headers travel, in both directions: safe ones do, those of one connection and those with secrets do not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

__all__ = [
    "CREDENTIALS",
    "Pairs",
    "credential",
    "for_upstream",
    "goes_to_client",
    "goes_with_its_body",
    "is_credential",
    "pairs_of",
    "shown_as",
]

Pairs = list[tuple[bytes, bytes]]

_NOT_UPSTREAM = frozenset(
    (
        b"accept-encoding",
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
        b"x-real-ip",
        b"x-request-id",
    )
)
_PREFIXES_NOT_UPSTREAM = (b"x-trueline-", b"proxy-", b"sec-", b"x-forwarded-", b"x-amz-")
"""`x-amz-`: parts of a signature, which holds for one request to one host."""
_SPOKEN_IN = {
    b"openai-": ("openai", "openai_responses"),
    b"anthropic-": ("openai", "anthropic", "anthropic_bedrock"),
    b"x-goog-": ("openai", "gemini", "anthropic"),
}
"""What a provider's SDK says to that provider, by the dialects in which it is understood."""
CREDENTIALS = frozenset((b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key", b"x-key"))
"""Where clients send their key."""
_NO_CREDENTIAL = frozenset((b"idempotency-key",))
"""What has the name of a key, and is none."""
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
_PREFIXES_NOT_CLIENT = (b"x-trueline-", b"access-control-")
_OF_ANOTHER_BODY = frozenset(
    (
        b"accept-ranges",
        b"cache-control",
        b"content-digest",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-location",
        b"content-md5",
        b"content-range",
        b"digest",
        b"etag",
        b"expires",
        b"last-modified",
        b"location",
        b"repr-digest",
        b"x-accel-buffering",
    )
)
"""What an upstream says of the body that it sent, or of where to find another."""


_SHOWN: dict[str, tuple[bytes, bytes]] = {
    "key": (b"authorization", b"Key "),
    "x-api-key": (b"x-api-key", b""),
    "api-key": (b"api-key", b""),
    "x-goog-api-key": (b"x-goog-api-key", b""),
    "x-key": (b"x-key", b""),
}
_BEARER = (b"authorization", b"Bearer ")


def credential(auth: str, key: bytes) -> tuple[bytes, bytes]:
    """The header that shows a key (`providers.Auth`); a bearer token, where that says no other header."""
    name, before = _SHOWN.get(auth, _BEARER)
    return name, before + key


def shown_as(auth: str, headers: Pairs) -> Pairs:
    """`headers` with the client's key where its upstream looks for it, however the client showed it."""
    wanted = _SHOWN.get(auth)
    found = next((value for name, value in headers if name in CREDENTIALS), None)
    if wanted is None or found is None or any(n == wanted[0] and v.startswith(wanted[1]) for n, v in headers):
        return headers
    key = found.strip().rpartition(b" ")[2]
    return [pair for pair in headers if pair[0] not in CREDENTIALS] + [credential(auth, key)]


def is_credential(name: bytes) -> bool:
    """Whether a header that the settings give to an upstream carries a key, whatever its provider calls it."""
    return name in CREDENTIALS or name.endswith((b"-key", b"-token", b"authorization"))


def for_upstream(headers: Iterable[tuple[bytes, bytes]], *, credentials: bool, dialect: str = "openai") -> Pairs:
    """The client's headers that its upstream may see; its key only with `credentials`."""
    pairs = list(headers)
    named = _named_by_connection(pairs)
    foreign = _foreign_to(dialect)
    return [
        (name, value)
        for name, value in pairs
        if name not in _NOT_UPSTREAM
        and (credentials or name in _NO_CREDENTIAL or not is_credential(name))
        and name not in named
        and not name.startswith(foreign)
    ]


@lru_cache(maxsize=64)
def _foreign_to(dialect: str) -> tuple[bytes, ...]:
    """The beginnings of headers that are nothing to an upstream that speaks this dialect."""
    others = (start for start, dialects in _SPOKEN_IN.items() if dialect not in dialects)
    return (*_PREFIXES_NOT_UPSTREAM, *others)


def _named_by_connection(headers: Pairs) -> frozenset[bytes]:
    """The headers that the client's own connection names as its own (RFC 9110 section 7.6.1)."""
    values = [value.lower() for name, value in headers if name == b"connection"]
    return frozenset(token.strip() for value in values for token in value.split(b","))


@lru_cache(maxsize=1024)
def goes_with_its_body(name: bytes) -> bool:
    """Whether the client gets this header of an upstream whose body it gets as well."""
    return name not in _NOT_CLIENT and not name.startswith(_PREFIXES_NOT_CLIENT)


@lru_cache(maxsize=1024)
def goes_to_client(name: bytes) -> bool:
    """Whether the client gets this header of an upstream; `content-type` and the request id are Trueline's own."""
    return goes_with_its_body(name) and name not in _OF_ANOTHER_BODY


def pairs_of(head: bytes) -> Pairs:
    """The header lines of a head, as ASGI wants them."""
    lines = head.split(b"\r\n")
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines[:-1])]
