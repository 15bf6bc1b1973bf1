"""JSON in, leniently and within limits; JSON out, strictly.

The fast way is msgspec.  What it refuses (NaN, lone surrogates, bytes that are not UTF-8, a tail after the value) is
read once more by the standard library's tolerant decoder, and the fault is noted: what was noted is never passed on
as it came.  Duplicate keys: the last one wins,
as in every client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final, NoReturn

import msgspec

__all__ = [
    "GONE",
    "MAX_DEPTH",
    "JSONError",
    "decode",
    "decode_all",
    "decode_strict",
    "encode",
    "has_surrogates",
    "integer",
    "mend_surrogates",
    "same",
    "with_member",
    "with_members",
]

GONE = msgspec.UNSET
"""In place of a member's value: the member goes (`with_members`)."""

MAX_DEPTH: Final = 256
"""Levels of nested arrays and objects.  Deeper JSON is refused: no API of this field nests a tenth of it."""

_LONG: Final = 4 * 1024
"""Bytes from which a value is worth another way of looking at it."""

LOWEST_LOGPROB = -9999.0
"""What OpenAI sends for a token of no probability; stands in for `-Infinity` (`nan-infinity`)."""

_encode: Final = msgspec.json.encode
_sorted: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder().decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Note = Callable[[str], None]

_NO_STRUCTURE = bytes(c for c in range(256) if c not in b'[]{}"')
_INTEGER = re.compile(r"\s*-?[0-9]{1,18}\s*")
_SURROGATES = re.compile(f"[{chr(0xD800)}-{chr(0xDFFF)}]")
_BOM: Final = b"\xef\xbb\xbf"


class JSONError(ValueError):
    """The bytes are not JSON, or nest deeper than `MAX_DEPTH`."""


def _ignore(fault: str) -> None:
    return None


def decode(data: bytes, note: Note = _ignore) -> Any:
    """The one JSON value in `data`; what follows it is ignored.  Raises JSONError."""
    try:
        value = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _tolerant(data, note)[0]
    if len(data) > MAX_DEPTH:
        _check_depth(data)
    return value


