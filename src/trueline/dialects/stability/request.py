"""OpenAI's image request as forms for the Stable Image API."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...errors import NotFoundError
from ...messages import ImageRequest
from ...wire.multipart import write_fields
from ..images import check_image, nearest_ratio, own_fields, read_size, seeds
from ..parameters import leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["write_images"]

RATIOS: Final = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
_OWN: Final = ("negative_prompt", "style_preset", "cfg_scale")
_MAX_SEED: Final = 4294967294


class _Service(NamedTuple):
    path: str
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    own: tuple[str, ...] = _OWN[:2]


_ULTRA: Final = _Service("ultra")
_CORE: Final = _Service("core")
_SD3: Final = _Service("sd3", ("png", "jpeg"), _OWN)
_SERVICES: Final = {
    "ultra": _ULTRA,
    "stable-image-ultra": _ULTRA,
    "core": _CORE,
    "stable-image-core": _CORE,
    "sd3": _SD3,
}


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """One form for each picture.  Raises RequestError for what cannot be expressed."""
    model = asked.model.rpartition("/")[2]
    service = _SERVICES.get(model) or (_SD3 if model.startswith("sd3") else None)
    if service is None:
        raise NotFoundError(
            f"The model `{model}` does not exist: the Stable Image API has stable-image-ultra, stable-image-core and "
            "the models of Stable Diffusion 3, such as sd3.5-large.",
            param="model",
            code="model_not_found",
        )
    check_image(request, asked, ("size", "output_format", "seed", *service.own))
    fields = {"prompt": str(request.body["prompt"])}
    if service is _SD3 and model != "sd3":
        fields["model"] = model
    ratio = nearest_ratio(read_size(request), RATIOS, asked)
    if ratio is not None:
        fields["aspect_ratio"] = ratio
    form = request.body.get("output_format")
    if form in service.formats:
        fields["output_format"] = form
    elif form is not None:
        leave_out(asked, "output_format", f"It has {', '.join(service.formats)}.")
    fields.update((name, str(value)) for name, value in own_fields(request, service.own).items())
    return [
        _form(service, {**fields, **{n: str(v) for n, v in seed.items()}}) for seed in seeds(request, asked, _MAX_SEED)
    ]


def _form(service: _Service, fields: dict[str, str]) -> ProviderRequest:
    body, kind = write_fields(fields)
    headers = ((b"content-type", kind), (b"accept", b"application/json"))
    return ProviderRequest(f"/v2beta/stable-image/generate/{service.path}", body, headers)
