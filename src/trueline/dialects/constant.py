"""What OpenAI says the same on every chunk of a stream (rules.md C1); the first one's stands on all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

__all__ = ["Envelope", "envelope_of", "note_changes"]

Envelope = tuple[Any, Any, Any, Any, Any]

_CHANGED = ("id-changes-per-chunk", "created-varies", "model-changes", "fingerprint-changes", "service-tier-changes")
_MISSING = ("id-missing", "created-missing", "model-empty", "fingerprint-missing", "service-tier-changes")


def envelope_of(payload: dict[str, Any]) -> Envelope:
    """The id, time, model, fingerprint and tier of a chunk; UNSET where there is none."""
    get = payload.get
    return (
        get("id", UNSET),
        get("created", UNSET),
        get("model", UNSET),
        get("system_fingerprint", UNSET),
        get("service_tier", UNSET),
    )


def note_changes(first: Envelope, payload: dict[str, Any], note: Callable[[str], None]) -> None:
    """Note each field in which this chunk differs from the first one."""
    now = envelope_of(payload)
    if now == first and type(now[1]) is type(first[1]):
        return
    for position, (old, new) in enumerate(zip(first, now, strict=True)):
        if new == old and type(new) is type(old):
            continue
        if position == 0 and new == "":
            note("id-empty")
        else:
            note((_MISSING if new is UNSET or (position < 3 and not new) else _CHANGED)[position])
