"""Mistakes written from the rules of the wire, one at a time: all are caught."""

from __future__ import annotations

import pytest

from check.finer_others import FINER_OTHERS
from check.finer_streams import FINER_STREAMS
from check.kit import examine, names
from check.mistaken import mistaken
from check.mistakes import MISTAKES

ALL = {**MISTAKES, **FINER_STREAMS, **FINER_OTHERS}


@pytest.mark.parametrize("name", ALL)
async def test_it_is_caught(name: str) -> None:
    mistake = ALL[name]
    async with mistaken(mistake) as url:
        found = names(await examine(url, *mistake.probes))

    assert set(mistake.says.split()) & set(found), found


async def test_without_a_mistake_nothing_is_found() -> None:
    async with mistaken(None) as url:
        found = names(await examine(url))

    assert found == {}


def test_the_mistakes_are_many_and_of_all_kinds() -> None:
    assert len(ALL) == len(MISTAKES) + len(FINER_STREAMS) + len(FINER_OTHERS)
    assert len(ALL) >= 180
    assert {mistake.rule for mistake in ALL.values()} >= set(
        [
            "F1",
            "F2",
            "F3",
            "F4",
            "C1",
            "C2",
            "C3",
            "C4",
            "C5",
            "C6",
            "C7",
            "C8",
            "C9",
            "C12",
            "O1",
            "O2",
            "N1",
            "N2",
            "N3",
            "N4",
            "I1",
            "U1",
            "R1",
            "X",
            "H1",
            "H2",
            "H3",
            "G1",
            "M1",
            "M2",
            "M",
            "L1",
        ]
    )
