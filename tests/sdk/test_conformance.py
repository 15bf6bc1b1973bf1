"""scripts/conformance from pytest, for those who ask for it: it gets openai-python from a package index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MINUTES = 10


@pytest.mark.skipif("TRUELINE_TEST_CONFORMANCE" not in os.environ, reason="TRUELINE_TEST_CONFORMANCE=1 runs it")
@pytest.mark.timeout(MINUTES * 60)
def test_conformance(shared: Path) -> None:
    done = subprocess.run([ROOT / "scripts/conformance"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
