"""Probes of embeddings."""

from __future__ import annotations

from typing import Any, Final

from ..checks import embeddings_as_asked, same_vectors
from ..model import Call, Expect, Probe

__all__ = ["PROBES"]

_FEATURE = "embeddings"
_DIMENSIONS: Final = 256
"""A length that most models which can be shortened offer."""


def _embed(given: Any, **fields: Any) -> Call:
    return Call("/embeddings", {"input": given, **fields}, slot="embedding")


PROBES: Final = (
    Probe("embeddings.plain", "an embedding", (_embed("tea"),), (embeddings_as_asked,), feature=_FEATURE, tokens=2),
    Probe(
        "embeddings.float",
        "an embedding as numbers",
        (_embed("tea", encoding_format="float"),),
        (embeddings_as_asked,),
        feature=_FEATURE,
        tokens=2,
    ),
    Probe(
        "embeddings.base64",
        "an embedding as base64, as the official clients ask for it",
        (_embed("tea", encoding_format="base64"),),
        (embeddings_as_asked,),
        feature="embeddings as base64",
        tokens=2,
    ),
    Probe(
        "embeddings.dimensions",
        "an embedding of so many numbers",
        (_embed("tea", encoding_format="float", dimensions=_DIMENSIONS),),
        (embeddings_as_asked,),
        feature="embeddings of a chosen length",
        tokens=2,
    ),
    Probe(
        "embeddings.several",
        "several texts, in their order",
        (_embed(["tea", "coffee", "rain"], encoding_format="float"),),
        (embeddings_as_asked,),
        feature="several embeddings",
        tokens=6,
    ),
    Probe(
        "embeddings.order",
        "each vector is that of its text",
        (_embed(["tea", "coffee"], encoding_format="float"), _embed("tea", encoding_format="float")),
        across=same_vectors,
        feature="several embeddings",
        tokens=6,
    ),
    Probe(
        "embeddings.no-input",
        "no input",
        (Call("/embeddings", {}, slot="embedding"),),
        expect=Expect((400,)),
        feature=_FEATURE,
        tokens=0,
    ),
)
