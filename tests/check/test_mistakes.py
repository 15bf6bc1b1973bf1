"""Mistakes written from the rules of the wire, one at a time: all are caught."""

from __future__ import annotations

import pytest

from check.kit import examine, names
from check.mistaken import mistaken
from check.mistakes import MISTAKES


@pytest.mark.parametrize("name", MISTAKES)
async def test_it_is_caught(name: str) -> None:
    mistake = MISTAKES[name]
    async with mistaken(mistake) as url:
        found = names(await examine(url, *mistake.probes))

    assert set(mistake.says.split()) & set(found), found


async def test_without_a_mistake_nothing_is_found() -> None:
    async with mistaken(None) as url:
        found = names(await examine(url))

    assert found == {}


def test_the_mistakes_are_many_and_of_all_kinds() -> None:
    assert len(MISTAKES) >= 60
    assert {mistake.rule[0] for mistake in MISTAKES.values()} >= set("FCONIURHXGML")
