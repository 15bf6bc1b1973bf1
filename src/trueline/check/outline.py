"""An object of a reply with one place in it: what stands beside that place is told by name only."""

from __future__ import annotations

from typing import Any

from ..wire import jsonio

__all__ = ["compact", "differing", "named", "outlines", "window"]

_WIDTH = 150
_AROUND = 24
_LEAST = 64
"""What is shown of a long line at least, where the place is at its end."""
_NEST = 30
_TEXT = 40
"""Characters of a neighbour that are shown."""


def compact(value: Any) -> str:
    """A value as JSON on one line."""
    try:
        return jsonio.encode(value).decode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def window(line: str, at: int) -> str:
    """The part of a long line around a place."""
    if len(line) <= _WIDTH:
        return line
    start = max(0, min(at - _AROUND, len(line) - _LEAST))
    end = start + _WIDTH - 2
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def differing(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The keys that differ between two objects."""
    return [key for key in {**was, **now} if key not in was or key not in now or was[key] != now[key]]


def named(keys: list[str], fault: str) -> list[str]:
    """Those keys that the name of a fault speaks of."""
    words = set(fault.split("-"))
    return [key for key in keys if words & {key, *key.split("_")}]


def outlines(was: dict[str, Any], now: dict[str, Any], keys: list[str]) -> tuple[str, str]:
    """Both objects, each around the first of the keys, or around where it is missing."""
    # What is too long to be shown on one side is told by name on both.
    brief = {key for value in (was, now) for key, item in value.items() if key not in keys and _is_long(item)}
    return _outline(was, now, keys, brief), _outline(now, was, keys, brief)


def _outline(value: dict[str, Any], other: dict[str, Any], keys: list[str], brief: set[str]) -> str:
    parts = [f"{compact(key)}:{_brief(item) if key in brief else compact(item)}" for key, item in value.items()]
    first = keys[0] if keys else ""
    names = list(value)
    if first in value:
        count = names.index(first)
    else:
        known = [name for name in _until(first, other) if name in value]
        count = names.index(known[-1]) if known else 0
    return window("{" + ",".join(parts) + "}", sum(len(part) + 1 for part in parts[:count]) + 1)


def _until(key: str, value: dict[str, Any]) -> list[str]:
    """The keys that stand before one."""
    names = list(value)
    return names[: names.index(key)] if key in value else []


def _is_long(value: Any) -> bool:
    length = len(compact(value))
    return length > _NEST if isinstance(value, dict | list) else isinstance(value, str) and length > _TEXT + 2


def _brief(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = compact(value)
    return f'{text[:_TEXT]}…"' if len(text) > _TEXT + 2 else text
