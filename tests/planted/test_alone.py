"""Each fault by itself, in every form, endpoint and mode: what leaves is what a clean server would have said.

Where it cannot be, `expected.py` says what it is instead, and why.
"""

from __future__ import annotations

import re

import pytest

from planted.conftest import Judge
from planted.exchange import Ask, asks_for, clean, read_reply, shown
from planted.expected import CHANGED, NO_CASE, NOT_SEEN, NOTED_AS, REFUSED, STILL_BROKEN
from planted.verdict import complaints, differences, noted
from trueline.faults import FAULTS
from trueline.sim import PLANTERS, SimReply

PLANTED = sorted(set(PLANTERS) - set(NO_CASE))


def cases(fault: str) -> list[tuple[Ask, int, SimReply]]:
    return [(ask, variant, reply) for ask in asks_for(fault) for variant, reply in shown(ask, fault)]


@pytest.mark.parametrize("fault", PLANTED)
def test_alone(fault: str, judge: Judge) -> None:
    wrong, refusals, changed, broken = [], set(), set(), set()
    for ask, variant, reply in cases(fault):
        wanted, heard = read_reply(ask, clean(ask, fault)), read_reply(ask, reply)
        assert wanted.faults == {}
        found = complaints((fault,), wanted, heard)
        if wanted.status == 200 and heard.refusal is not None:
            refusals.add(heard.refusal)
        else:
            changed.update(differences(wanted.facts, heard.facts))
            broken.update(judge(ask, heard))
        if not noted(fault, variant, heard):
            found.append(f"noted only {list(heard.faults)}")
        wrong += [f"{ask.endpoint} {'stream' if ask.stream else 'whole'}, form {variant}: {text}" for text in found]

    assert wrong == []
    assert refusals == REFUSED.get(fault, set())
    assert sorted(rule for rule in broken if not re.match(STILL_BROKEN.get(fault, "$"), rule)) == []
    assert sorted(set(CHANGED.get(fault, ())) - changed) == [], "an exemption that is not needed"


def test_no_fault_is_without_a_case() -> None:
    """Of every fault in the table something is planted here, or it is said why not."""
    assert [fault for fault in FAULTS if fault not in PLANTERS and fault not in NO_CASE] == []
    assert [fault for fault in PLANTED if not cases(fault)] == []


@pytest.mark.parametrize("table", [CHANGED, REFUSED, NOTED_AS, NOT_SEEN, NO_CASE, STILL_BROKEN])
def test_the_exemptions_are_of_known_faults(table: dict[str, object]) -> None:
    assert sorted({key.partition("/")[0] for key in table} - FAULTS.keys() - PLANTERS.keys()) == []
