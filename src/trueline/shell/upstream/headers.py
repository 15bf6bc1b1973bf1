"""Request heads out, response heads in: the one place where headers are checked and hop-by-hop headers end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["Headers", "RequestHead", "ResponseHead", "complete_head", "prepare_head", "read_head", "render_head"]

Headers = Sequence[tuple[bytes, bytes]]

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_PATH = re.compile(r"/[!-~]*\Z")
_FORBIDDEN = re.compile(rb"[\r\n\0]")

# RFC 9110 section 7.6.1, and what belongs to the connection to a proxy
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# `expect` ends here too: the body is sent at once, and interim responses are skipped
_NOT_FORWARDED = _HOP_BY_HOP | {b"expect", b"host", b"content-length", b"http2-settings"}
_PLAIN_CONNECTION = frozenset({b"close", b"keep-alive"})
_PLAIN_JSON = (b"content-type", b"application/json")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class RequestHead:
    """The bytes to send before the body, and how an iterator body is to be framed."""

    __slots__ = ("chunked", "data", "length")

    def __init__(self, data: bytes, chunked: bool, length: int | None) -> None:
        self.data = data
        self.chunked = chunked
        self.length = length
        """Bytes that the body must have; None where it is chunked."""


class ResponseHead:
    """What a response's headers say, apart from what is for the next reader."""

    __slots__ = ("ambiguous", "codings", "goes_on", "headers", "is_json", "until_close")

    def __init__(
        self, headers: list[tuple[bytes, bytes]], codings: list[bytes], until_close: bool, ambiguous: bool
    ) -> None:
        self.headers = headers
        """Without hop-by-hop headers; names lower-case."""
        self.codings = codings
        """Content codings in the order they were applied, "identity" left out."""
        self.until_close = until_close
        """The body, if there is one, ends with the connection."""
        self.ambiguous = ambiguous
        """Both a length and chunks: chunks win, and the connection is not to be used again (RFC 9112 section 6.3)."""
        self.is_json = _PLAIN_JSON in headers
        """The content type is that of JSON, to the letter."""
        self.goes_on: tuple[bytes, bool] | None = None
        """For whoever passes the headers on: what it made of them last time."""

    def unsized(self) -> ResponseHead:
        """The same, but for a length: what responses say that differ in nothing else."""
        headers = [pair for pair in self.headers if pair[0] != b"content-length"]
        return ResponseHead(headers, self.codings, self.until_close, self.ambiguous)

    def sized(self, length: int) -> list[tuple[bytes, bytes]]:
        """The headers of one of these."""
        return [*self.headers, (b"content-length", b"%d" % length)]


@lru_cache(maxsize=1024)
def _checked_name(name: bytes) -> bytes:
    if not _TOKEN.match(name):
        raise ValueError("a header name has a character that header names cannot have")
    return name.lower()


def render_head(
    method: str,
    prefix: str,
    path: str,
    authority: str,
    headers: Headers,
    body_length: int | None,
    *,
    streamed: bool = False,
    proxy_authorization: bytes | None = None,
) -> RequestHead:
    """The head of a request for `prefix + path`; `prefix` is "" or the origin, as a proxy wants it.

    Raises:
        ValueError: a method, path, header name or value that would break the request apart; it names no value.
    """
    block, declared = _render(method, prefix, path, authority, headers, proxy_authorization)
    chunked, length = _frame(method, body_length, streamed, declared)
    framing = b"\r\ntransfer-encoding: chunked" if chunked else b"" if length is None else _sized(length)
    return RequestHead(block + framing + b"\r\n\r\n", chunked, length)


def prepare_head(
    method: str,
    prefix: str,
    path: str,
    authority: str,
    headers: Headers,
    *,
    proxy_authorization: bytes | None = None,
) -> bytes:
    """The head of requests that differ in their bodies alone; `complete_head` makes one of it.

    Raises:
        ValueError: as `render_head`.
    """
    return _render(method, prefix, path, authority, headers, proxy_authorization)[0]


