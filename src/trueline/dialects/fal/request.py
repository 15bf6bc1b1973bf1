"""OpenAI's image request as the input of a model on fal, most of which take the same names."""

from __future__ import annotations

from typing import Any, Final

from ...messages import ImageRequest
from ...wire import jsonio
from ..images import SPOKEN, Size, check_image, nearest_ratio, pixels, read_size, seeds, shares
from ..parameters import in_path, leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["write_images"]

_RATIOS: Final = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
_NARROW: Final = ("16:9", "4:3", "1:1", "3:4", "9:16")
_BY_RATIO: Final = (
    ("imagen", _NARROW),
    ("photon", _NARROW),
    ("ultra", _RATIOS),
    ("kontext", _RATIOS),
    ("nano-banana", _RATIOS[:-1]),
    ("gemini", _RATIOS[:-1]),
)
"""What stands in the names of models that take a ratio; others take `image_size`."""
_GPT: Final = "gpt-image"
_SEVERAL: Final = ("flux", "sdxl", "stable-diffusion", "imagen", "nano-banana", "lora", "sana", "qwen-image", _GPT)
"""What stands in the names of models that make up to four pictures at once."""
_MOST: Final = 4
_MAX_SEED: Final = 0x7FFFFFFF


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """As many requests as it takes.  Raises RequestError for what cannot be expressed.

    Whatever is not OpenAI's parameter is the model's own, and goes on as it is.
    """
    model = asked.model
    takes = ("quality", "background") if _GPT in model else ("style",) if "recraft" in model else ()
    own = {name: value for name, value in request.body.items() if name not in SPOKEN and value is not None}
    check_image(request, asked, ("size", "output_format", *takes, *own))
    body: dict[str, Any] = {"prompt": request.body["prompt"], **own, **_sized(model, read_size(request), asked)}
    form = request.body.get("output_format")
    if form in ("png", "jpeg", "webp"):
        body["output_format"] = form
    elif form is not None:
        leave_out(asked, "output_format", "It has png, jpeg and webp.")
    body.update((name, request.body[name]) for name in takes if request.body.get(name) is not None)
    path = "/" + in_path(model)
    each, begun, made = seeds(request, asked, _MAX_SEED), 0, []
    for count in shares(request.n, _MOST if any(part in model for part in _SEVERAL) else 1):
        number = {"num_images": count} if count > 1 else {}
        made.append(ProviderRequest(path, jsonio.encode({**body, **each[begun], **number})))
        begun += count
    return made


def _sized(model: str, size: Size | None, asked: Asked) -> dict[str, Any]:
    if size is None:
        return {}
    if _GPT in model:
        return {"image_size": str(size)}
    ratios = next((ratios for part, ratios in _BY_RATIO if part in model), None)
    if ratios is None:
        return {"image_size": pixels(size)}
    ratio = nearest_ratio(size, ratios, asked)
    return {} if ratio is None else {"aspect_ratio": ratio}
