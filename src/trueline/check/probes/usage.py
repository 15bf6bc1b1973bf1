"""Probes of usage: the numbers that bills are made of."""

from __future__ import annotations

from typing import Final

from ..checks import same_usage, usage_plausible
from ..model import Probe
from .build import chat, echo, stream, with_usage

__all__ = ["PROBES"]

PROBES: Final = (
    Probe("usage.whole", "usage of a whole reply", (chat(echo("one two three four")),), (usage_plausible,)),
    Probe(
        "usage.stream",
        "usage of a stream that asks for it",
        (with_usage(echo("one two three four")),),
        (usage_plausible,),
        feature="usage in streams",
    ),
    Probe("usage.unasked", "a stream that does not ask for usage", (stream(echo("one two three four")),)),
    Probe(
        "usage.false",
        "a stream that declines usage",
        (stream(stream_options={"include_usage": False}),),
        feature="usage in streams",
    ),
    Probe(
        "usage.same",
        "the same prompt costs the same, whole and streamed",
        (chat(echo("sun moon"), temperature=0), with_usage(echo("sun moon"), temperature=0)),
        across=same_usage,
        feature="usage in streams",
        tokens=120,
    ),
    Probe(
        "usage.n",
        "usage of two choices, streamed",
        (with_usage(echo("red green"), n=2),),
        (usage_plausible,),
        feature="several choices (n)",
        tokens=110,
    ),
    Probe(
        "usage.logprobs",
        "usage beside log probabilities",
        (with_usage(echo("one two"), logprobs=True),),
        feature="log probabilities",
    ),
)
