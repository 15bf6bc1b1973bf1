"""Black Forest Labs' FLUX API: `POST /v1/{model}` gives a `polling_url`, which is asked until the picture is there.

https://docs.bfl.ai/quick_start/generating_images (seen 2026-11-22)
https://api.bfl.ai/openapi.json (seen 2026-11-22)
"""

from ..provider import ProviderDialect, ProviderImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = ProviderDialect("bfl", read_error=read_error, images=ProviderImages(write_images, read_images))
