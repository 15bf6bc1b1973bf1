"""One reply made of several: for an upstream that gives one choice where a client asked for `n`.

    several = Several(stream=True)
    part = several.part(pipe, Places(shift=2))     # its choice 0 is the client's choice 2
    part.feed(bytes) -> bytes, part.close() -> bytes
    several.finish() -> bytes                      # when all parts have ended: what ends the reply

A part has the verbs of a pipeline and what it gives is exact already; here its choices get their numbers, all parts
get one envelope, and the usage and the end are held back until every part has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..context import UsageSource
from ..dialects.error_bodies import without_secrets
from ..errors import TruelineError, UpstreamCutError
from ..repairs import Tally
from ..wire import jsonio, sse
from .base import Pipeline

__all__ = ["Part", "Places", "Several", "add_usage"]

Fields = dict[str, Any]

_OF_ONE_REPLY = ("id", "created", "model", "service_tier", "system_fingerprint")
"""What all chunks of a reply say alike."""


_PADDING = "MaKdZ4fQxT7bW2r"
_CERTAINTY: tuple[UsageSource, ...] = ("estimated", "counted", "mended", "reported")
"""Who says what was used, the least certain first."""


class Places(NamedTuple):
    """Where the choices of a part stand in the whole: the one with index i at `i * step + shift`."""

    shift: int = 0
    step: int = 1
    most: int = 1
    """How many choices it may have; others are dropped."""


class Several:
    """The reply that the client sees.  As a pipeline it is asked for its facts, and closed where the exchange fails."""

    owed: Callable[[], None] | None = None
    left = False
    kept = False

    @property
    def facts(self) -> Several:
        """See Pipeline: its own."""
        return self

    def __init__(self, *, stream: bool) -> None:
        self.stream = stream
        self.content_type = b"text/event-stream; charset=utf-8" if stream else b"application/json"
        self.error: TruelineError | None = None
        self.done = False
        """The reply has ended, in an error of one of its parts or well."""
        self.secrets: tuple[str, ...] = ()
        self.faults: dict[str, int] = {}
        self.upstream_id: str | None = None
        self.parts: list[Part] = []
        self._free: list[int] = []
        """See `share`."""
        self._spent: list[Tally] = []
        self._used: Tally | None = None
        self._envelope: Fields | None = None
        self._written = False

    def part(self, pipe: Pipeline, places: Places) -> Part:
        """A part that `pipe` makes."""
        pipe.secrets = self.secrets
        part = Part(self, pipe, places)
        self.parts.append(part)
        return part

    def share(self, shifts: Iterable[int]) -> None:
        """The parts to come have these shifts among them; in a stream, the one that begins first gets the lowest.

        OpenAI's SDKs keep the choices of a stream in a list, and fail on one that begins before those below it.
        """
        self._free = sorted(shifts) if self.stream else []

    def missing(self, count: int) -> list[int]:
        """The choices of `count` that no part had so far."""
        there = {index for part in self.parts for index in part.indexes}
        return [index for index in range(count) if index not in there]

    def finish(self) -> bytes:
        """All parts have ended: what ends the reply, which of a whole reply is all of it."""
        if self.done:
            return b""
        self.done = True
        return self._end_of_stream() if self.stream else self._whole()

    def _end_of_stream(self) -> bytes:
        said = [part.usage for part in self.parts if part.usage is not None]
        if not said:
            return sse.DONE
        body = self.aligned(dict(said[0]))
        body["usage"] = add_usage(each.get("usage") for each in said)
        return _event(body) + sse.DONE

    def _whole(self) -> bytes:
        given = [part for part in self.parts if part.reply is not None]
        if len(given) == 1 and not self._spent and given[0].unchanged:
            return given[0].raw
        replies = [part.reply for part in given if part.reply is not None]
        body = self.aligned(dict(replies[0]))
        choices = [choice for reply in replies for choice in reply["choices"]]
        body["choices"] = sorted(choices, key=lambda choice: choice["index"])
        usage = add_usage([*(reply.get("usage") for reply in replies), *(each.usage for each in self._spent)])
        if usage:
            body["usage"] = usage
        return jsonio.encode(body)

    def aligned(self, body: Fields) -> Fields:
        """A chunk or a whole reply in the envelope of the first one."""
        if self._envelope is None:
            self._envelope = {name: body[name] for name in _OF_ONE_REPLY if name in body}
            return body
        for name in _OF_ONE_REPLY:
            if name in self._envelope:
                body[name] = self._envelope[name]
            else:
                body.pop(name, None)
        return body

    # -- as a pipeline ------------------------------------------------------------------------------------------------

    def tally(self) -> Tally | None:
        """See Pipeline: the sum of what the parts used."""
        if self._used is not None:
            return self._used
        used = [*self._spent, *(tally for tally in (part.pipe.tally() for part in self.parts) if tally is not None)]
        if not used:
            return None
        return Tally(
            sum(each.prompt for each in used),
            sum(each.completion for each in used),
            min((each.source for each in used), key=_CERTAINTY.index),
            add_usage(each.usage for each in used) or {},
        )

    @property
    def usage_source(self) -> str | None:
        """The least certain of the parts' sources, when all are known."""
        if any(part.owed is not None or not part.done for part in self.parts):
            return None
        sources = {getattr(part.pipe, "usage_source", None) for part in self.parts}
        return next((name for name in _CERTAINTY if name in sources), None)

    @property
    def tiers(self) -> set[Any]:
        """Those of all parts."""
        return {tier for part in self.parts for tier in part.pipe.facts.tiers if isinstance(tier, str)}

    def feed(self, data: bytes) -> bytes:
        """Never called: what comes belongs to a part."""
        raise NotImplementedError

    def close(self, cut: TruelineError | None = None) -> bytes:
        """The exchange ends in an error: the event that says so, where a stream has begun."""
        if self.done:
            return b""
        self.done = True
        self.error = cut or UpstreamCutError("The upstream's reply ended before all of its choices were complete.")
        if not self.stream or not self._written:
            return b""
        for part in self.parts:
            part.collect()
        self.error.message = without_secrets(self.error.message, self.secrets)
        return sse.write(jsonio.encode(self.error.body())) + sse.DONE

    def defer(self) -> None:
        """See Pipeline: its parts do."""

    def settle(self) -> bytes:
        """See Pipeline: its parts do."""
        return b""

    def steady(self) -> None:
        """See Pipeline."""

    def release(self) -> None:
        """See Pipeline."""
        self._used = self.tally()
        for part in self.parts:
            part.pipe.release()
        self.parts = []

    # -- for the parts ------------------------------------------------------------------------------------------------

    def drop(self, part: Part) -> None:
        """A part's answer is of no use; its tokens were used all the same."""
        self.parts.remove(part)
        used = part.pipe.tally()
        if used is not None:
            self._spent.append(used)

    def wrote(self) -> None:
        """Something was given for the client."""
        self._written = True

    def begins(self, places: Places) -> Places:
        """The places of a part whose first choice is here."""
        return places._replace(shift=self._free.pop(0)) if self._free else places


