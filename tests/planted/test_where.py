"""Where a fault is met is what its row says."""

from __future__ import annotations

from planted.exchange import asks_for, read_reply, shown
from planted.expected import NO_CASE
from trueline.faults import FAULTS
from trueline.sim import PLANTERS


def test_no_fault_is_noted_where_its_row_does_not_say() -> None:
    wrong = set()
    for planted in PLANTERS.keys() - NO_CASE.keys():
        for ask in asks_for(planted):
            place = "stream" if ask.stream and ask.endpoint == "chat" else ask.endpoint
            for _, reply in shown(ask, planted):
                noted = read_reply(ask, reply).faults
                wrong |= {(fault, place) for fault in noted if not {place, "errors"} & {*FAULTS[fault].where}}

    assert sorted(wrong) == []
