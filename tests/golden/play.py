"""Plays what an upstream sends through the engine, in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple

import msgspec

from golden.notation import Golden
from trueline.context import FormatOptions
from trueline.dialects.error_bodies import read_error
from trueline.dialects.sharper import sharpen
from trueline.errors import TruelineError, UpstreamCutError
from trueline.messages import read_chat_request, read_image_request
from trueline.pipeline import Models, Pipeline, Route, WholeImages, chat_pipeline, image_pipeline

__all__ = ["CountingMint", "Played", "cuts", "play", "pump"]

PNG = b"\x89PNG\r\n\x1a\n"
"""Stands for every picture that has to be fetched."""


class CountingMint:
    """Ids that count, and a clock that stands still."""

    def __init__(self) -> None:
        self.minted = 0

    def now(self) -> int:
        return 1800000000

    def token(self, length: int) -> str:
        self.minted += 1
        return str(self.minted).zfill(length)


class Played(NamedTuple):
    """What came out; an HTTP error is written as `error STATUS {…}`."""

    out: bytes
    faults: frozenset[str]
    error: TruelineError | None


def cuts(data: bytes, name: str) -> dict[str, list[bytes]]:
    """The data in one piece, byte by byte, and in random pieces that are the same on every machine."""
    ways = {"whole": [data], "bytes": [data[i : i + 1] for i in range(len(data))]}
    for seed in range(4):
        random = Random(f"{name}-{seed}")
        at = sorted({0, len(data), *(random.randrange(len(data) + 1) for _ in range(1 + len(data) // 40))})
        ways[f"random-{seed}"] = [data[a:b] for a, b in pairwise(at)]
    return ways


def play(golden: Golden, pieces: Sequence[bytes]) -> Played:
    """Take one golden's bytes through the pipeline for its request."""
    if golden.kind == "error":
        error = read_error(golden.status, golden.headers, b"".join(pieces))
        sharpen(error, golden.options.get("options", ()))
        return Played(shown(error), frozenset(error.faults), error)
    pipe = _pipeline(golden)
    out = pump(pipe, pieces, UpstreamCutError("The connection was reset.") if golden.cut else None)
    if isinstance(pipe, WholeImages) and pipe.missing:
        for url in pipe.missing:
            pipe.supply(url, PNG)
        out += pipe.finish()
    return Played(out + (shown(pipe.error) if pipe.error else b""), frozenset(pipe.faults), pipe.error)


def pump(pipe: Pipeline, pieces: Iterable[bytes], cut: TruelineError | None = None) -> bytes:
    """Everything that a pipeline gives for these pieces and the end after them."""
    return b"".join([*(pipe.feed(piece) for piece in pieces), pipe.close(cut)])


def _pipeline(golden: Golden) -> Pipeline:
    if golden.kind == "models":
        return Models()
    body = json.dumps(golden.request).encode()
    route, mint, options = Route("up"), CountingMint(), msgspec.convert(golden.options, FormatOptions)
    if "image" in golden.kind:
        return image_pipeline(read_image_request(body), route, mint, options)
    return chat_pipeline(read_chat_request(body), route, mint, options)


def shown(error: TruelineError) -> bytes:
    """An error as the goldens write it."""
    inner = json.dumps(error.body()["error"], ensure_ascii=False, separators=(",", ":"))
    return f"error {error.status} {inner}".encode()
