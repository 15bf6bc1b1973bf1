"""Probes of the list of models."""

from __future__ import annotations

from typing import Final

from ..model import Call, Expect, Probe

__all__ = ["LISTED", "PROBES"]

LISTED: Final = Call("/models", method="GET", slot=None)

PROBES: Final = (
    Probe("models.list", "the list of models", (LISTED,), feature="the list of models", tokens=0),
    Probe(
        "models.one", "one model", (Call("/models/{model}", method="GET", slot=None),), feature="one model", tokens=0
    ),
    Probe(
        "models.unknown",
        "a model that does not exist",
        (Call("/models/trueline-check-does-not-exist", method="GET", slot=None),),
        expect=Expect((404,), code="model_not_found", strict=False),
        feature="one model",
        tokens=0,
    ),
)
