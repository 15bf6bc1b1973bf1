"""Streams through the whole native server, for `bench micro`: all that one costs but the kernel's part.

Imports Trueline.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from typing import Any

from trueline.shell.conduct import PROOFS

from .in_process import Gateway, Loop, chunked
from .micro_cases import EVENTS, MESSAGES, asked_stream, body

__all__ = ["SERVED", "Served"]

READ = 64 * 1024
"""Bytes of a read where events come faster than they are taken."""
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)


_gateways: list[Gateway] = []
_proved: set[str] = set()


def gateway() -> Gateway:
    """The one that serves all cases; made when the first of them is measured."""
    if not _gateways:
        _gateways.append(Gateway(Loop()))
        atexit.register(_gateways[0].close)
    return _gateways[0]


@dataclass(frozen=True, slots=True)
class Served:
    """A case: a request, and the reads that answer it."""

    name: str
    request: bytes
    reads: list[bytes]
    unit: str = "event"
    units: int = EVENTS
    before: tuple[bytes, ...] = ()
    """What the upstream answers before it is measured, until it is known to keep its limits."""

    def run(self) -> bytes:
        """One round: what the client gets."""
        through = gateway()
        answer = through.loop.run_until_complete
        for _ in range(PROOFS if self.before and self.name not in _proved else 0):
            answer(through.answer(self.request, list(self.before), chunked(b"")))
        _proved.add(self.name)
        return answer(through.answer(self.request, self.reads, chunked(b"")))


def served(name: str, burst: bool = False, model: str = "gpt-4o", **asked: Any) -> Served:
    """A stream as `asked_stream` has it, whose events come one by one, or as fast as they are taken."""
    sent = body(**{**MESSAGES, "model": model}, stream=True, stream_options={"include_usage": True}, **asked)
    [events] = asked_stream(name, True).replies
    reads = [_HEAD, *map(chunked, events), chunked(b"")]
    reached = [event.replace(b'"finish_reason":"stop"', b'"finish_reason":"length"') for event in events]
    before = (_HEAD, *map(chunked, reached), chunked(b"")) if model == _TRUSTED else ()
    if burst:
        whole = b"".join(reads)
        reads = [whole[at : at + READ] for at in range(0, len(whole), READ)]
    name = f"served stream, {name}" + (", all at once" if burst else "")
    return Served(name, _REQUEST % len(sent) + sent, reads, before=before)


_TRUSTED = "gpt-4o-2024-08-06"
_ASKED: dict[str, dict[str, Any]] = {
    "usage reported": {},
    "usage reported, limit far off": {"max_tokens": 16 * EVENTS},
    "usage reported, limit near": {"max_tokens": 2 * EVENTS},
    "usage reported, limit nearer": {"max_tokens": int(1.6 * EVENTS)},
    "usage reported, limit all but reached": {"max_tokens": int(1.45 * EVENTS)},
    "usage reported, limit all but reached, kept before": {"max_tokens": int(1.45 * EVENTS), "model": _TRUSTED},
    "usage reported, stop strings": {"stop": ["\n\n###", "END"]},
    "usage reported, limits on": {"max_tokens": 4 * EVENTS, "stop": ["\n\n###", "END"]},
}
SERVED: tuple[Served, ...] = tuple(
    served(name, burst, **asked) for burst in (False, True) for name, asked in _ASKED.items()
)
