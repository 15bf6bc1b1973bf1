"""Any two faults together: what leaves is what a clean server would have said, or the documented refusal of one.

Where two faults make a third thing of it, they are not planted together: `compatible.py` says which and why.  Those
that are have no influence on each other, so the tables for each one alone hold for both.
"""

from __future__ import annotations

import random
import re

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planted.compatible import INCOMPATIBLE, PAIRS
from planted.conftest import Judge
from planted.exchange import asks_for, clean, planted, read_reply
from planted.expected import STILL_BROKEN
from planted.verdict import complaints
from trueline.sim import PLANTERS

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

EXAMPLES = max(600, hypothesis.settings().max_examples)  # more of them with --hypothesis-profile=explore


@given(pair=st.sampled_from(PAIRS), choice=st.integers(0, 3), variant=st.integers(0, 11), seed=st.integers(0, 9))
@hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
def test_pairs(pair: tuple[str, str], choice: int, variant: int, seed: int, judge: Judge) -> None:
    asks = asks_for(*pair)
    ask = asks[choice % len(asks)]
    reply = planted(ask, *pair, variant=variant)
    hypothesis.assume({*pair} <= {*reply.faults})  # in this mode both of them show

    wanted, heard = read_reply(ask, clean(ask)), read_reply(ask, reply, dice=random.Random(seed))

    assert complaints(pair, wanted, heard) == []
    if heard.refusal is None or heard.status >= 400:
        allowed = "|".join(STILL_BROKEN.get(fault, "$") for fault in pair)
        assert [rule for rule in judge(ask, heard) if not re.match(allowed, rule)] == []


@given(
    faults=st.lists(st.sampled_from(sorted(PLANTERS)), min_size=2, max_size=6, unique=True),
    stream=st.booleans(),
    variant=st.integers(0, 11),
    seed=st.integers(0, 9),
)
@hypothesis.settings(max_examples=EXAMPLES // 2, suppress_health_check=list(hypothesis.HealthCheck))
def test_any_faults_together_are_borne(faults: list[str], stream: bool, variant: int, seed: int, judge: Judge) -> None:
    """No exception, and bytes or an OpenAI error, whatever a server does at once."""
    asks = [ask for ask in asks_for(*faults) if ask.stream is stream] or asks_for(faults[0])
    reply = planted(asks[0], *faults, variant=variant)

    heard = read_reply(asks[0], reply, dice=random.Random(seed))

    if heard.status >= 400:
        assert judge(asks[0], heard) in ([], ["models-endpoint-404"], ["usage-flag-rejected"])


def test_most_pairs_are_compatible() -> None:
    assert len(PAIRS) > 15_000


def test_every_rule_is_about_some_pair() -> None:
    faults = sorted(PLANTERS)
    idle = [rule.why for rule in INCOMPATIBLE if not (any(map(rule.one, faults)) and any(map(rule.other, faults)))]

    assert idle == []
