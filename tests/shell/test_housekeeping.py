"""Memory is given back when a burst is over, and not before."""

from __future__ import annotations

import pytest

from trueline.shell import housekeeping
from trueline.shell.housekeeping import WORTH, Housekeeper

LOOKS: list[tuple[list[tuple[int, int]], int]] = [
    ([(0, 0), (0, 0)], 0),
    ([(100, WORTH), (60, WORTH)], 0),  # still under load
    ([(100, WORTH), (50, WORTH)], 1),
    ([(100, WORTH - 1), (0, WORTH - 1)], 0),  # not worth it
    ([(0, WORTH)], 1),  # a request of many megabytes, come and gone between two looks
    ([(100, WORTH), (0, WORTH), (0, WORTH)], 1),  # what could not be given back is not asked for again
    ([(100, WORTH), (50, WORTH), (25, 2 * WORTH)], 2),
]
"""Running exchanges and bytes more than at the start, at each look; how often memory was given back."""


@pytest.mark.parametrize(("looks", "times"), LOOKS)
def test_when_memory_is_given_back(looks: list[tuple[int, int]], times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = 0
    monkeypatch.setattr(housekeeping, "resident", lambda: memory)
    running: set[int] = set()
    keeper = Housekeeper(running)

    for number, more in looks:
        running.clear()
        running.update(range(number))
        memory = more
        keeper.look()

    assert keeper.given_back == times
