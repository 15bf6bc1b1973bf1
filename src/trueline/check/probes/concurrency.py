"""Probes of several requests at once: nobody gets another's text."""

from __future__ import annotations

from typing import Final

from ..checks import nobody_elses
from ..model import Probe
from .build import chat, echo, stream

__all__ = ["PROBES"]

_MARKS = ("amber-71", "birch-42", "coral-93", "dune-28")

PROBES: Final = (
    Probe(
        "concurrency.whole",
        "four whole replies at once",
        tuple(chat(echo(f"{mark} {mark}"), max_tokens=40) for mark in _MARKS),
        across=nobody_elses,
        together=True,
        tokens=240,
    ),
    Probe(
        "concurrency.streams",
        "four streams at once",
        tuple(stream(echo(f"{mark} {mark}"), max_tokens=40) for mark in _MARKS),
        across=nobody_elses,
        together=True,
        tokens=240,
    ),
    Probe(
        "concurrency.mixed",
        "whole and streamed replies at once",
        (
            *(stream(echo(f"{mark} {mark}"), max_tokens=40) for mark in _MARKS[:2]),
            *(chat(echo(f"{mark} {mark}"), max_tokens=40) for mark in _MARKS[2:]),
        ),
        across=nobody_elses,
        together=True,
        tokens=240,
    ),
)
