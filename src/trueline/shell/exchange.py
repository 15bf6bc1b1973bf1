"""One exchange, as far as it needs no waiting: its facts, its headers in both directions, its errors.

Two kinds are driven from here: `AwaitedExchange` (`awaited.py`), for everything that comes through ASGI, and
`NativeExchange` (`native/exchange.py`), which callbacks move, for the paths that most requests take.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from ..context import FormatOptions
from ..dialects.error_bodies import read_error, without_secrets
from ..dialects.sharper import sharpen
from ..errors import DrainingError, TruelineError, UpstreamError, UpstreamReplyError
from ..excerpts import MOST
from ..pipeline import Pipeline, Tally
from ..prices import Price, shown
from ..wire import jsonio
from ..wire.transfer import content_type_faults
from .costs import at_usual_tier, spent
from .headers import Pairs, for_upstream, goes_to_client, goes_with_its_body, is_credential, shown_as
from .routes import Backend, Choice, spoken_by

if TYPE_CHECKING:
    from .upstream.headers import ResponseHead

__all__ = ["CLIENT_CLOSED", "JSON", "MAX_ERROR_BODY", "ClientSide", "Exchange", "keys_in", "log", "log_failure"]

log = logging.getLogger("trueline.exchange")

CLIENT_CLOSED = 499
"""Status in the log, nowhere else: the client went away before it was answered."""

MAX_ERROR_BODY = 1024 * 1024
"""Bytes of an upstream's error body that are looked at."""

MIN_KEY = 8
"""Characters below which what a client sends as its key is taken for a word, which a message may well contain."""

JSON: Final = b"application/json"

MAX_CHANGES = 1000
"""Characters of the header that names what was changed of a request."""

_UNSAFE = re.compile(rb"[^ -~]")
_SAFE_ID: Final = re.compile(rb"[!-~]{1,512}")
_SAFE_VALUE = re.compile(rb"[ -~]{1,512}")
_IDENTITY = (b"accept-encoding", b"identity")
_DEFAULT_OPTIONS: Final = FormatOptions()


class ClientSide(Protocol):
    """What every exchange knows of its client, whichever server it came through."""

    method: str
    path: str
    query: str
    headers: Pairs
    started: bool
    """The head of the reply has been sent."""
    sent: int
    """Bytes of the reply's body."""

    def header(self, name: bytes) -> bytes | None: ...


C = TypeVar("C", bound=ClientSide)


