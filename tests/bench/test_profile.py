"""`scripts/bench profile` runs, and its shares are shares."""

from __future__ import annotations

import re

import pytest

from bench import profile


def test_the_profile(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(profile, "ROUNDS", 1)
    assert profile.main() == 0

    out = capsys.readouterr().out
    titles = re.findall(r"^(\S.*): [\d.]+ µs$", out, re.M)
    assert len(titles) == 6 and titles[0] == "A whole reply, exact"
    for part in out.split(" µs\n")[1:]:
        shares = [int(share) for share in re.findall(r"^ +(\d+)%", part, re.M)]
        assert 90 <= sum(shares) <= 104, part
    assert {"server (shell/native)", "engine (pipeline, dialects, repairs)"} <= set(re.findall(r"%  (.*)", out))
