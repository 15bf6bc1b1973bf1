"""What OpenAI says beside a picture: its size, quality, background and format, and what it cost (rules.md G).

An upstream's own value under one of these names would break a client that reads OpenAI's: it moves to
`upstream_<name>`, null goes, and so does a usage that is none of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

__all__ = ["KINDS", "in_event", "is_image_usage", "known", "known_of_event", "settle"]

Fields = dict[str, Any]


class _Details(Struct):
    text_tokens: int
    image_tokens: int


class _Usage(Struct):
    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: _Details
    output_tokens_details: _Details | UnsetType = UNSET


KINDS: Fields = {
    "background": Literal["transparent", "opaque"],
    "output_format": Literal["png", "webp", "jpeg", "gif", "svg"],
    "quality": Literal["low", "medium", "high", "xhigh", "max"],
    "size": str,
    "usage": _Usage,
    "safety_identifier": str | None,
    "svg_usage": dict[str, Any],
}
_WORDS = ("background", "output_format", "quality", "size")
_IN_EVENT: Fields = {**KINDS, "background": Literal["transparent", "opaque", "auto"]}
_IN_EVENT["quality"] = Literal["low", "medium", "high", "xhigh", "max", "auto"]


def settle(extras: Fields, note: Callable[[str], None]) -> Fields:
    """The fields beside the pictures, those of OpenAI's lawful."""
    settled: Fields = {}
    for name, value in extras.items():
        if name not in KINDS or _is(value, KINDS[name]):
            settled[name] = value
        elif name == "usage":
            note("img-usage-foreign")
        elif value is None or (name in _WORDS and not isinstance(value, str)):
            note("img-meta-null")
        else:
            note("extra-foreign-type")
            settled["upstream_" + name] = value
    return settled


def known(name: str, value: Any) -> Any:
    """What the schema knows of a lawful value."""
    return msgspec.to_builtins(msgspec.convert(value, KINDS[name]))


def known_of_event(fields: Fields) -> Fields:
    """What the schema knows of a lawful event."""
    kept: Fields = {
        name: fields[name] for name in ("type", "b64_json", "created_at", "partial_image_index") if name in fields
    }
    for name, kind in _IN_EVENT.items():
        if name in fields:
            kept[name] = msgspec.to_builtins(msgspec.convert(fields[name], kind))
    return kept


def in_event(name: str, value: Any) -> bool:
    """Whether a streamed picture may say this of itself."""
    return _is(value, _IN_EVENT[name])


def is_image_usage(usage: Any) -> bool:
    """Whether `usage` is OpenAI's: all counts there, all of them integers."""
    return _is(usage, _Usage)


def _is(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True