class Part:
    """What one call of the upstream gives, as a pipeline whose bytes are those of the whole."""

    def __init__(self, several: Several, pipe: Pipeline, places: Places) -> None:
        self.pipe = pipe
        self.indexes: set[int] = set()
        """The choices that it had, by the numbers that they have in the whole."""
        self.usage: Fields | None = None
        """The chunk with its usage."""
        self.reply: Fields | None = None
        """All of it, where it is whole."""
        self.raw = b""
        """Its bytes, where it is whole."""
        self.broken = False
        """It ended in an error event."""
        self._several = several
        self._places = places
        self._collected = False

    @property
    def error(self) -> TruelineError | None:
        return self.pipe.error

    @property
    def done(self) -> bool:
        return self.pipe.done or self._several.done

    @property
    def left(self) -> bool:
        """See Pipeline."""
        return self.pipe.left

    @property
    def faults(self) -> dict[str, int]:
        return self.pipe.faults

    @property
    def owed(self) -> Callable[[], None] | None:
        """See Pipeline."""
        return self.pipe.owed

    def settle(self) -> bytes:
        """See Pipeline."""
        return self._take(self.pipe.settle())

    def feed(self, data: bytes) -> bytes:
        """The upstream's bytes in, the client's out."""
        return self._take(self.pipe.feed(data))

    def close(self, cut: TruelineError | None = None) -> bytes:
        """Its upstream has ended."""
        return self._take(self.pipe.close(cut))

    @property
    def unchanged(self) -> bool:
        """Its choices have the numbers that it gave them."""
        shift, step, _ = self._places
        return shift == 0 and (step == 1 or len(self.indexes) == 1)

    def fail(self) -> None:
        """Its answer is of no use."""
        self._several.drop(self)

    def collect(self) -> None:
        """Its faults are those of the whole; once."""
        if self._collected:
            return
        self._collected = True
        whole = self._several
        for fault, count in self.pipe.faults.items():
            whole.faults[fault] = whole.faults.get(fault, 0) + count
        whole.upstream_id = whole.upstream_id or self.pipe.upstream_id

    def _take(self, data: bytes) -> bytes:
        if not data or self._several.done:
            return b""
        if not self._several.stream:
            self.raw = data
            self.reply = self._renumbered(jsonio.decode(data))
            return b""
        out: list[bytes] = []
        for event in data.split(b"\n\n"):
            if event:
                out.append(self._event(event.removeprefix(b"data: ")))
            if self.broken:
                break
        made = b"".join(out)
        if made:
            self._several.wrote()
        return made

    def _event(self, data: bytes) -> bytes:
        if data == b"[DONE]":
            return b""
        body = jsonio.decode(data)
        if "choices" not in body:  # an error: the others cannot make up for it
            self.broken = self._several.done = True
            return sse.write(data) + sse.DONE
        if not body["choices"]:
            if body.get("usage") is None:
                return _event(self._several.aligned(body), data)
            self.usage = body
            return b""
        if not self._renumbered(body)["choices"]:
            return b""
        return _event(self._several.aligned(body), data)

    def _renumbered(self, body: Fields) -> Fields:
        kept = [choice for choice in body["choices"] if choice["index"] < self._places.most]
        if kept and not self.indexes:
            self._places = self._several.begins(self._places)
        shift, step, _ = self._places
        for choice in kept:
            choice["index"] = choice["index"] * step + shift
            self.indexes.add(choice["index"])
        body["choices"] = kept
        return body


def _event(body: Fields, came: bytes = b"") -> bytes:
    """One event: as it came, if nothing of it is another; else padded to its length as OpenAI pads (rules.md O2)."""
    if came and jsonio.decode(came) == body:
        return sse.write(came)
    if isinstance(body.get("obfuscation"), str):
        body["obfuscation"] = ""
        body["obfuscation"] = _PADDING[: (1 - len(jsonio.encode(body))) % 16]
    return sse.write(jsonio.encode(body))


def add_usage(said: Iterable[Any]) -> Fields | None:
    """The sum of several `usage` objects, detail by detail; None where there is none."""
    total: Fields | None = None
    for usage in said:
        if isinstance(usage, dict):
            total = usage if total is None else _sum(total, usage)
    return total


def _sum(one: Fields, two: Fields) -> Fields:
    made = dict(one)
    for name, value in two.items():
        before = made.get(name)
        if type(value) in (int, float) and type(before) in (int, float):
            made[name] = before + value
        elif isinstance(value, dict) and isinstance(before, dict):
            made[name] = _sum(before, value)
        elif before is None:
            made[name] = value
    return made
