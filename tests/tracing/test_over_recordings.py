"""Over recorded replies of real servers: the trace is the pipeline's work, and its screen fits."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tracing.test_trace import Fixed
from trueline.cli.explain_screen import screen
from trueline.recorded import look
from trueline.trace import trace

pytestmark = pytest.mark.no_cover  # what it runs over and over is covered elsewhere

EACH = 3
"""Of so many recordings one is taken: other tests play all of them."""


@pytest.fixture(scope="session")
def bodies(shared: Path) -> list[bytes]:
    path = shared / "corpus" / "chat.jsonl.gz"
    if not path.is_file():
        pytest.skip("needs the recordings of ../shared/corpus/chat.jsonl.gz")
    with gzip.open(path, "rt") as lines:
        records = [json.loads(line)["response"].get("body") for line in lines]
    return [body.encode("utf-8", "surrogatepass") for body in records[::EACH] if isinstance(body, str)]


def test_a_trace_changes_nothing(bodies: list[bytes]) -> None:
    for body in bodies:
        found, pipe = trace(body, Fixed()), look(body).pipeline(Fixed())
        out = pipe.feed(body) + pipe.close()

        assert b"".join(step.came for step in found.steps) == body
        assert (b"".join(step.left for step in found.steps), found.faults) == (out, pipe.faults)


@pytest.mark.parametrize("columns", [80, 120])
def test_every_screen_fits(columns: int, bodies: list[bytes]) -> None:
    for body in bodies:
        shown = screen(trace(body, Fixed()), "reply", columns, colour=False, all_rules=True)

        assert max(map(len, shown.splitlines())) <= columns
