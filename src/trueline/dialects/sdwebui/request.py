"""OpenAI's image request as a `txt2img`."""

from __future__ import annotations

from typing import Any, Final

from ...messages import ImageRequest
from ...wire import jsonio
from ..images import check_image, fitted, own_fields, pixels, read_size, seeds
from ..parameters import leave_out
from ..provider import Asked, ProviderRequest

__all__ = ["write_images"]

_OWN: Final = (
    *("negative_prompt", "styles", "subseed", "subseed_strength", "seed_resize_from_h", "seed_resize_from_w"),
    *("sampler_name", "sampler_index", "scheduler", "steps", "cfg_scale", "distilled_cfg_scale", "restore_faces"),
    *("tiling", "eta", "denoising_strength", "s_min_uncond", "s_churn", "s_tmax", "s_tmin", "s_noise"),
    *("override_settings", "override_settings_restore_afterwards", "refiner_checkpoint", "refiner_switch_at"),
    *("disable_extra_networks", "comments", "enable_hr", "firstphase_width", "firstphase_height", "hr_scale"),
    *("hr_upscaler", "hr_second_pass_steps", "hr_resize_x", "hr_resize_y", "hr_checkpoint_name", "hr_sampler_name"),
    *("hr_scheduler", "hr_prompt", "hr_negative_prompt", "script_name", "script_args", "alwayson_scripts", "clip_skip"),
    *("infotext",),
)
"""Fields of `StableDiffusionProcessingTxt2Img` that a client may send beside OpenAI's parameters."""
_ANY_MODEL: Final = ("", "default", "sdwebui", "stable-diffusion", "auto")
"""Names that mean whichever checkpoint is loaded."""
_MAX_SEED: Final = 0xFFFFFFFF


def write_images(request: ImageRequest, asked: Asked) -> list[ProviderRequest]:
    """One request: its pictures are made one after the other.  Raises RequestError for what cannot be expressed."""
    check_image(request, asked, ("size", "seed", "output_format", *_OWN))
    if request.body.get("output_format") not in (None, "png"):
        leave_out(asked, "output_format", "The server's settings say in which format it saves.")
    body: dict[str, Any] = {"prompt": request.body["prompt"], **own_fields(request, _OWN)}
    body.update(pixels(fitted(read_size(request), asked, step=8, least=64, most=2048)))
    body.update(seeds(request, asked, _MAX_SEED)[0])
    body["send_images"], body["save_images"] = True, False
    if request.n > 1:
        body["n_iter"] = request.n
        body["batch_size"] = 1
    if asked.model not in _ANY_MODEL:
        given = body.get("override_settings")
        body["override_settings"] = {
            "sd_model_checkpoint": asked.model,
            **(given if isinstance(given, dict) else {}),
        }
    return [ProviderRequest("/sdapi/v1/txt2img", jsonio.encode(body))]
