"""The shape of a JSON text: its bytes with slots where single values may differ, as a compiled pattern.

A slot is found by looking and then proved by decoding: other values are put into all slots, and the result has to be
the decoded original with exactly these values replaced.  That rules out keys that come twice, keys of the same name on
another level, and text that only looks like a key.  JSON is context-free, so that what holds for one value of a token
holds for every other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from ..wire import jsonio

__all__ = [
    "CHAT_ID",
    "NAME",
    "NUMBER",
    "OTHER_ID",
    "TEXT",
    "VALUE",
    "Path",
    "Skeleton",
    "Slot",
    "find",
    "get",
    "is_sound",
    "put",
    "text_of",
    "token_of",
]

Path: TypeAlias = tuple[str | int, ...]

TEXT: Final = rb'("[^"]*+(?:(?<=\\)"[^"]*+)*+")'
"""What may be a string; `text_of` tells whether it is one.  To look for a quote alone is the fastest that there is."""
NAME: Final = rb'("[!#-\[\]-~]+")'
"""A string of printable ASCII that stands for itself: no blanks, no escapes, never empty."""
CHAT_ID: Final = rb'("chatcmpl-[!#-\[\]-~]*")'
OTHER_ID: Final = rb'("(?!chatcmpl-)[!#-\[\]-~]+")'
"""A name that begins as OpenAI's ids of chats do, and one that does not, which is counted."""
NUMBER: Final = rb"([1-9][0-9]{0,10})"
"""A whole number from 1 to 99,999,999,999."""

VALUE: Final = rb"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
"""Any number; `jsonio.decode` tells whether it is one that can be held."""

_ANYTHING = rb'\s*:\s*("(?:[^"\\]|\\.)*+"|-?[0-9][-+.0-9eE]*)'
_PROBES: Final[dict[bytes, tuple[Any, ...]]] = {
    TEXT: ("~1 trueline", "~2 trueline"),
    NAME: ("~3-trueline", "~4-trueline"),
    CHAT_ID: ("chatcmpl-3-trueline", "chatcmpl-4-trueline"),
    OTHER_ID: ("~5-trueline", "~6-trueline"),
    NUMBER: (31415926535, 27182818284),
    VALUE: (-0.625, 12345),
}

_decode = msgspec.json.Decoder().decode

text_of: Callable[[bytes], str] = msgspec.json.Decoder(str).decode
"""The text of a string token.  Raises msgspec.MsgspecError or UnicodeDecodeError for what is none."""


class Slot(NamedTuple):
    """Where a value may differ, and what it may be."""

    path: Path
    pattern: bytes


class Skeleton(NamedTuple):
    """The bytes between the slots, and the slots in their order."""

    pieces: tuple[bytes, ...]
    slots: tuple[Slot, ...]

    def compile(self, before: bytes = b"", behind: bytes = b"") -> re.Pattern[bytes]:
        """A pattern with one group for each slot, between the given bytes."""
        pieces = [re.escape(piece) for piece in self.pieces]
        filled = [part for piece, slot in zip(pieces, self.slots, strict=False) for part in (piece, slot.pattern)]
        return re.compile(b"".join((re.escape(before), *filled, pieces[-1], re.escape(behind))))

    def fill(self, tokens: Iterable[bytes]) -> bytes:
        """The JSON text with these tokens in the slots."""
        first, *rest = self.pieces
        return b"".join((first, *(part for pair in zip(tokens, rest, strict=True) for part in pair)))


def token_of(value: Any, pattern: bytes) -> bytes | None:
    """The token of a value, or None where a slot of this kind cannot hold it."""
    if pattern is VALUE:
        return jsonio.encode(value) if type(value) in (int, float) else None
    if type(value) is not (int if pattern is NUMBER else str) or not value:
        return None
    token = jsonio.encode(value)
    return token if pattern is TEXT or re.fullmatch(pattern, token) else None


def find(body: bytes, value: Any, slots: Iterable[Slot]) -> Skeleton | None:
    """The skeleton of `body`, which is `value`, with those of `slots` that are there; None where one is not sound."""
    found: list[tuple[int, int, Slot]] = []
    for slot in slots:
        token = token_of(get(value, slot.path), slot.pattern)
        if token is None:
            continue
        place = _place(body, slot, token)
        if place is not None:
            found.append((*place, slot))
    found.sort()
    pieces: list[bytes] = []
    at = 0
    for begin, end, _ in found:
        if begin < at:
            return None
        pieces.append(body[at:begin])
        at = end
    return Skeleton((*pieces, body[at:]), tuple(slot for _, _, slot in found))


def is_sound(skeleton: Skeleton, value: Any) -> bool:
    """Whether every slot is where its path says, and nothing else depends on it."""
    for turn in (0, 1):
        expected = value
        tokens = []
        for number, slot in enumerate(skeleton.slots):
            probe = _PROBES[slot.pattern][turn]
            probe = f"{probe}{number}" if isinstance(probe, str) else probe + number
            expected = put(expected, slot.path, probe)
            tokens.append(jsonio.encode(probe))
        try:
            decoded = _decode(skeleton.fill(tokens))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        if jsonio.encode(decoded) != jsonio.encode(expected):
            return False
    return True


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy of `value` with `new` at `path`."""
    if not path:
        return new
    key = path[0]
    if isinstance(value, list):
        copy: Any = list(value)
    else:
        copy = dict(value)
    copy[key] = put(value[key], path[1:], new)
    return copy


def get(value: Any, path: Path) -> Any:
    """What stands at `path`, or None."""
    for key in path:
        if isinstance(key, int):
            if not isinstance(value, list) or len(value) <= key:
                return None
            value = value[key]
        elif not isinstance(value, dict):
            return None
        else:
            value = value.get(key)
    return value


def _place(body: bytes, slot: Slot, token: bytes) -> tuple[int, int] | None:
    """Where the value of a slot stands: the first one of its name that has this value."""
    as_it_is = slot.pattern in (NAME, CHAT_ID, OTHER_ID, NUMBER)
    wanted = None if as_it_is else _decode(token)
    for match in _pattern(str(slot.path[-1])).finditer(body):
        found = match[1]
        if found == token:
            return match.span(1)
        if as_it_is:
            continue
        try:
            if jsonio.encode(_decode(found)) == jsonio.encode(wanted):
                return match.span(1)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return None


_patterns: dict[str, re.Pattern[bytes]] = {}


def _pattern(name: str) -> re.Pattern[bytes]:
    pattern = _patterns.get(name)
    if pattern is None:
        if len(_patterns) >= 256:
            _patterns.clear()
        pattern = _patterns[name] = re.compile(re.escape(jsonio.encode(name)) + _ANYTHING)
    return pattern
