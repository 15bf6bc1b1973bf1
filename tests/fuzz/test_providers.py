"""No reader of a provider's own API raises, whatever JSON comes."""

from __future__ import annotations

import json
import random

import pytest

from fuzz.campaign import run
from fuzz.cases import Case
from fuzz.providers import anything, of_providers
from fuzz.target import problems
from meta.source import ROOT
from trueline.dialects.provider import DIALECTS

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

RANDOM = 80
MUTANTS = 1200


@pytest.mark.parametrize("name", DIALECTS)
def test_json_of_a_dialects_own_words(name: str) -> None:
    dice = random.Random(name)
    for _ in range(RANDOM):
        payloads = [anything(name, dice) for _ in range(dice.randrange(1, 5))]
        body = b"\n".join(json.dumps(payload).encode() for payload in payloads)
        assert problems(Case("native", body, {"dialect": name}), set()) == [], body


def test_spoilt_payloads() -> None:
    seeds = list(of_providers(ROOT.parent / "shared" / "corpus"))
    tally = run(seeds, 0, lambda done: done < MUTANTS)

    assert [(failure.why, failure.case) for failure in tally.failures] == []
