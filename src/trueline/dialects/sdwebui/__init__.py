"""The API of Stable Diffusion WebUI (AUTOMATIC1111, Forge, SD.Next): `POST /sdapi/v1/txt2img`.

https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API (seen 2026-11-22)
"""

from ..provider import ProviderDialect, ProviderImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = ProviderDialect("sdwebui", read_error=read_error, images=ProviderImages(write_images, read_images))
