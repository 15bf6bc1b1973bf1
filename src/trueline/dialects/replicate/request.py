"""OpenAI's image request as predictions of a model's own input, which no two families of models have alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ...messages import ImageRequest
from ...wire import jsonio
from ..images import SPOKEN, Size, check_image, fitted, nearest_ratio, pixels, read_size, seeds, shares
from ..parameters import in_path, leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["write_images"]

_RATIOS: Final = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
_COMMON: Final = ("16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16")
_MAX_SEED: Final = 0x7FFFFFFF
_JPG: Final = MappingProxyType({"jpeg": "jpg"})
_VERSION: Final = re.compile(r"(?:[\w.-]+/[\w.-]+:)?([0-9a-f]{64})|[\w.-]+/[\w.-]+:([\w-]+)")


class _Family(NamedTuple):
    """What models of a kind take: how a size is said, how many pictures at once, and which names are theirs."""

    sized: str | None = None
    """`ratio`, `custom` (a ratio called custom, with pixels), `pixels`, `size` (OpenAI's words), or not at all."""
    ratios: tuple[str, ...] = _RATIOS
    several: str | None = None
    """The parameter for the number of pictures."""
    most: int = 1
    quality: str | None = None
    """The parameter for OpenAI's `output_compression`."""
    formats: Mapping[str, str] = _JPG
    takes: tuple[str, ...] = ()
    """OpenAI's parameters that go on as they are."""
    step: int = 8


_FLUX_OPEN: Final = _Family("ratio", several="num_outputs", most=4, quality="output_quality")
_DIFFUSION: Final = _Family("pixels", several="num_outputs", most=4)
_FAMILIES: Final = (
    ("black-forest-labs/flux-1.1-pro-ultra", _Family("ratio")),
    ("black-forest-labs/flux-1.1-pro", _Family("custom", quality="output_quality", step=32)),
    ("black-forest-labs/flux-pro", _Family("custom", quality="output_quality", step=32)),
    ("black-forest-labs/flux-schnell", _FLUX_OPEN),
    ("black-forest-labs/flux-dev", _FLUX_OPEN),
    ("black-forest-labs/", _Family("ratio", _COMMON)),
    ("stability-ai/stable-diffusion-3", _Family("ratio", quality="output_quality")),
    ("stability-ai/", _DIFFUSION),
    ("bytedance/sdxl-lightning", _DIFFUSION),
    ("google/imagen", _Family("ratio", ("16:9", "4:3", "1:1", "3:4", "9:16"))),
    ("google/", _Family("ratio", _COMMON)),
    ("ideogram-ai/", _Family("ratio", _COMMON)),
    ("bytedance/seedream", _Family("ratio", _COMMON)),
    ("luma/photon", _Family("ratio", _COMMON)),
    ("minimax/image", _Family("ratio", _COMMON, several="number_of_images", most=9)),
    ("qwen/qwen-image", _Family("ratio", ("16:9", "4:3", "1:1", "3:4", "9:16"), quality="output_quality")),
    ("recraft-ai/", _Family("size", takes=("style",))),
    (
        "openai/gpt-image",
        _Family(
            "ratio",
            ("3:2", "1:1", "2:3"),
            several="number_of_images",
            most=10,
            quality="output_compression",
            formats=MappingProxyType({}),
            takes=("quality", "background", "moderation"),
        ),
    ),
)
"""By the beginning of the model's name, the first that fits."""
_UNKNOWN: Final = _Family()


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """As many predictions as it takes.  Raises RequestError for what cannot be expressed.

    Whatever is not OpenAI's parameter is the model's own, and goes on as it is.
    """
    model = asked.model
    family = next((family for start, family in _FAMILIES if model.startswith(start)), _UNKNOWN)
    own = {name: value for name, value in request.body.items() if name not in SPOKEN and value is not None}
    check_image(request, asked, ("size", "output_format", "output_compression", *family.takes, *own))
    given: dict[str, Any] = {"prompt": request.body["prompt"], **own}
    given.update(_sized(family, read_size(request), asked))
    form = request.body.get("output_format")
    if form is not None:
        given["output_format"] = family.formats.get(form, form)
    compression = request.body.get("output_compression")
    if compression is not None and family.quality is not None:
        given[family.quality] = compression
    elif compression not in (None, 100):
        leave_out(asked, "output_compression")
    given.update((name, request.body[name]) for name in family.takes if request.body.get(name) is not None)
    each, begun, made = seeds(request, asked, _MAX_SEED), 0, []
    for count in shares(request.n, family.most):
        number = {family.several: count} if family.several is not None and count > 1 else {}
        made.append(_prediction(model, {**given, **each[begun], **number}))
        begun += count
    return made


def _prediction(model: str, given: dict[str, Any]) -> ProviderRequest:
    found = _VERSION.fullmatch(model)
    headers = ((b"prefer", b"wait=10"),)
    if found is not None:
        body = {"version": found[1] or found[2], "input": given}
        return ProviderRequest("/v1/predictions", jsonio.encode(body), headers)
    return ProviderRequest(f"/v1/models/{in_path(model)}/predictions", jsonio.encode({"input": given}), headers)


def _sized(family: _Family, size: Size | None, asked: Asked) -> dict[str, Any]:
    if size is None:
        return {}
    if family.sized == "ratio":
        ratio = nearest_ratio(size, family.ratios, asked)
        return {} if ratio is None else {"aspect_ratio": ratio}
    if family.sized == "size":
        return {"size": str(size)}
    if family.sized is None:
        leave_out(asked, "size", "How this model takes it is not known: send the model's own parameters.")
        return {}
    least, most = (256, 1440) if family.sized == "custom" else (64, 2048)
    made = fitted(size, asked, step=family.step, least=least, most=most)
    if made is None:
        return {}
    return {"aspect_ratio": "custom", **pixels(made)} if family.sized == "custom" else pixels(made)
