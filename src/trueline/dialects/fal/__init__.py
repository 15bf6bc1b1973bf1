"""fal's queue (`https://queue.fal.run/{model}`), or the same models answering at once (`https://fal.run/{model}`).

https://docs.fal.ai/model-apis/model-endpoints/queue (seen 2026-11-22)
https://docs.fal.ai/errors (seen 2026-11-22)
"""

from ..native import NativeDialect, NativeImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = NativeDialect("fal", read_error=read_error, images=NativeImages(write_images, read_images))
