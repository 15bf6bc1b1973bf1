"""`trueline check`: probes any OpenAI-compatible endpoint, or judges recordings, and makes a report card of it.

probes/    what is asked, as tables              ask.py       sends it, and masks the key
runner.py  how fast, how much, in which order    refusals.py  unsupported, or wrong, or not to be asked
judging.py judge + engine + checks as one list   checks.py    what only a probe can know
mend.py    the reply through Trueline's engine   offline.py   recordings in the place of a server
card.py    the report card as data, graded by grade.py, with evidence from excerpts.py and clients.py
report/    the card for a terminal, for machines, for CI, and as a page
"""

from __future__ import annotations

from .ask import Asker, ModelNames
from .card import Card, Entry, Group, make_card
from .model import Exchange, Issue, Level, Probe, Result, Verdict
from .offline import judge_files
from .probes import GROUPS, PROBES, chosen
from .report.machine import as_json, as_junit, counts_as_failure
from .report.page import as_html
from .report.terminal import terminal
from .runner import Estimate, NoModelError, Options, Runner, UnreachableError, estimate

__all__ = [
    "GROUPS",
    "PROBES",
    "Asker",
    "Card",
    "Entry",
    "Estimate",
    "Exchange",
    "Group",
    "Issue",
    "Level",
    "ModelNames",
    "NoModelError",
    "Options",
    "Probe",
    "Result",
    "Runner",
    "UnreachableError",
    "Verdict",
    "as_html",
    "as_json",
    "as_junit",
    "chosen",
    "counts_as_failure",
    "estimate",
    "judge_files",
    "make_card",
    "terminal",
]
