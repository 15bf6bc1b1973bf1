"""Every fault that the simulator can commit and a reply can show is found by its name; a clean reply is clean."""

from __future__ import annotations

from typing import Any

import pytest

from judge.kit import judged, keys
from meta.source import imports, modules
from trueline.faults import FAULTS
from trueline.judge import SHOWS_AS, UNSEEN
from trueline.judge.rows import ROWS
from trueline.sim import NOT_PLANTABLE, PLANTERS, example_request, render_json

VARIANTS = range(9)

# A form of a fault that is another fault as well, and is called by that one's name: (fault, form) -> name.
CALLED: dict[tuple[str, int], str] = {
    ("finish-null-nonstream", 1): "finish-empty-string",
    ("finish-null-nonstream", 3): "finish-empty-string",
    ("object-wrong-nonstream", 2): "object-missing",
    ("tool-id-duplicate", 2): "tool-id-format",  # ids that are made of the names differ where the names do
    ("tool-index-bad", 2): "tool-index-missing",  # null
    ("data-after-done", 2): "done-duplicated",
}
FORMS = {
    "finish-null-nonstream": 6,
    "object-wrong-nonstream": 3,
    "tool-id-duplicate": 3,
    "tool-index-bad": 5,
    "data-after-done": 3,
}
"""How many forms these have."""


def expected(fault: str, variant: int) -> str:
    form = variant % FORMS.get(fault, 1)
    return CALLED.get((fault, form), SHOWS_AS[fault][0] if fault in SHOWS_AS else fault)


def examples() -> list[tuple[str, str]]:
    """(fault, mode): whole and streamed, where the fault's endpoint has both."""
    return [
        (fault, mode)
        for fault in PLANTERS
        for mode in ("whole", "stream")
        if mode == "whole" or (example_request(fault, True)[1] or {}).get("stream")
    ]


def rendered(fault: str, mode: str, *faults: str, variant: int = 0) -> tuple[str, Any, Any]:
    path, request = example_request(fault, mode == "stream")
    reply = render_json(path, None if request is None else dict(request), faults, variant=variant)
    return path, request, reply


@pytest.mark.parametrize(("fault", "mode"), examples())
def test_a_planted_fault_is_named(fault: str, mode: str) -> None:
    path, request, clean = rendered(fault, mode)
    assert judged(path, request, clean) == []

    for variant in VARIANTS:
        _, _, planted = rendered(fault, mode, fault, variant=variant)
        if (planted.status, planted.body, planted.headers) == (clean.status, clean.body, clean.headers):
            continue  # this mode does not show it
        found = judged(path, request, planted)
        if fault in UNSEEN:
            assert found == [], variant
        else:
            assert expected(fault, variant) in keys(found), variant


@pytest.mark.parametrize("fault", sorted(set(PLANTERS) - UNSEEN.keys()))
def test_it_shows_in_at_least_one_mode(fault: str) -> None:
    changed = [
        rendered(fault, mode, fault)[2].body != rendered(fault, mode)[2].body
        or rendered(fault, mode, fault)[2].headers != rendered(fault, mode)[2].headers
        for one, mode in examples()
        if one == fault
    ]

    assert any(changed)


# A fault seldom comes alone: what it drags along is named too.  More than this is a judge that babbles.
MOST = 4


@pytest.mark.parametrize(("fault", "mode"), examples())
def test_a_single_fault_gives_few_findings(fault: str, mode: str) -> None:
    path, request, planted = rendered(fault, mode, fault)

    assert len(judged(path, request, planted)) <= MOST


def test_every_fault_is_judged_or_says_why_not() -> None:
    named = {row.key for row in ROWS.values() if row.named}
    known = set(FAULTS) | set(PLANTERS) | set(NOT_PLANTABLE)

    assert sorted(known - named - UNSEEN.keys() - SHOWS_AS.keys()) == []
    assert sorted((named | UNSEEN.keys() | SHOWS_AS.keys()) - known) == []
    assert sorted(key for key, (other, _) in SHOWS_AS.items() if other not in ROWS) == []
    assert sorted(named & UNSEEN.keys()) == sorted(named & SHOWS_AS.keys()) == []


def test_findings_carry_the_id_of_the_table_of_faults() -> None:
    path, request, planted = rendered("role-repeated", "stream", "role-repeated")
    finding = judged(path, request, planted)[0]

    assert finding.fault == finding.key == "role-repeated" in FAULTS


def test_who_may_use_the_judge() -> None:
    users = {
        name.split(".")[1]
        for name in modules()
        for _, target in imports(name)
        if target.startswith("trueline.judge") and name.count(".")
    }

    assert users <= {"judge", "cli", "check"}