def decode_strict(data: bytes) -> Any:
    """The JSON value that is all of `data`, as a client must send it.  Raises JSONError."""
    try:
        value = _decode(data if data[:3] != _BOM else data[3:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_depth(data)
        if b"\\ud" not in data.lower():
            raise JSONError(str(error).removeprefix("JSON is malformed: ")) from None
        return _with_halves(data)
    if not _is_shallow(value):
        _check_depth(data)
    return value


def _is_shallow(value: Any) -> bool:
    """Whether nothing is nested in the members of an object, or of a list among them: so are most requests."""
    if type(value) is not dict:
        return False
    for member in value.values():
        if type(member) is dict:
            if any(type(part) is dict or type(part) is list for part in member.values()):
                return False
        elif type(member) is list:
            for item in member:
                if type(item) is list:
                    return False
                if type(item) is dict:
                    for part in item.values():
                        if type(part) is dict or type(part) is list:
                            return False
    return True


def _with_halves(data: bytes) -> Any:
    """Strict JSON but for halves of UTF-16 pairs, which JavaScript sends where it cut a string in two."""
    try:
        return json.loads(data.removeprefix(_BOM), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise JSONError(str(error)) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        _refuse(digits)
    return value


def decode_all(data: bytes, note: Note = _ignore) -> list[Any]:
    """Every JSON value in `data`, one after the other (`two-json-per-line`).  Raises JSONError if the first is none."""
    try:
        value = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _tolerant(data, note)
    if len(data) > MAX_DEPTH:
        _check_depth(data)
    return [value]


def same(one: Any, two: Any, size: int = 0) -> bool:
    """Whether two values are the same JSON: the order of keys is free, and `1`, `1.0` and `true` are three values.

    `size`: about how many bytes they have as JSON.  Those of many are not written for it.
    """
    try:
        if one != two:
            return False
        return _alike(one, two) if size >= _LONG else _sorted(one) == _sorted(two)
    except (UnicodeEncodeError, RecursionError):
        return False


def _alike(one: Any, two: Any) -> bool:
    """Whether values that are equal are the same JSON.  Raises UnicodeEncodeError for what cannot be written."""
    kind = type(one)
    if kind is not type(two):
        return False
    if kind is str:
        return one.isascii() or bool(one.encode())
    if kind is dict:
        return all(_alike(key, key) and _alike(value, two[key]) for key, value in one.items())
    if kind is list:
        return all(map(_alike, one, two))
    return kind is not float or one != 0 or str(one) == str(two)


def _check_depth(data: bytes) -> None:
    if len(data) < _LONG:
        if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
            return
    elif _has_few(data, b"[") and _has_few(data, b"{"):
        return
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    brackets = b"".join(plain.translate(None, _NO_STRUCTURE).split(b'"')[::2])  # those outside strings
    if len(brackets) > MAX_DEPTH and _depth(brackets) > MAX_DEPTH:
        raise JSONError(f"nested deeper than {MAX_DEPTH} levels")


def _has_few(data: bytes, bracket: bytes) -> bool:
    """Whether half of `MAX_DEPTH` is not exceeded: the search for a byte looks at many at once, counting does not."""
    at = -1
    for _ in range(MAX_DEPTH // 2 + 1):
        at = data.find(bracket, at + 1)
        if at < 0:
            return True
    return False


def _depth(brackets: bytes) -> int:
    depth = deepest = 0
    for byte in brackets:
        if byte in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
        else:
            depth -= 1
    return deepest


class _Numbers:
    """Reads those that JSON does not have."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def constant(self, name: str) -> float | None:
        """What stands for `NaN`, `Infinity` and `-Infinity`."""
        self._note("nan-infinity")
        return LOWEST_LOGPROB if name == "-Infinity" else None

    def number(self, digits: str) -> float | None:
        """A number that may be too large to be one."""
        value = float(digits)
        return value if isfinite(value) else self.constant("-Infinity" if value < 0 else "Infinity")


def _tolerant(data: bytes, note: Note) -> list[Any]:
    if data.startswith(_BOM):
        note("bom")
        data = data[3:]
    _check_depth(data)
    text = _text(data, note)

    numbers = _Numbers(note)
    decoder = json.JSONDecoder(parse_constant=numbers.constant, parse_float=numbers.number)
    lenient = json.JSONDecoder(strict=False, parse_constant=numbers.constant, parse_float=numbers.number)
    values: list[Any] = []
    position = _skip_space(text, 0)
    raw = "\0" in text
    try:
        while position < len(text):
            try:
                value, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError as error:
                if decoder is lenient or not error.msg.startswith("Invalid control character"):
                    raise
                raw, decoder = True, lenient  # for the rest as well: every such error costs a look at all of the text
                continue
            values.append(value)
            position = _skip_space(text, position)
    except (ValueError, RecursionError) as error:
        if not values:
            raise JSONError(str(error)) from None
        note("done-glued-on-json")
    if not values:
        raise JSONError("no JSON value")
    if raw:
        note("control-characters")
    if len(values) > 1:
        note("two-json-per-line")
    if _SURROGATES.search(text) or "\\ud" in text or "\\uD" in text:
        note("lone-surrogate")
    return values


def _text(data: bytes, note: Note) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        note("replacement-chars")
        return data.decode("utf-8", "replace")


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\0":
        position += 1
    return position


def integer(text: str) -> int | None:
    """The decimal number that `text` is, or None: no other script's digits, and no more digits than a number has."""
    return int(text) if _INTEGER.fullmatch(text) else None


def has_surrogates(text: str) -> bool:
    """Whether `text` holds halves of UTF-16 pairs, which no encoder can write."""
    return not text.isascii() and _SURROGATES.search(text) is not None


def mend_surrogates(value: Any) -> Any:
    """`value` with pairs of surrogates joined and lone ones replaced by U+FFFD, in keys as well (`lone-surrogate`)."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [mend_surrogates(v) for v in value]
    if isinstance(value, dict):
        return {mend_surrogates(k): mend_surrogates(v) for k, v in value.items()}
    return value


def with_member(data: bytes, name: str, value: Any) -> bytes | None:
    """The JSON object `data` with another value for one member, the others' as they are written; what has several
    members of a name keeps the last.  None where that cannot be told."""
    return with_members(data, {name: value})


def with_members(data: bytes, changes: Mapping[str, Any]) -> bytes | None:
    """As `with_member`, for several; one whose value is `GONE` is left out."""
    try:
        members: dict[str, Any] = _members(data if data[:3] != _BOM else data[3:])
        members.update(changes)
        return _encode({name: value for name, value in members.items() if value is not GONE})
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON of anything that `decode` returned."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(mend_surrogates(value))
