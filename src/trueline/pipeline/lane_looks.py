"""What leaves for the value in a slot of a whole reply, and which values a rule would look at twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from ..wire import jsonio
from .skeleton import CHAT_ID, NAME, OTHER_ID, TEXT, VALUE, Slot, text_of

__all__ = ["CONTENT", "Look", "look_of"]

CONTENT: Final = Slot(("choices", 0, "message", "content"), TEXT)

Look: TypeAlias = Callable[[bytes], bytes | None]
"""What leaves for the token in a slot; None where a rule would look twice.  Raises what `text_of` raises."""

_number = msgspec.json.Decoder(int | float).decode
_NO_ID = (b'"null"', b'"None"', b'"undefined"')


def _text(token: bytes) -> bytes | None:
    said = text_of(token)
    if not said:
        return None
    return token[1:-1] if b"\\" not in token else jsonio.encode(said)[1:-1]


def _content(token: bytes) -> bytes | None:
    """As `_text`; None where it may be thoughts, or nothing."""
    said = text_of(token)
    if not said[:1].isalnum() and said.lstrip()[:1] in ("", "<"):
        return None
    return token[1:-1] if b"\\" not in token else jsonio.encode(said)[1:-1]


def _name(token: bytes) -> bytes | None:
    return token[1:-1]


def _other_id(token: bytes) -> bytes | None:
    return None if token in _NO_ID else token[1:-1]


def _value(token: bytes) -> bytes | None:
    return token if token.isdigit() and len(token) < 16 else jsonio.encode(_number(token))


_LOOKS: Final[dict[bytes, Look]] = {TEXT: _text, NAME: _name, CHAT_ID: _name, OTHER_ID: _other_id, VALUE: _value}


def look_of(slot: Slot) -> Look | None:
    """How what stands in a slot is looked at; None: as what it is."""
    return _content if slot == CONTENT else _LOOKS.get(slot.pattern)
