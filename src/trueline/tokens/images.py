"""What a picture, a sound or a file in a prompt costs in tokens, by model family (rules T6).

Models of one kind cut a picture into tiles of 512 pixels, after making it smaller; those of the other kind into patches
of 32 pixels, as many as they have room for.  Where no rule or no size is known, the count is an estimate.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt
from typing import Any

from ..pictures import dimensions
from .families import Count
from .models import bare_name
from .services import Size, said_size

__all__ = ["Patches", "Size", "SizeOf", "Tiles", "part_tokens", "picture_rule", "picture_tokens"]

SizeOf = Callable[[str], "Size | None"]
"""The width and height of the picture behind a URL, for those that are not in the request itself; None: not known."""

_UNKNOWN_SIZE = (1024, 1024)
_MOST_PIXELS = 1 << 24
"""Of a side; more is no picture that anybody takes."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """A base, and as much again for each tile of 512x512; with low detail the base alone."""

    base: int
    tile: int
    sure: bool = True

    def count(self, size: Size, detail: str, responses: bool = False) -> Count:
        """Tokens of a picture, on any API.  It is made to fit 2048x2048, then 768 on its shorter side, never larger."""
        if detail == "low":
            return Count(self.base or self.tile, self.sure)
        scale = min(Fraction(1), Fraction(2048, max(size)), Fraction(768, min(size)))
        across, down = (max(ceil(side * scale / 512), 1) for side in size)
        return Count(self.base + self.tile * across * down, self.sure)


@dataclass(frozen=True, slots=True)
class Patches:
    """So many tokens for each patch of 32x32, and what a picture has besides, which depends on the API."""

    factor: Fraction
    most: int = 1536
    sure: bool = True
    in_chat: int = 1
    in_responses: int = 0

    def count(self, size: Size, detail: str, responses: bool = False) -> Count:
        """Tokens of a picture.  One that has more patches than there is room for is made smaller, in whole patches."""
        besides = self.in_responses if responses else self.in_chat
        return Count(ceil(self._patches(size) * self.factor) + besides, self.sure and detail != "low")

    def _patches(self, size: Size) -> int:
        across, down = (Fraction(side, 32) for side in size)
        if ceil(across) * ceil(down) <= self.most:
            return ceil(across) * ceil(down)
        shrink = min(_root(self.most / (across * down)), Fraction(1))
        shrink *= min(_whole(side * shrink) for side in (across, down))
        return min(ceil(across * shrink - _LITTLE) * ceil(down * shrink - _LITTLE), self.most)


_LITTLE = Fraction(1, 10**9)
"""For roots, which are rounded."""


def _root(square: Fraction) -> Fraction:
    """The square root, to sixty-four bits behind the point."""
    scale = 1 << 64
    return Fraction(isqrt(square.numerator * scale * scale // square.denominator), scale)


def _whole(side: Fraction) -> Fraction:
    """How much smaller a side has to be to have whole patches only."""
    return Fraction(floor(side + _LITTLE)) / side if side >= 1 else Fraction(1)


Rule = Tiles | Patches

_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"gpt-4o-mini", Tiles(2833, 5667)),
        (r"(?:chat)?gpt-4o(?![a-z0-9])|gpt-4\.5|gpt-4-(?:turbo|vision|1106|0125)", Tiles(85, 170)),
        (r"gpt-4\.1-mini", Patches(Fraction("1.62"), in_responses=1)),
        (r"gpt-4\.1-nano", Patches(Fraction("2.46"), in_responses=1)),
        (r"gpt-4\.1", Tiles(85, 170)),
        (r"gpt-5-mini", Patches(Fraction("1.2"))),
        (r"gpt-5-nano", Patches(Fraction("1.5"))),
        (r"gpt-5(?:-chat|-\d|$|:)", Tiles(70, 140)),
        (r"gpt-5\.4-(?:mini|nano)", Patches(Fraction("1.2"))),
        (r"gpt-5\.[01]", Tiles(70, 140, sure=False)),
        (r"gpt-5\.[23]", Patches(Fraction("1.2"), sure=False)),
        (r"gpt-(?:[5-9]|[12]\d)", Patches(Fraction("1.2"), most=2500, sure=False)),
        (r"o4-mini|codex-mini", Patches(Fraction("1.72"), in_responses=1)),
        (r"o[13](?![a-z0-9.])", Tiles(75, 150)),
        (r"computer-use-preview", Tiles(65, 129)),
        (r"claude", Patches(Fraction("1.37"), most=1120, sure=False, in_chat=0)),
        (r"gemini", Tiles(0, 258, sure=False)),
    )
)
_OTHERS = Tiles(85, 170, sure=False)

_AUDIO_TOKENS = 10
"""Tokens of a second that a model hears."""
_MP3_BYTES = 16_000
"""Of a second, at 128 kbit/s."""
_PAGE_BYTES = 50_000
_PAGE_TOKENS = 1000


def picture_rule(model: str | None) -> Rule:
    """How a model's pictures are counted."""
    name = bare_name(model) if model else ""
    return next((rule for pattern, rule in _RULES if pattern.match(name)), _OTHERS)


