"""fal's queue (`https://queue.fal.run/{model}`), or the same models answering at once (`https://fal.run/{model}`).

https://docs.fal.ai/model-apis/model-endpoints/queue (seen 2026-11-22)
https://docs.fal.ai/errors (seen 2026-11-22)
"""

from ..provider import ProviderDialect, ProviderImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = ProviderDialect("fal", read_error=read_error, images=ProviderImages(write_images, read_images))
