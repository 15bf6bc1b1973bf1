"""OpenAI's image request as tasks for FLUX."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ...messages import ImageRequest
from ...wire import jsonio
from ..images import as_ratio, check_image, fitted, own_fields, pixels, read_size, seeds
from ..parameters import in_path, leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["write_images"]

_MAX_SEED: Final = 0xFFFFFFFF
_FORMATS: Final = ("png", "jpeg")
_ANY_OWN: Final = ("safety_tolerance", "prompt_upsampling")


class _Family(NamedTuple):
    """How the size is said: in steps of pixels within bounds, or (`step` 0) as a ratio."""

    step: int
    least: int = 0
    most: int = 0
    area: int | None = None
    own: tuple[str, ...] = ()


_FLUX_2: Final = _Family(16, 64, 4096, 4 * 1024 * 1024, ("steps", "guidance", "transparent_bg"))
_FAMILIES: Final = (
    ("flux-pro-1.1-ultra", _Family(0, own=("raw", "image_prompt", "image_prompt_strength"))),
    ("flux-kontext", _Family(0)),
    ("flux-pro", _Family(32, 256, 1440, own=("image_prompt", "steps", "guidance", "interval"))),
    ("flux-dev", _Family(32, 256, 1440, own=("image_prompt", "steps", "guidance"))),
    ("flux", _FLUX_2),
)
"""By the beginning of the model's name, the first that fits."""
_WIDEST: Final = 21 / 9


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """One task for each picture.  Raises RequestError for what cannot be expressed."""
    model = asked.model.rpartition("/")[2]
    family = next((family for start, family in _FAMILIES if model.startswith(start)), _FLUX_2)
    own = (*_ANY_OWN, *family.own)
    check_image(request, asked, ("size", "output_format", "seed", *own))
    body: dict[str, Any] = {"prompt": request.body["prompt"], **own_fields(request, own)}
    size = read_size(request)
    if size is not None and not family.step:
        if 1 / _WIDEST <= size.width / size.height <= _WIDEST:
            body["aspect_ratio"] = as_ratio(size, asked)
        else:
            leave_out(asked, "size", "Ratios go from 21:9 to 9:21.")
    else:
        made = fitted(size, asked, step=family.step, least=family.least, most=family.most, area=family.area)
        body.update(pixels(made))
    form = request.body.get("output_format")
    if form in _FORMATS:
        body["output_format"] = form
    elif form is not None:
        leave_out(asked, "output_format", f"It has {', '.join(_FORMATS)}.")
    path = f"/v1/{in_path(model)}"
    return [ProviderRequest(path, jsonio.encode({**body, **seed})) for seed in seeds(request, asked, _MAX_SEED)]
