"""Which faults can be switched, and the header by which one request switches them.

`format.options` switches on what is off by default; `format.off` switches a mend off.  The table of faults says which
are which; what the readers and writers are built to mend cannot be switched off, and is refused by name.
"""

from __future__ import annotations

import difflib
from typing import Any, Final, get_args, get_type_hints

import msgspec

from .context import FormatOptions
from .errors import RequestError
from .faults import FAULTS

__all__ = ["HEADER", "OFF", "OPTIONS", "read_format_header", "read_off", "read_option"]

HEADER: Final = "x-trueline-format"
"""`x-trueline-format: extras=drop, reasoning=think, off=finish-foreign-vocab`; lists part their ids with `+`."""

OPTIONS: Final = frozenset(fault.id for fault in FAULTS.values() if fault.setting == "options")
OFF: Final = frozenset(fault.id for fault in FAULTS.values() if fault.setting == "off")

_LISTS = ("options", "off")


def read_option(found: str | None) -> str:
    """The id of a fault that can be switched on.  Raises ValueError with the reason."""
    return _read(found, OPTIONS, "on")


def read_off(found: str | None) -> str:
    """The id of a fault whose mend can be switched off.  Raises ValueError with the reason."""
    return _read(found, OFF, "off")


def _read(found: str | None, allowed: frozenset[str], way: str) -> str:
    name = (found or "").strip()
    if name in allowed:
        return name
    fault = FAULTS.get(name)
    listed = ", ".join(sorted(allowed))
    if fault is None:
        near = difflib.get_close_matches(name, allowed, n=1)
        meant = f' did you mean "{near[0]}"?' if near else ""
        raise ValueError(f'there is no fault "{name[:100]}";{meant} allowed: {listed}')
    raise ValueError(f'"{name}" cannot be switched {way}: {_reason(name, way)}; allowed: {listed}')


def _reason(name: str, way: str) -> str:
    fault = FAULTS[name]
    if fault.setting in ("options", "off"):
        return f"it belongs to `format.{fault.setting}`"
    if fault.setting:
        return f"`format.{fault.setting}` decides"
    if fault.action == "leaves":
        return "it is left alone in any case"
    if fault.action == "refuses":
        return "what remains of such a reply would be made up"
    return "it is mended in any case" if way == "on" else "no exact reply could be read or written without it"


def read_format_header(value: str, base: FormatOptions) -> FormatOptions:
    """`base` with what one request asks for.  Raises RequestError for what is unknown, and names what is allowed."""
    given: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in value.split(","))):
        name, equals, text = (word.strip() for word in part.partition("="))
        words = _CHOICES.get(name)
        if not equals or (words is None and name not in _LISTS):
            allowed = ", ".join((*_CHOICES, *_LISTS))
            raise _refused(f"found '{part[:100]}'; allowed: NAME=VALUE with one of the names {allowed}")
        if words is None:
            try:
                read = read_option if name == "options" else read_off
                given[name] = tuple(read(item) for item in text.split("+") if item.strip())
            except ValueError as refused:
                raise _refused(f"{name}: {refused}") from None
        elif text not in words:
            raise _refused(f"found '{part[:100]}'; allowed for {name}: {', '.join(words)}")
        else:
            given[name] = text
    return msgspec.structs.replace(base, **given) if given else base


def _refused(reason: str) -> RequestError:
    return RequestError(f"Invalid header '{HEADER}': {reason}.", param=HEADER, code="invalid_header")


_CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(kind) for name, kind in get_type_hints(FormatOptions).items() if name not in _LISTS
}
