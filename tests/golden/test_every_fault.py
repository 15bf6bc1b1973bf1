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
    "headers-lost": "of the transfer: tests/proxy/test_headers.py",
    "ctype-missing": "of the transfer: tests/engine/test_transfer.py",
    "ctype-charset": "of the transfer: tests/engine/test_transfer.py",
    "utf8-split": "how bytes arrive: every golden is played byte by byte",
    "json-split-read": "how bytes arrive: every golden is played byte by byte",
    "buffered-stream": "how bytes arrive: nothing in them shows it",
    "reasoning-dropped": "nothing in the bytes shows it",
    "usage-flag-rejected": "of the request",
    "tool-id-format": "of the request that repeats the call",
    "img-extra-format": "of the request",
    "img-response-format-rejected": "of the request",
    "models-endpoint-404": "of the server's paths: tests/proxy/test_routes.py",
    "huge-line": "takes more bytes than a golden should have: test_huge_line below",
}


def test_every_fault_has_a_golden() -> None:
    shown = {golden.fault for golden in goldens()}
    wanted = {fault.id for fault in FAULTS.values() if PLAYED.intersection(fault.where) and not fault.same_as}

    assert sorted(shown - FAULTS.keys()) == []
    assert sorted(wanted - shown - WITHOUT_GOLDEN.keys()) == []
    assert sorted(shown & WITHOUT_GOLDEN.keys()) == []


def test_huge_line() -> None:
    reader = SSEReader(lambda fault: None, max_event=100)

    assert reader.feed(b"data: " + b"x" * 90) == []
    with pytest.raises(UpstreamReplyTooLargeError) as caught:
        reader.feed(b"x" * 90)
    assert caught.value.faults == ("huge-line",)
