"""Probes of what lies under the replies: encodings, headers, and clients that leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..checks import says_something
from ..model import Call, Probe
from .build import LONG, chat, stream

__all__ = ["PROBES"]


def _with(call: Call, **headers: str) -> Call:
    return replace(call, headers={name.replace("_", "-"): value for name, value in headers.items()})


PROBES: Final = (
    Probe("http.gzip", "a client that takes gzip", (_with(chat(), accept_encoding="gzip"),), (says_something,)),
    Probe(
        "http.identity",
        "a client that takes no compression",
        (_with(stream(), accept_encoding="identity"),),
        (says_something,),
    ),
    Probe(
        "http.accept",
        "a client that names what it accepts",
        (_with(stream(), accept="text/event-stream"),),
        (says_something,),
    ),
    Probe(
        "http.disconnect",
        "a client leaves in the middle of a stream; the next request works",
        (replace(stream(LONG, max_tokens=120), drop=True), chat()),
        (),
        tokens=200,
    ),
)
