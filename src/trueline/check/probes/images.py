"""Probes of pictures.  They are what costs most: six pictures in all."""

from __future__ import annotations

from typing import Any, Final

from ..checks import images_as_asked
from ..model import Call, Expect, Probe

__all__ = ["PROBES"]

_PATH = "/images/generations"
_FEATURE = "images"


def _picture(slot: Any = "image", **fields: Any) -> Call:
    return Call(_PATH, {"prompt": "A red circle on white.", **fields}, slot=slot)


PROBES: Final = (
    Probe("images.plain", "a picture", (_picture(),), (images_as_asked,), feature=_FEATURE, tokens=0, pictures=1),
    Probe(
        "images.url",
        "a picture as a URL",
        (_picture(response_format="url"),),
        (images_as_asked,),
        feature="images as URLs",
        tokens=0,
        pictures=1,
    ),
    Probe(
        "images.b64",
        "a picture as base64",
        (_picture(response_format="b64_json"),),
        (images_as_asked,),
        feature="images as base64",
        tokens=0,
        pictures=1,
    ),
    Probe(
        "images.n",
        "two pictures",
        (_picture("image_stream", n=2),),
        (images_as_asked,),
        feature="several images (n)",
        tokens=0,
        pictures=2,
    ),
    Probe(
        "images.stream",
        "a picture as events",
        (_picture("image_stream", stream=True, partial_images=1),),
        feature="streamed images",
        tokens=0,
        pictures=1,
    ),
    Probe(
        "images.no-prompt",
        "a picture of nothing",
        (Call(_PATH, {"n": 1}, slot="image"),),
        expect=Expect((400,), strict=False),
        feature=_FEATURE,
        tokens=0,
    ),
)
