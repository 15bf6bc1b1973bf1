"""Replicate's HTTP API: a prediction is made of a model's own input, and asked for until it has ended.

`POST /v1/models/{owner}/{name}/predictions` for official models, `POST /v1/predictions` for a version of any other.
https://replicate.com/docs/reference/http (seen 2026-11-22)
"""

from ..provider import ProviderDialect, ProviderImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = ProviderDialect("replicate", read_error=read_error, images=ProviderImages(write_images, read_images))
