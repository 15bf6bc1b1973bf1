"""Probes of streamed chat replies."""

from __future__ import annotations

from typing import Final

from ..checks import (
    has_logprobs,
    limit_kept,
    no_replacement,
    not_buffered,
    says_choices,
    says_something,
    stop_kept,
)
from ..model import Probe
from .build import LONG, echo, stream

__all__ = ["PROBES"]

_ODD = "naïve café ☕ Ωmega 東京 שלום 👩‍👩‍👧"

PROBES: Final = (
    Probe("stream.plain", "a plain chat, streamed", (stream(),), (says_something,)),
    Probe(
        "stream.long", "a longer stream, as it is written", (stream(LONG, max_tokens=120),), (not_buffered,), tokens=150
    ),
    Probe(
        "stream.no-obfuscation",
        "a stream without padding",
        (stream(stream_options={"include_obfuscation": False}),),
        feature="stream_options",
    ),
    Probe(
        "stream.n",
        "two choices, streamed",
        (stream(echo("red green"), n=2),),
        (says_choices,),
        feature="several choices (n)",
        tokens=110,
    ),
    Probe(
        "stream.stop",
        "a stop string, streamed",
        (stream(echo("alpha bravo charlie delta"), stop="charlie"),),
        (stop_kept,),
        feature="stop",
    ),
    Probe(
        "stream.max-tokens",
        "a limit of tokens, streamed",
        (stream(LONG, max_tokens=4),),
        (limit_kept,),
        feature="max_tokens",
    ),
    Probe(
        "stream.max-completion-tokens",
        "a limit of completion tokens, streamed",
        (stream(LONG, max_tokens=None, max_completion_tokens=4),),
        (limit_kept,),
        feature="max_completion_tokens",
    ),
    Probe(
        "stream.logprobs",
        "log probabilities, streamed",
        (stream(echo("one two"), logprobs=True, top_logprobs=2),),
        (has_logprobs,),
        feature="log probabilities",
    ),
    Probe(
        "stream.unicode", "odd Unicode, streamed", (stream(echo(_ODD), max_tokens=120),), (no_replacement,), tokens=160
    ),
    Probe("stream.one-token", "a stream of one token", (stream(echo("ok"), max_tokens=1),), feature="max_tokens"),
)
