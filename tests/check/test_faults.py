"""Every fault that the model server commits is reported by its name, as far as it can be seen from outside."""

from __future__ import annotations

import pytest

from check.kit import examine, names, probes_for
from trueline.judge import SHOWS_AS, UNSEEN
from trueline.sim import PLANTERS, SimOptions, SimServer

UNSEEN_HERE = {
    "buffered-stream": "at full speed there is no time to hold it back; `--rate 8` shows it, in five seconds",
    "utf8-split": UNSEEN["utf8-split"],
    "json-split-read": UNSEEN["json-split-read"],
}
"""Faults that no probe can see, and why."""

SHOWN_AS = {name: SHOWS_AS[name] for name in ("object-literal-type", "usage-only-chunk-dropped", "err-mid-lost")}
"""Faults that look like another one to whoever stands outside; that one is reported."""

HTTP = {"headers-lost"}
"""Facts about the server: reported once, by the probes of HTTP."""


@pytest.mark.parametrize("fault", [name for name in PLANTERS if name not in UNSEEN_HERE])
async def test_it_is_reported_by_name(fault: str) -> None:
    probes = ("http",) if fault in HTTP else probes_for(fault)
    async with SimServer(SimOptions(faults=(fault,))) as sim:
        found = names(await examine(sim.url, *probes))

    assert SHOWN_AS.get(fault, (fault, ""))[0] in found


@pytest.mark.parametrize("fault", UNSEEN_HERE)
async def test_what_cannot_be_seen_is_no_false_alarm(fault: str) -> None:
    async with SimServer(SimOptions(faults=(fault,))) as sim:
        found = names(await examine(sim.url, "stream", "completions"))

    assert found == {}
