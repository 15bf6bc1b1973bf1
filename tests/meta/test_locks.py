"""The lock files hold what pyproject.toml asks for, with hashes, the same in all of them."""

from __future__ import annotations

import re
import tomllib

from meta.source import ROOT

LOCKS = ("requirements.lock", "requirements-compile.lock", "requirements-dev.lock")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


def normalised(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_each_lock_is_part_of_the_next() -> None:
    runtime, compiler, dev = (pins(name).items() for name in LOCKS)

    assert runtime <= compiler <= dev


def test_each_requirement_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = {normalised(each) for each in project["project"]["dependencies"]}
    groups = project["dependency-groups"]
    compiler, dev = (
        {normalised(each) for each in groups[name] if isinstance(each, str)} for name in ("compile", "dev")
    )

    assert runtime <= pins("requirements.lock").keys()
    assert compiler <= pins("requirements-compile.lock").keys()
    assert dev <= pins("requirements-dev.lock").keys()


def test_each_pin_has_a_hash() -> None:
    for name in LOCKS:
        blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text())
        pinned = [block for block in blocks if PIN.match(block)]

        assert len(pinned) == len(pins(name)) > 0
        assert [block for block in pinned if "--hash=sha256:" not in block] == []
