"""No fault without a golden."""

from __future__ import annotations

import pytest

from golden.notation import goldens
from trueline.errors import UpstreamReplyTooLargeError
from trueline.faults import FAULTS
from trueline.wire.sse import SSEReader

PLAYED = {"chat", "stream", "images", "models", "errors", "http"}
"""Where goldens play; embeddings and completions have tests of their own."""

# Faults that a golden cannot show by itself.
WITHOUT_GOLDEN = {
    "content-encoding-kept": "of the transfer, not of a reply: tests/shell/upstream",
    "huge-line": "takes more bytes than a golden should have: test_huge_line below",
}


def test_every_fault_has_a_golden() -> None:
    shown = {golden.fault for golden in goldens()}
    wanted = {fault.id for fault in FAULTS.values() if PLAYED.intersection(fault.where)}

    assert sorted(shown - FAULTS.keys()) == []
    assert sorted(wanted - shown - WITHOUT_GOLDEN.keys()) == []
    assert sorted(shown & WITHOUT_GOLDEN.keys()) == []


def test_huge_line() -> None:
    reader = SSEReader(lambda fault: None, max_event=100)

    assert reader.feed(b"data: " + b"x" * 90) == []
    with pytest.raises(UpstreamReplyTooLargeError) as caught:
        reader.feed(b"x" * 90)
    assert caught.value.faults == ("huge-line",)
