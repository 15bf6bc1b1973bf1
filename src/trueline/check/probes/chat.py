"""Probes of whole chat replies."""

from __future__ import annotations

from typing import Final

from ..checks import (
    has_logprobs,
    limit_kept,
    no_replacement,
    not_prefilled,
    says_choices,
    says_something,
    stop_kept,
)
from ..model import Probe
from .build import LONG, PICTURE, chat, echo

__all__ = ["PROBES"]

_ODD = "naïve café ☕ Ωmega 東京 שלום 👩‍👩‍👧 \u200b| tab\tend"
_LONG_TEXT = "The tide comes in and the tide goes out. " * 150

PROBES: Final = (
    Probe("chat.whole", "a plain chat, whole", (chat(),), (says_something,)),
    Probe("chat.no-limit", "no max_tokens at all", (chat(max_tokens=None),), (says_something,)),
    Probe("chat.model", "the reply names the model that was asked for", (chat(temperature=0),)),
    Probe(
        "chat.system",
        "a system message",
        (chat(messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": echo("alpha")}]),),
        (says_something,),
    ),
    Probe(
        "chat.developer",
        "a developer message",
        (chat(messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": echo("alpha")}]),),
        (says_something,),
        feature="developer messages",
    ),
    Probe(
        "chat.turns",
        "several turns",
        (
            chat(
                messages=[
                    {"role": "user", "content": "My name is Ada."},
                    {"role": "assistant", "content": "Hello Ada."},
                    {"role": "user", "content": echo("Ada")},
                ]
            ),
        ),
        (says_something,),
    ),
    Probe(
        "chat.parts",
        "content as a list of text parts",
        (chat([{"type": "text", "text": echo("one two")}]),),
        (says_something,),
        feature="content as parts",
    ),
    Probe(
        "chat.prefill",
        "a last message of the assistant",
        (
            chat(
                messages=[
                    {"role": "user", "content": "Say something about tea."},
                    {"role": "assistant", "content": "Tea is"},
                ]
            ),
        ),
        (not_prefilled,),
        feature="a last message of the assistant",
    ),
    Probe(
        "chat.n",
        "three choices",
        (chat(echo("red green"), n=3),),
        (says_choices,),
        feature="several choices (n)",
        tokens=150,
    ),
    Probe(
        "chat.stop",
        "a stop string",
        (chat(echo("alpha bravo charlie delta"), stop="charlie"),),
        (stop_kept,),
        feature="stop",
    ),
    Probe(
        "chat.stop-list",
        "several stop strings",
        (chat(echo("alpha bravo charlie delta"), stop=["zulu", "delta"]),),
        (stop_kept,),
        feature="stop",
    ),
    Probe(
        "chat.max-tokens",
        "a limit of tokens (max_tokens)",
        (chat(LONG, max_tokens=4),),
        (limit_kept,),
        feature="max_tokens",
    ),
    Probe(
        "chat.max-completion-tokens",
        "a limit of tokens (max_completion_tokens)",
        (chat(LONG, max_tokens=None, max_completion_tokens=4),),
        (limit_kept,),
        feature="max_completion_tokens",
    ),
    Probe("chat.seed", "a seed and temperature 0", (chat(seed=7, temperature=0),), feature="seed"),
    Probe(
        "chat.sampling",
        "temperature, top_p and penalties",
        (chat(temperature=0.5, top_p=0.9, presence_penalty=0.1, frequency_penalty=0.1),),
        feature="sampling parameters",
    ),
    Probe(
        "chat.logprobs",
        "log probabilities",
        (chat(echo("one two"), logprobs=True, top_logprobs=2),),
        (has_logprobs,),
        feature="log probabilities",
    ),
    Probe(
        "chat.image",
        "a picture in the prompt",
        (
            chat(
                [
                    {"type": "text", "text": "Which colour is this picture? One word."},
                    {"type": "image_url", "image_url": {"url": PICTURE}},
                ]
            ),
        ),
        feature="pictures as input",
        tokens=400,
    ),
    Probe(
        "chat.unicode", "odd Unicode there and back", (chat(echo(_ODD), max_tokens=120),), (no_replacement,), tokens=160
    ),
    Probe(
        "chat.long",
        "a prompt of six thousand characters",
        (chat(_LONG_TEXT + echo("done")),),
        (says_something,),
        tokens=1_700,
    ),
    Probe(
        "chat.empty",
        "an empty message",
        (chat(messages=[{"role": "user", "content": ""}]),),
        feature="an empty message",
    ),
    Probe("chat.user", "metadata: user", (chat(user="trueline-check"),), feature="user"),
)
