"""What every pipeline is, and the chain of repairs that chats go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from ..context import FormatOptions, ReplyContext
from ..dialects.error_bodies import plain_text
from ..dialects.sharper import sharpen
from ..errors import TruelineError, UpstreamFormatError, UpstreamReplyTooLargeError
from ..events import Event
from ..repairs import Rule, Tally, plan_for

__all__ = ["MAX_REPLY", "Chain", "Facts", "OwesNothing", "Pipeline", "Tally", "WholeBody", "begins_blank", "not_json"]

See: TypeAlias = Callable[[Any], Any]
Bound: TypeAlias = tuple[int, See, Rule]
"""A rule, at its position in the chain."""

MAX_REPLY = 64 * 1024 * 1024
"""Bytes of a whole reply."""


class Facts(Protocol):
    """What is known of an exchange so far: attributes and no calls, for each reply is asked for all of them."""

    @property
    def faults(self) -> dict[str, int]: ...
    @property
    def upstream_id(self) -> str | None: ...
    @property
    def usage_source(self) -> str | None:
        """Who says what was used (`context.UsageSource`), once that is known; of chats only."""

    @property
    def owed(self) -> Callable[[], None] | None:
        """See Pipeline."""

    @property
    def kept(self) -> bool:
        """The upstream was seen to keep a limit that the reply reached."""

    @property
    def tiers(self) -> Iterable[Any]:
        """The service tiers that request and reply name, so far; of chats only."""


class Pipeline(Protocol):
    """What an exchange needs of any pipeline."""

    @property
    def facts(self) -> Facts: ...

    content_type: bytes
    error: TruelineError | None
    """Why the exchange failed, where nothing was written yet."""
    done: bool
    """Nothing more will be written: the upstream may be let go."""
    secrets: tuple[str, ...]
    """Keys that the exchange used; an error event must not repeat one."""

    @property
    def faults(self) -> dict[str, int]: ...
    @property
    def upstream_id(self) -> str | None: ...
    @property
    def left(self) -> bool:
        """It is done before its upstream is: that has more to send, which nobody wants."""

    @property
    def owed(self) -> Callable[[], None] | None:
        """Work that has to be done before more is written, after `defer`.  While there is some, `feed` and `close`
        keep what they are given; have it done anywhere, then call `settle`.
        """

    def defer(self) -> None:
        """From now on long work is owed (`owed`), and not done at once."""

    def settle(self) -> bytes:
        """Go on where work was owed; the bytes for the client.  Work that was not done is done without."""

    def feed(self, data: bytes) -> bytes: ...
    def close(self, cut: TruelineError | None = None) -> bytes: ...
    def steady(self) -> Callable[[bytes], bytes | None] | None:
        """What may be called in place of `feed` until something else is asked of the pipeline; None: nothing.

        It gives None for what has to be fed after all.  With anything else, no fault was noted for the first time,
        no work is owed and the reply goes on; what is written may be nothing.
        """

    def tally(self) -> Tally | None:
        """What the exchange used so far; None where nobody can say, as of pictures."""

    def release(self) -> None:
        """Nothing more is asked of it: leave no circle of references behind."""


class OwesNothing:
    """Of a pipeline that never has long work to do, counts nothing, and takes all that its upstream sends."""

    left = False
    kept = False
    owed: Callable[[], None] | None = None
    usage_source: str | None = None
    tiers: tuple[Any, ...] = ()

    @property
    def facts(self) -> Any:
        """See Pipeline: its own."""
        return self

    def defer(self) -> None:
        """See Pipeline."""

    def settle(self) -> bytes:
        """See Pipeline."""
        return b""

    def steady(self) -> None:
        """See Pipeline."""

    def tally(self) -> Tally | None:
        """See Pipeline."""
        return None


class WholeBody(OwesNothing):
    """A pipeline for replies that are one JSON body: `read` makes the exact one of it."""

    content_type = b"application/json"

    def __init__(self, options: FormatOptions = FormatOptions()) -> None:
        self.error: TruelineError | None = None
        self.done = False
        self.faults: dict[str, int] = {}
        self.upstream_id: str | None = None
        self.secrets: tuple[str, ...] = ()
        self._options = options
        self._body: list[bytes] = []
        self._size = 0

    def note(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def _trimmed(self, reply: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        """The reply without its extras, which were dropped if there were any."""
        if known != reply:
            self.note("extra-fields")
        return known

    def read(self, body: bytes) -> bytes | TruelineError:
        """The exact reply, or why there is none."""
        raise NotImplementedError

    def feed(self, data: bytes) -> bytes:
        """Keep the body."""
        if not self.done:
            self._body.append(data)
            self._size += len(data)
            if self._size > MAX_REPLY:
                self._fail(UpstreamReplyTooLargeError(f"The upstream's reply is larger than {MAX_REPLY} bytes."))
        return b""

    def close(self, cut: TruelineError | None = None) -> bytes:
        """The reply, or nothing and `error`."""
        if self.done:
            return b""
        self.done = True
        body = b"".join(self._body)
        if begins_blank(body):
            self.note("leading-blank-lines")
        out = cut or self.read(body)
        return self._fail(out) if isinstance(out, TruelineError) else out

    def release(self) -> None:
        """See Pipeline."""

    def _fail(self, error: TruelineError) -> bytes:
        sharpen(error, self._options.options)
        for fault in error.faults:
            self.note(fault)
        self.error = error
        self.done = True
        self._body.clear()
        return b""


class Chain:
    """The repairs of one exchange, bound by event type; a rule is made when the first event comes that it sees."""

    __slots__ = ("_bound", "_context", "_plan", "_rules")

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._plan = plan_for(context)
        self._rules: list[Bound | None] = [None] * len(self._plan.rules)
        self._bound: dict[type, list[Bound]] = {}

    def push(self, event: Event, out: list[Event], after: int = -1) -> None:
        """Take `event` through the rules behind position `after`; what comes out is appended to `out`."""
        kind = type(event)
        bound = self._bound.get(kind)
        if bound is None:
            bound = self._bind(kind)
        for position, see, _ in bound:
            if position <= after:
                continue
            result = see(event)
            if result is event:
                continue
            if result is not None:
                self.go_on(result, out, position)
            return
        out.append(event)

    def go_on(self, result: Event | list[Event], out: list[Event], after: int) -> None:
        """Take what the rule at position `after` made of an event through the rules behind it."""
        for one in result if type(result) is list else (result,):
            self.push(one, out, after)  # type: ignore[arg-type]  # the list is empty or of events

    def resume(self, out: list[Event]) -> None:
        """What a rule owed is done: take what it held through the rules behind it."""
        for entry in self._rules:
            result = entry[2].resume() if entry is not None else None
            if result is not None and entry is not None:
                self.go_on(result, out, entry[0])

    def unsettled(self, kind: type) -> list[Bound]:
        """The rules, by position, that plain events of this type have to meet now (see `Rule.settled`)."""
        bound = self._bound.get(kind)
        if bound is None:
            bound = self._bind(kind)
        return [entry for entry in bound if not entry[2].settled(kind)]

    def _bind(self, kind: type) -> list[Bound]:
        rules = self._rules
        bound: list[Bound] = []
        for position in self._plan.seeing(kind):
            entry = rules[position]
            if entry is None:
                rule = self._plan.rules[position](self._context)
                entry = rules[position] = (position, self._see(rule, kind), rule)
            else:
                entry = (position, self._see(entry[2], kind), entry[2])
            bound.append(entry)
        self._bound[kind] = bound
        return bound

    def _see(self, rule: Rule, kind: type) -> See:
        return rule.see


def begins_blank(body: bytes) -> bool:
    """Whether something follows white space (`leading-blank-lines`)."""
    return body[:1] in (b"\n", b"\r", b" ") and not body.isspace()


def not_json(body: bytes) -> UpstreamFormatError:
    """The error for a reply that is text or a web page."""
    html = b"<" in body[:200]
    hint = " It looks like a web page: check the upstream's base URL." if html else ""
    return UpstreamFormatError(
        f"The upstream's reply is not JSON: {plain_text(body)!r}.{hint}", faults=("err-html",) if html else ()
    )
