"""The cores of a run: what measures is not where what is measured is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASIDE = """
import os
from bench.processes import cores, step_aside
before = cores()
step_aside()
assert cores() == before
assert os.sched_getaffinity(0) == before[0]
print(len(before[0] & before[1]))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core, for everybody")
def test_what_measures_steps_aside() -> None:
    done = subprocess.run([sys.executable, "-c", ASIDE], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("0", "")