class Exchange(Generic[C]):
    """The state of one exchange, for its headers, its metrics and its log line."""

    # What most exchanges never change stands here: an attribute of the class costs an exchange nothing.
    waited = 0.0
    """Seconds in which the client's body or the upstream was waited for, until the reply began."""
    upstream: str | None = None
    model: str | None = None
    status = 0
    error: TruelineError | None = None
    """Why the reply is an error, or ends in one."""
    received = 0
    """Bytes of the upstream's reply, decoded."""
    upstream_seconds: float | None = None
    """From the request to the head of the upstream's reply."""
    secrets: tuple[str, ...] = ()
    """Keys that were sent upstream: an error that repeats one must not carry it on."""
    used: Tally | None = None
    """Its tokens, when it has ended."""
    price: Price | None = None
    """What its tokens cost, where that is known."""
    spent: Decimal | None = None
    """US dollars that it cost: of a whole reply before it leaves, of a stream at its end."""
    changes: tuple[str, ...] = ()
    """What was changed of the request on its way to the upstream, by name."""
    sample: bytes | None = None
    """What shows every fault of which there is no example: a whole reply."""
    reply_head: ResponseHead | None = None
    """Where the upstream's headers are those of other replies too, as far as they are still these."""

    def __init__(self, client: C, make_id: Callable[[], bytes]) -> None:
        self.client = client
        given = client.header(b"x-request-id")
        self.request_id: bytes = given if given and _SAFE_ID.fullmatch(given) else make_id()
        self.began = perf_counter()
        self.pipe: Pipeline | None = None
        self.options = _DEFAULT_OPTIONS
        """How this request wants its reply."""
        self.faults: dict[str, int] = {}
        self.examples: dict[str, bytes] = {}
        """What the upstream had just sent when a fault was first noted."""
        self.reply_headers: Pairs = []
        """The upstream's, once they are here."""

    @property
    def streams(self) -> bool:
        """A stream of events has begun."""
        return self.client.started and self.pipe is not None and self.pipe.content_type.startswith(b"text/event-stream")

    # -- to the upstream ----------------------------------------------------------------------------------------------

    def upstream_headers(
        self, choice: Choice, *, identity: bool = True, content_type: bytes | None = None, credentials: bool = True
    ) -> Pairs:
        """The headers of the request that goes on, but for its id; its secrets are kept in mind.

        `identity`: ask for no compression, so that no event of a stream waits in a compressor.
        `content_type`: in place of the client's.  `credentials`: whether the client's key may go along.
        """
        backend = choice.backend
        headers = for_upstream(
            self.client.headers, credentials=credentials and not backend.own_key, dialect=backend.dialect
        )
        if backend.auth != "bearer" and not backend.own_key:
            headers = shown_as(backend.auth, headers)
        self.secrets = (*backend.secrets, *keys_in(headers))
        if content_type is not None:
            headers = [pair for pair in headers if pair[0] != b"content-type"]
            headers.append((b"content-type", content_type))
        if backend.headers:
            own = {name for name, _ in backend.headers}
            headers = [pair for pair in headers if pair[0] not in own] + backend.headers
        if identity:
            headers.append(_IDENTITY)
        return headers

    def redirected(self, backend: Backend) -> UpstreamError:
        """The error for an upstream that answered with a redirect."""
        location = next((value for name, value in self.reply_headers if name == b"location"), b"")
        where = location.decode("latin-1").partition("?")[0] or "another address"
        return UpstreamError(
            f"The upstream '{backend.name}' redirects to {where}. Redirects are not followed: "
            "set the upstream's URL to the address that it redirects to.",
            code="upstream_redirect",
        )

    def upstream_error(self, status: int, body: bytes, backend: Backend) -> UpstreamReplyError:
        """OpenAI's form of the error with which the upstream answered; `status` is neither 2xx nor 3xx."""
        headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in self.reply_headers}
        dialect = spoken_by(backend)
        error = (read_error if dialect is None else dialect.read_error)(status, headers, body)
        sharpen(error, self.options.options)
        self.received += len(body)
        self.keep_examples(body, error.faults)
        error.message = without_secrets(error.message, self.secrets)
        refused = error.status == status and status in (401, 403)
        if backend.own_key and (refused or (error.code == "invalid_api_key" and status < 500)):
            return UpstreamReplyError(
                f"The upstream '{backend.name}' refused the key that Trueline has for it ({status}): {error.message}",
                status=502,
                code="upstream_key_refused",
            )
        return error

    def changed(self, names: tuple[str, ...]) -> None:
        """The request was changed on its way."""
        if names:
            self.changes = tuple(dict.fromkeys((*self.changes, *names)))

    # -- what the upstream sends --------------------------------------------------------------------------------------

    def example_of(self, fault: str) -> bytes | None:
        """What the upstream had just sent when a fault was first noted, where that is known."""
        kept = self.examples.get(fault)
        return kept if kept is not None or self.sample is None else self.sample[:MOST]

    def keep_examples(self, data: bytes, faults: Collection[str]) -> int:
        """Keep what may show a fault; how many faults there are by now."""
        for fault in faults:
            if fault not in self.examples:
                self.examples[fault] = data[:MOST]
        return len(faults)

    def keep_last_examples(self, start: bytes, last: bytes) -> None:
        """Keep what may show the faults of the end; `start` and `last` are the first and the last read."""
        assert self.pipe is not None
        self.keep_examples(start if self.pipe.content_type == JSON else _tail(last), self.faults)

    def note(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def note_content_type(self, start: bytes) -> None:
        """Note what the upstream's content type gets wrong, of a body that begins with `start`."""
        said = None
        for name, value in self.reply_headers:
            if name == b"content-type":
                said = value
                break
        for fault in content_type_faults(said, start):
            self.note(fault)

    def account(self, body: bytes = b"") -> None:
        """Work out what the exchange cost, once that is known; `body`: of a whole reply."""
        if self.price is None or self.spent is not None or self.pipe is None:
            return
        if at_usual_tier(self.pipe):
            self.spent = spent(self.pipe, self.price, body)
        else:
            self.price = None

    # -- to the client ------------------------------------------------------------------------------------------------

    def head(self, content_type: bytes | None, *, same_body: bool = False) -> bytes:
        """The header lines of a reply, each with its CR LF; `same_body`: it is the upstream's, byte for byte."""
        lines, timed = self._going_on(same_body)
        parts = [lines]
        if content_type is not None:
            parts.append(b"content-type: %b\r\n" % content_type)
        elapsed = perf_counter() - self.began
        if not timed:
            parts.append(b"openai-processing-ms: %d\r\n" % (elapsed * 1e3))
        parts.append(b"x-request-id: %b\r\n" % self.request_id)
        if self.upstream is not None:
            own = max(0.0, (elapsed - self.waited) * 1e6)
            name = self.upstream.encode("utf-8", "replace")
            parts.append(b"x-trueline-upstream: %b\r\nx-trueline-overhead-us: %d\r\n" % (name, own))
        if self.changes:
            said = ", ".join(self.changes)[:MAX_CHANGES].encode("ascii", "replace")
            parts += (b"x-trueline-request: ", _UNSAFE.sub(b"?", said), b"\r\n")
        pipe = self.pipe
        if pipe is not None:
            facts = pipe.facts
            source = facts.usage_source
            if source is not None and facts.owed is None:  # else what is owed may say something else
                parts.append(b"x-trueline-usage: %b\r\n" % source.encode())
            upstream_id = facts.upstream_id
            if upstream_id is not None and _SAFE_ID.fullmatch(upstream_id.encode("utf-8", "replace")):
                parts.append(b"x-trueline-upstream-id: %b\r\n" % upstream_id.encode())
        return b"".join(parts)

    def _going_on(self, same_body: bool) -> tuple[bytes, bool]:
        """The upstream's header lines that go to the client, and whether they say how long it took."""
        head = self.reply_head
        if head is None or same_body or head.headers is not self.reply_headers:
            return _lines(self.reply_headers, goes_with_its_body if same_body else goes_to_client)
        known = head.goes_on
        if known is None:
            known = head.goes_on = _lines(head.headers, goes_to_client)
        return known

    def stream_head(self) -> bytes:
        """The header lines of a stream of events."""
        assert self.pipe is not None
        return self.head(self.pipe.content_type) + b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"

    def whole_head(self, length: int, content_type: bytes = JSON) -> bytes:
        """The header lines of a whole reply of so many bytes."""
        head = self.head(content_type)
        if self.spent is not None:
            head += b"x-trueline-cost-usd: %b\r\n" % shown(self.spent).encode()
        if not self.faults:
            return b"%bcontent-length: %d\r\n" % (head, length)
        return b"%bcontent-length: %d\r\nx-trueline-repairs: %b\r\n" % (head, length, ",".join(self.faults).encode())

    def error_reply(self, error: TruelineError) -> tuple[bytes, bytes]:
        """Header lines and body of an answer with an error, where nothing was sent yet."""
        for fault in error.faults:
            self.faults.setdefault(fault, 1)
        body = jsonio.encode(error.body())
        self.account()  # an answer that was of no use is paid for
        # The error says when to come back; a challenge is for a client whose key was refused.
        dropped = (b"retry-after",) if error.status == 401 else (b"retry-after", b"www-authenticate")
        self.reply_headers = [pair for pair in self.reply_headers if pair[0] not in dropped]
        head = self.whole_head(len(body))
        after = (error.retry_after or "").encode("latin-1", "replace")
        return (head + b"retry-after: %b\r\n" % after if _SAFE_VALUE.fullmatch(after) else head), body

    def last_words(self, error: TruelineError) -> bytes:
        """The event with which a stream that has begun ends in `error`; empty where there can be none."""
        if self.pipe is None or self.pipe.done:
            return b""
        before = dict(self.pipe.faults)
        last = self.pipe.settle() if self.pipe.owed is not None else b""  # there is no time left for it
        last += self.pipe.close(error)
        if isinstance(error, DrainingError):  # our own end, and no fault of the upstream
            self.faults.clear()
            self.faults.update(before)
        return last

    def drain(self) -> None:
        """The application stops; what runs in a task is cancelled by its server."""

    def blame(self, error: TruelineError) -> None:
        """The exchange ends in `error`, which will carry no key."""
        self.error = error
        error.message = without_secrets(error.message, self.secrets)


def log_failure(exchange: Exchange[Any]) -> None:
    """Log the exception that is being handled: a failure of Trueline itself."""
    log.exception("request %s failed in Trueline itself", exchange.request_id.decode("latin-1"))


def _lines(headers: Pairs, goes: Callable[[bytes], bool]) -> tuple[bytes, bool]:
    lines = [b"%b: %b\r\n" % pair for pair in headers if goes(pair[0])]
    return b"".join(lines), any(name == b"openai-processing-ms" for name, _ in headers)


def _tail(data: bytes) -> bytes:
    """The last lines of what came last."""
    tail = data[-MOST:]
    return tail if len(data) <= MOST else tail.partition(b"\n")[2] or tail


def keys_in(headers: Pairs) -> Iterator[str]:
    """The keys that go along."""
    for name, value in headers:
        key = value.decode("latin-1").strip().rpartition(" ")[2]
        if is_credential(name) and len(key) >= MIN_KEY:
            yield key
