"""Stability AI's Stable Image API (v2beta): `POST /v2beta/stable-image/generate/{ultra,core,sd3}`.

A form goes there, and JSON with one picture in base64 comes back.
https://platform.stability.ai/docs/api-reference#tag/Generate (seen 2026-11-22)
"""

from ..provider import ProviderDialect, ProviderImages
from .reply import read_error, read_images
from .request import write_images

__all__ = ["DIALECT"]

DIALECT = ProviderDialect("stability", read_error=read_error, images=ProviderImages(write_images, read_images))
