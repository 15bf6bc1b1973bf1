"""`scripts/bench profile` runs, and its shares are shares."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from meta.source import ROOT

CODE = "import sys; from bench import profile; profile.ROUNDS = 1; sys.exit(profile.main())"


def test_the_profile() -> None:
    """In a process of its own: it collects garbage, and must find none but its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

    out = done.stdout
    titles = re.findall(r"^(\S.*): [\d.]+ µs$", out, re.M)
    assert len(titles) == 6 and titles[0] == "A whole reply, exact"
    for part in out.split(" µs\n")[1:]:
        shares = [int(share) for share in re.findall(r"^ +(\d+)%", part, re.M)]
        assert 90 <= sum(shares) <= 104, part
    assert {"server (shell/native)", "engine (pipeline, dialects, repairs)"} <= set(re.findall(r"%  (.*)", out))
