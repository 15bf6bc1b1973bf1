"""Each fault by itself: one small reply that is mended, and a near miss that is left alone."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from golden.notation import Golden, goldens
from golden.play import Played, cuts, play
from trueline.faults import LEFT_ALONE

GOLDENS = list(goldens())


def is_final(golden: Golden) -> bool:
    """Whether what comes out is a reply that OpenAI could have sent: no error, and nothing that an option asks for."""
    return (
        golden.final and not golden.mends.wanted.startswith(b"error ") and b'data: {"error"' not in golden.mends.wanted
    )


EACH = pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)

SCHEMAS = (
    ("CreateChatCompletionResponse", "wire"),
    ("CreateChatCompletionStreamResponse", "wire"),
    ("ImagesResponse", "wire"),
    ("ErrorResponse", "closed"),
)


@EACH
def test_mends(golden: Golden) -> None:
    for way, pieces in cuts(golden.mends.sent, golden.name).items():
        played = play(golden, pieces)

        assert played.out.decode() == golden.mends.wanted.decode(), way
        assert played.faults == golden.mends.faults, way


@EACH
def test_leaves_alone(golden: Golden) -> None:
    for way, pieces in cuts(golden.leaves.sent, golden.name).items():
        played = play(golden, pieces)

        assert played.out.decode() == golden.leaves.wanted.decode(), way
        assert golden.fault not in played.faults, way
        assert played.faults == golden.leaves.faults, way


@pytest.mark.parametrize("golden", [g for g in GOLDENS if is_final(g)], ids=lambda golden: golden.name)
def test_what_comes_out_passes_unchanged(golden: Golden) -> None:
    mended = play(golden, [golden.mends.sent])

    again = play(golden, [mended.out])

    assert again.out.decode() == mended.out.decode()
    assert again.faults <= LEFT_ALONE


@EACH
def test_what_comes_out_is_well_formed(golden: Golden, oracle: ModuleType) -> None:
    for side in (golden.mends, golden.leaves):
        played = play(golden, [side.sent])

        broken = [problem for problem in problems(oracle, golden, played) if problem[0] == "must"]
        # What a server did not make nobody can give.
        assert [p for p in broken if not ("n-ignored" in played.faults and p[1] in ("C4", "N1"))] == []


# -- the judge --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def oracle(shared: Path) -> ModuleType:
    """The executable rules of OpenAI's format; fields beyond the schema are allowed, as `extras: keep` does."""
    spec = importlib.util.spec_from_file_location("oracle", shared / "spec" / "oracle.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.schema.__defaults__ = ("wire",)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its schema files to the collector
        for name, flavour in SCHEMAS:
            module._validator(name, flavour)
    return module


def problems(oracle: ModuleType, golden: Golden, played: Played) -> list[tuple[str, str, str]]:
    """What the oracle has against a reply; an error event in a stream is what the golden says, so it is no problem."""
    if played.error is not None:
        return list(oracle.error_body(played.error.status, played.error.body()))
    if golden.kind == "stream":
        failed = b'data: {"error"' in played.out
        found = oracle.chat_stream(golden.request, played.out, "text/event-stream; charset=utf-8")
        return [p for p in found if not (failed and (p[1] in ("X1", "C8") or "never finished" in p[2]))]
    if golden.kind == "whole":
        return list(oracle.chat_json(golden.request, json.loads(played.out), "application/json"))
    if golden.kind == "images":
        return list(oracle.images_json(golden.request, json.loads(played.out)))
    return []
