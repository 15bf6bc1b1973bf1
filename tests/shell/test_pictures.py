"""Who may be asked whether a picture is there: the upstream itself, and other hosts of its provider."""

from __future__ import annotations

import pytest

from proxy.running import settings, upstream
from trueline.shell.pictures import is_its_own
from trueline.shell.routes import Routes
from trueline.shell.upstream import Target

ROWS = [
    ("bfl", "https://api.bfl.ai/v1", "https://api.bfl.ai", True),
    ("bfl", "https://api.bfl.ai/v1", "https://api.us1.bfl.ai", True),
    ("bfl", "https://api.eu.bfl.ai/v1", "https://api.bfl.ai", True),
    ("bfl", "https://api.bfl.ai/v1", "http://api.us1.bfl.ai", False),
    ("bfl", "https://api.bfl.ai/v1", "https://api.us1.bfl.ai:8443", False),
    ("bfl", "https://api.bfl.ai/v1", "https://bfl.ai.evil.test", False),
    ("bfl", "https://api.bfl.ai/v1", "https://evilbfl.ai", False),
    ("bfl", "https://mirror.test/v1", "https://api.bfl.ai", False),
    ("bfl", "https://mirror.test/v1", "https://mirror.test", True),
    ("bfl", "https://mirror.test/v1", "https://other.test", False),
    ("bfl", "http://127.0.0.1:9700/v1", "http://127.0.0.1:9700", True),
    ("bfl", "http://127.0.0.1:9700/v1", "http://127.0.0.1:9701", False),
    ("fal", "https://queue.fal.run", "https://fal.run", True),
    ("fal", "https://queue.fal.run", "https://api.bfl.ai", False),
    ("fal", "https://queue.fal.run", "http://169.254.169.254", False),
]


@pytest.mark.parametrize(("dialect", "url", "other", "may"), ROWS)
def test_whose_host_it_is(dialect: str, url: str, other: str, may: bool) -> None:
    backend = Routes(settings(upstream(url, dialect=dialect))).backends["up"]
    assert is_its_own(Target.parse(other), backend) is may