def complete_head(prepared: bytes, more: bytes, body_length: int) -> RequestHead:
    """A prepared head with `more` header lines, each with CR LF before it, which are trusted, and the body's length."""
    return RequestHead(b"%b%b\r\ncontent-length: %d\r\n\r\n" % (prepared, more, body_length), False, body_length)


def _sized(length: int) -> bytes:
    return b"\r\ncontent-length: %d" % length


def _render(
    method: str,
    prefix: str,
    path: str,
    authority: str,
    headers: Headers,
    proxy_authorization: bytes | None,
) -> tuple[bytes, bytes | None]:
    """The lines of a head but for those that frame the body; the length that `headers` declare."""
    if not _METHOD.match(method) or method == "CONNECT":
        raise ValueError("the method is not one that can be sent")
    if not _PATH.match(path):
        raise ValueError("the path must start with a slash and be percent-encoded ASCII without spaces or line breaks")
    lines = [f"{method} {prefix}{path} HTTP/1.1".encode("ascii"), b""]
    host = authority.encode("ascii")
    encodings_given = False
    declared: bytes | None = None
    named: set[bytes] = set()
    for name, value in headers:
        lower = _checked_name(name)
        if lower in _NOT_FORWARDED:
            if lower == b"host":
                host = value
            elif lower == b"content-length":
                declared = value
            elif lower == b"connection" and value.lower() not in _PLAIN_CONNECTION:
                named.update(_tokens(value))
            continue
        if lower == b"accept-encoding":
            encodings_given = True
        lines.append(b"%b: %b" % (name, value))
    if named:
        lines[2:] = [line for line in lines[2:] if line.partition(b":")[0].lower() not in named]
    lines[1] = b"host: " + host
    if not encodings_given:
        lines.append(b"accept-encoding: gzip, deflate, br, zstd")
    if proxy_authorization is not None:
        lines.append(b"proxy-authorization: " + proxy_authorization)
    block = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if block.count(b"\n") != breaks or block.count(b"\r") != breaks or b"\0" in block:
        raise ValueError(f"the value of {_culprit(headers)} has a line break or a NUL")
    return block, declared


def _frame(method: str, length: int | None, streamed: bool, declared: bytes | None) -> tuple[bool, int | None]:
    if not streamed:
        return False, length if length is not None or method not in _METHODS_WITH_BODY else 0
    if declared is None:
        return True, None
    if not declared.isdigit():
        raise ValueError("the content-length header is not a number")
    return False, int(declared)


def _culprit(headers: Headers) -> str:
    for name, value in headers:
        if _FORBIDDEN.search(value):
            return f"header {name.decode('ascii')}"
    return "the Host header"


def _tokens(value: bytes) -> list[bytes]:
    return [token for item in value.split(b",") if (token := item.strip(b" \t").lower())]


def read_head(raw: list[tuple[bytes, bytes]]) -> ResponseHead:
    """Sort the headers of a response; `raw` has lower-case names."""
    headers: list[tuple[bytes, bytes]] = []
    codings: list[bytes] = []
    transfer: list[bytes] = []
    named: set[bytes] = set()
    sized = False
    for pair in raw:
        name = pair[0]
        if name in _HOP_BY_HOP:
            if name == b"transfer-encoding":
                transfer += _tokens(pair[1])
            elif name == b"connection" and pair[1].lower() not in _PLAIN_CONNECTION:
                named.update(_tokens(pair[1]))
            continue
        if name == b"content-length":
            sized = True
        elif name == b"content-encoding":
            codings += _tokens(pair[1])
        headers.append(pair)
    if named:
        headers = [pair for pair in headers if pair[0] not in named]
    chunked = bool(transfer) and transfer[-1] == b"chunked"
    codings += [coding for coding in transfer if coding != b"chunked"]
    return ResponseHead(
        headers=headers,
        codings=[coding for coding in codings if coding != b"identity"],
        until_close=not chunked and (bool(transfer) or not sized),
        ambiguous=bool(transfer) and sized,
    )
