"""Requests for pictures in one form, and what becomes of the parts of them that an API lacks."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import RequestError, TruelineError, UpstreamFormatError, UpstreamReplyError
from ..messages import ImageRequest
from ..wire import jsonio
from .error_bodies import plain_text, redact
from .openai_images.reader import image_mime
from .parameters import leave_out
from .provider import Asked, Painted, ProviderImages, ProviderRequest, Waiting

__all__ = [
    "POLL",
    "SPOKEN",
    "Size",
    "as_ratio",
    "check_image",
    "fitted",
    "joined",
    "nearest_ratio",
    "own_fields",
    "picture",
    "pixels",
    "read_answer",
    "read_size",
    "reason",
    "seeds",
    "shares",
    "withheld",
]

Fields: TypeAlias = dict[str, Any]

POLL: Final = 0.5
"""Seconds between two looks at pictures that are still made, at first."""
_FAR: Final = math.log(1.15)
"""How much wider or higher than asked for a picture may be, at most."""
_SIZE: Final = re.compile(r"([1-9][0-9]{1,4})\s*[xX×]\s*([1-9][0-9]{1,4})")


SPOKEN: Final = frozenset(
    (
        *("model", "prompt", "n", "size", "quality", "style", "response_format", "user", "stream", "background"),
        *("moderation", "output_compression", "output_format", "partial_images", "safety_identifier"),
        *("input_fidelity", "extra_body"),
    )
)
"""OpenAI's own parameters; any other one is the provider's, or nobody's."""
_HANDLED: Final = frozenset(("model", "prompt", "n", "response_format", "stream"))
_HARMLESS: Final[dict[str, tuple[Any, ...]]] = {
    "size": ("auto",),
    "quality": ("auto", "standard"),
    "background": ("auto", "opaque"),
    "moderation": ("auto",),
    "output_compression": (100,),
    "partial_images": (0,),
}
"""Values that ask for what every API does anyway."""
_TEXTS: Final = ("size", "quality", "style", "background", "moderation", "output_format")
_HINTS: Final = frozenset(("user", "safety_identifier", "partial_images"))
"""Parameters that change nothing in a picture."""


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


# -- requests ---------------------------------------------------------------------------------------------------------


def check_image(request: ImageRequest, asked: Asked, supported: Collection[str]) -> None:
    """Refuse or drop every parameter that is set and not among `supported`.  Raises RequestError."""
    form = request.response_format
    if form not in (None, "url", "b64_json"):
        raise RequestError(
            f"Invalid value: '{str(form)[:50]}'. Supported values are: 'url' and 'b64_json'.",
            param="response_format",
            code="invalid_value",
        )
    for name in (*_TEXTS, "output_compression"):
        value = request.body.get(name)
        if value is not None and type(value) is not (int if name == "output_compression" else str):
            raise RequestError(
                f"Invalid type for '{name}': expected {'a string' if name in _TEXTS else 'an integer'}.",
                param=name,
                code="invalid_type",
            )
    for name, value in request.body.items():
        if name in _HANDLED or name in supported or value is None or value in _HARMLESS.get(name, ()):
            continue
        if name in _HINTS:
            asked.note(f"{name} dropped")
        else:
            leave_out(asked, name)


def own_fields(request: ImageRequest, names: Iterable[str]) -> Fields:
    """The provider's own parameters that a client sent beside OpenAI's."""
    return {name: request.body[name] for name in names if request.body.get(name) is not None}


def read_size(request: ImageRequest) -> Size | None:
    """The size that is asked for; None where any will do.  Raises RequestError."""
    given = request.body.get("size")
    if given is None or given == "auto":
        return None
    found = _SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise RequestError(
            f"Invalid value: '{str(given)[:50]}'. Expected a size such as '1024x1024', or 'auto'.",
            param="size",
            code="invalid_value",
        )
    return Size(int(found[1]), int(found[2]))


def as_ratio(size: Size, asked: Asked) -> str:
    """The size as the ratio that it is, in lowest terms: for APIs that take any."""
    common = math.gcd(*size)
    ratio = f"{size.width // common}:{size.height // common}"
    asked.note(f"size {size} -> {ratio}")
    return ratio


def nearest_ratio(size: Size | None, ratios: Sequence[str], asked: Asked) -> str | None:
    """The nearest of the ratios that an API has; a size that is near none is left out.  Raises RequestError."""
    if size is None:
        return None
    wanted = math.log(size.width / size.height)
    off, ratio = min((abs(math.log(_value(ratio)) - wanted), ratio) for ratio in ratios)
    if off > _FAR:
        leave_out(asked, "size", f"{size} is near none of the ratios {', '.join(ratios)}.")
        return None
    asked.note(f"size {size} -> {ratio}")
    return ratio


