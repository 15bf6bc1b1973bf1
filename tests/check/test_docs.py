"""The report in docs/check.md is a real one."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from check.kit import card_of, examine
from trueline.check import terminal
from trueline.sim import SimOptions, SimServer

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "check.md"
BLOCK = re.compile(r"(?<=```text\n).*?(?=```)", re.DOTALL)
FAULTS = ("role-repeated", "usage-total-mismatch", "sse-comment")


async def test_the_report_on_the_page() -> None:
    async with SimServer(SimOptions(faults=FAULTS, seed=1)) as sim:
        results = await examine(sim.url, at_once=1)
    card = replace(card_of(results, "http://127.0.0.1:8000/v1"), when="2026-01-31", requests=117, tokens=9_876)
    report = terminal(card, 80, lambda text, style: text).partition("\nRemarks")[0].partition("\n117 requests")[0]
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(BLOCK.sub(lambda _: report.rstrip() + "\n", page, count=1), encoding="utf-8")

    shown = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    assert shown[0].rstrip() == report.rstrip()
