"""What a client may send: the bytes of requests, within limits, up to the point where it is known what they ask for.

The parser is llhttp at its strictest: conflicting lengths, folded headers, bare line feeds and the like are errors,
so that no server behind could read a request otherwise (RFC 9112 section 11.2).  What it lets pass and holds back
without a word (an endless header line, chunk extensions, trailers) is counted here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from ...errors import RequestError, TruelineError
from ...settings import Settings
from ..exchange import log

if TYPE_CHECKING:
    from ..gateway import Gateway

__all__ = ["RequestReader"]

MAX_HEADERS = 256
"""Header lines of one request."""
OVERHEAD = 16
"""Bytes of chunk framing and trailers that are borne per byte of body, past the limit of a head."""
DISCARDED = 4 * 1024 * 1024
"""Bytes of a refused request's body that are read and dropped, so that its client gets to see the answer."""


_OFFER = (b"upgrade", b"http2-settings")


class _Refused(Exception):
    """Stops the parser; the connection has been answered."""


class RequestReader(HttpToolsProtocol):
    """A connection as far as it is read; `NativeProtocol` says what becomes of it."""

    # Its many attributes would not fit the keys that instances share, and cost each connection a dictionary.
    __slots__ = (
        "_body_size", "_gateway", "_header_bytes", "_hosts", "_in_body", "_max_head", "_offered", "_offering_method",
        "_old", "_settings", "_unseen", "discarding", "in_head",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        gateway: Gateway | None = getattr(getattr(config.loaded_app, "state", None), "gateway", None)
        self._gateway = gateway
        self._settings = Settings() if gateway is None else gateway.settings
        self._max_head = self._settings.limits.header_bytes
        self.in_head = False
        self._in_body = False
        self.discarding = False
        """What still comes is dropped, then the connection is closed."""
        self._unseen = 0
        """Bytes read since the parser last gave something away; of a body, all that is no body."""
        self._body_size = 0
        self._header_bytes = 0
        self._hosts = 0
        self._old = False
        """The request is HTTP/1.0."""
        self._offered = False
        self._offering_method = b""

    def _refuse(self, error: TruelineError) -> None:
        """What comes is no request, or goes on as none: answer it, unless a reply is under way, and take no more."""
        raise NotImplementedError

    def _begun(self) -> None:
        """The first byte of a request is here."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._unseen += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            if self._offered:
                self._decline(data[stop.args[0] :])
            else:
                self._unsupported_upgrade_warning()
        except httptools.HttpParserError as error:
            self._stopped(error)
        else:
            self._bound()

    def _declines(self) -> bool:
        """Whether the request offers another protocol that it can do without (RFC 9110 section 7.8), such as h2c.

        The parser takes what follows such a head for that protocol: it is given the request again, without the offer.
        """
        offers = [value.lower() for name, value in self.headers if name == b"upgrade"]
        self._offered = self.parser.should_upgrade() and bool(offers) and b"websocket" not in offers
        return self._offered

    def _decline(self, rest: bytes) -> None:
        head = [b"%b %b HTTP/1.1\r\n" % (self._offering_method, self.url)]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() not in _OFFER)
            if name not in _OFFER:
                head.append(b"%b: %b\r\n" % (name, value))
        self._offered = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        RequestReader.data_received(self, b"".join(head) + b"\r\n" + rest)

    def _stopped(self, error: httptools.HttpParserError) -> None:
        """The parser goes no further."""
        cause = error.__context__
        if isinstance(cause, _Refused):
            return
        if isinstance(cause, Exception) and not isinstance(cause, httptools.HttpParserError):
            log.error("a request failed in Trueline itself", exc_info=cause)
            self._refuse(TruelineError("Trueline failed to handle this request; its log says why."))
        else:
            self._refuse(RequestError(f"Your request is not well-formed HTTP/1.1: {cause or error}."))

    def _bound(self) -> None:
        """Bound what brings nothing: a head without an end, chunk extensions, trailers."""
        if self.in_head:
            if self._unseen > self._max_head:
                self._refuse(_head_too_large(self._max_head))
        elif self._in_body and self._unseen > self._max_head + OVERHEAD * self._body_size:
            self._refuse(RequestError("The framing of your request's body takes more bytes than the body."))
        elif self.discarding and self._unseen > DISCARDED:
            self.transport.close()

    def on_message_begin(self) -> None:
        """See httptools."""
        if self.discarding:
            raise _Refused
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.in_head = True
        self._unseen = self._header_bytes = self._hosts = 0
        self._begun()

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self.url += url
        if len(self.url) > self._max_head:
            self._stop(_head_too_large(self._max_head))

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        if not self.in_head:
            return  # a trailer
        self._header_bytes += len(name) + len(value) + 4
        if len(self.headers) >= MAX_HEADERS or self._header_bytes > self._max_head:
            self._stop(_head_too_large(self._max_head))
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            self._stop(RequestError("Bodies may be sent in chunks, but with no other transfer coding.", status=501))
        self.headers.append((name, value))

    def _check_head(self) -> None:
        version = self.parser.get_http_version()
        self._old = version == "1.0"
        if version != "1.1" and not self._old:
            self._stop(RequestError("Requests must be HTTP/1.1 or HTTP/1.0.", status=505))
        if self._hosts != 1 and not (self._old and self._hosts == 0):
            what = "has no Host header" if self._hosts == 0 else "has more than one Host header"
            self._stop(RequestError(f"Your request {what}."))  # RFC 9112 section 3.2

    def _stop(self, error: TruelineError) -> None:
        self._refuse(error)
        raise _Refused


def _head_too_large(limit: int) -> RequestError:
    return RequestError(
        f"The head of your request is larger than the {limit} bytes, or has more than the {MAX_HEADERS} lines, "
        "that are allowed.",
        status=431,
        code="request_head_too_large",
    )