def _value(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def fitted(
    size: Size | None, asked: Asked, *, step: int, least: int, most: int, area: int | None = None
) -> Size | None:
    """The size in steps and within bounds of a side, and of the whole in pixels: scaled where it must be, with a note.

    One that keeps its form only roughly is left out.  Raises RequestError.
    """
    if size is None:
        return None
    scale = min(1.0, most / max(size))
    if area is not None:
        scale = min(scale, math.sqrt(area / (size.width * size.height)))
    scale = max(scale, least / min(size))
    sides = [max(least, round(side * scale / step) * step) for side in size]
    made = Size(*(side - step if side > most else side for side in sides))
    if area is not None and made.width * made.height > area:
        made = Size(*(max(least, int(side * scale / step) * step) for side in size))
    off = abs(math.log(made.width / made.height) - math.log(size.width / size.height))
    if off > _FAR or max(made) > most or (area is not None and made.width * made.height > area):
        leave_out(asked, "size", f"{size} cannot be had in steps of {step} pixels from {least} to {most}.")
        return None
    if made != size:
        asked.note(f"size {size} -> {made}")
    return made


def pixels(size: Size | None) -> Fields:
    """Width and height."""
    return {} if size is None else {"width": size.width, "height": size.height}


def shares(count: int, most: int) -> list[int]:
    """How many pictures each of several calls has to make, if one call makes so many at most."""
    return [min(most, count - begun) for begun in range(0, count, most)]


def seeds(request: ImageRequest, asked: Asked, most: int) -> list[Fields]:
    """The seed of each picture: the same one would make the same picture.  Raises RequestError.

    `most`: the greatest that the API takes.
    """
    seed = request.body.get("seed")
    if seed is None:
        return [{}] * request.n
    if type(seed) is not int:
        raise RequestError(
            f"Invalid type for 'seed': expected an integer, but got '{str(seed)[:50]}'.",
            param="seed",
            code="invalid_type",
        )
    if not 0 <= seed <= most:
        seed %= most + 1
        asked.note(f"seed changed to {seed}")
    return [{"seed": (seed + shift) % (most + 1)} for shift in range(request.n)]


# -- replies ----------------------------------------------------------------------------------------------------------


def read_answer(
    images: ProviderImages, body: bytes, request: ImageRequest, asked: ProviderRequest
) -> Painted | Waiting | TruelineError:
    """A reply in the provider's words, or a picture itself."""
    if image_mime(body[:8]):
        return Painted([{"b64_json": b64encode(body).decode()}])
    try:
        payload = jsonio.decode(body.strip())
    except jsonio.JSONError:
        return UpstreamFormatError(f"The upstream's reply is neither JSON nor a picture: {plain_text(body)!r}.")
    return images.read(payload, request, asked)


def picture(value: Any) -> Fields | None:
    """One picture as OpenAI's, of a URL, a data URL or an object that has one."""
    if isinstance(value, dict):
        value = value.get("url") or value.get("image")
    if not isinstance(value, str) or not value:
        return None
    if value.startswith("data:"):
        data = value.partition(",")[2]
        return {"b64_json": data} if data else None
    return {"url": value}


def withheld(message: Any, **more: Any) -> UpstreamReplyError:
    """The refusal of a prompt or of what was made of it."""
    return UpstreamReplyError(
        reason(message, "The upstream's content filter withheld the picture."),
        status=400,
        code="content_policy_violation",
        type="image_generation_user_error",
        **more,
    )


def reason(message: Any, otherwise: str) -> str:
    """What an upstream says of a failure, as far as it is text."""
    if not isinstance(message, str) or not message.strip():
        return otherwise
    mended: str = jsonio.mend_surrogates(redact(message.strip())[:4000])
    return mended


def joined(parts: Sequence[Painted | TruelineError], count: int) -> Fields | TruelineError:
    """One reply of several, with `count` pictures at most.

    What was withheld is lacking, and one that failed is the whole's failure.
    """
    failed = [part for part in parts if isinstance(part, TruelineError)]
    for error in failed:
        if error.code != "content_policy_violation":
            return error
    done = [part for part in parts if isinstance(part, Painted)]
    images = [image for part in done for image in part.images][:count]
    if not images:
        return failed[0] if failed else UpstreamFormatError("The upstream's reply holds no picture.")
    whole: Fields = {}
    for part in done:
        for name, value in part.more.items():
            whole[name] = _summed(whole[name], value) if name == "usage" and name in whole else whole.get(name, value)
    return {**({"created": whole.pop("created")} if "created" in whole else {}), "data": images, **whole}


def _summed(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _summed(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
    if isinstance(one, dict) or isinstance(other, dict):
        return one or other
    return one + other if type(one) is int and type(other) is int else one
