"""Probes of legacy completions."""

from __future__ import annotations

from typing import Any, Final

from ..checks import stop_kept
from ..model import Call, Expect, Probe

__all__ = ["PROBES"]

_FEATURE = "completions"
_PROMPT = "Words as an echo: one two three four"


def _complete(**fields: Any) -> Call:
    return Call("/completions", {"prompt": _PROMPT, "max_tokens": 16, **fields}, slot="completion")


PROBES: Final = (
    Probe("completions.whole", "a completion", (_complete(),), feature=_FEATURE, tokens=30),
    Probe("completions.stream", "a completion, streamed", (_complete(stream=True),), feature=_FEATURE, tokens=30),
    Probe("completions.n", "two completions", (_complete(n=2),), feature="several completions (n)", tokens=50),
    Probe(
        "completions.sampling",
        "temperature, seed and a stop string",
        (_complete(temperature=0.5, seed=7, stop=["zulu"]),),
        (stop_kept,),
        feature=_FEATURE,
        tokens=30,
    ),
    Probe(
        "completions.no-model",
        "no model",
        (Call("/completions", {"prompt": "no"}, slot=None),),
        expect=Expect((400,), strict=False),
        feature=_FEATURE,
        tokens=0,
    ),
)
