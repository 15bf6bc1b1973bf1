"""The kinds of value that switch faults: ids of the catalogue, refused by name where nothing can be switched."""

from __future__ import annotations

from typing import Any

from trueline.switches import MAX_RETRIES, OFF, OPTIONS, read_off, read_option

from .kinds import Kind

__all__ = ["MAX_RETRIES", "SWITCHED_OFF", "SWITCHED_ON"]


def _schema(ids: frozenset[str]) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(ids)}


SWITCHED_ON = Kind("fault", "ids of faults with the action `option`", read_option, _schema(OPTIONS))
SWITCHED_OFF = Kind("fault", "ids of faults that can be switched off", read_off, _schema(OFF))
