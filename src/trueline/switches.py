"""Which faults can be switched, and the header by which one request switches them.

`format.options` switches on what is off by default; `format.off` switches a mend off.  The table of faults says which
are which; what the readers and writers are built to mend cannot be switched off, and is refused by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from .context import Enforce, FormatOptions
from .errors import RequestError
from .faults import FAULTS

__all__ = ["HEADER", "MAX_RETRIES", "OFF", "OPTIONS", "read_format_header", "read_off", "read_option"]

HEADER: Final = "x-trueline-format"
"""`x-trueline-format: extras=drop, off=finish-foreign-vocab, enforce.stop=on`; lists part their ids with `+`."""

MAX_RETRIES: Final = 10
"""How often an answer may be asked for again at most."""

OPTIONS: Final = frozenset(fault.id for fault in FAULTS.values() if fault.setting == "options")
OFF: Final = frozenset(fault.id for fault in FAULTS.values() if fault.setting == "off")

_LISTS = ("options", "off")
_ENFORCE = "enforce."


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
        return f"`{fault.setting}` decides" if "." in fault.setting else f"`format.{fault.setting}` decides"
    if fault.action == "leaves":
        return "it is left alone in any case"
    if fault.action == "refuses":
        return "what remains of such a reply would be made up"
    return "it is mended in any case" if way == "on" else "no exact reply could be read or written without it"


def read_format_header(value: str, base: FormatOptions) -> FormatOptions:
    """`base` with what one request asks for.  Raises RequestError for what is unknown, and names what is allowed."""
    given: dict[str, Any] = {}
    enforced: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in value.split(","))):
        name, equals, text = (word.strip() for word in part.partition("="))
        read = _READERS.get(name)
        if not equals or read is None:
            allowed = ", ".join(_READERS)
            raise _refused(f"found '{part[:100]}'; allowed: NAME=VALUE with one of the names {allowed}")
        try:
            found = read(text)
        except ValueError as refused:
            said = str(refused)
            raise _refused(f"{name}: {said}" if name in _LISTS else f"found '{part[:100]}'; {said}") from None
        group, key = (enforced, name.removeprefix(_ENFORCE)) if name.startswith(_ENFORCE) else (given, name)
        group[key] = found
    if enforced:
        given["enforce"] = msgspec.structs.replace(base.enforce, **enforced)
    return msgspec.structs.replace(base, **given) if given else base


def _refused(reason: str) -> RequestError:
    return RequestError(f"Invalid header '{HEADER}': {reason}.", param=HEADER, code="invalid_header")


def _one_of(name: str, words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"allowed for {name}: {', '.join(words)}")
        return text

    return read


def _ids(read: Callable[[str | None], str]) -> Callable[[str], tuple[str, ...]]:
    return lambda text: tuple(read(item) for item in text.split("+") if item.strip())


def _retries(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_RETRIES:
        raise ValueError(f"allowed for {_ENFORCE}retries: a number from 0 to {MAX_RETRIES}")
    return int(text)


def _choices(struct: type, prefix: str = "") -> dict[str, Callable[[str], Any]]:
    kinds = get_type_hints(struct).items()
    return {
        prefix + name: _one_of(prefix + name, get_args(kind)) for name, kind in kinds if get_origin(kind) is Literal
    }


_READERS: dict[str, Callable[[str], Any]] = {
    **_choices(FormatOptions),
    **_choices(Enforce, _ENFORCE),
    f"{_ENFORCE}retries": _retries,
    "options": _ids(read_option),
    "off": _ids(read_off),
}