def picture_tokens(model: str | None, size: Size | None, detail: str | None = None, responses: bool = False) -> Count:
    """Tokens of a picture of so many pixels; `detail` is `low`, `high` or `auto`, which is taken for high.

    `responses`: it is in a request of the Responses API, not in a chat completion.
    """
    rule = picture_rule(model)
    word = detail or "auto"
    if word == "low" and isinstance(rule, Tiles):
        return rule.count(_UNKNOWN_SIZE, word, responses)  # whatever its size is
    known = size is not None and min(size) > 0 and max(size) < _MOST_PIXELS
    count = rule.count(size if size is not None and known else _UNKNOWN_SIZE, word, responses)
    return Count(count.tokens, count.exact and known)


def part_tokens(part: Mapping[str, Any], model: str | None, size_of: SizeOf | None = None) -> Count | None:
    """Tokens of a part of a message's content that is no text: a picture, a sound or a file; None for any other part.

    `size_of` is asked for pictures that are not in the request.  What it does not know is estimated, by the size that
    the URL says where that is documented.  Never raises.
    """
    kind = part.get("type")
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    return read(part, model, size_of) if read is not None else None


def _picture(part: Mapping[str, Any], model: str | None, size_of: SizeOf | None) -> Count:
    given = part.get("image_url")
    picture = given if isinstance(given, Mapping) else {"url": given, "detail": part.get("detail")}
    url, detail = picture.get("url"), picture.get("detail")
    word = detail if isinstance(detail, str) else None
    size = said = None
    if isinstance(url, str):
        if url[:5].lower() == "data:":
            size = dimensions(_payload(url))
        else:
            size = size_of(url) if size_of is not None else None
            said = said_size(url) if size is None else None
    count = picture_tokens(model, size or said, word, part.get("type") == "input_image")
    return count if said is None else Count(count.tokens, picture_tokens(model, None, word).exact)


def _sound(part: Mapping[str, Any], model: str | None, size_of: SizeOf | None) -> Count:
    given = part.get("input_audio")
    data = given.get("data") if isinstance(given, Mapping) else None
    if not isinstance(data, str):
        return Count(0, False)
    encoded = _payload(data)
    seconds = Fraction(_size(encoded), _wav_rate(encoded) or _MP3_BYTES)
    return Count(max(floor(seconds * _AUDIO_TOKENS), 1), False)


def _file(part: Mapping[str, Any], model: str | None, size_of: SizeOf | None) -> Count:
    given = part.get("file")
    data = given.get("file_data") if isinstance(given, Mapping) else None
    size = _size(_payload(data)) if isinstance(data, str) else 0
    return Count(max(ceil(size / _PAGE_BYTES), 1) * _PAGE_TOKENS, False)


_PARTS: Mapping[str, Callable[[Mapping[str, Any], str | None, SizeOf | None], Count]] = {
    "image_url": _picture,
    "input_image": _picture,
    "input_audio": _sound,
    "file": _file,
    "input_file": _file,
}


def _payload(url: str) -> str:
    """The base64 of a data URL, or of a text that is nothing else."""
    head, comma, _ = url[:1000].partition(",")
    return url[len(head) + 1 :] if comma and head[:5].lower() == "data:" else url


def _size(encoded: str) -> int:
    return len(encoded) * 3 // 4


def _wav_rate(encoded: str) -> int:
    """Bytes of a second of a WAV file; 0 for anything else."""
    try:
        head = b64decode(encoded[:48])
    except ValueError:
        return 0
    return int.from_bytes(head[28:32], "little") if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt " else 0
