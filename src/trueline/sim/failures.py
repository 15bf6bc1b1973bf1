"""Replies that break off (`fail`): a good reply in, the broken one out.  Pure; `server.py` carries it out."""

from __future__ import annotations

from dataclasses import replace

from trueline.sim.errors import for_status
from trueline.sim.reply import DONE, Ending, SimReply, encode_event

__all__ = ["break_off"]

_GARBAGE = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
_ENDINGS: dict[str, Ending] = {"cut": "cut", "cut-event": "cut", "reset": "reset", "stall": "stall"}


def break_off(reply: SimReply, failure: str, after: int | None) -> SimReply:
    """The reply as it fails; `after` events of it come first (default: half of them)."""
    if failure == "refuse":
        return replace(reply, head=False, chunks=[], ending="reset")
    if failure == "silent":
        return replace(reply, head=False, chunks=[], ending="stall")
    if failure == "slow-headers":
        return replace(reply, trickle=True)
    if failure == "garbage":
        return replace(reply, raw=_GARBAGE)
    if failure == "close-idle":
        return replace(reply, ending="close")
    if failure == "error" and reply.stream:
        kept = _first(reply, after)
        return replace(reply, chunks=[*kept, encode_event(for_status(500).body()), DONE], repeat=None)
    if failure in _ENDINGS:
        kept = _first(reply, after)
        if failure == "cut-event" and len(kept) < len(reply.chunks):
            following = reply.chunks[len(kept)]
            kept.append(following[: len(following) // 2])
        length = None if reply.stream else len(reply.body)
        return replace(reply, chunks=kept, ending=_ENDINGS[failure], length=length, repeat=None)
    return reply


def _first(reply: SimReply, after: int | None) -> list[bytes]:
    """The events before the failure; of a whole reply the first half (none of it for `after` 0)."""
    if not reply.stream:
        return [reply.body[: len(reply.body) // 2]] if after != 0 else []
    return reply.chunks[: len(reply.chunks) // 2 if after is None else after]
